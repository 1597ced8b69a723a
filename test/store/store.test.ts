import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JournalWriter } from "#journal/writer.js";
import type { AlarmState, JournalRecord, RecordBody } from "#record/records.js";
import { migrate } from "#store/migrate.js";
import type { Store } from "#store/open.js";
import { RefusedRecords } from "#store/refused-records.js";
import { runCreated } from "../journal/support.js";
import {
	clock,
	openTestStore,
	openWriter,
	query,
	refusedFile,
	removeFolders,
	temporaryFolder,
	until,
} from "./support.js";

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

const step = { phase: "deposition", type: "pulse", plannedS: 1 } as const;

describe("the embedded database", () => {
	it("runs at low priority, as an ordinary user, on the loopback address only", async () => {
		const pid = store.embedded!.pid!;
		// Ten below whoever started it, as far down as it goes.
		expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 10));
		expect(readFileSync(`/proc/${pid}/status`, "utf8")).not.toMatch(/^Uid:\s+0/m);
		const [row] = await query<{ listen: string; fsync: string }>(
			store.url()!,
			"SELECT current_setting('listen_addresses') AS listen, current_setting('fsync') AS fsync",
		);
		expect(row).toEqual({ listen: "127.0.0.1", fsync: "on" });
		const stranger = new URL(store.url()!);
		stranger.password = "wrong";
		await expect(query(stranger.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
	});

	it("is at the schema of prisma/migrations, recorded as Prisma does", async () => {
		const rows = await query<{
			migration_name: string;
			checksum: string;
			finished_at: Date | null;
			applied_steps_count: number;
		}>(store.url()!, "SELECT * FROM _prisma_migrations");
		expect(rows.length).toBeGreaterThan(0);
		for (const row of rows) {
			const sql = readFileSync(join("prisma/migrations", row.migration_name, "migration.sql"));
			expect(row.checksum).toBe(createHash("sha256").update(sql).digest("hex"));
			expect(row).toMatchObject({ applied_steps_count: 1, finished_at: expect.any(Date) });
		}
		expect(await migrate(store.url()!)).toEqual([]);
	});

	it("makes a migration again that was cut short", async () => {
		const admin = new URL(store.url()!);
		await query(admin.href, "CREATE DATABASE cut_short");
		admin.pathname = "/cut_short";
		await migrate(admin.href);
		await query(admin.href, "DROP SCHEMA public CASCADE");
		await query(admin.href, "CREATE SCHEMA public");
		await query(
			admin.href,
			`CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL,
				logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`,
		);
		const name = "20261101000000_journal_copy";
		await query(admin.href, "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'y', $1)", [
			name,
		]);
		expect(await migrate(admin.href)).toContain(name);
		expect(await query(admin.href, "SELECT * FROM samples")).toEqual([]);
	});
});

describe("a run", () => {
	it("is found with its steps, pulses, events and samples", async () => {
		const pulse = { run: "r1", pulse: 1, precursor: "TMA", valve: "io.DIO2", commandedMs: 15, cycle: 1 } as const;
		await takenOver(
			{ ...runCreated("r1"), operator: "zero \0 byte" },
			{ kind: "run-state", run: "r1", from: "idle", to: "running", cause: "start" },
			{ kind: "step-started", run: "r1", ...step, index: 0, path: "steps[0]", title: "TMA 15 ms", cycle: 1 },
			{ kind: "pulse-intended", ...pulse },
			{
				kind: "pulse",
				...pulse,
				dueT: 10.5,
				issuedT: 10.75,
				confirmedMs: 15.02,
				effective: { baselinePa: 20, peakPa: 45, areaPaS: 1.5 },
				film: { beforeNm: 1.5, afterNm: 1.62 },
				fate: "delivered",
			},
			{
				kind: "step-ended",
				run: "r1",
				index: 0,
				type: "pulse",
				phase: "deposition",
				cycle: 1,
				outcome: "interrupted",
				plannedS: 1,
				actualS: 0.5,
				detail: "held",
			},
			{
				kind: "sample",
				instrument: "gauge",
				values: { chamber: 30, foreline: null },
				fault: { foreline: "sensor off" },
			},
		);
		await takenOver({
			kind: "step-started",
			run: "r1",
			...step,
			index: 0,
			path: "steps[0]",
			title: "TMA 15 ms",
			cycle: 1,
		});
		await takenOver(
			{
				kind: "step-ended",
				run: "r1",
				index: 0,
				type: "pulse",
				phase: "deposition",
				cycle: 1,
				outcome: "done",
				plannedS: 1,
				actualS: 1.01,
			},
			{ kind: "step-started", run: "r1", ...step, index: 1, path: "steps[1]", title: "purge" },
		);
		expect(await store.history.runs({ limit: 5 })).toMatchObject([
			{ run: "r1", state: "running", operator: "zero \uFFFD byte", endedAt: null, cycles: null, plannedS: 600 },
		]);
		await takenOver({
			kind: "run-finished",
			run: "r1",
			state: "complete",
			product: "Li@20Al2O3",
			cycles: { ordered: 20, complete: 19, repeated: 1, unknown: 1 },
			worstPulseErrorMs: 0.02,
			peakFoilC: 120.4,
			peakFoilUncertaintyC: 1.5,
			anneal: null,
			durationS: 601.5,
			plannedS: 600,
		});
		const detail = await store.history.run("r1");
		expect(detail).toMatchObject({
			state: "complete",
			cycles: { ordered: 20, complete: 19, repeated: 1, unknown: 1 },
			parameters: { cycles: 20 },
			acknowledged: ["LITHIUM"],
			recipeText: "recipe: al2o3\n",
			durationS: 601.5,
		});
		expect(detail!.steps.map(({ index, outcome, actualS }) => [index, outcome, actualS])).toEqual([
			[0, "interrupted", 0.5],
			[0, "done", 1.01],
		]);
		const { kind: _kind, ...written } = { kind: "pulse", ...pulse };
		expect(await store.history.pulses("r1")).toMatchObject([
			{ ...written, dueT: 10.5, issuedT: 10.75, confirmedMs: 15.02, effective: { peakPa: 45 }, fate: "delivered" },
		]);
		const events = await store.history.events("r1", { afterSeq: 0, limit: 100 });
		expect(events.map(({ kind }) => kind)).toEqual([
			"run-created",
			"run-state",
			"step-started",
			"pulse-intended",
			"pulse",
			"step-ended",
			"step-started",
			"step-ended",
			"step-started",
			"run-finished",
		]);
		expect(await store.history.events("r1", { afterSeq: events[7]!.seq, limit: 1 })).toEqual([events[8]]);
		expect(await store.history.counts("r1")).toEqual({ samples: 2, pulses: 1, steps: 3, events: 10 });
		expect(await store.history.run("unknown")).toBeUndefined();
	});
});

describe("the changes of alarms", () => {
	it("are there with who made them, newest first, by time and by alarm", async () => {
		const change = (alarm: string, state: AlarmState, by?: string): RecordBody => ({
			kind: "alarm",
			alarm,
			state,
			priority: "low",
			message: "It is there.",
			response: "Look.",
			...(by === undefined ? {} : { by, reason: "known", until: 1 }),
		});
		await takenOver(change("disk.filling", "unacknowledged"), change("disk.filling", "shelved", "mk"));
		await clock.sleep(20);
		await takenOver(change("run.held", "unacknowledged"));
		const all = await store.history.alarms({ limit: 10 });
		expect(all.map(({ alarm, state }) => `${alarm} ${state}`)).toEqual([
			"run.held unacknowledged",
			"disk.filling shelved",
			"disk.filling unacknowledged",
		]);
		expect(await store.history.alarms({ limit: 1, alarm: "disk.filling" })).toEqual([all[1]]);
		expect(all[1]).toMatchObject({ by: "mk", reason: "known", until: 1 });
		expect(await store.history.alarms({ limit: 10, before: all[0]!.wall })).toEqual(all.slice(1));
	});
});

describe("a signal's past", () => {
	it("comes in buckets with lowest, highest and mean, a fault as null", async () => {
		await takenOver(
			...[1, 2, 3, 4].map(
				(value): RecordBody => ({ kind: "sample", instrument: "stage", values: { temperature: value } }),
			),
		);
		const rows = await query<{ at: number }>(
			store.url()!,
			"SELECT extract(epoch FROM time)::float8 * 1000 AS at FROM samples JOIN signals ON id = signal_id WHERE name = 'stage.temperature'",
		);
		const from = Math.min(...rows.map(({ at }) => at)) - 500;
		expect(await store.history.signal("stage.temperature", { from, to: from + 60_000, points: 1 })).toEqual([
			{ at: from + 30_000, min: 1, max: 4, mean: 2.5 },
		]);
		expect(await store.history.signal("stage.temperature", { from: from - 2000, to: from - 1000, points: 10 })).toEqual(
			[],
		);
		const points = await store.history.signal("gauge.foreline", { from: from - 60_000, to: from + 60_000, points: 10 });
		expect(points).toMatchObject([{ min: null, max: null, mean: null }]);
		expect(await store.history.signal("no.signal", { from, to: from + 1, points: 10 })).toEqual([]);
	});

	it("crosses midnight, with a partition for each day", async () => {
		const journal = join(folder, "other");
		const { JournalWriter } = await import("#journal/writer.js");
		const { SteppedClock } = await import("#core/clock.js");
		const midnight = Date.UTC(2026, 2, 1);
		const stepped = new SteppedClock({ wallStartMs: midnight - 2000 });
		const other = JournalWriter.open({ dir: journal, clock: stepped, station: "sim2" });
		for (let index = 0; index < 5; index += 1) {
			other.append({ kind: "sample", instrument: "night", values: { watch: index } });
			await stepped.advance(1000);
		}
		await other.close();
		const second = openTestStore(folder, { journal, databaseUrl: store.url()! });
		await until(() => second.ingester.position === 5);
		const points = await second.history.signal("night.watch", {
			from: midnight - 5000,
			to: midnight + 5000,
			points: 10,
		});
		expect(points.map(({ mean }) => mean)).toEqual([0, 1, 2, 3, 4]);
		const partitions = await query<{ name: string }>(
			store.url()!,
			"SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'samples'::regclass",
		);
		expect(partitions.map(({ name }) => name)).toEqual(
			expect.arrayContaining(["samples_20260228", "samples_20260301"]),
		);
		await second.close();
	});
});

describe("a record that the database refuses", () => {
	const note = (message: string) => ({ kind: "note", level: "info", run: null, code: "A", message }) as const;
	const pulse = {
		kind: "pulse",
		run: null,
		pulse: 1,
		precursor: "TMA",
		valve: "v",
		commandedMs: 1,
		dueT: 0,
		issuedT: 0,
		confirmedMs: null,
		effective: null,
		fate: "delivered",
	} as const;
	const file = refusedFile(folder);
	const kept = () =>
		readFileSync(file, "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line) as { journal: string; reason: string; record: JournalRecord });

	it("is passed over, kept apart with why and counted, and what follows it is taken over", async () => {
		const before = await store.history.counts();
		await takenOver(
			note("before"),
			{ ...pulse, fate: null as never },
			note("broken instrument said \0\ud800"),
			// A number that no column holds, which fails before the database has seen it.
			{ ...pulse, pulse: 2 ** 40 },
			note("after"),
		);
		expect(store.ingester.health()).toMatchObject({ state: "ready", refusedRecords: 2 });
		expect(store.health()).toMatchObject({ refusedRecords: 2, detail: expect.stringContaining(file) });
		expect((await store.history.counts()).events).toBe(before.events + 3);
		expect(kept()).toMatchObject([
			{ reason: expect.stringContaining("fate"), record: { kind: "pulse", fate: null, seq: writer.lastSeq - 3 } },
			{ reason: expect.stringContaining("out of range"), record: { pulse: 2 ** 40, seq: writer.lastSeq - 1 } },
		]);
	});

	it("is kept once, however often it is met, and is counted until the file has been taken away", async () => {
		const again = new RefusedRecords(file);
		expect(again.count).toBe(2);
		const [{ journal, reason, record }] = kept() as [ReturnType<typeof kept>[number]];
		again.keep(journal, record, reason);
		expect(kept()).toHaveLength(2);
		expect(store.ingester.health().refusedRecords).toBe(2);
		renameSync(file, `${file}.seen`);
		expect(store.ingester.health().refusedRecords).toBe(0);
		expect(store.health().detail).toBe("");
		await takenOver({ ...pulse, fate: null as never }, note("once more"));
		expect(kept()).toHaveLength(1);
		rmSync(file);
	});

	it("is not passed over when it cannot be kept: the rest waits in the journal", async () => {
		mkdirSync(file);
		writer.append({ ...pulse, fate: null as never });
		writer.append(note("waits"));
		await writer.synced();
		await until(() => store.health().state === "unavailable");
		expect(store.ingester.position).toBeLessThan(writer.lastSeq);
		rmdirSync(file);
		await until(() => store.ingester.position >= writer.lastSeq);
		expect(kept()).toHaveLength(1);
		rmSync(file);
	});
});

describe("a damaged journal", () => {
	it("stops ingestion before the damage and names the place, without throwing", async () => {
		const journal = join(folder, "damaged");
		const other = openWriter(journal, "sim3");
		for (let index = 0; index < 5; index += 1)
			other.append({ kind: "note", level: "info", run: null, code: "D", message: `damaged ${index}` });
		await other.close();
		const file = join(journal, "0000000000000001.journal");
		writeFileSync(file, readFileSync(file, "utf8").replace("damaged 3", "damaged X"));
		const second = openTestStore(folder, { journal, databaseUrl: store.url()! });
		await until(() => second.health().state === "unavailable");
		expect(second.health().detail).toContain("0000000000000001.journal, line 5, byte");
		expect(second.ingester.position).toBe(3);
		await second.close();
	});
});

describe("without a database", () => {
	it("answers DATABASE_UNAVAILABLE and reports the lag", async () => {
		const lost = openTestStore(folder, { databaseUrl: "postgresql://nobody@127.0.0.1:1/none" });
		await expect(lost.history.runs({ limit: 1 })).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
		await expect(lost.history.signal("a.b", { from: 0, to: 1, points: 1 })).rejects.toMatchObject({
			code: "DATABASE_UNAVAILABLE",
		});
		await until(() => lost.health().state === "unavailable");
		expect(lost.health().lagRecords).toBe(writer.lastSeq);
		await lost.close();
	});
});
