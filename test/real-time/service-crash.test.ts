import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import type { JournalRecord } from "#record/records.js";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "#store/embedded-postgres.js";
import { RealSystem } from "../support/real-system.js";

const RECIPE = resolve(import.meta.dirname, "../../recipes/li-two-step.recipe.yaml");
const CYCLES = 20;
const SPEED = 400;
const KILLS = 3;

describe("a service that is killed with -9 in mid-run", () => {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-crash-"));
	let postgres: EmbeddedPostgres;
	let system: RealSystem;
	let records: JournalRecord[];
	let rows: { seq: number; samples: number; distinctSamples: number; events: number; pulses: number; runState: string };

	beforeAll(async () => {
		postgres = await startEmbeddedPostgres({ folder, clock: new SystemClock() });
		process.env.DATABASE_URL = postgres.url;
		system = await RealSystem.start({ speed: SPEED });
		await system.instrumentsReady(60_000);
		await system.launch(RECIPE, { cycles: CYCLES });
		for (let kill = 1; kill <= KILLS; kill += 1) {
			const from = (await system.status()).t;
			await system.until(({ t, run }) => t - from > 600_000 || run?.state === "complete", 120_000, 20);
			const { service } = system.system.pids();
			if (service !== undefined && service > 0) process.kill(service, "SIGKILL");
		}
		await system.until(({ run }) => run?.state === "complete", 240_000);
		rows = await drained(postgres.url);
		records = (await system.journal()).filter(({ seq }) => seq <= rows.seq);
	}, 400_000);

	afterAll(async () => {
		await system?.stop();
		delete process.env.DATABASE_URL;
		await postgres?.stop();
		rmSync(folder, { recursive: true, force: true });
	}, 60_000);

	it("was restarted each time", () => {
		const ends = system.log.filter((line) => line.startsWith("The service process ended"));
		expect(ends, system.story()).toHaveLength(KILLS);
	});

	it("is not noticed by the run: every cycle delivered, nothing tripped, no purge held up", () => {
		const finished = records.find((record) => record.kind === "run-finished");
		expect(finished).toMatchObject({
			state: "complete",
			cycles: { ordered: CYCLES, complete: CYCLES, repeated: 0, unknown: 0 },
		});
		expect(records.filter(({ kind }) => kind === "interlock" || kind === "alarm")).toEqual([]);
		const purges = records.filter((record) => record.kind === "step-ended" && record.type === "purge");
		expect(purges).toHaveLength(2 * CYCLES);
		for (const purge of purges) expect(purge).toMatchObject({ outcome: "done" });
	});

	it("loses and doubles nothing: the database holds the journal", () => {
		expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
		const samples = records.reduce(
			(sum, record) => sum + (record.kind === "sample" ? Object.keys(record.values).length : 0),
			0,
		);
		expect(rows).toMatchObject({
			samples,
			distinctSamples: samples,
			events: records.filter(({ kind }) => kind !== "sample").length,
			pulses: 2 * CYCLES,
			runState: "complete",
		});
	});
});

/** Waits until the database has everything of the finished run, then counts. */
async function drained(url: string) {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		const one = async (sql: string): Promise<Record<string, string>> => (await client.query(sql)).rows[0] ?? {};
		for (const endMs = performance.now() + 120_000; ; await rest(250)) {
			const { state } = await one("SELECT state FROM runs").catch(() => ({ state: "" }));
			if (state === "complete") break;
			if (performance.now() > endMs) throw new Error(`The database did not catch up: the run is ${state}.`);
		}
		// Control goes on sampling: one snapshot sees rows and position of the same commits.
		await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
		const counts = await one(`SELECT
			(SELECT seq FROM journal_position) AS seq,
			(SELECT count(*) FROM samples) AS samples,
			(SELECT count(*) FROM (SELECT DISTINCT signal_id, "time" FROM samples) AS s) AS distinct_samples,
			(SELECT count(*) FROM events) AS events,
			(SELECT count(*) FROM pulses) AS pulses`);
		await client.query("COMMIT");
		const { seq, samples, distinct_samples, events, pulses } = counts;
		return {
			seq: Number(seq),
			samples: Number(samples),
			distinctSamples: Number(distinct_samples),
			events: Number(events),
			pulses: Number(pulses),
			runState: "complete",
		};
	} finally {
		await client.end();
	}
}
