/** What a run will do, before it does: pulses, precursor, thickness, phases. Pure. */

import { interpolate } from "#recipe/interpolate.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import type { FilmData } from "#recipe/library.js";
import type { Step } from "#recipe/plan.js";
import { foilC, precursorFacts } from "#recipe/rules/rule.js";
import type { ProcessState, Trace } from "#recipe/trace.js";
import type { RunPhase } from "#record/records.js";

export interface DryRun {
	readonly totalS: number;
	/** Number of pulses by precursor; every precursor of the film is named. */
	readonly pulses: Readonly<Record<string, number>>;
	/** TMA that leaves its bottle. */
	readonly tmaMg: number;
	/** Film at the end, by the growth data of the material. */
	readonly thicknessNm: number;
	/** In the order in which they first occur. */
	readonly phases: readonly RunPhase[];
}

export function dryRun({
	trace,
	seconds,
	lab,
	film,
	material,
}: {
	trace: Trace;
	/** By index of the step. */
	seconds: readonly number[];
	lab: LabFacts;
	film: FilmData;
	material: string;
}): DryRun {
	const pulses: Record<string, number> = Object.fromEntries(film.deposition.precursors.map((name) => [name, 0]));
	const phases = new Map<string, number>();
	const growth = film.deposition.growthNm.get(material) ?? film.deposition.growthNm.get("any");
	let totalS = 0;
	let tmaMg = 0;
	let depositedNm = 0;
	// The state is one object through all cycles, so its growth is looked up once.
	let grownIn: ProcessState | undefined;
	let grownNm = 0;
	for (const [index, { step, before }] of trace.all.entries()) {
		const stepS = seconds[index]!;
		totalS += stepS;
		phases.set(step.phase, (phases.get(step.phase) ?? 0) + stepS);
		if (step.type === "pulse") {
			pulses[step.precursor] = (pulses[step.precursor] ?? 0) + 1;
			if (step.precursor === "TMA") tmaMg += step.widthMs * (precursorFacts(lab, "TMA")?.mgPerMs ?? 0);
		}
		if (growth && isCycleEnd(step)) {
			if (before !== grownIn) {
				const atC = foilC(lab, before);
				grownIn = before;
				grownNm = atC === undefined ? 0 : interpolate(growth, atC);
			}
			depositedNm += grownNm;
		}
	}
	return {
		totalS: round(totalS, 3),
		pulses,
		tmaMg: round(tmaMg, 4),
		thicknessNm: round(depositedNm * film.thicknessRatio, 3),
		phases: [...phases].map(([name, phaseS]) => ({ name, seconds: round(phaseS, 3) })),
	};
}

const isCycleEnd = (step: Step): boolean => step.type === "purge" && step.cycleEnds;

/** Sums of thousands of decimal fractions, without the dust of binary ones. */
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
