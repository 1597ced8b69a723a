/** Every door of the product against input that nobody meant: it refuses at the place, and never falls or hangs. */
import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import {
	type AreaSize,
	type Failure,
	SHOWN_CHARS_MAX,
	type WorkerMessage,
	type WorkerTask,
} from "./fuzz/worker-task.js";
import { atLeast, atMost, type Bench, equals } from "./report.js";

const CASES_MIN = 100_000;
/** A case takes milliseconds; one that takes this long hangs. The first of an area opens its door too. */
const HANG_MS = 10_000;
const START_MS = 60_000;
const WATCH_MS = 100;
/** A busy machine gives a process only part of its time: so much of it passes before one is ended that has used little. */
const IDLE_TIMES_LIMIT = 12;
/** What stands in place of the case until the worker is at one. */
const NOT_BEGUN = -1;
/** How often the bench says where it is. */
const SAID_EVERY_MS = 20_000;
/** What one process of the product may hold while it refuses. */
const MEMORY_MB_MAX = 600;
const FAILURES_LISTED_MAX = 50;

/** `share` is the part of the cases that are run. */
export const fuzz = async (seed: number, share = 1): ReturnType<Bench> => {
	const at = new Int32Array(new SharedArrayBuffer(12));
	const failures: Failure[] = [];
	const areas: { area: string; cases: number; seconds: number }[] = [];
	let sizes: readonly AreaSize[] = [];
	let from = { area: 0, index: 0 };
	let peakMb = 0;
	const said = setInterval(() => {
		const area = sizes[Atomics.load(at, 0)]?.name ?? "its beginning";
		const total = sizes.reduce((sum, { cases }) => sum + cases, 0);
		const done = Atomics.load(at, 2);
		console.error(`fuzz: ${done} of ${total} cases, at ${area}; ${failures.length} findings`);
	}, SAID_EVERY_MS);
	for (;;) {
		Atomics.store(at, 1, NOT_BEGUN);
		const stuck = await runWorker(
			{ seed, ...from, share, at },
			{
				found: (failure) => failures.push(failure),
				ended: (area) => areas.push(area),
				sized: (all) => {
					sizes = all;
				},
				tookMemory: (mb) => {
					peakMb = Math.max(peakMb, mb);
				},
			},
		);
		if (stuck === undefined) break;
		const area = Atomics.load(at, 0);
		const index = Atomics.load(at, 1);
		// Then no case is to blame, and every further worker would end in the same way.
		if (index === NOT_BEGUN) throw new Error(`The worker did not begin: ${stuck.message}`);
		failures.push({ area: sizes[area]!.name, index, ...stuck, text: await textOf(seed, area, index) });
		from = { area, index: index + 1 };
		Atomics.add(at, 2, 1);
	}
	clearInterval(said);
	const count = (fault: string): number => failures.filter((failure) => failure.fault === fault).length;
	for (const failure of failures.slice(0, FAILURES_LISTED_MAX))
		console.error(`seed ${seed}, ${failure.area} case ${failure.index}: ${failure.fault}: ${failure.message}`);
	return {
		bars: [
			atLeast("cases", Atomics.load(at, 2), "cases", CASES_MIN),
			equals("crashes", count("crash"), "cases", 0),
			equals("answers of 500 and above", count("server-error"), "cases", 0),
			equals("hangs", count("hang"), "cases", 0),
			equals("refusals that name no place", count("no-place"), "cases", 0),
			equals("wrong answers", count("wrong"), "cases", 0),
			atMost("resident memory", peakMb, "MB", MEMORY_MB_MAX),
		],
		detail: { seed, areas, failures: failures.slice(0, FAILURES_LISTED_MAX) },
	};
};

/**
 * The case as a person can use it. The product is loaded for it here, beside the worker's, only when it is needed: what is
 * measured is the memory of one product.
 */
async function textOf(seed: number, at: number, index: number): Promise<string> {
	const { AREAS } = await import("./fuzz/areas.js");
	const { caseOf } = await import("./fuzz/area.js");
	const area = AREAS[at]!;
	return area.show(caseOf(area, seed, index)).slice(0, SHOWN_CHARS_MAX);
}

interface Listener {
	found(failure: Failure): void;
	ended(area: { area: string; cases: number; seconds: number }): void;
	sized(areas: readonly AreaSize[]): void;
	tookMemory(mb: number): void;
}

/** Undefined when the worker came to its end; else what ended it. */
function runWorker(task: WorkerTask, listener: Listener): Promise<{ fault: string; message: string } | undefined> {
	return new Promise((done) => {
		const worker = new Worker(resolve(import.meta.dirname, "fuzz/start-worker.mjs"), {
			workerData: task,
			// Not inherited from whatever runs the bench.
			execArgv: ["--conditions=source"],
			resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
			stderr: false,
		});
		let seen = -1;
		let since = performance.now();
		let usedBeforeMs = usedMs();
		let limitMs = START_MS;
		let area = -1;
		let first = NOT_BEGUN;
		const watch = setInterval(() => {
			listener.tookMemory(process.memoryUsage().rss / 1024 ** 2);
			const count = Atomics.load(task.at, 0) * 10_000_000 + Atomics.load(task.at, 1);
			if (count !== seen) {
				const index = Atomics.load(task.at, 1);
				if (index !== NOT_BEGUN && area !== Atomics.load(task.at, 0)) {
					area = Atomics.load(task.at, 0);
					first = index;
				}
				limitMs = index === first ? START_MS : HANG_MS;
				seen = count;
				since = performance.now();
				usedBeforeMs = usedMs();
			} else if (usedMs() - usedBeforeMs > limitMs || performance.now() - since > IDLE_TIMES_LIMIT * limitMs)
				end({ fault: "hang", message: `No answer within ${limitMs / 1_000} s of this process's own time.` });
		}, WATCH_MS);
		const end = (how: { fault: string; message: string } | undefined) => {
			clearInterval(watch);
			void worker.terminate().then(() => done(how));
		};
		worker.on("message", (message: WorkerMessage) => {
			if ("failure" in message) listener.found(message.failure);
			else if ("areas" in message) listener.sized(message.areas);
			else if ("done" in message) end(undefined);
			else {
				listener.ended(message);
				console.error(`fuzz: ${message.area}, ${message.cases} cases in ${message.seconds.toFixed(0)} s`);
			}
		});
		// What no promise and no caller caught: a crash of the process, in the product.
		worker.on("error", (error) =>
			end({ fault: "crash", message: error.stack?.split("\n").slice(0, 6).join("\n") ?? String(error) }),
		);
	});
}

/** Time that this process has had of the processors, ms. */
function usedMs(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1_000;
}
