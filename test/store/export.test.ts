import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { JournalWriter } from "#journal/writer.js";
import type { RecordBody } from "#record/records.js";
import type { Store } from "#store/open.js";
import { world } from "../api/world.js";
import { adlayer } from "../cli/support.js";
import { runCreated } from "../journal/support.js";
import { openTestStore, removeFolders, temporaryFolder, until } from "./support.js";

/** Lets hours pass between two records. */
class LeapingClock extends SystemClock {
	aheadMs = 0;
	override wallMs(): number {
		return super.wallMs() + this.aheadMs;
	}
}

const RUN = "sim1-20261122-171500-93";
const SIGNALS = [
	{ id: "gauge.chamber_pressure", unit: "Pa", signalKind: "measurement", description: "Chamber" },
	{ id: "gauge.foreline, pressure", unit: "Pa", signalKind: "measurement", description: 'Behind the "trap"' },
	{ id: "oven.foil", unit: "degC", signalKind: "measurement", description: "Foil" },
] as const;
const step = { phase: "deposition", type: "pulse", plannedS: 1 } as const;
const POLLS = 12;

describe("a run carried off from a real database", () => {
	const folder = temporaryFolder();
	const clock = new LeapingClock();
	let store: Store;
	let writer: JournalWriter;
	let app: Awaited<ReturnType<typeof world>>["app"];
	let url: string;

	const append = async (...bodies: RecordBody[]): Promise<void> => {
		for (const body of bodies) writer.append(body);
		await writer.synced();
	};

	beforeAll(async () => {
		writer = JournalWriter.open({ dir: join(folder, "journal"), clock, station: "sim1", measureDisk: async () => 0.1 });
		store = openTestStore(folder);
		await until(() => store.health().state === "ready", 60_000);
		await append(
			{
				kind: "control-started",
				station: "sim1",
				simulated: true,
				version: "0.1.0",
				labFileSha256: "11",
				signals: SIGNALS,
			},
			{
				kind: "instrument",
				instrument: "gauge",
				driver: "pfeiffer-tpg",
				address: "serial:/dev/ttyS9",
				state: "ready",
				identity: { manufacturer: "Pfeiffer", model: "TPG 366", serial: "44-1", firmware: null },
			},
			{ kind: "sample", instrument: "gauge", values: { chamber_pressure: 9_999 } },
		);
		clock.aheadMs += 1_000;
		await append(
			{ ...runCreated(RUN), recipeText: 'recipe: "ü"\n', operator: "M. <Keller> & Co" },
			{ kind: "run-state", run: RUN, from: "idle", to: "running", cause: "start" },
			{ kind: "step-started", run: RUN, ...step, index: 0, path: "steps[0]", title: 'TMA, "15 ms"', cycle: 1 },
		);
		for (let n = 0; n < POLLS; n += 1) {
			clock.aheadMs += 20 * 60_000;
			await append(
				{
					kind: "sample",
					instrument: "gauge",
					values: { chamber_pressure: n === 5 ? null : 30 + n, "foreline, pressure": n },
					...(n === 5 ? { fault: { chamber_pressure: "no answer" } } : {}),
				},
				{ kind: "sample", instrument: "oven", values: { foil: 120.25 } },
			);
		}
		await append(
			{
				kind: "pulse",
				run: RUN,
				pulse: 1,
				precursor: "TMA",
				valve: "io.DIO2",
				commandedMs: 15,
				cycle: 1,
				dueT: 10.5,
				issuedT: 10.75,
				confirmedMs: 15.02,
				effective: { baselinePa: 20, peakPa: 45, areaPaS: 1.5 },
				fate: "delivered",
			},
			{
				kind: "step-ended",
				run: RUN,
				...step,
				index: 0,
				cycle: 1,
				outcome: "done",
				actualS: 1.25,
			},
			{
				kind: "interlock",
				interlock: "pump",
				state: "tripped",
				cause: "Foreline, too high",
				value: 500,
				limit: 133,
				unit: "Pa",
				effect: "Held",
			},
			{
				kind: "anneal",
				run: RUN,
				index: 3,
				zone: "foil",
				targetC: 180,
				withinC: 0.5,
				orderedS: 1_800,
				seconds: 1_900,
				unknownS: 2,
				inBandS: 1_801,
				meanC: 179.9,
				spreadC: 0.05,
				maxC: 180.1,
				uncertaintyC: 0.5,
				minutesAbove: [],
				ramp: { plannedS: null, actualS: null, farthestFromPlanC: null },
				melting: "not-excluded",
				words: "Melting cannot be excluded.",
			},
			{
				kind: "run-finished",
				run: RUN,
				state: "complete",
				product: "Li@20Al2O3",
				cycles: { ordered: 20, complete: 20, repeated: 0, unknown: 0 },
				worstPulseErrorMs: 0.02,
				peakFoilC: 180.1,
				peakFoilUncertaintyC: 0.5,
				anneal: { inBandS: 1_801, maximumC: 180.1 },
				durationS: 14_400,
				plannedS: 600,
			},
		);
		clock.aheadMs += 60_000;
		await append({ kind: "sample", instrument: "gauge", values: { chamber_pressure: 7_777 } });
		await until(() => store.ingester.position >= writer.lastSeq);
		({ app } = await world({ history: store.history, descent: store.descent, cellTests: store.cellTests }));
		url = await app.listen({ port: 0, host: "127.0.0.1" });
		for (const [path, body] of [
			["/foil-lots", { id: "Li-2026-03", material: "Li", thicknessUm: 350 }],
			["/foils", { id: "F-1", lot: "Li-2026-03" }],
			["/samples", { id: "S-1", foil: "F-1", runs: [RUN], name: "Li@20Al2O3" }],
		] as const) {
			const reply = await app.inject({ method: "POST", url: `/api/v1${path}`, payload: { by: "mk", ...body } });
			expect(reply.statusCode).toBe(201);
		}
	});
	afterAll(async () => {
		await app?.close();
		await store?.close();
		await writer?.close();
		removeFolders(folder, store?.embedded?.dataFolder);
	});

	const carry = (format: string, name: string, ...more: string[]) =>
		adlayer(["export", RUN, "--format", format, "--out", join(folder, name), "--url", url, "--json", ...more]);
	const text = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");
	const lines = (...path: string[]): string[] =>
		text(...path)
			.split("\n")
			.slice(0, -1);

	it("is a folder whose tables have what was recorded in the run's time, and nothing else", async () => {
		const { code, json } = await carry("ro-crate", "crate");
		expect([code, json.ok]).toEqual([0, true]);
		const gauge = lines("crate", "data", "signals-gauge.csv");
		expect(gauge[0]).toBe('time,run time / s,chamber_pressure / Pa,"foreline, pressure / Pa"');
		expect(gauge).toHaveLength(1 + POLLS);
		const cells = gauge.slice(1).map((line) => line.split(","));
		expect(cells.map((row) => row[2])).toEqual(Array.from({ length: POLLS }, (_, n) => (n === 5 ? "" : `${30 + n}`)));
		expect(Number(cells[POLLS - 1]![1])).toBeCloseTo(POLLS * 1_200, -1);
		expect(lines("crate", "data", "signals-oven.csv")).toHaveLength(1 + POLLS);
		expect(lines("crate", "data", "pulses.csv")[1]).toMatch(
			/^\d{4}-.*Z,1,1,TMA,io\.DIO2,15,15\.02,0\.25,20,45,1\.5,,,delivered$/,
		);
		expect(lines("crate", "data", "steps.csv")[1]).toContain(
			',0,steps[0],deposition,pulse,"TMA, ""15 ms""",1,1,1.25,done,',
		);
		expect(lines("crate", "data", "alarms.csv")[1]).toContain(
			',interlock,pump,tripped,,"Foreline, too high; Held",500,133,Pa,',
		);
		expect(lines("crate", "data", "anneals.csv")[1]).toContain(
			",3,foil,180,0.5,1800,1801,2,179.9,0.05,180.1,0.5,not-excluded,",
		);
		const kinds = lines("crate", "data", "events.jsonl").map((line) => JSON.parse(line).kind);
		expect(kinds).toEqual([
			"run-created",
			"run-state",
			"step-started",
			"pulse",
			"step-ended",
			"interlock",
			"anneal",
			"run-finished",
		]);
		expect(text("crate", "recipe.yaml")).toBe('recipe: "ü"\n');
		expect(text("crate", "lab.yaml")).toBe("adlayer: lab/1\n");
	});

	it("is a Data Package v2: every file with size, checksum and, for tables, the columns and types it has", () => {
		const descriptor = JSON.parse(text("crate", "datapackage.json"));
		expect(descriptor.$schema).toBe("https://datapackage.org/profiles/2.0/datapackage.json");
		expect(descriptor.name).toMatch(/^[a-z0-9._-]+$/);
		const paths = descriptor.resources.map(({ path }: { path: string }) => path);
		const files = readdirSync(join(folder, "crate"), { recursive: true, encoding: "utf8" }).filter((path) =>
			statSync(join(folder, "crate", path)).isFile(),
		);
		expect([...paths, "datapackage.json", "ro-crate-metadata.json"].sort()).toEqual(files.sort());
		expect(new Set(descriptor.resources.map(({ name }: { name: string }) => name)).size).toBe(paths.length);
		for (const resource of descriptor.resources) {
			const bytes = readFileSync(join(folder, "crate", resource.path));
			expect(resource.bytes).toBe(bytes.length);
			expect(resource.hash).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
			expect(resource.name).toMatch(/^[a-z0-9._-]+$/);
			if (resource.type !== "table") continue;
			const { fields } = resource.schema as { fields: { name: string; type: string; unit?: string }[] };
			expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
			const [head, ...rows] = csv(bytes.toString("utf8"));
			expect(head).toEqual(fields.map(({ name }) => name));
			for (const row of rows)
				for (const [n, { type }] of fields.entries())
					expect(isOfType(row[n]!, type), `${resource.path}: ${row[n]}`).toBe(true);
		}
		const gauge = descriptor.resources.find(({ name }: { name: string }) => name === "signals-gauge");
		expect(gauge.schema.fields[2]).toMatchObject({ type: "number", unit: "Pa", description: "Chamber" });
	});

	it("is an RO-Crate 1.2 in which nothing is referred to that is not described, with the run between foil and sample", () => {
		const metadata = JSON.parse(text("crate", "ro-crate-metadata.json"));
		expect(metadata["@context"]).toBe("https://w3id.org/ro/crate/1.2/context");
		const graph = metadata["@graph"] as Record<string, unknown>[];
		const ids = new Set(graph.map((entity) => entity["@id"]));
		expect(ids.size).toBe(graph.length);
		for (const entity of graph) {
			expect(entity["@type"]).toBeDefined();
			for (const id of references(entity)) if (!id.startsWith("http")) expect(ids, id).toContain(id);
		}
		const descriptor = graph.find((entity) => entity["@id"] === "ro-crate-metadata.json")!;
		expect(descriptor).toMatchObject({
			"@type": "CreativeWork",
			conformsTo: { "@id": "https://w3id.org/ro/crate/1.2" },
			about: { "@id": "./" },
		});
		const root = graph.find((entity) => entity["@id"] === "./")!;
		expect(root["@type"]).toBe("Dataset");
		// Flattened: entities refer to each other, none stands within another but values of properties.
		for (const entity of graph)
			for (const value of Object.values(entity).flat())
				if (typeof value === "object" && value !== null)
					expect("@id" in value ? Object.keys(value) : [(value as { "@type": string })["@type"]]).toEqual([
						"@id" in value ? "@id" : "PropertyValue",
					]);
		for (const key of ["name", "description", "datePublished", "license"])
			expect(root[key]).toEqual(expect.any(String));
		for (const { "@id": path } of root.hasPart as { "@id": string }[]) {
			const file = graph.find((entity) => entity["@id"] === path)!;
			const bytes = readFileSync(join(folder, "crate", path));
			expect(file).toMatchObject({ "@type": "File", contentSize: String(bytes.length) });
			expect(file.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
		}
		const run = graph.find((entity) => entity["@id"] === `#${RUN}`)!;
		expect(run).toMatchObject({ "@type": "CreateAction", object: { "@id": "#F-1" }, agent: { "@id": "#operator" } });
		expect(run.result).toContainEqual({ "@id": "#S-1" });
		expect(graph.find((entity) => entity["@id"] === "#S-1")).toMatchObject({ additionalType: "sample" });
		expect(graph.find((entity) => entity["@id"] === "#instrument-gauge")).toMatchObject({ model: "TPG 366" });
	});

	it("has a batch record with the names and the order of B2MML V0600", async () => {
		const xml = text("crate", "batch-record.xml");
		expect(XMLValidator.validate(xml)).toBe(true);
		const document = new XMLParser({ preserveOrder: true, ignoreAttributes: false, parseTagValue: false }).parse(xml);
		const information = document.find((node: object) => "BatchInformation" in node);
		expect(information[":@"]["@_xmlns"]).toBe("http://www.mesa.org/xml/B2MML-V0600");
		checkOrder("BatchInformation", information.BatchInformation);
		const entry = new XMLParser({ parseTagValue: false }).parse(xml).BatchInformation.BatchList.BatchListEntry;
		expect(entry).toMatchObject({
			ID: RUN,
			Status: "complete",
			BatchID: RUN,
			LotID: "Li-2026-03",
			ProductID: "Li@20Al2O3",
			ActualStartTime: expect.stringMatching(/Z$/),
			ActualEndTime: expect.stringMatching(/Z$/),
			ActualEquipmentID: "sim1",
			BatchListEntry: { Description: "deposition", BatchListEntryType: "Operation" },
		});
		const parameters = Object.fromEntries(
			entry.Parameter.map(({ ID, Value }: { ID: string; Value: { ValueString: string; UnitOfMeasure: string } }) => [
				ID,
				`${Value.ValueString} ${Value.UnitOfMeasure}`.trim(),
			]),
		);
		expect(parameters).toMatchObject({
			operator: "M. &lt;Keller&gt; &amp; Co".replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
			"doses.TMA.delivered": "1",
			"anneal.3.mean": "179.9 degC",
			"anneal.3.uncertainty": "0.5 K",
			cycles_complete: "20",
		});
		expect((await carry("b2mml", "record.xml")).code).toBe(0);
		expect(text("record.xml")).toBe(xml);
	});

	it("has the same tables as Parquet, with times as times and missing values as null", async () => {
		const { code, json } = await carry("parquet", "columns");
		expect([code, json.error]).toEqual([0, undefined]);
		for (const name of ["signals-gauge", "pulses", "steps", "anneals"]) {
			const bytes = readFileSync(join(folder, "columns", "data", `${name}.parquet`));
			const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
			const rows = (await parquetReadObjects({ file })) as Record<string, unknown>[];
			const [head, ...expected] = csv(text("crate", "data", `${name}.csv`));
			expect(
				parquetMetadata(file)
					.schema.slice(1)
					.map((column) => column.name),
			).toEqual(head);
			expect(
				rows.map((row) =>
					head!.map((column) => {
						const cell = row[column];
						return cell instanceof Date ? cell.toISOString() : cell === null || cell === undefined ? "" : String(cell);
					}),
				),
			).toEqual(expected);
		}
	});

	it("is kept as an archive when the place is named so, and never written over what is there", async () => {
		expect((await carry("csv", "run.zip")).code).toBe(0);
		expect(readFileSync(join(folder, "run.zip")).subarray(0, 4).toString("latin1")).toBe("PK\x03\x04");
		const before = statSync(join(folder, "run.zip")).mtimeMs;
		for (const name of ["run.zip", "crate"]) {
			const again = await carry("csv", name);
			expect([again.code, again.json.error.code]).toEqual([5, "EXPORT_EXISTS"]);
		}
		expect(statSync(join(folder, "run.zip")).mtimeMs).toBe(before);
		mkdirSync(join(folder, "half"));
		expect((await carry("csv", "half")).code).toBe(5);
	});

	it("leaves nothing behind when the run is unknown, the service is away, or the database goes in the middle", async () => {
		const unknown = await adlayer([
			"export",
			"no-such",
			"--format",
			"csv",
			"--out",
			join(folder, "x"),
			"--url",
			url,
			"--json",
		]);
		expect([unknown.code, unknown.json.error.code]).toEqual([5, "RUN_NOT_FOUND"]);
		const away = await adlayer([
			"export",
			RUN,
			"--format",
			"csv",
			"--out",
			join(folder, "x"),
			"--url",
			"http://127.0.0.1:9",
			"--json",
		]);
		expect(away.code).toBe(3);
		const { history } = store;
		const failing = Object.assign(Object.create(history), {
			archive: async (run: string) => ({
				...(await history.archive(run)),
				pulses: async function* () {
					yield [];
					throw new Error("gone");
				},
			}),
		});
		const broken = (await world({ history: failing })).app;
		const brokenUrl = await broken.listen({ port: 0, host: "127.0.0.1" });
		const cut = await adlayer([
			"export",
			RUN,
			"--format",
			"csv",
			"--out",
			join(folder, "x"),
			"--url",
			brokenUrl,
			"--json",
		]);
		await broken.close();
		expect([cut.code, cut.json.error.code]).toEqual([3, "SERVICE_UNREACHABLE"]);
		expect(readdirSync(folder).filter((name) => name.startsWith("x"))).toEqual([]);
	});

	it("is refused by its own checksums when it was changed on its way", async () => {
		const { unpack } = await import("#cli/unpack.js");
		const archive = readFileSync(join(folder, "run.zip"));
		const at = archive.indexOf("recipe.yaml") + "recipe.yaml".length;
		archive[at + 2] = archive[at + 2]! ^ 0xff;
		writeFileSync(join(folder, "bent.zip"), archive);
		await expect(unpack(join(folder, "bent.zip"), join(folder, "bent"))).rejects.toMatchObject({
			code: "EXPORT_DAMAGED",
		});
		writeFileSync(join(folder, "short.zip"), archive.subarray(0, archive.length - 30));
		await expect(unpack(join(folder, "short.zip"), join(folder, "short"))).rejects.toMatchObject({
			code: "EXPORT_DAMAGED",
		});
		expect(existsSync(join(folder, "short", "datapackage.json"))).toBe(false);
	});
});

/** Rows of a CSV text, quotes taken off. */
function csv(content: string): string[][] {
	const rows: string[][] = [[""]];
	let quoted = false;
	for (let n = 0; n < content.length; n += 1) {
		const c = content[n]!;
		const row = rows.at(-1)!;
		if (quoted && c === '"' && content[n + 1] === '"') {
			row[row.length - 1] += '"';
			n += 1;
		} else if (c === '"') quoted = !quoted;
		else if (!quoted && c === ",") row.push("");
		else if (!quoted && c === "\n") rows.push([""]);
		else row[row.length - 1] += c;
	}
	return rows.slice(0, -1);
}

function isOfType(cell: string, type: string): boolean {
	if (cell === "") return true;
	if (type === "number") return Number.isFinite(Number(cell));
	if (type === "integer") return /^-?\d+$/.test(cell);
	if (type === "datetime") return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(cell);
	return type === "string";
}

function references(value: unknown): string[] {
	if (Array.isArray(value)) return value.flatMap(references);
	if (typeof value !== "object" || value === null) return [];
	const entries = Object.entries(value);
	if (entries.length === 1 && entries[0]![0] === "@id") return [String(entries[0]![1])];
	return entries.flatMap(([key, each]) => (key === "@id" ? [] : references(each)));
}

/** Elements in the order of the published schema (V0600); with an exclamation mark those that must be there. */
const B2MML: Record<string, string> = {
	BatchInformation:
		"ListHeader Description MasterRecipe ControlRecipe RecipeBuildingBlock EquipmentElement BatchList EnumerationSet",
	BatchList: "ListHeader Description BatchListEntry",
	BatchListEntry:
		"ID! Description BatchListEntryType! Status Mode ExternalID RecipeID RecipeVersion BatchID LotID CampaignID ProductID OrderID StartCondition RequestedStartTime ActualStartTime RequestedEndTime ActualEndTime BatchPriority RequestedBatchSize ActualBatchSize UnitOfMeasure Note Parameter EquipmentID EquipmentClassID ActualEquipmentID BatchListEntry",
	Parameter: "ID! Description ParameterType! ParameterSubType Value Scaled ScaleReference Parameter",
	Value: "ValueString! DataInterpretation! DataType! UnitOfMeasure! EnumerationSetID",
};
/** Those that may come more than once. */
const MANY = ["Description", "BatchListEntry", "Parameter", "Value", "ActualEquipmentID", "Note"];

function checkOrder(name: string, children: Record<string, unknown>[]): void {
	const order = B2MML[name]?.split(" ");
	if (order === undefined) return;
	const names = children.map((child) => Object.keys(child).find((key) => key !== ":@")!);
	const allowed = order.map((each) => each.replace("!", ""));
	const places = names.map((each) => allowed.indexOf(each));
	expect(places, `${name}: ${names}`).not.toContain(-1);
	expect(places, `${name}: ${names}`).toEqual([...places].sort((a, b) => a - b));
	for (const each of order) if (each.endsWith("!")) expect(names, name).toContain(each.slice(0, -1));
	for (const each of names) if (!MANY.includes(each)) expect(names.filter((other) => other === each)).toHaveLength(1);
	for (const [n, child] of children.entries()) checkOrder(names[n]!, child[names[n]!] as Record<string, unknown>[]);
}
