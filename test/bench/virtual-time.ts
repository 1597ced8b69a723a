/** The whole shipped lithium recipe in virtual time, through codecs and simulators. */
import { createHash } from "node:crypto";
import { VirtualPlant } from "../support/virtual-plant.js";
import { atLeast, atMost, type BenchResult, isTrue } from "./report.js";

const RECIPE = "li-two-step.recipe.yaml";
const LAB_S_MAX = 40_000;

interface WholeRun {
	readonly wallS: number;
	readonly labS: number;
	readonly exchanges: number;
	readonly state: string;
	readonly plannedS: number;
	readonly actualS: number;
	readonly journalSha256: string;
	readonly records: number;
}

async function wholeRun(seed: number): Promise<WholeRun> {
	const plant = await new VirtualPlant({ seed }).ready();
	const start = performance.now();
	const labStartMs = plant.clock.nowMs();
	await plant.launch(RECIPE);
	await plant.until("complete", LAB_S_MAX);
	const wallS = (performance.now() - start) / 1_000;
	const labS = (plant.clock.nowMs() - labStartMs) / 1_000;
	const exchanges = plant.control.plant.instruments.reduce((sum, { counters }) => sum + counters.exchanges, 0);
	const finished = plant.records("run-finished")[0]!;
	const journalSha256 = createHash("sha256").update(plant.journal.bytes()).digest("hex");
	const result = {
		wallS,
		labS,
		exchanges,
		state: finished.state,
		plannedS: finished.plannedS,
		actualS: finished.durationS,
		journalSha256,
		records: plant.journal.records.length,
	};
	await plant.stop();
	return result;
}

export async function virtualTime(seed: number): Promise<BenchResult> {
	const first = await wholeRun(seed);
	const again = await wholeRun(seed);
	const other = await wholeRun(seed + 1);
	const fastest = first.wallS < again.wallS ? first : again;
	return {
		bars: [
			atMost("virtual-time.wall", fastest.wallS, "s", 5),
			atLeast("virtual-time.exchanges-per-lab-second", fastest.exchanges / fastest.labS, "1/s", 10),
			isTrue("virtual-time.same-seed-same-journal", first.journalSha256 === again.journalSha256),
			isTrue("virtual-time.other-seed-other-journal", first.journalSha256 !== other.journalSha256),
			atMost("virtual-time.dry-run-error", Math.abs(first.plannedS - first.actualS) / first.actualS, "1", 0.05),
		],
		detail: { first, again, other, microsecondsPerExchange: (fastest.wallS * 1e6) / fastest.exchanges },
	};
}
