/**
 * A thousand hours of eight signals from the journal's bytes into the database, killed twice on the way, beside what
 * Prisma's createMany manages on the same server; then looks at one signal's past over REST, from minutes to all of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { SystemClock } from "#core/clock.js";
import { Prng } from "#core/prng.js";
import { JournalWriter } from "#journal/writer.js";
import { SIMULATED_LAB_FILE } from "#src/processes/files.js";
import { startService } from "#src/processes/service.js";
import { startEmbeddedPostgres } from "#store/embedded-postgres.js";
import { PrismaClient } from "#store/generated/client.js";
import { migrate } from "#store/migrate.js";
import { atLeast, atMost, type Bar, type BenchResult, equals, isTrue, median, quantile } from "./report.js";

const HOURS = 1_000;
const SIGNALS = 8;
const POLLS = HOURS * 3_600;
/** The journal is written in pieces that fit its memory. */
const PIECE = 20_000;
const KILL_AT = [0.1, 0.2];
const BASELINE_ROWS = 40_000;
const BASELINE_BATCHES = [1_000, 10_000];
const POINTS = 2_000;
const LOOKS_PER_SPAN = 40;
const SPANS_H = [1 / 60, 1 / 6, 1, 4, 10, 40, 100, 400, HOURS];
const START = Date.UTC(2026, 0, 1);

/** Real time, but polls are stamped with the time that they stand for. */
class StampClock extends SystemClock {
	stampMs = START;

	override wallMs(): number {
		return this.stampMs;
	}
}

export async function ingest(seed: number): Promise<BenchResult> {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-ingest-"));
	const postgres = await startEmbeddedPostgres({ folder: join(folder, "postgres"), clock: new SystemClock() });
	const client = new pg.Client({ connectionString: postgres.url });
	try {
		await client.connect();
		await migrate(postgres.url);
		const journal = join(folder, "journal");
		await writeJournal(journal);
		const createManyPerS = await baseline(client, postgres.url);
		const ingested = await takeOver(client, journal, postgres.url);
		const rate = ingested.samples / ingested.seconds;
		const audit = await auditRows(client);
		const looks = await lookBack(postgres.url, folder, seed);
		return {
			bars: [
				atLeast("ingest.rate", rate, "samples/s", 300_000),
				atLeast("ingest.over-createMany", rate / createManyPerS, "1", 25),
				equals("ingest.kills", ingested.kills, "1", KILL_AT.length),
				equals("ingest.lost", audit.lost, "samples", 0),
				equals("ingest.doubled", audit.doubled, "samples", 0),
				...looks.bars,
			],
			detail: { createManyPerS, ...ingested, ...audit, ...looks.detail },
		};
	} finally {
		await client.end().catch(() => {});
		await postgres.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Signal n of poll i is i + n/10: every sample has a value of its own. */
async function writeJournal(dir: string): Promise<void> {
	const clock = new StampClock();
	const writer = JournalWriter.open({ dir, clock, station: "sim1" });
	for (let poll = 0; poll < POLLS; poll += 1) {
		clock.stampMs = START + poll * 1_000;
		const values: Record<string, number> = {};
		for (let n = 0; n < SIGNALS; n += 1) values[`s${n}`] = poll + n / 10;
		writer.append({ kind: "sample", instrument: "bench", values });
		if (poll % PIECE === 0) await writer.synced();
	}
	await writer.close();
}

/** Rows of three columns by Prisma's createMany, at its best batch size: fewer columns than a sample has. */
async function baseline(admin: pg.Client, url: string): Promise<number> {
	await admin.query("CREATE DATABASE baseline");
	const own = new URL(url);
	own.pathname = "/baseline";
	await migrate(own.href);
	const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: own.href }) });
	try {
		const rates: number[] = [];
		for (const batch of BASELINE_BATCHES) {
			const startMs = performance.now();
			for (let row = 0; row < BASELINE_ROWS; row += batch) {
				const data = Array.from({ length: batch }, (_, n) => ({
					station: `s${n % SIGNALS}-${batch}`,
					widthS: row + n,
					upTo: new Date(START + (row + n) * 1_000),
				}));
				await prisma.rollupPosition.createMany({ data });
			}
			rates.push((BASELINE_ROWS / (performance.now() - startMs)) * 1_000);
		}
		return Math.max(...rates);
	} finally {
		await prisma.$disconnect();
	}
}

/** The product's own ingester in a process of its own, killed with -9 on the way; the time after the last kill counts, its start included. */
async function takeOver(client: pg.Client, journal: string, url: string) {
	const position = async () => {
		const { rows } = await client.query("SELECT seq, samples FROM journal_position");
		const [row] = rows as { seq: string; samples: string }[];
		return { seq: Number(row?.seq ?? 0), samples: Number(row?.samples ?? 0) };
	};
	let kills = 0;
	for (const part of KILL_AT) {
		const child = ingester(journal, url);
		while ((await position()).seq < part * POLLS) await rest(20);
		child.kill("SIGKILL");
		await once(child, "exit");
		kills += 1;
		// What the killed one had sent may still be committed.
		await rest(1_000);
	}
	const before = await position();
	const startMs = performance.now();
	const child = ingester(journal, url);
	while ((await position()).seq < POLLS) await rest(50);
	const seconds = (performance.now() - startMs) / 1_000;
	child.kill("SIGTERM");
	await once(child, "exit");
	return { kills, samples: (await position()).samples - before.samples, seconds };
}

function ingester(journal: string, url: string): ChildProcess {
	return spawn(
		process.execPath,
		[...process.execArgv, resolve(import.meta.dirname, "../store/ingest-child.ts"), journal, url],
		{ stdio: ["ignore", "inherit", "inherit"] },
	);
}

/** Whatever is missing changes a signal's sum or count, and so does whatever is there twice. */
async function auditRows(client: pg.Client) {
	const { rows } = await client.query(
		`SELECT name, count(*)::float8 AS n, count(DISTINCT time)::float8 AS distinct, sum(value) AS sum
		FROM samples JOIN signals ON id = signal_id GROUP BY name ORDER BY name`,
	);
	const signals = rows as { name: string; n: number; distinct: number; sum: number }[];
	const isSumRight = signals.every(
		({ sum }, n) => Math.abs(sum - ((POLLS * (POLLS - 1)) / 2 + (n * POLLS) / 10)) < POLLS / 100,
	);
	const distinct = signals.reduce((total, signal) => total + signal.distinct, 0);
	const total = signals.reduce((all, signal) => all + signal.n, 0);
	return { rows: total, lost: isSumRight ? SIGNALS * POLLS - distinct : Number.NaN, doubled: total - distinct };
}

async function lookBack(databaseUrl: string, folder: string, seed: number): Promise<{ bars: Bar[]; detail: object }> {
	process.env.DATABASE_URL = databaseUrl;
	const service = await startService({
		dataDir: join(folder, "service"),
		labFile: SIMULATED_LAB_FILE,
		speed: 1,
		port: 0,
	});
	const prng = new Prng(seed);
	const { url } = service.ready as { url: string };
	const bySpan: { hours: number; p50: number; p95: number; points: number }[] = [];
	const all: number[] = [];
	let isRight = true;
	try {
		for (const hours of [...SPANS_H.slice(0, 2), ...SPANS_H]) {
			const times: number[] = [];
			let points = 0;
			for (let look = 0; look < LOOKS_PER_SPAN; look += 1) {
				const fromS = Math.floor(prng.uniform() * (HOURS - hours) * 3_600);
				const toS = fromS + Math.floor(hours * 3_600);
				const signal = prng.integer(0, SIGNALS - 1);
				const path = `/api/v1/signals/bench.s${signal}/history?from=${START + fromS * 1_000}&to=${START + toS * 1_000}&points=${POINTS}`;
				const startMs = performance.now();
				const response = await fetch(url + path);
				const { points: found } = (await response.json()) as { points: { min: number; max: number }[] };
				times.push(performance.now() - startMs);
				points = found.length;
				isRight &&=
					found.length <= POINTS &&
					found.length >= Math.min(toS - fromS, POINTS) / 10 &&
					found[0]!.min === fromS + signal / 10 &&
					found.at(-1)!.max === toS - 1 + signal / 10;
			}
			bySpan.push({ hours, p50: median(times), p95: quantile(times, 0.95), points });
			all.push(...times);
		}
	} finally {
		await service.stop();
		delete process.env.DATABASE_URL;
	}
	// The first spans warm the service up and are looked at again.
	const counted = bySpan.slice(2);
	const warm = all.slice(2 * LOOKS_PER_SPAN);
	const p95 = quantile(warm, 0.95);
	return {
		bars: [
			atMost("history.p95", p95, "ms", 100),
			atMost("history.p95.worst-span", Math.max(...counted.map((span) => span.p95)), "ms", 100),
			isTrue("history.extremes-kept", isRight),
		],
		detail: {
			looks: warm.length,
			spans: counted,
			hours: HOURS,
			lastSpanOverMedian: counted.at(-1)!.p50 / median(warm),
		},
	};
}
