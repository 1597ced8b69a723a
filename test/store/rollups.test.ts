import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { Prng } from "#core/prng.js";
import { JournalWriter } from "#journal/writer.js";
import type { Store } from "#store/open.js";
import { buckets, cover, signalHistory } from "#store/signal-history.js";
import { openTestStore, query, removeFolders, temporaryFolder, until } from "./support.js";

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 0, 1, 7, 31, 12);
const SEED = 7;

/** Runs as the machine's own; its wall time is set by hand, backwards too. */
class SetClock extends SystemClock {
	at = START;

	override wallMs(): number {
		return this.at;
	}
}
const wall = new SetClock();

const folder = temporaryFolder();
let store: Store;
let pool: pg.Pool;
const written: { timeMs: number; value: number | null }[] = [];

function writePoll(writer: JournalWriter, timeMs: number, value: number | null): void {
	wall.at = timeMs;
	writer.append({
		kind: "sample",
		instrument: "stage",
		values: { temperature: value, other: 1 },
		...(value === null ? { fault: { temperature: "sensor break" } } : {}),
	});
	written.push({ timeMs, value });
}

beforeAll(async () => {
	const writer = JournalWriter.open({
		dir: `${folder}/journal`,
		clock: wall,
		station: "sim1",
	});
	const prng = new Prng(SEED);
	// Three days, every 20 s, in pieces so that some are rolled up before the next come.
	store = openTestStore(folder);
	const value = (timeMs: number) =>
		prng.uniform() < 0.02 ? null : 120 + 10 * Math.sin(timeMs / HOUR_MS) + prng.uniform();
	for (let day = 0; day < 3; day += 1) {
		for (let at = 0; at < 24 * HOUR_MS; at += 20_000) writePoll(writer, START + day * 24 * HOUR_MS + at, value(at));
		await writer.synced();
		await until(() => store.ingester.position >= writer.lastSeq);
	}
	// Trickling in, then a heap that follows upon it.
	for (let at = 0; at < HOUR_MS; at += 20_000) {
		writePoll(writer, START + 72 * HOUR_MS + at, value(at));
		if (at % 400_000 !== 0) continue;
		await writer.synced();
		await until(() => store.ingester.position >= writer.lastSeq);
	}
	for (let at = HOUR_MS; at < 5 * HOUR_MS; at += 20_000) writePoll(writer, START + 72 * HOUR_MS + at, value(at));
	await writer.synced();
	await until(() => store.ingester.position >= writer.lastSeq);
	// The clock was set back by five hours, and once to before everything.
	for (let at = 0; at < HOUR_MS; at += 20_000)
		writePoll(writer, START + 67 * HOUR_MS + at + 7, value(at) === null ? 0 : 300);
	writePoll(writer, START - 26 * HOUR_MS, -40);
	await writer.synced();
	await until(() => store.ingester.position >= writer.lastSeq);
	await writer.close();
	pool = new pg.Pool({ connectionString: store.url()! });
});

afterAll(async () => {
	const dataFolder = store?.embedded?.dataFolder;
	await pool?.end();
	await store?.close();
	removeFolders(folder, dataFolder);
});

/** What the answer must hold, from the samples as they were written. */
function expected({ from, to, points }: { from: number; to: number; points: number }) {
	const { bucketMs, originMs } = buckets({ from, to, points });
	const bins = new Map<number, number[]>();
	for (const { timeMs, value } of written) {
		if (timeMs < from || timeMs >= to) continue;
		const bin = Math.floor((timeMs - originMs) / bucketMs);
		const values = bins.get(bin) ?? [];
		bins.set(bin, values);
		if (value !== null) values.push(value);
	}
	return [...bins]
		.sort(([a], [b]) => a - b)
		.map(([, values]) => ({
			min: values.length === 0 ? null : Math.min(...values),
			max: values.length === 0 ? null : Math.max(...values),
			mean: values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
		}));
}

describe("the past of a signal from rollups", () => {
	it("is rolled up in every width, each as far as the finer one", async () => {
		const rows = await query<{ width_s: number; n: string; samples: string }>(
			store.url()!,
			"SELECT width_s, count(*) AS n, sum(samples) AS samples FROM rollups JOIN signals ON id = signal_id WHERE name = 'stage.temperature' GROUP BY 1 ORDER BY 1",
		);
		expect(rows.map(({ width_s }) => width_s)).toEqual([10, 60, 600, 3_600, 21_600, 86_400]);
		expect(Number(rows[3]!.n)).toBeLessThan(90);
	});

	const spans = [120_000, HOUR_MS, 5 * HOUR_MS, 26 * HOUR_MS, 72 * HOUR_MS, 100 * HOUR_MS, 2_000 * HOUR_MS];
	it.each(spans)("over %i ms agrees with the samples themselves, faults and late ones included", async (spanMs) => {
		const prng = new Prng(SEED + spanMs);
		for (let round = 0; round < 12; round += 1) {
			const from = Math.floor(START - 30 * HOUR_MS + prng.uniform() * 100 * HOUR_MS);
			const points = [1, 2, 7, 50, 333, 2_000][round % 6]!;
			const asked = { from, to: from + spanMs, points };
			const answer = await signalHistory(pool, "stage.temperature", asked, "sim1");
			const truth = expected(asked);
			expect(answer.length, JSON.stringify(asked)).toBe(truth.length);
			expect(answer.length).toBeLessThanOrEqual(points);
			answer.forEach(({ at, min, max, mean }, index) => {
				expect(min, JSON.stringify({ ...asked, index })).toBe(truth[index]!.min);
				expect(max).toBe(truth[index]!.max);
				if (mean === null) expect(truth[index]!.mean).toBeNull();
				else expect(mean).toBeCloseTo(truth[index]!.mean!, 9);
				expect(at).toBeGreaterThanOrEqual(asked.from);
				expect(at).toBeLessThanOrEqual(asked.to);
			});
		}
	});
});

describe("the stretches of an answer", () => {
	const made = () => Number.POSITIVE_INFINITY;
	it("cover the time once, without a gap, finer towards both ends", () => {
		const from = START + 1_234;
		const to = from + 50 * HOUR_MS;
		const stretches = cover({ from, to, widthMs: HOUR_MS }, made);
		expect(stretches.map(({ widthMs }) => widthMs / 1_000)).toEqual([0, 10, 60, 600, 3_600, 600, 60, 10, 0]);
		expect(stretches[0]!.from).toBe(from);
		expect(stretches.at(-1)!.to).toBe(to);
		for (let index = 1; index < stretches.length; index += 1)
			expect(stretches[index]!.from).toBe(stretches[index - 1]!.to);
	});

	it("take samples where nothing has been rolled up yet", () => {
		const to = START + 3 * HOUR_MS;
		expect(cover({ from: START, to, widthMs: 600_000 }, () => Number.NEGATIVE_INFINITY)).toEqual([
			{ widthMs: 0, from: START, to },
		]);
	});
});
