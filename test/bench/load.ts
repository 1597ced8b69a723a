/** How soon pulses start while the service is loaded, beside how soon they start without, interleaved in one run. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { setPriority, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { SystemClock } from "#core/clock.js";
import { startEmbeddedPostgres } from "#store/embedded-postgres.js";
import { RealSystem } from "../support/real-system.js";
import type { LoadOrder, LoadReport } from "./load-generator.js";
import { latenessOf } from "./pulse.js";
import { PULSE_RECIPE, withTimingFilm } from "./pulse-recipe.js";
import { atLeast, atMost, type BenchResult, median, quantile } from "./report.js";

const WINDOWS = 5;
const WINDOW_MS = 32_000;
/** After switching, what the load left behind may still be under way. */
const SETTLE_MS = 1_500;
const REQUESTS_PER_S = 50;
const STREAMS = 20;
const ROWS_PER_S = 50_000;
/** The generator counts in whole batches. */
const KEPT_UP = 0.9;

interface Window {
	readonly loaded: boolean;
	readonly from: number;
	readonly to: number;
}

async function say(child: ChildProcess, message: "on" | "off"): Promise<LoadReport | undefined> {
	child.send(message);
	if (message === "on") return undefined;
	const [answer] = (await once(child, "message")) as [{ report: LoadReport }];
	return answer.report;
}

export const load = (): Promise<BenchResult> => withTimingFilm(underLoad);

async function underLoad(): Promise<BenchResult> {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-load-db-"));
	const postgres = await startEmbeddedPostgres({ folder, clock: new SystemClock() });
	process.env.DATABASE_URL = postgres.url;
	const system = await RealSystem.start({ speed: 1 });
	const order: LoadOrder = {
		url: system.system.url,
		databaseUrl: postgres.url,
		requestsPerS: REQUESTS_PER_S,
		streams: STREAMS,
		rowsPerS: ROWS_PER_S,
	};
	const child = fork(resolve(import.meta.dirname, "load-generator.ts"), [], {
		env: { ...process.env, LOAD_ORDER: JSON.stringify(order) },
		execArgv: process.execArgv,
	});
	setPriority(child.pid!, 10);
	try {
		await once(child, "message");
		await system.instrumentsReady(30_000);
		await system.launch(PULSE_RECIPE, { cycles: 300 });
		await system.until(({ run }) => (run?.step?.cycle ?? 0) >= 3, 300_000);
		const windows: Window[] = [];
		const reports: LoadReport[] = [];
		for (let n = 0; n < 2 * WINDOWS; n += 1) {
			const loaded = n % 2 === 1;
			if (loaded) await say(child, "on");
			await rest(SETTLE_MS);
			const from = Date.now();
			await rest(WINDOW_MS);
			windows.push({ loaded, from, to: Date.now() });
			if (loaded) reports.push((await say(child, "off"))!);
		}
		const lateness = await latenessOf(system);
		const inWindow = ({ from, to }: Window) =>
			lateness.filter(({ wall }) => wall >= from && wall <= to).map(({ ms }) => ms);
		const ratios: number[] = [];
		for (let n = 0; n < windows.length; n += 2)
			ratios.push(median(inWindow(windows[n + 1]!)) / median(inWindow(windows[n]!)));
		const of = (loaded: boolean) => windows.filter((window) => window.loaded === loaded).flatMap(inWindow);
		const sum = (pick: (report: LoadReport) => number) => reports.reduce((total, report) => total + pick(report), 0);
		const seconds = sum((report) => report.seconds);
		return {
			bars: [
				atMost("load.start.p99", quantile(of(true), 0.99), "ms", 10),
				atMost("load.start.ratio", median(ratios), "1", 2),
				atLeast("load.requests", sum((report) => report.requests) / seconds, "1/s", REQUESTS_PER_S * KEPT_UP),
				atLeast("load.rows", sum((report) => report.rowsIngested) / seconds, "1/s", ROWS_PER_S * KEPT_UP),
				atMost(
					"load.failed-requests",
					sum((report) => report.failedRequests),
					"1",
					0,
				),
			],
			detail: {
				ratios,
				idle: { pulses: of(false).length, p50: median(of(false)), p99: quantile(of(false), 0.99) },
				loaded: { pulses: of(true).length, p50: median(of(true)), p99: quantile(of(true), 0.99) },
				reports,
			},
		};
	} finally {
		child.send("end");
		await once(child, "exit");
		await system.stop();
		delete process.env.DATABASE_URL;
		await postgres.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}
