/** The least time in which the foil can come within half a degree, for somebody who knows the plant. */
import { AMBIENT_C, Reactor, type ReactorTruth, STEP_S } from "./reactor.js";

export interface OracleTask {
	readonly startC: number;
	readonly wallC: number;
	readonly targetC: number;
	readonly foilMaxC: number;
	readonly stageMaxC: number;
	readonly rampCPerMin: number;
}

const WITHIN_C = 0.5;
const SECONDS_MAX = 20_000;
const BISECTIONS = 26;

/**
 * All the power that the ramp limit leaves until a switching time, then none: nothing reaches the foil sooner, for every
 * node only rises with power. The latest switching time that keeps foil and stage below their limits, by bisection. The
 * dead time is known, so it only delays; it is added at the end.
 */
export function oracleSeconds(truth: ReactorTruth, task: OracleTask): number {
	let [low, high] = [0, SECONDS_MAX];
	for (let i = 0; i < BISECTIONS; i += 1) {
		const middle = (low + high) / 2;
		if (coast(truth, task, middle).isInside) low = middle;
		else high = middle;
	}
	return coast(truth, task, low).arrivalS + truth.deadTimeS;
}

function coast(truth: ReactorTruth, task: OracleTask, switchS: number) {
	const reactor = new Reactor({ ...truth, deadTimeS: 0 }, task.startC, task.wallC, "oracle");
	let [arrivalS, foilPeakC, stagePeakC] = [Number.POSITIVE_INFINITY, 0, 0];
	for (let atS = 0; atS < SECONDS_MAX; atS += STEP_S) {
		const driveC = reactor.stageC + (truth.timeConstantS * task.rampCPerMin) / 60;
		const pullC = truth.stageFromWall * (reactor.wallC - reactor.stageC);
		const rampPercent = (driveC - AMBIENT_C - pullC) / truth.gainCPerPercent;
		reactor.step(atS < switchS ? Math.min(100, Math.max(0, rampPercent)) : 0);
		foilPeakC = Math.max(foilPeakC, reactor.foilC);
		stagePeakC = Math.max(stagePeakC, reactor.stageC);
		if (arrivalS === Number.POSITIVE_INFINITY && reactor.foilC >= task.targetC - WITHIN_C) arrivalS = atS + STEP_S;
		if (foilPeakC > task.foilMaxC || stagePeakC > task.stageMaxC) return { isInside: false, arrivalS };
		if (atS > switchS && reactor.foilC < foilPeakC - 0.01) break;
	}
	return { isInside: true, arrivalS };
}
