/** What a held run does before it goes on with the interrupted step. */
import type { Ramp } from "#recipe/engine/ramps.js";
import { isDose, type Plan, type PurgeStep, type StabiliseStep, type Step } from "#recipe/plan.js";

/** Temperatures are proven again: so near, for so long, within so much time. */
const BAND_C = 2;
const STABLE_S = 60;
const TIMEOUT_S = 7_200;

/** These count on temperatures that are there already. */
const NEEDS_STABLE: ReadonlySet<Step["type"]> = new Set(["pulse", "exposure", "purge", "wait", "wait-until"]);

/** The steps that come before `resumed`: stable temperatures, and before a dose the longest purge of the recipe. */
export function stepsBefore(resumed: Step, plan: Plan, ramps: ReadonlyMap<string, Ramp>): Step[] {
	const steps: Step[] = [];
	if (NEEDS_STABLE.has(resumed.type) && ramps.size > 0) steps.push(restabilisation(resumed, plan, ramps));
	// An interrupted purge is itself executed in full.
	if (isDose(resumed) || resumed.type === "line-evacuate") steps.push(fullPurge(resumed, plan));
	return steps;
}

/**
 * Where a held run goes on: at its interrupted step. A hold has opened the chamber to the pump, so a question under an open
 * lid goes back to the backfill before it.
 */
export function resumeAt(position: number, plan: Plan): number {
	const step = plan.steps[position];
	if (step?.type !== "prompt" || !step.lidMayOpen) return position;
	const filled = plan.steps.findLastIndex(({ type }, index) => index < position && type === "backfill");
	return filled < 0 ? position : filled;
}

/** A purge whose dose is to be repeated is not gone on with: at its dose. */
export function backToDose(position: number, plan: Plan, inDoubt: ReadonlyMap<number, unknown>): number {
	return plan.steps[position]?.type === "purge" && inDoubt.has(position - 1) ? position - 1 : position;
}

/** An index outside the plan: nothing of the plan follows at once. */
const outside = (resumed: Step, plan: Plan) => ({ ...resumed, index: plan.steps.length });

function restabilisation(resumed: Step, plan: Plan, ramps: ReadonlyMap<string, Ramp>): StabiliseStep {
	const zones = [...ramps].map(([zone, { toC }]) => ({ zone, targetC: toC }));
	const title = "Restabilise";
	return {
		...outside(resumed, plan),
		type: "stabilise",
		title,
		zones,
		bandC: BAND_C,
		forS: STABLE_S,
		timeoutS: TIMEOUT_S,
	};
}

function fullPurge(resumed: Step, plan: Plan): PurgeStep {
	const purges = plan.steps.filter((step): step is PurgeStep => step.type === "purge");
	const seconds = Math.max(0, ...Object.values(plan.purgeMinimumS), ...purges.map((step) => step.seconds));
	const title = "Purge before going on";
	return { ...outside(resumed, plan), type: "purge", title, after: "", seconds, cycleEnds: false };
}
