/** Battery tests in the database: every row once, whatever the journal repeats. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JournalWriter } from "#journal/writer.js";
import type { CellTestRow, CellTestState } from "#record/cell-tests.js";
import type { RecordBody } from "#record/records.js";
import type { Store } from "#store/open.js";
import { openTestStore, openWriter, query, removeFolders, temporaryFolder, until } from "./support.js";

const WALL = Date.UTC(2026, 10, 1, 12, 0, 0, 250);
const folder = temporaryFolder();
let writer: JournalWriter;
let store: Store;

beforeAll(async () => {
	writer = openWriter(join(folder, "journal"));
	store = openTestStore(folder);
	await until(() => store.health().state === "ready");
});

afterAll(async () => {
	const dataFolder = store?.embedded?.dataFolder;
	await store?.close();
	await writer?.close();
	removeFolders(folder, dataFolder);
});

async function takenOver(...bodies: RecordBody[]): Promise<void> {
	for (const body of bodies) writer.append(body);
	await writer.synced();
	await until(() => store.ingester.position >= writer.lastSeq);
}

const ordered = (cellTest: string, cell = "C-1"): RecordBody => ({
	kind: "cell-test-ordered",
	cellTest,
	cell,
	cycler: "neware",
	channel: null,
	protocol: "li-40um-3ma",
	protocolText: "adlayer: protocol/1\n",
	protocolSha256: "ab".repeat(32),
	areaCm2: 1.131,
	activeMassG: null,
	operator: "mk",
	attendedBy: null,
});
const became = (cellTest: string, to: CellTestState, cause = "because"): RecordBody => ({
	kind: "cell-test-state",
	cellTest,
	from: "queued",
	to,
	cause,
	channel: "c1",
	cyclerTest: to === "starting" ? null : "27-1-1-143",
});
const row = (seq: number): CellTestRow => ({
	seq,
	cycle: 1 + Math.floor(seq / 100),
	step: 2,
	stepType: "cc",
	stepS: seq * 10 + 0.125,
	testS: seq * 10 + 0.125,
	wallMs: WALL + seq * 10_000,
	voltageV: 0.05 + seq * 1e-9,
	currentA: 0.001131,
	capacityAh: seq * 1.234567890123e-7,
	energyWh: seq * 1e-9,
});
const rowsFrom = (
	cellTest: string,
	from: number,
	to: number,
	gaps: { fromSeq: number; toSeq: number }[] = [],
): RecordBody => ({
	kind: "cell-test-rows",
	cellTest,
	rows: Array.from({ length: to - from + 1 }, (_, at) => row(from + at)),
	currentSign: "charge-positive",
	gaps,
});

describe("battery tests in the database", () => {
	it("have every row as the cycler gave it, to the last bit", async () => {
		await takenOver(ordered("t-1"), became("t-1", "starting"), became("t-1", "running"), rowsFrom("t-1", 1, 3));
		await takenOver(rowsFrom("t-1", 4, 250));
		const rows = await store.cellTests.cellTestRows("t-1", { fromSeq: 1, limit: 1_000 });
		expect(rows).toEqual(Array.from({ length: 250 }, (_, at) => row(at + 1)));
		expect(await store.cellTests.cellTestRows("t-1", { fromSeq: 249, limit: 1 })).toEqual([row(249)]);
		expect(await store.cellTests.cellTestRows("t-0", { fromSeq: 1, limit: 1 })).toBeUndefined();
	});

	it("have no row twice that the journal has twice, and what is new beside it", async () => {
		await takenOver(ordered("t-2"), rowsFrom("t-2", 1, 5), rowsFrom("t-2", 3, 8));
		await takenOver(rowsFrom("t-2", 7, 9));
		const rows = await store.cellTests.cellTestRows("t-2", { fromSeq: 1, limit: 100 });
		expect(rows!.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
	});

	it("tell their state, times, gaps and protocol", async () => {
		await takenOver(
			ordered("t-3", "C-3"),
			became("t-3", "running"),
			rowsFrom("t-3", 1, 2),
			rowsFrom("t-3", 5, 6, [{ fromSeq: 3, toSeq: 4 }]),
		);
		expect(await store.cellTests.cellTest("t-3")).toMatchObject({ state: "running", endedAt: null, rows: 6 });
		await takenOver(became("t-3", "protected", "voltage"));
		const test = await store.cellTests.cellTest("t-3");
		expect(test).toMatchObject({
			cell: "C-3",
			state: "protected",
			cause: "voltage",
			channel: "c1",
			cyclerTest: "27-1-1-143",
			protocolText: "adlayer: protocol/1\n",
			currentSign: "charge-positive",
			gaps: [{ fromSeq: 3, toSeq: 4 }],
		});
		expect(test!.startedAt).toBeGreaterThan(test!.orderedAt - 1);
		expect(test!.endedAt).toBeGreaterThanOrEqual(test!.startedAt!);
		expect((await store.cellTests.cellTests({ limit: 2 })).map(({ cellTest }) => cellTest)).toEqual(["t-3", "t-2"]);
		expect((await store.cellTests.cellTests({ limit: 9, cell: "C-3" })).map(({ rows }) => rows)).toEqual([6]);
	});

	it("are told as unconcluded until their end is known: the open ones first, and which are the last of their channel", async () => {
		await takenOver(ordered("t-4"), became("t-4", "running"), ordered("t-5"), became("t-5", "starting"));
		await store.cellTests.concludeCellTest("t-4");
		expect(await store.cellTests.unconcludedCellTests(9)).toEqual([
			{ cellTest: "t-1", state: "running", isLastOfChannel: false },
			{ cellTest: "t-2", state: "queued", isLastOfChannel: true },
			{ cellTest: "t-4", state: "running", isLastOfChannel: true },
			{ cellTest: "t-5", state: "starting", isLastOfChannel: true },
			{ cellTest: "t-3", state: "protected", isLastOfChannel: false },
		]);
		await store.cellTests.concludeCellTest("t-3");
		const left = await store.cellTests.unconcludedCellTests(9);
		expect(left.map(({ cellTest }) => cellTest)).toEqual(["t-1", "t-2", "t-4", "t-5"]);
		expect(await store.cellTests.unconcludedCellTests(1)).toHaveLength(1);
	});

	it("are told in pages that lose none of those that were ordered in the same instant", async () => {
		const all = await store.cellTests.cellTests({ limit: 100 });
		const found: string[] = [];
		for (let before: number | undefined; ; ) {
			const page = await store.cellTests.cellTests({ limit: 1, ...(before === undefined ? {} : { before }) });
			if (page.length === 0) break;
			found.push(...page.map(({ cellTest }) => cellTest));
			before = page.at(-1)!.orderedAt;
		}
		expect(all.length).toBeGreaterThan(4);
		expect(found).toEqual(all.map(({ cellTest }) => cellTest));
	});

	it("are found without an item once they are over and their cell is registered, by barcode or id", async () => {
		const { descent, cellTests } = store;
		await takenOver(ordered("t-6", "LATE"), became("t-6", "running"), ordered("t-7", "cell-late"));
		await takenOver(became("t-6", "finished"), became("t-7", "running"), became("t-7", "finished"));
		for (const test of ["t-6", "t-7"]) await cellTests.concludeCellTest(test);
		expect(await cellTests.cellTestsWithoutItem(9)).toEqual([]);
		await descent.create({ kind: "foil-lot", id: "lot-late", body: {}, by: "mk" });
		await descent.create({ kind: "foil", id: "foil-late", body: { lot: "lot-late" }, by: "mk" });
		const cell = { kind: "cell", body: { working: "foil-late" }, by: "mk" } as const;
		await descent.create({ ...cell, id: "cell-late", barcode: "LATE" });
		expect(await cellTests.cellTestsWithoutItem(9)).toEqual(["t-6", "t-7"]);
		expect(await cellTests.cellTestsWithoutItem(1)).toEqual(["t-6"]);
		await descent.create({ kind: "test", id: "t-6", body: { cell: "cell-late" }, by: "adlayer" });
		expect(await cellTests.cellTestsWithoutItem(9)).toEqual(["t-7"]);
		await descent.withdraw("cell", "cell-late", { by: "mk", reason: "mistaken" });
		expect(await cellTests.cellTestsWithoutItem(9)).toEqual([]);
	});

	it("come in as many points as a picture has", async () => {
		const points = await store.cellTests.cellTestPoints("t-1", 10);
		expect(points).toHaveLength(8);
		expect(points![7]).toMatchObject({ fromSeq: 225, toSeq: 250, testS: 2250.125, voltageVMin: row(225).voltageV });
		// As it was told before, and in more.
		expect(await store.cellTests.cellTestPoints("t-1", 10)).toEqual(points);
		const all = await store.cellTests.cellTestPoints("t-1", 1_000);
		expect(all!.map(({ fromSeq }) => fromSeq)).toEqual(Array.from({ length: 250 }, (_, at) => at + 1));
	});

	it("are kept apart from the events, but for orders and states", async () => {
		const kinds = await query<{ kind: string }>(store.url()!, "SELECT DISTINCT kind FROM events ORDER BY kind");
		expect(kinds.map(({ kind }) => kind)).toEqual(["cell-test-ordered", "cell-test-state"]);
	});

	it("pass over rows of a test that nobody ordered, and go on", async () => {
		await takenOver(rowsFrom("t-none", 1, 2), rowsFrom("t-2", 10, 10));
		expect(store.ingester.health().refusedRecords).toBe(1);
		expect((await store.cellTests.cellTest("t-2"))!.rows).toBe(10);
	});

	it("are brought over from the events of the time before these tables", async () => {
		const admin = new URL(store.url()!);
		await query(admin.href, "CREATE DATABASE older");
		admin.pathname = "/older";
		const migration = (name: string) => readFileSync(`prisma/migrations/${name}/migration.sql`, "utf8");
		const before = [
			"20261101000000_journal_copy",
			"20261122000000_rollups",
			"20261122120000_film_thickness",
			"20261122130000_descent",
		];
		for (const name of before) await query(admin.href, migration(name));
		const journal = "00000000-0000-4000-8000-000000000001";
		await query(
			admin.href,
			"INSERT INTO journal_position (journal, station, seq, updated_at) VALUES ($1, 'sim1', 9, now())",
			[journal],
		);
		const bodies = [
			ordered("t-9"),
			became("t-9", "running"),
			rowsFrom("t-9", 1, 4),
			rowsFrom("t-9", 4, 6),
			became("t-9", "finished", "finish"),
		];
		for (const [at, body] of bodies.entries()) {
			await query(
				admin.href,
				"INSERT INTO events VALUES ($1, $2::bigint, now() + $2::bigint * interval '1 second', $3, NULL, $4)",
				[journal, at + 1, body.kind, JSON.stringify({ seq: at + 1, t: 0, wall: WALL, ...body })],
			);
		}
		await query(admin.href, migration("20261128210000_cell_tests"));
		const [test] = await query<Record<string, unknown>>(admin.href, "SELECT * FROM cell_tests");
		expect(test).toMatchObject({ cell_test: "t-9", state: "finished", cause: "finish", cycler_test: "27-1-1-143" });
		expect((test!.ended_at as Date).getTime()).toBeGreaterThan((test!.started_at as Date).getTime());
		const rows = await query<Record<string, unknown>>(admin.href, "SELECT * FROM cell_test_rows ORDER BY seq");
		expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
		expect(rows[3]).toMatchObject({ voltage_v: row(4).voltageV, test_s: row(4).testS, time: new Date(row(4).wallMs) });
		expect(await query(admin.href, "SELECT FROM events WHERE kind = 'cell-test-rows'")).toEqual([]);
	});
});
