import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VoltageTrace } from "#cli/cycling/decimate.js";
import { parseCellConstants } from "#twin/cells/constants.js";
import { simulateCellTest } from "#twin/cells/ideal-cycler.js";
import { PAPER_TESTS, type PaperCell, type PaperTest, paperCellTest } from "#twin/cells/paper-tests.js";
import { bdfOf, chunkOf, flat, fullCellRows, read, symmetricRows } from "../analysis/support.js";
import { strictBdf } from "../support/strict-bdf.js";
import { adlayer } from "./support.js";

let dir: string;
const file = (name: string, content: string | Uint8Array): string => {
	const path = join(dir, name);
	writeFileSync(path, content);
	return path;
};
const stable = symmetricRows({ halfCycles: 40, levelV: () => 0.05, restRows: 2 });
const shorted = symmetricRows({ halfCycles: 40, levelV: (half) => (half < 20 ? 0.05 : 0.005), shape: flat });

beforeAll(() => {
	dir = mkdtempSync(join(tmpdir(), "adlayer-cycling-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("adlayer cycling analyse", () => {
	it("tells format, sign, half-cycles, cycles and verdict as JSON", async () => {
		const path = file("shorted.txt", bdfOf(shorted));
		const { code, stdout } = await adlayer(["cycling", "analyse", path, "--area-cm2", "1.13", "--json"]);
		const json = JSON.parse(stdout.trim().split("\n").at(-1)!);
		expect(code).toBe(0);
		expect(json).toMatchObject({
			ok: true,
			format: "bdf",
			rows: shorted.length,
			rowsUsed: shorted.length,
			positiveCurrent: "charge",
			defects: [],
		});
		expect(json.verdict).toMatchObject({ kind: "short", atCycle: 11 });
		expect(json.cycles[0]).toMatchObject({ cycle: 1, coulombicEfficiency: null, energyEfficiency: null });
		expect(json.halfCycles[0]).toMatchObject({ index: 0, direction: "charge", startH: 0 });
		expect(json.normalised.currentMAPerCm2).toBeCloseTo(1 / 1.13, 2);
	});

	it("says to people what it found, and that nothing was reached", async () => {
		const { code, stdout } = await adlayer(["cycling", "analyse", file("stable.csv", bdfOf(stable))]);
		expect(code).toBe(0);
		expect(stdout).toContain("Verdict: no failure in");
		expect(stdout).toContain("not reached");
	});

	it("reads UTF-16 of either order, with its mark or without", async () => {
		const little = Buffer.from(bdfOf(stable), "utf16le");
		const marked = Buffer.concat([Buffer.from([0xff, 0xfe]), little]);
		for (const [n, bytes] of [little, marked, Buffer.from(marked).swap16()].entries()) {
			const { code, stdout } = await adlayer(["cycling", "analyse", file(`wide-${n}.txt`, bytes), "--json"]);
			expect([code, JSON.parse(stdout).rowsUsed]).toEqual([0, stable.length]);
		}
	});

	it.each([
		["without rows", "Test Time / s,Voltage / V,Current / A\n", /no rows/],
		[
			"without a usable row",
			"Test Time / s,Voltage / V,Current / A\n0,x,1\n1,y,1\n",
			/None of the 2 rows.*line 2.*"x"/,
		],
		[
			"of spectra alone",
			"freq/Hz\ttime/s\tEwe/V\tI/mA\n1000\t1\t3\t1\n100\t2\t3\t1\n",
			/All 2 rows are of an impedance spectrum/,
		],
		[
			"with a row a cycle",
			`Test Time / s,Voltage / V,Current / A,Cycle Count / 1\n${Array.from({ length: 12 }, (_, n) => `${n * 7_200},3.2,${n % 2 === 0 ? 1 : -1},${n}`).join("\n")}\n`,
			/a summary.*no two rows have the same cycle number/,
		],
	])("refuses a file %s", async (name, text, message) => {
		const { code, stdout } = await adlayer(["cycling", "analyse", file(`${name}.csv`, text), "--json"]);
		expect([code, JSON.parse(stdout).error.code]).toEqual([5, "CYCLING_FILE_REFUSED"]);
		expect(JSON.parse(stdout).error.message).toMatch(message);
	});

	it("reads gzip whatever its name, and names the place of what is wrong", async () => {
		const path = file("odd.bdf", gzipSync(bdfOf(stable)));
		expect((await adlayer(["cycling", "analyse", path])).code).toBe(0);
		const torn = file("torn.gz", gzipSync(bdfOf(stable)).subarray(0, 4_000));
		const answer = await adlayer(["cycling", "analyse", torn, "--json"]);
		expect([answer.code, JSON.parse(answer.stdout).error.code]).toEqual([5, "CYCLING_FILE_REFUSED"]);
	});

	it.each([
		["nothing.csv", "", 5],
		["garbage.bin", Uint8Array.from({ length: 5_000 }, (_, n) => (n * 7919) & 255), 5],
		["PAR1.parquet", "PAR1 and no more", 5],
		["half.gz", Uint8Array.of(0x1f, 0x8b), 5],
	])("refuses %s", async (name, content, expected) => {
		const { code, stdout } = await adlayer(["cycling", "analyse", file(name, content), "--json"]);
		expect([code, JSON.parse(stdout).ok]).toEqual([expected, false]);
	});

	it("says a missing file and a wrong option by their exit codes", async () => {
		expect((await adlayer(["cycling", "analyse", join(dir, "none")])).code).toBe(2);
		expect((await adlayer(["cycling", "analyse", "x", "--area-cm2", "0"])).code).toBe(2);
	});
});

describe("adlayer cycling compare", () => {
	it("gives a table and plots with units on their axes", async () => {
		const files = [
			file("bare.csv", bdfOf(shorted)),
			file("coated.csv", bdfOf(stable)),
			file(
				"full.csv",
				bdfOf(
					fullCellRows([
						[1e-3, 9e-4],
						[9e-4, 9e-4],
					]),
				),
			),
		];
		const out = join(dir, "plots");
		const { code, stdout, stderr } = await adlayer([
			"cycling",
			"compare",
			...files,
			"--label",
			"bare",
			"--label",
			"Li@200LiAlOx-ex",
			"--out",
			out,
			"--json",
		]);
		expect(code).toBe(0);
		const json = JSON.parse(stdout.trim().split("\n").at(-1)!);
		expect(
			json.samples.map(({ label, verdict }: { label: string; verdict: { kind: string } }) => [label, verdict.kind]),
		).toEqual([
			["bare", "short"],
			["Li@200LiAlOx-ex", "none"],
			["full", "none"],
		]);
		expect(stderr).toContain("median mV");
		expect(readdirSync(out).sort()).toEqual(
			["capacity-cycle", "overpotential-cycle", "voltage-time"].flatMap((name) => [`${name}.png`, `${name}.svg`]),
		);
		for (const name of json.plots.filter((path: string) => path.endsWith(".png")))
			expect(readFileSync(name).subarray(1, 4).toString()).toBe("PNG");
		const svg = readFileSync(join(out, "voltage-time.svg"), "utf8");
		for (const text of ["Time / h", "Voltage / V", "Li@200LiAlOx-ex", "#0072B2"]) expect(svg).toContain(text);
		const capacities = readFileSync(join(out, "capacity-cycle.svg"), "utf8");
		expect(capacities).toContain(">full<");
		for (const symmetric of ["bare", "Li@200LiAlOx-ex"]) expect(capacities).not.toContain(`>${symmetric}<`);
	});

	it("draws the paper's figure 2 from simulated cells, with the failures marked where the cells failed", async () => {
		const constants = parseCellConstants(readFileSync("recipes/twins/cells.twin.yaml", "utf8"), "cells.twin.yaml");
		const hundred = PAPER_TESTS.find(({ id }) => id === "Li-Li 100 cycles 1 mA/cm2")!;
		const cells: [string, PaperTest, PaperCell][] = [
			["Li", PAPER_TESTS[0]!, PAPER_TESTS[0]!.cells[0]!],
			...hundred.cells.map((cell): [string, PaperTest, PaperCell] => [`Li@100${cell.finish}`, hundred, cell]),
		];
		const truths: (number | null)[] = [];
		const files = cells.map(([label, test, cell], n) => {
			const rows: string[] = [];
			const truth = simulateCellTest({
				constants,
				...paperCellTest(test, cell),
				seed: 40 + n,
				sink: (...row) => rows.push(row.join(",")),
			});
			truths.push(truth.events.find(({ kind }) => kind !== "micro-bridged")?.atH ?? null);
			return file(
				`${label}.csv`,
				`Test Time / s,Voltage / V,Current / A,Cycle Count / 1,Step Count / 1\n${rows.join("\n")}\n`,
			);
		});
		const out = join(dir, "figure-2");
		const { stdout } = await adlayer(["cycling", "compare", ...files, "--area-cm2", "1.131", "--out", out, "--json"]);
		const { samples } = JSON.parse(stdout.trim().split("\n").at(-1)!);
		expect(samples.map(({ label }: { label: string }) => label)).toEqual(cells.map(([label]) => label));
		for (const [n, { verdict }] of samples.entries()) {
			const truth = truths[n]!;
			if (truth === null) expect(verdict).toEqual({ kind: "none", atHours: null, atCycle: null });
			else expect(Math.abs(verdict.atHours - truth)).toBeLessThan(0.02 * truth);
		}
		expect(samples.map(({ verdict }: { verdict: { kind: string } }) => verdict.kind)).toEqual([
			"polarisation",
			"polarisation",
			"none",
			"none",
		]);
		for (const name of ["voltage-time.svg", "overpotential-cycle.svg"]) {
			const svg = readFileSync(join(out, name), "utf8");
			expect(svg.match(/>polarisation \d+ h</g)).toHaveLength(name.startsWith("voltage") ? 4 : 2);
			for (const [label] of cells) expect(svg).toContain(`>${label}<`);
		}
		expect(readFileSync(join(out, "voltage-time.svg"), "utf8")).toContain("Voltage / V, cut off beyond");
	});

	it("keeps every extreme of a long trace in a few thousand points", () => {
		const trace = new VoltageTrace();
		const rows = Array.from({ length: 100_000 }, (_, n) => ({
			t: n,
			v: n === 77_777 ? 9 : n === 12_345 ? -9 : Math.sin(n),
			i: 0,
			cycle: 1,
			step: 1,
		}));
		for (let at = 0; at < rows.length; at += 4_096) trace.push(chunkOf(rows.slice(at, at + 4_096)));
		const { points } = trace;
		expect(points.length).toBeLessThanOrEqual(8_000);
		expect(points).toContainEqual({ hours: 77_777 / 3_600, volts: 9 });
		expect(points).toContainEqual({ hours: 12_345 / 3_600, volts: -9 });
	});
});

describe("adlayer cycling export", () => {
	const args = (path: string, format: string, out: string): string[] => [
		"cycling",
		"export",
		path,
		"--format",
		format,
		"--out",
		out,
		"--institution",
		"ICL",
		"--cell",
		"Li-07",
		"--date",
		"2026-11-02",
		"--json",
	];
	const neware = (): string => {
		const rows = stable.map(
			({ t, v, i, cycle, step }, n) =>
				`${n + 1},${cycle},${(step % 2) + 1},${i > 0 ? "CC Chg" : i < 0 ? "CC DChg" : "Rest"},${t},${-i * 1_000},${v},2024-05-01 00:00:00`,
		);
		return `DataPoint,Cycle Index,Step Index,Step Type,Total Time(s),Current(mA),Voltage(V),Date\n${rows.join("\n")}\n`;
	};

	it.each(["bdf-csv", "bdf-gz"])(
		"writes %s that keeps every rule, with positive current turned to charging",
		async (format) => {
			const out = join(dir, format);
			const { code, stdout } = await adlayer(args(file("neware.csv", neware()), format, out));
			expect(code).toBe(0);
			const json = JSON.parse(stdout.trim().split("\n").at(-1)!);
			expect(json.file).toMatch(/ICL__Li-07__20261102_001\.bdf\.(csv|gz)$/);
			const bytes = readFileSync(json.file);
			const lines = (format === "bdf-gz" ? gunzipSync(bytes) : bytes).toString("utf8").trimEnd().split("\n");
			const titles = lines[0]!.split(",");
			expect(titles).toContain("Unix Time / s");
			strictBdf(
				titles,
				lines.slice(1).map((line) => line.split(",").map(Number)),
			);
			expect(read(lines.join("\n")).defects).toEqual([]);
		},
	);

	it("writes Parquet that keeps every rule and is read again with the same result", async () => {
		const out = join(dir, "parquet");
		const source = file("for-parquet.csv", neware());
		const { stdout } = await adlayer(args(source, "bdf-parquet", out));
		const path = JSON.parse(stdout.trim().split("\n").at(-1)!).file as string;
		const bytes = readFileSync(path);
		const objects = await parquetReadObjects({
			file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
		});
		strictBdf(
			Object.keys(objects[0]!),
			objects.map((object) => Object.values(object).map(Number)),
		);
		const verdicts = await Promise.all(
			[source, path].map(async (each) => JSON.parse((await adlayer(["cycling", "analyse", each, "--json"])).stdout)),
		);
		expect(verdicts[1].halfCycles.map(({ overpotentialV }: { overpotentialV: number }) => overpotentialV)).toEqual(
			verdicts[0].halfCycles.map(({ overpotentialV }: { overpotentialV: number }) => overpotentialV),
		);
		expect(verdicts[1]).toMatchObject({ format: "bdf", positiveCurrent: "charge", verdict: verdicts[0].verdict });
	});

	it("takes the descent as the service answers it, and finds the cell in it by id, name or barcode", async () => {
		const own = { number: 1, revision: 1, createdAt: 0, createdBy: "mk", withdrawn: null };
		const answer = {
			simulated: false,
			root: "S-1",
			items: [
				{ ...own, id: "S-1", kind: "sample", barcode: null, name: "Li@200LiAlOx-ex", runs: ["run-9"] },
				{ ...own, id: "C-1", kind: "cell", barcode: "Li-06", working: "S-1", areaCm2: 1.131 },
				{ ...own, id: "C-2", kind: "cell", barcode: "Li-07", working: "S-1", electrolyte: { name: "LiPF6" } },
			],
			runs: ["run-9"],
			links: [
				{ child: "S-1", relation: "runs", parent: "run-9", parentKind: "run" },
				{ child: "C-1", relation: "working", parent: "S-1", parentKind: "sample" },
				{ child: "C-2", relation: "working", parent: "S-1", parentKind: "sample" },
			],
			truncated: false,
		};
		const out = join(dir, "crate-of-answer");
		const descent = file("answer.json", JSON.stringify(answer));
		expect((await adlayer([...args(file("a.csv", neware()), "bdf-csv", out), "--descent", descent])).code).toBe(0);
		const graph = JSON.parse(readFileSync(join(out, "ro-crate-metadata.json"), "utf8"))["@graph"] as Record<
			string,
			unknown
		>[];
		const of = (id: string) => graph.find((entity) => entity["@id"] === id)!;
		expect(of("./").about).toEqual({ "@id": "#C-2" });
		expect(of("#C-2")).toMatchObject({
			isBasedOn: [{ "@id": "#S-1" }],
			additionalProperty: expect.arrayContaining([
				expect.objectContaining({ name: "electrolyte.name", value: "LiPF6" }),
			]),
		});
		expect(of("#S-1")).toMatchObject({ name: "Li@200LiAlOx-ex", isBasedOn: [{ "@id": "#run-9" }] });
		const wrong = file("wrong.json", '{"items": []}');
		expect((await adlayer([...args(file("a.csv", neware()), "bdf-csv", out), "--descent", wrong])).code).toBe(2);
	});

	it("writes RO-Crate metadata with checksums and the cell's descent", async () => {
		const out = join(dir, "crate");
		const descent = file(
			"descent.json",
			JSON.stringify([
				{ id: "foil-3", type: "foil", name: "Lithium foil 3", properties: { thicknessUm: 350 } },
				{ id: "run-9", type: "run", name: "ALD run 9", from: ["foil-3"] },
				{ id: "Li-07", type: "cell", name: "Li-07", from: ["run-9"] },
			]),
		);
		await adlayer([...args(file("again.csv", neware()), "bdf-csv", out), "--descent", descent]);
		const { "@context": context, "@graph": graph } = JSON.parse(
			readFileSync(join(out, "ro-crate-metadata.json"), "utf8"),
		);
		expect(context).toBe("https://w3id.org/ro/crate/1.2/context");
		const entity = (id: string) => graph.find((each: Record<string, unknown>) => each["@id"] === id);
		expect(entity("ro-crate-metadata.json")).toMatchObject({
			conformsTo: { "@id": "https://w3id.org/ro/crate/1.2" },
			about: { "@id": "./" },
		});
		expect(entity("./").hasPart).toEqual([{ "@id": "ICL__Li-07__20261102_001.bdf.csv" }]);
		expect(entity("#Li-07").isBasedOn).toEqual([{ "@id": "#run-9" }]);
		const ids = new Set(graph.map((each: Record<string, unknown>) => each["@id"]));
		const referred = JSON.stringify(graph).matchAll(/\{"@id":"([^"]+)"\}/g);
		for (const [, id] of referred) expect(id!.startsWith("https://w3id.org/ro/") || ids.has(id), id).toBe(true);
	});

	it("numbers a second export of the day and refuses names that BDF has no place for", async () => {
		const path = file("twice.csv", neware());
		const out = join(dir, "twice");
		await adlayer(args(path, "bdf-csv", out));
		await adlayer(args(path, "bdf-csv", out));
		expect(
			readdirSync(out)
				.filter((name) => name.endsWith(".csv"))
				.sort(),
		).toEqual(["ICL__Li-07__20261102_001.bdf.csv", "ICL__Li-07__20261102_002.bdf.csv"]);
		const { code } = await adlayer(args(path, "bdf-csv", out).map((arg) => (arg === "Li-07" ? "Li__07" : arg)));
		expect(code).toBe(2);
	});
});
