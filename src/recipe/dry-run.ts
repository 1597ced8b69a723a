/** What a run will do, before it does: pulses, precursor, thickness, phases. Pure. */

import { interpolate } from "#recipe/interpolate.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import type { FilmData, Shielding } from "#recipe/library.js";
import { type DryRun, isDose, type Step } from "#recipe/plan.js";
import { foilC, precursorFacts } from "#recipe/rules/rule.js";
import type { ProcessState, Trace } from "#recipe/trace.js";

export function dryRun({
	trace,
	seconds,
	lab,
	films,
	material,
}: {
	trace: Trace;
	/** By index of the step. */
	seconds: readonly number[];
	lab: LabFacts;
	/** Those of the product; none for a recipe that coats nothing. */
	films: readonly FilmData[];
	material: string;
}): DryRun {
	const pulses: Record<string, number> = {};
	for (const { deposition } of films) for (const precursor of deposition.precursors) pulses[precursor] = 0;
	const phases = new Map<string, number>();
	const grown = films.map((film) => new Growth(film, material, lab));
	let totalS = 0;
	const precursorMg: Record<string, number> = {};
	let depositedNm = 0;
	for (const [index, { step, before }] of trace.all.entries()) {
		const stepS = seconds[index]!;
		totalS += stepS;
		phases.set(step.phase, (phases.get(step.phase) ?? 0) + stepS);
		if (isDose(step)) {
			pulses[step.precursor] = (pulses[step.precursor] ?? 0) + 1;
			const mg = step.widthMs * (precursorFacts(lab, step.precursor)?.mgPerMs ?? 0);
			precursorMg[step.precursor] = (precursorMg[step.precursor] ?? 0) + mg;
		}
		if (isCycleEnd(step)) {
			const growth = step.film === undefined ? grown[0] : grown.find(({ film }) => film.name === step.film);
			depositedNm += growth?.cycle(before, depositedNm) ?? 0;
		}
	}
	const thicknessOfNm = Object.fromEntries(grown.map(({ film, nm }) => [film.name, round(nm, 3)]));
	return {
		totalS: round(totalS, 3),
		pulses,
		precursorMg: Object.fromEntries(Object.entries(precursorMg).map(([name, mg]) => [name, round(mg, 4)])),
		tmaMg: round(precursorMg.TMA ?? 0, 4),
		thicknessNm: round(
			grown.reduce((sum, { nm }) => sum + nm, 0),
			3,
		),
		thicknessOfNm,
		phases: [...phases].map(([name, phaseS]) => ({ name, seconds: round(phaseS, 3) })),
	};
}

/** One film's thickness, cycle by cycle. */
class Growth {
	/** Of the film as it is in the end. */
	nm = 0;
	private readonly shielding: Shielding | undefined;
	// The state is one object through all cycles, so its growth is looked up once.
	private state: ProcessState | undefined;
	private perCycleNm = 0;
	private isShielding = false;

	constructor(
		readonly film: FilmData,
		private readonly material: string,
		private readonly lab: LabFacts,
	) {
		this.shielding = film.deposition.shielding.get(material);
	}

	/** Adds a cycle on what lies there already; gives what was deposited. */
	cycle(state: ProcessState, beneathNm: number): number {
		if (state !== this.state) this.lookUp(state);
		const depositedNm = this.perCycleNm * (this.isShielding ? shieldedShare(this.shielding!, beneathNm) : 1);
		this.nm += depositedNm * this.film.thicknessRatio;
		return depositedNm;
	}

	private lookUp(state: ProcessState): void {
		const { growthNm } = this.film.deposition;
		const table = growthNm.get(this.material) ?? growthNm.get("any");
		const atC = foilC(this.lab, state);
		this.state = state;
		this.perCycleNm = table === undefined || atC === undefined ? 0 : interpolate(table, atC);
		this.isShielding = this.shielding !== undefined && atC !== undefined && atC < this.shielding.belowC;
	}
}

function shieldedShare({ fromNm, toNm, share }: Shielding, nm: number): number {
	const way = Math.min(1, Math.max(0, (nm - fromNm) / (toNm - fromNm)));
	return 1 - way * (1 - share);
}

const isCycleEnd = (step: Step): step is Extract<Step, { type: "purge" }> => step.type === "purge" && step.cycleEnds;

/** Sums of thousands of decimal fractions, without the dust of binary ones. */
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
