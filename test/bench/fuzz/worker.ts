/** Runs cases one after the other and says in shared memory which one it is at, so that a hang has a name. */
import { parentPort, workerData } from "node:worker_threads";
import { caseOf, verdictOf } from "./area.js";
import { AREAS } from "./areas.js";
import { SHOWN_CHARS_MAX, type WorkerMessage, type WorkerTask } from "./worker-task.js";

const { seed, area: firstArea, index: firstIndex, share, at } = workerData as WorkerTask;
const casesOf = ({ cases }: { readonly cases: number }): number => Math.ceil(cases * share);
const say = (message: WorkerMessage): void => parentPort!.postMessage(message);

say({ areas: AREAS.map((area) => ({ name: area.name, cases: casesOf(area) })) });
for (const [number, area] of AREAS.entries()) {
	if (number < firstArea) continue;
	const start = performance.now();
	const cases = casesOf(area);
	for (let index = number === firstArea ? firstIndex : 0; index < cases; index += 1) {
		Atomics.store(at, 0, number);
		Atomics.store(at, 1, index);
		const given = caseOf(area, seed, index);
		const verdict = await verdictOf(area, given);
		Atomics.add(at, 2, 1);
		if (verdict !== undefined) {
			const text = area.show(given).slice(0, SHOWN_CHARS_MAX);
			say({ failure: { area: area.name, index, ...verdict, text } });
		}
	}
	say({ area: area.name, cases, seconds: (performance.now() - start) / 1_000 });
}
say({ done: true });
