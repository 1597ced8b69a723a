/** Runs cases one after the other and says in shared memory which one it is at, so that a hang has a name. */
import { parentPort, workerData } from "node:worker_threads";
import { caseOf, verdictOf } from "./area.js";
import { AREAS } from "./areas.js";
import { type Failure, SHOWN_CHARS_MAX, type WorkerTask } from "./worker-task.js";

const { seed, area: firstArea, index: firstIndex, share, at } = workerData as WorkerTask;
for (const [number, area] of AREAS.entries()) {
	if (number < firstArea) continue;
	const start = performance.now();
	const cases = Math.ceil(area.cases * share);
	for (let index = number === firstArea ? firstIndex : 0; index < cases; index += 1) {
		Atomics.store(at, 0, number);
		Atomics.store(at, 1, index);
		const given = caseOf(area, seed, index);
		const verdict = await verdictOf(area, given);
		Atomics.add(at, 2, 1);
		if (verdict !== undefined) {
			const text = area.show(given).slice(0, SHOWN_CHARS_MAX);
			parentPort!.postMessage({ failure: { area: area.name, index, ...verdict, text } satisfies Failure });
		}
	}
	parentPort!.postMessage({ area: area.name, cases, seconds: (performance.now() - start) / 1_000 });
}
parentPort!.postMessage({ done: true });
