/** A program that Adlayer itself runs, for cyclers that only source and measure: what is due, and what a reading means. Pure. */
import type { CyclerProgram, ProgramStep } from "#device/cycler.js";

export type ActiveStep = Exclude<ProgramStep, { kind: "repeat" }>;

export interface RunningStep {
	readonly step: ActiveStep;
	/** Number in the program from 1, repeats counted as steps of their own, as cyclers number them. */
	readonly id: number;
	/** From 1; rises with every turn of an outermost repeat. */
	readonly cycle: number;
}

export type Verdict =
	| { readonly kind: "goes-on" }
	| { readonly kind: "step-ended" }
	| { readonly kind: "protected"; readonly reason: string };

/** Steps in the order in which they are run. */
function* walk(
	steps: readonly ProgramStep[],
	firstId: number,
	count: { cycle: number },
	depth = 0,
): Generator<RunningStep> {
	let id = firstId;
	for (const step of steps) {
		if (step.kind !== "repeat") {
			yield { step, id, cycle: count.cycle };
			id += 1;
			continue;
		}
		for (let turn = 0; turn < step.times; turn += 1) {
			yield* walk(step.steps, id, count, depth + 1);
			if (depth === 0) count.cycle += 1;
		}
		id += sizeOf(step);
	}
}

const sizeOf = (step: ProgramStep): number =>
	step.kind === "repeat" ? 1 + step.steps.reduce((sum, inner) => sum + sizeOf(inner), 0) : 1;

export class ProgramRun {
	private readonly due: Generator<RunningStep>;
	private running: RunningStep | undefined;
	stepS = 0;
	testS = 0;
	/** Of the step, whatever the direction. */
	capacityAh = 0;
	energyWh = 0;

	constructor(readonly program: CyclerProgram) {
		this.due = walk(program.steps, 1, { cycle: 1 });
		this.next();
	}

	/** Undefined when the program has come to its end. */
	get step(): RunningStep | undefined {
		return this.running;
	}

	/** Goes to the next step; false at the end. */
	next(): boolean {
		const { value, done } = this.due.next();
		this.running = done === true ? undefined : value;
		this.stepS = 0;
		this.capacityAh = 0;
		this.energyWh = 0;
		return this.running !== undefined;
	}

	/** Counts what flowed in the `dtS` before this reading, and judges it. */
	observe(reading: { voltageV: number; currentA: number; isInCompliance: boolean }, dtS: number): Verdict {
		const { step } = this.running!;
		const { voltageV, currentA } = reading;
		const ah = (Math.abs(step.kind === "rest" ? 0 : currentA) * dtS) / 3_600;
		this.stepS += dtS;
		this.testS += dtS;
		this.capacityAh += ah;
		this.energyWh += ah * Math.abs(voltageV);
		const { limits } = this.program;
		const { timeS, capacityAh, voltageV: endV, currentA: endA } = step.ends;
		if (step.kind === "constant-current" && endV !== undefined) {
			if (step.currentA > 0 ? voltageV >= endV : voltageV <= endV) return ENDED;
			// A compliance at the very voltage that ends the step never lets it be passed.
			if (reading.isInCompliance && Math.sign(endV) === Math.sign(step.currentA)) return ENDED;
		}
		if (step.kind === "constant-voltage" && endA !== undefined && Math.abs(currentA) <= endA) return ENDED;
		if (voltageV < limits.voltageVMin || voltageV > limits.voltageVMax) {
			return protectedBy(`${voltageV} V is outside ${limits.voltageVMin} to ${limits.voltageVMax} V`);
		}
		if (Math.abs(currentA) > limits.currentAMax) return protectedBy(`${currentA} A is above ${limits.currentAMax} A`);
		if (timeS !== undefined && this.stepS >= timeS - 1e-9) return ENDED;
		if (capacityAh !== undefined && this.capacityAh >= capacityAh) return ENDED;
		if (this.capacityAh > limits.capacityAhMax) {
			return protectedBy(`${this.capacityAh} Ah in a step is above ${limits.capacityAhMax} Ah`);
		}
		if (step.kind === "constant-current" && reading.isInCompliance) {
			return protectedBy(`the source is in compliance at ${voltageV} V`);
		}
		return GOES_ON;
	}
}

const ENDED: Verdict = { kind: "step-ended" };
const GOES_ON: Verdict = { kind: "goes-on" };
const protectedBy = (reason: string): Verdict => ({ kind: "protected", reason });
