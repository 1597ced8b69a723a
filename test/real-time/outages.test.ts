import { setTimeout as rest } from "node:timers/promises";
import { connectAsync } from "mqtt";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmState, JournalRecord } from "#record/records.js";
import type { ControlStatus } from "#record/status.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { MOSQUITTO } from "../support/mosquitto.js";
import { OutsideServices } from "../support/outside-services.js";
import { RealSystem } from "../support/real-system.js";

const EPOCH_2000_MS = Date.UTC(2000, 0, 1);
/** So that the run outlasts all of it. */
const CYCLES = 90;
const SPEED = 200;
/** Lab time for which database and broker are away. */
const AWAY_MS = 600_000;
const KILLS = 2;

interface Rows {
	/** Position of the database in the journal. */
	readonly seq: number;
	/** By signal: time (µs since 2000, as PostgreSQL keeps it) and value of every row, in the order of time. */
	readonly samples: Map<string, [number, number | null][]>;
	readonly events: number[];
	readonly pulses: number;
}

type Retained = Map<string, { at?: number; state?: string; online?: boolean }>;

describe("a run at full rate with its database killed for ten minutes, then its broker, then the service, twice", () => {
	let outside: OutsideServices;
	let system: RealSystem;
	let records: JournalRecord[];
	let rows: Rows;
	/** What the broker holds right after its return, by topic. */
	let retained: Retained;
	let signals: string[];
	const awayMs: Record<string, number> = {};

	const alarmIs = (alarm: string, ...states: (AlarmState | "normal")[]) => {
		return ({ alarms }: ControlStatus) =>
			states.includes(alarms.find((present) => present.alarm === alarm)?.state ?? "normal");
	};

	/** Takes something away, sees the alarm, and brings it back after ten minutes of lab time. */
	async function away(alarm: string, take: () => void, bring: () => Promise<unknown> | unknown): Promise<void> {
		const { t: from } = await system.status();
		take();
		await system.until(alarmIs(alarm, "unacknowledged"), 30_000, 20);
		const { t, run } = await system.until((status) => status.t - from >= AWAY_MS, 60_000, 20);
		expect(run?.state, system.story()).toBe("running");
		awayMs[alarm] = t - from;
		await bring();
	}

	beforeAll(async () => {
		outside = await OutsideServices.started();
		const { broker } = outside;
		system = await RealSystem.start({ speed: SPEED });
		await system.instrumentsReady(60_000);
		await system.until(({ service }) => service?.database === "ready" && service.broker === "ready", 60_000);
		await system.launchText("short.recipe.yaml", SHORT_RECIPE, { cycles: CYCLES });

		await away(
			"database.away",
			() => outside.killDatabase(),
			() => outside.restartDatabase(),
		);
		await system.until(alarmIs("database.away", "returned-unacknowledged"), 60_000, 20);
		if (broker !== undefined) {
			await away(
				"broker.away",
				() => broker.kill(),
				() => broker.start(),
			);
			const returned = system.until(alarmIs("broker.away", "returned-unacknowledged"), 60_000, 20);
			signals = Object.keys((await system.status()).signals);
			retained = await retainedAt(broker.url, () => returned);
		}
		for (let kill = 1; kill <= KILLS; kill += 1) {
			process.kill(system.system.pids().service!, "SIGKILL");
			await system.until(alarmIs("service.away", "returned-unacknowledged"), 60_000, 20);
			await system.control.request("acknowledge-alarm", { alarm: "service.away", by: "test" });
		}
		await system.until(({ run }) => run?.state === "complete", 240_000);
		rows = await drained(outside.databaseUrl);
		records = (await system.journal()).filter(({ seq }) => seq <= rows.seq);
	});

	afterAll(async () => {
		await system?.stop();
		await outside?.stop();
	});

	it("goes on as if nothing had been: every cycle delivered, nothing tripped or held, every purge done", () => {
		const finished = records.find((record) => record.kind === "run-finished");
		expect(finished).toMatchObject({
			state: "complete",
			cycles: { ordered: CYCLES, complete: CYCLES, repeated: 0, unknown: 0 },
		});
		const states = records.flatMap((record) => (record.kind === "run-state" ? [record.to] : []));
		expect(states).toEqual(["running", "complete"]);
		expect(records.filter(({ kind }) => kind === "interlock")).toEqual([]);
		const purges = records.filter((record) => record.kind === "step-ended" && record.type === "purge");
		expect(purges).toHaveLength(2 * CYCLES);
		for (const purge of purges) expect(purge).toMatchObject({ outcome: "done" });
	});

	it("tells of each outage by an alarm that came and went, and of nothing else", () => {
		const alarms = records.flatMap((record) =>
			record.kind === "alarm"
				? [`${record.alarm} ${record.state}${record.by === undefined ? "" : ` ${record.by}`}`]
				: [],
		);
		const came = (alarm: string) => [`${alarm} unacknowledged`, `${alarm} returned-unacknowledged`];
		const killed = [...came("service.away"), "service.away normal test"];
		expect(alarms, system.story()).toEqual([
			...came("database.away"),
			...(outside.broker === undefined ? [] : came("broker.away")),
			...Array.from({ length: KILLS }, () => killed).flat(),
		]);
		for (const ms of Object.values(awayMs)) expect(ms).toBeGreaterThanOrEqual(AWAY_MS);
		const ends = system.log.filter((line) => line.startsWith("The service process ended"));
		expect(ends, system.story()).toHaveLength(KILLS);
	});

	it("loses and doubles nothing: the database holds every value and every event of the journal once", () => {
		expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
		const wanted = new Map<string, [number, number | null][]>();
		for (const record of records) {
			if (record.kind !== "sample") continue;
			for (const [name, value] of Object.entries(record.values)) {
				const id = `${record.instrument}.${name}`;
				const course = wanted.get(id) ?? [];
				wanted.set(id, course);
				course.push([Math.round((record.wall - EPOCH_2000_MS) * 1_000), value]);
			}
		}
		expect([...rows.samples.keys()].sort()).toEqual([...wanted.keys()].sort());
		for (const [id, course] of wanted) expect(rows.samples.get(id), id).toEqual(course);
		expect(rows.events).toEqual(records.flatMap(({ kind, seq }) => (kind === "sample" ? [] : [seq])));
		expect(rows.pulses).toBe(2 * CYCLES);
	});

	it.runIf(MOSQUITTO !== undefined)("gives the broker that lost its memory everything anew, as it is now", () => {
		expect(retained.get("adlayer/v1/sim1/online")).toMatchObject({ online: true });
		expect(retained.get("adlayer/v1/sim1/run/state")).toMatchObject({ state: "running" });
		expect(retained.get("adlayer/v1/sim1/alarms/broker.away")).toMatchObject({ state: "returned-unacknowledged" });
		for (const id of signals) expect([...retained.keys()]).toContain(`adlayer/v1/sim1/${id.replace(".", "/")}`);
		const broken = records.findLast((record) => record.kind === "alarm" && record.alarm === "broker.away")!;
		const chamber = retained.get("adlayer/v1/sim1/gauge/chamber")!;
		expect(chamber.at).toBeGreaterThan(broken.wall - AWAY_MS / 10);
	});
});

async function retainedAt(url: string, until: () => Promise<unknown>): Promise<Retained> {
	const seen: Retained = new Map();
	const client = await connectAsync(url, { reconnectPeriod: 50, connectTimeout: 2_000 });
	client.on("message", (topic, payload) => seen.set(topic, JSON.parse(payload.toString())));
	await client.subscribeAsync("adlayer/#");
	await until();
	await rest(1_500);
	await client.endAsync(true);
	return seen;
}

/** Waits until the database has everything of the finished run, then reads it. */
async function drained(url: string): Promise<Rows> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		const all = async (sql: string) => (await client.query({ text: sql, rowMode: "array" })).rows as unknown[][];
		for (const endMs = performance.now() + 120_000; ; await rest(250)) {
			const [row] = await all("SELECT state FROM runs");
			if (row?.[0] === "complete") break;
			if (performance.now() > endMs) throw new Error(`The database did not catch up: the run is ${row?.[0]}.`);
		}
		// Control goes on sampling: one snapshot sees rows and position of the same commits.
		await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
		const [position] = await all("SELECT seq FROM journal_position");
		const [pulses] = await all("SELECT count(*) FROM pulses");
		const events = await all("SELECT seq FROM events ORDER BY seq");
		const samples: Rows["samples"] = new Map();
		for (const [name, at, value] of await all(
			`SELECT signals.name, round(extract(epoch FROM "time" - timestamptz '2000-01-01 00:00:00Z') * 1000000)::float8, value FROM samples JOIN signals ON id = signal_id ORDER BY "time"`,
		)) {
			const course = samples.get(name as string) ?? [];
			samples.set(name as string, course);
			course.push([at as number, value as number | null]);
		}
		await client.query("COMMIT");
		return {
			seq: Number(position![0]),
			samples,
			events: events.map(([seq]) => Number(seq)),
			pulses: Number(pulses![0]),
		};
	} finally {
		await client.end();
	}
}
