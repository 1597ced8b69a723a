/**
 * A child process that loads the service while it is told to: requests, event streams, and the journal of another reactor
 * flowing into the same database. Runs at nice 10, like everything but control.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { SystemClock } from "#core/clock.js";
import { JournalReader } from "#journal/reader.js";
import { JournalWriter } from "#journal/writer.js";
import { Ingester } from "#store/ingester.js";
import { migrate } from "#store/migrate.js";
import { RefusedRecords } from "#store/refused-records.js";

export interface LoadOrder {
	readonly url: string;
	readonly databaseUrl: string;
	readonly requestsPerS: number;
	readonly streams: number;
	readonly rowsPerS: number;
}

export interface LoadReport {
	readonly requests: number;
	readonly failedRequests: number;
	readonly streamBytes: number;
	readonly streamsOpen: number;
	readonly rowsIngested: number;
	readonly seconds: number;
}

const SIGNALS_PER_RECORD = 10;
const BATCH_MS = 50;
const HISTORY_MS = 60_000;
const PATHS = [
	() => "/api/v1/status",
	() => "/api/v1/runs",
	() => "/api/v1/instruments",
	() => "/api/v1/alarms",
	() => `/api/v1/signals/gauge.chamber/history?from=${Date.now() - HISTORY_MS}&to=${Date.now()}&points=200`,
];

const order = JSON.parse(process.env.LOAD_ORDER!) as LoadOrder;
const clock = new SystemClock();
const dir = mkdtempSync(join(tmpdir(), "adlayer-load-"));
const journal = JournalWriter.open({ dir, clock, station: "load" });
const ingester = new Ingester({
	reader: new JournalReader({ dir, name: "store", clock }),
	url: () => order.databaseUrl,
	clock,
	refused: new RefusedRecords(join(dir, "refused-records.jsonl")),
	prepare: migrate,
});
ingester.start();

let on = new AbortController();
on.abort();
const counts = { requests: 0, failedRequests: 0, streamBytes: 0, streamsOpen: 0 };

function declareSignals(): void {
	const signals = Array.from({ length: SIGNALS_PER_RECORD }, (_, n) => ({
		id: `bench.s${n}`,
		unit: "1" as const,
		signalKind: "measurement" as const,
		description: "load",
	}));
	journal.append({
		kind: "control-started",
		station: "load",
		simulated: true,
		version: "bench",
		labFileSha256: "0".repeat(64),
		signals,
	});
}

async function write(signal: AbortSignal): Promise<void> {
	const records = Math.round((order.rowsPerS / SIGNALS_PER_RECORD) * (BATCH_MS / 1_000));
	for (let next = performance.now(); !signal.aborted; next += BATCH_MS) {
		for (let i = 0; i < records; i += 1) {
			const values: Record<string, number> = {};
			for (let n = 0; n < SIGNALS_PER_RECORD; n += 1) values[`s${n}`] = i + n / 10;
			journal.append({ kind: "sample", instrument: "bench", values });
		}
		await rest(Math.max(1, next + BATCH_MS - performance.now()));
	}
}

async function request(signal: AbortSignal): Promise<void> {
	const everyMs = 1_000 / order.requestsPerS;
	for (let next = performance.now(), n = 0; !signal.aborted; next += everyMs, n += 1) {
		fetch(order.url + PATHS[n % PATHS.length]!(), { signal: AbortSignal.timeout(10_000) })
			.then(async (response) => {
				await response.arrayBuffer();
				counts.requests += 1;
				if (!response.ok) counts.failedRequests += 1;
			})
			.catch(() => {
				counts.failedRequests += 1;
			});
		await rest(Math.max(0, next + everyMs - performance.now()));
	}
}

async function listen(signal: AbortSignal): Promise<void> {
	try {
		const response = await fetch(`${order.url}/api/v1/status`, { headers: { accept: "text/event-stream" }, signal });
		counts.streamsOpen += 1;
		for await (const chunk of response.body!) counts.streamBytes += (chunk as Uint8Array).length;
	} catch {
		// Ends with the window.
	}
}

let startedMs = 0;
let rowsBefore = 0;
const rowsNow = () =>
	(ingester.health().state === "ready" ? journal.lastSeq - ingester.health().lagRecords : 0) * SIGNALS_PER_RECORD;

process.on("message", async (message: "on" | "off" | "end") => {
	if (message === "on") {
		on = new AbortController();
		Object.assign(counts, { requests: 0, failedRequests: 0, streamBytes: 0, streamsOpen: 0 });
		startedMs = performance.now();
		rowsBefore = rowsNow();
		void write(on.signal);
		void request(on.signal);
		for (let n = 0; n < order.streams; n += 1) void listen(on.signal);
	} else if (message === "off") {
		on.abort();
		const report: LoadReport = {
			...counts,
			rowsIngested: rowsNow() - rowsBefore,
			seconds: (performance.now() - startedMs) / 1_000,
		};
		process.send!({ report });
	} else {
		on.abort();
		await ingester.stop();
		await journal.close();
		rmSync(dir, { recursive: true, force: true });
		process.exit(0);
	}
});
declareSignals();
process.send!({ ready: true });
