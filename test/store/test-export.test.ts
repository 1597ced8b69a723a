/** A battery test carried off from a real database, by the command and over REST. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JournalWriter } from "#journal/writer.js";
import type { CellTestHistory } from "#record/cell-test-history.js";
import type { CellTestRow } from "#record/cell-tests.js";
import type { RecordBody } from "#record/records.js";
import type { Store } from "#store/open.js";
import { world } from "../api/world.js";
import { adlayer } from "../cli/support.js";
import { strictBdf } from "../support/strict-bdf.js";
import { openTestStore, openWriter, removeFolders, temporaryFolder, until } from "./support.js";

const WALL = Date.UTC(2026, 10, 1, 12);
const TEST = "sim1-test-20261101-120000-1";
const PROTOCOL = 'adlayer: protocol/1\nname: "ü"\n';
/** More than one page. Rest, then half-cycles of an hour with a rest of ten rows between. */
const ROWS: CellTestRow[] = Array.from({ length: 9_000 }, (_, n) => {
	const half = Math.floor(n / 100);
	const at = n % 100;
	const sign = at >= 90 || half === 0 ? 0 : half % 2 === 0 ? 1 : -1;
	return {
		// 4 000 is one that the cycler did not give.
		seq: n < 3_999 ? n + 1 : n + 2,
		cycle: 1 + (half >> 1),
		step: 2 * half + (at >= 90 ? 2 : 1),
		stepType: sign === 0 ? "rest" : sign > 0 ? "cc" : "dc",
		stepS: at * 36,
		testS: n * 36,
		wallMs: WALL + n * 36_000,
		voltageV: sign * 0.05 + 1e-9 * n,
		currentA: sign * 0.001131,
		capacityAh: sign === 0 ? 0 : at * 0.00001131,
		energyWh: sign === 0 ? 0 : at * 5.655e-7,
	};
});

describe("a battery test carried off from a real database", () => {
	const folder = temporaryFolder();
	let store: Store;
	let writer: JournalWriter;
	let app: Awaited<ReturnType<typeof world>>["app"];
	let url: string;

	const ordered = (cellTest: string): RecordBody => ({
		kind: "cell-test-ordered",
		cellTest,
		cell: "C-77",
		cycler: "neware",
		channel: "c1",
		protocol: "li-350um-1ma",
		protocolText: PROTOCOL,
		protocolSha256: createHash("sha256").update(PROTOCOL).digest("hex"),
		areaCm2: 1.131,
		activeMassG: null,
		operator: "mk",
		attendedBy: null,
	});
	const became = (cellTest: string, to: "running" | "finished"): RecordBody => ({
		kind: "cell-test-state",
		cellTest,
		from: "queued",
		to,
		cause: to,
		channel: "c1",
		cyclerTest: "27-1-1-143",
	});
	const verdict = { kind: "short", atHours: 7.5, atCycle: 4, halfCycles: 89, throughSeq: 9_001 } as const;
	const served = async (cellTests: CellTestHistory = store.cellTests) =>
		(await world({ history: store.history, descent: store.descent, cellTests, verdictOf: async () => verdict })).app;

	beforeAll(async () => {
		writer = openWriter(join(folder, "journal"));
		store = openTestStore(folder);
		await until(() => store.health().state === "ready", 60_000);
		for (const body of [ordered("earlier"), became("earlier", "running"), became("earlier", "finished")])
			writer.append(body);
		for (const body of [ordered(TEST), became(TEST, "running")]) writer.append(body);
		for (let at = 0; at < ROWS.length; at += 250)
			writer.append({
				kind: "cell-test-rows",
				cellTest: TEST,
				rows: ROWS.slice(at, at + 250),
				currentSign: "charge-positive",
				gaps: at === 3_750 ? [{ fromSeq: 4_000, toSeq: 4_000 }] : [],
			});
		writer.append(became(TEST, "finished"));
		await writer.synced();
		await until(() => store.ingester.position >= writer.lastSeq);
		const half = { startH: 1, endH: 2, capacityAh: 1e-3, energyWh: 5e-5, meanCurrentA: 1e-3, resume: null };
		const volts = { medianV: 0.05, lowV: 0.04, highV: 0.06, peakV: 0.06, endV: 0.05 };
		await store.cellTests.saveHalfCycles(
			TEST,
			[0, 1, 2].map((index) => ({
				...half,
				...volts,
				index,
				direction: index % 2 === 0 ? "charge" : "discharge",
				cycle: 1,
				firstSeq: 1 + index * 100,
			})),
		);
		app = await served();
		url = await app.listen({ port: 0, host: "127.0.0.1" });
		const member = { working: "F-1", counter: "F-1", separator: "Celgard 2400", areaCm2: 1.131, format: "CR2016" };
		for (const [path, body] of [
			["/foil-lots", { id: "Li-2026-03", material: "Li", thicknessUm: 350 }],
			["/foils", { id: "F-1", lot: "Li-2026-03" }],
			["/cells", { id: "C5", barcode: "C-77", ...member, electrolyte: { name: "LiPF6" } }],
			["/tests", { id: TEST, cell: "C5", protocol: "li-350um-1ma" }],
		] as const) {
			const reply = await app.inject({ method: "POST", url: `/api/v1${path}`, payload: { by: "mk", ...body } });
			expect(reply.statusCode, reply.body).toBe(201);
		}
	});
	afterAll(async () => {
		await app?.close();
		await store?.close();
		await writer?.close();
		removeFolders(folder, store?.embedded?.dataFolder);
	});

	const carry = (format: string, name: string, ...more: string[]) =>
		adlayer(["export", TEST, "--format", format, "--out", join(folder, name), "--url", url, "--json", ...more]);
	const text = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");
	const table = (content: string): [string[], number[][]] => {
		const [head, ...lines] = content.trimEnd().split("\n");
		return [head!.split(","), lines.map((line) => line.split(",").map(Number))];
	};
	const parquet = async (...path: string[]) => {
		const bytes = readFileSync(join(folder, ...path));
		const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
		return (await parquetReadObjects({ file })) as Record<string, unknown>[];
	};

	it("is one file of the Battery Data Format that keeps every rule, the same by the command and over REST", async () => {
		const { code, json } = await carry("bdf", "C-77.bdf.csv");
		expect([code, json.cellTest, json.files]).toEqual([0, TEST, ["C-77.bdf.csv"]]);
		const content = text("C-77.bdf.csv");
		const [titles, rows] = table(content);
		strictBdf(titles, rows);
		expect(rows).toHaveLength(ROWS.length);
		const [t, v, i] = ["Test Time / s", "Voltage / V", "Current / A"].map((name) => titles.indexOf(name));
		expect(rows.map((row) => [row[t!], row[v!], row[i!]])).toEqual(
			ROWS.map(({ testS, voltageV, currentA }) => [testS, voltageV, currentA]),
		);
		for (const path of ["export?format=bdf", "bdf"])
			expect((await app.inject(`/api/v1/cell-tests/${TEST}/${path}`)).body).toBe(content);
		const analysed = await adlayer(["cycling", "analyse", join(folder, "C-77.bdf.csv"), "--json"]);
		expect(analysed.json).toMatchObject({ ok: true, format: "bdf", rowsUsed: ROWS.length, defects: [] });
	});

	it("is named by the format's rule when the institution is told, with the cell's tests of that day counted", async () => {
		const day = new Date((await store.cellTests.cellTest(TEST))!.startedAt!).toISOString().slice(0, 10);
		const named = await app.inject(`/api/v1/cell-tests/${TEST}/bdf?institution=ICL`);
		expect(named.headers["content-disposition"]).toBe(
			`attachment; filename="ICL__C-77__${day.replaceAll("-", "")}_002.bdf.csv"`,
		);
		expect((await app.inject(`/api/v1/cell-tests/${TEST}/bdf?institution=I__L`)).statusCode).toBe(400);
		expect((await carry("b2mml", "named.xml", "--institution", "ICL")).code).toBe(2);
	});

	it("is a Data Package and an RO-Crate that carry rows, half-cycles, gaps, protocol, verdict and descent", async () => {
		expect((await carry("ro-crate", "crate")).code).toBe(0);
		const bdf = `data/${TEST}.bdf.csv`;
		expect(text("crate", bdf)).toBe(text("C-77.bdf.csv"));
		const descriptor = JSON.parse(text("crate", "datapackage.json"));
		expect(descriptor.resources.map(({ path }: { path: string }) => path)).toEqual([
			bdf,
			"data/rows.csv",
			"data/half-cycles.csv",
			"data/gaps.csv",
			"protocol.yaml",
			"test.json",
		]);
		for (const { path, bytes, hash, schema } of descriptor.resources) {
			const content = readFileSync(join(folder, "crate", path));
			expect([bytes, hash]).toEqual([content.length, `sha256:${createHash("sha256").update(content).digest("hex")}`]);
			if (schema === undefined) continue;
			expect(content.toString().split("\n")[0]).toBe(schema.fields.map(({ name }: { name: string }) => name).join(","));
		}
		expect(text("crate", "data/rows.csv").split("\n")[3_999]).toBe(
			`${new Date(ROWS[3_998]!.wallMs).toISOString()},3999,20,80,rest,${98 * 36},${3_998 * 36},${ROWS[3_998]!.voltageV},0,0,0`,
		);
		expect(text("crate", "data/gaps.csv")).toBe("from row,to row\n4000,4000\n");
		expect(text("crate", "data/half-cycles.csv").split("\n")[2]).toBe(
			"1,discharge,1,101,1,2,0.001,0.00005,0.001,0.05,0.04,0.06,0.06,0.05",
		);
		expect(text("crate", "protocol.yaml")).toBe(PROTOCOL);
		expect(JSON.parse(text("crate", "test.json"))).toMatchObject({ cellTest: TEST, state: "finished", verdict });

		const graph = JSON.parse(text("crate", "ro-crate-metadata.json"))["@graph"] as Record<string, unknown>[];
		const ids = new Set(graph.map((entity) => entity["@id"]));
		expect(ids.size).toBe(graph.length);
		for (const [, id] of JSON.stringify(graph).matchAll(/\{"@id":"([^"]+)"\}/g))
			expect(id!.startsWith("https://w3id.org/ro/") || ids.has(id), id).toBe(true);
		const of = (id: string) => graph.find((entity) => entity["@id"] === id)!;
		expect(of(`#${TEST}`)).toMatchObject({
			"@type": "CreateAction",
			object: { "@id": "#C5" },
			actionStatus: "http://schema.org/CompletedActionStatus",
		});
		expect(of("#C5")).toMatchObject({ isBasedOn: [{ "@id": "#F-1" }] });
		expect(of("#F-1")).toMatchObject({ isBasedOn: [{ "@id": "#Li-2026-03" }] });
		expect(of(bdf)).toMatchObject({ about: { "@id": "#C5" }, contentSize: String(text("crate", bdf).length) });
	});

	it("has the same rows as CSV and as Parquet, which keeps the rules too", async () => {
		expect((await carry("csv", "test.zip")).code).toBe(0);
		expect(readFileSync(join(folder, "test.zip")).subarray(0, 4).toString("latin1")).toBe("PK\x03\x04");
		expect((await carry("parquet", "columns")).code).toBe(0);
		const bdf = await parquet("columns", "data", `${TEST}.bdf.parquet`);
		const [titles, rows] = table(text("crate", `data/${TEST}.bdf.csv`));
		expect(bdf.map((row) => Object.values(row).map(Number))).toEqual(rows);
		strictBdf(
			Object.keys(bdf[0]!),
			bdf.map((row) => Object.values(row).map(Number)),
		);
		expect(Object.keys(bdf[0]!)).toEqual(titles);
		expect((await parquet("columns", "data", "rows.parquet")).at(-1)).toMatchObject({
			row: 9_001n,
			"step type": "rest",
		});
		const path = join(folder, "columns", "data", `${TEST}.bdf.parquet`);
		const { json } = await adlayer(["cycling", "analyse", path, "--json"]);
		expect(json).toMatchObject({ ok: true, format: "bdf", rowsUsed: ROWS.length, defects: [] });
	});

	it("is refused as a run is, and leaves nothing behind", async () => {
		const again = await carry("csv", "crate");
		expect([again.code, again.json.error.code]).toEqual([5, "EXPORT_EXISTS"]);
		const where = (out: string, at = url) => ["--out", join(folder, out), "--url", at, "--json"];
		const unknown = await adlayer(["export", "no-such", "--format", "bdf", ...where("x")]);
		expect([unknown.code, unknown.json.error.code]).toEqual([5, "NOT_FOUND"]);
		const noRun = await adlayer(["export", TEST, "--format", "b2mml", ...where("x")]);
		expect([noRun.code, noRun.json.error.code]).toEqual([5, "RUN_NOT_FOUND"]);
		const away = await adlayer(["export", TEST, "--format", "bdf", ...where("x", "http://127.0.0.1:9")]);
		expect(away.code).toBe(3);
		let pages = 0;
		const failing = Object.assign(Object.create(store.cellTests), {
			cellTestRows: (id: string, query: { fromSeq: number; limit: number }) => {
				pages += 1;
				if (pages > 5) throw new Error("gone");
				return store.cellTests.cellTestRows(id, query);
			},
		});
		const broken = await served(failing);
		const brokenUrl = await broken.listen({ port: 0, host: "127.0.0.1" });
		const cut = await adlayer(["export", TEST, "--format", "bdf", ...where("x", brokenUrl)]);
		await broken.close();
		expect([cut.code, cut.json.error.code]).toEqual([3, "SERVICE_UNREACHABLE"]);
		expect(readdirSync(folder).filter((name) => name.startsWith("x"))).toEqual([]);
	});
});
