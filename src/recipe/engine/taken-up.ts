/** What a run that was interrupted by the loss of control takes over from its records. */
import type { Reactor } from "#device/reactor.js";
import { type InterruptedRun, type OpenRun, pulsesInTheBalance } from "#recipe/engine/interrupted-run.js";
import { rampsOf } from "#recipe/engine/ordered-ramps.js";
import type { Ramp } from "#recipe/engine/ramps.js";
import { backToDose } from "#recipe/engine/restart.js";
import { isDose, type Plan, type PumpDownStep, type Step } from "#recipe/plan.js";
import { planDigest } from "#recipe/plan-digest.js";
import type { PulseCount } from "#record/pulse-count.js";
import type { PlannedStep, PulseRecord, RunCreated, RunState } from "#record/records.js";
import type { RunTrail } from "#record/run-trail.js";
import type { Interruption } from "#record/status.js";
import type { TrendDose } from "#safety/pulse-trends.js";

export interface TakenUp {
	/** The state in which the records leave the run. */
	readonly state: RunState;
	/** The plan as it is now; without steps when it is not the one that ran. */
	readonly plan: Plan;
	/** What is not as it was; with any of these the run can only be stopped or aborted. */
	readonly differences: readonly string[];
	/** Index of the interrupted step. */
	readonly position: number;
	/** The interrupted step as its records tell it; null before the first. */
	readonly step: PlannedStep | null;
	readonly completeCycles: number;
	readonly elapsedS: number;
	readonly count: PulseCount;
	/** Doses that make the trend of their precursor, oldest first. */
	readonly trends: readonly TrendDose[];
	readonly anneals: RunTrail["anneals"];
	readonly prompts: readonly string[];
	readonly carrierSccm: number | undefined;
	readonly ramps: ReadonlyMap<string, Ramp>;
	/** Last good values before the gap, and the highest of the run, by `instrument.signal`. */
	readonly values: RunTrail["values"];
	readonly facts: Pick<Interruption, "lostAt" | "gapS" | "cycle" | "halfCycle" | "repeat" | "annealMinutes">;
	/** Unix ms. */
	readonly lastDoses: NonNullable<InterruptedRun["lastDose"]>;
}

export interface Present {
	/** The plan that the recipe in the record gives now; undefined when it gives none, and why. */
	readonly plan: Plan | undefined;
	readonly why: string;
	readonly labFileSha256: string;
	readonly softwareVersion: string;
	/** Of this reactor. */
	readonly zones: Reactor["zones"];
	/** Unix ms. */
	readonly wall: number;
}

export function takeUp(known: InterruptedRun, openRun: OpenRun, present: Present): TakenUp {
	const { created, state, trail, lastStep } = openRun;
	const differences = differencesFrom(openRun, present);
	const plan = differences.length === 0 ? present.plan! : planWithoutSteps(created);
	const { count } = trail;
	for (const pulse of pulsesInTheBalance(known, 0)) if (pulse.run === openRun.run) count.ended(pulse);
	const interruptedAt =
		differences.length > 0 || lastStep === null ? 0 : lastStep.index + (trail.done.has(lastStep.index) ? 1 : 0);
	const position = backToDose(interruptedAt, plan, count.inDoubt);
	const step = plan.steps[position] ?? lastStep;
	const isAnneal = step?.type === "anneal";
	const annealedS = isAnneal ? (trail.anneals.get(step.index)?.inBandS ?? 0) : 0;
	return {
		state,
		plan,
		differences,
		position,
		step,
		completeCycles: differences.length > 0 ? openRun.cyclesDone : cyclesComplete(plan, trail.done),
		elapsedS: trail.elapsedS + Math.max(0, present.wall - known.lastWall) / 1_000,
		count,
		trends: trail.trends.flatMap(trendDose),
		anneals: trail.anneals,
		prompts: trail.prompts,
		...wantedBefore(plan, position, present.zones),
		values: trail.values,
		facts: {
			lostAt: known.lastWall,
			gapS: Math.max(0, present.wall - known.lastWall) / 1_000,
			cycle: step?.cycle ?? null,
			halfCycle: halfCycleOf(plan, step),
			repeat: count.inDoubt.get(position) ?? null,
			annealMinutes: isAnneal ? Math.round(annealedS / 6) / 10 : null,
		},
		lastDoses: known.lastDose ?? {},
	};
}

function trendDose({ precursor, commandedMs: widthMs, effective, trend }: PulseRecord): TrendDose[] {
	return effective === null || trend === undefined
		? []
		: [{ precursor, widthMs, carrierSccm: trend.carrierSccm, effective }];
}

/** The pressure is proven again by the recipe's own last pump-down before a step that doses, or purges after a dose. */
export function baseProof(resumed: Step | undefined, plan: Plan): PumpDownStep | undefined {
	if (resumed === undefined || !(isDose(resumed) || resumed.type === "purge" || resumed.type === "line-evacuate"))
		return undefined;
	const proof = plan.steps.findLast(
		(step): step is PumpDownStep => step.type === "pump-down" && step.index < resumed.index,
	);
	return proof === undefined
		? undefined
		: { ...proof, index: plan.steps.length, title: "Base pressure before going on" };
}

function differencesFrom({ created, trail }: OpenRun, present: Present): string[] {
	const found: string[] = [];
	const { plan } = present;
	if (present.labFileSha256 !== created.labFileSha256) {
		found.push(
			`The lab file has changed (SHA-256 ${brief(created.labFileSha256)}, now ${brief(present.labFileSha256)}).`,
		);
	}
	if (plan === undefined) {
		found.push(`The recipe in the record gives no plan any more: ${present.why}`);
		return found;
	}
	const versions =
		present.softwareVersion === created.softwareVersion
			? ""
			: ` by version ${present.softwareVersion}; version ${created.softwareVersion} began the run`;
	if (created.plan.sha256 === undefined) found.push("The record does not say by which plan the run began.");
	else if (created.plan.sha256 !== planDigest(plan))
		found.push(`The plan is another${versions}: ${whatDiffers(created, plan, trail)}`);
	return found;
}

function whatDiffers({ plan: then }: RunCreated, plan: Plan, trail: RunTrail): string {
	const told: string[] = [];
	if (then.steps !== plan.steps.length) told.push(`${plan.steps.length} steps instead of ${then.steps}`);
	if (then.cycles !== plan.cyclesOrdered) told.push(`${plan.cyclesOrdered} cycles instead of ${then.cycles}`);
	if (then.totalS !== plan.totalS) told.push(`${plan.totalS.toFixed(0)} s instead of ${then.totalS.toFixed(0)} s`);
	for (const [index, ran] of trail.started) {
		const step = plan.steps[index];
		const is = (of: PlannedStep) => `${of.path} ${(of.turns ?? []).join(".")} ${of.title} ${of.plannedS}`;
		if (step !== undefined && is(step) === is(ran)) continue;
		const place = `${ran.path}${ran.turns === undefined ? "" : `, turn ${ran.turns.join(".")}`}`;
		told.push(
			`step ${index + 1} was "${ran.title}" (${place}) and is ${step === undefined ? "missing" : `"${step.title}"`}`,
		);
		break;
	}
	return `${told.length === 0 ? "its steps have other settings, or its limits are others" : told.join("; ")}.`;
}

/** Flow and ramps that the steps before `position` have ordered. */
function wantedBefore(plan: Plan, position: number, zones: Reactor["zones"]): Pick<TakenUp, "carrierSccm" | "ramps"> {
	let carrierSccm: number | undefined;
	const ramps = new Map<string, Ramp>();
	for (const step of plan.steps.slice(0, position)) {
		switch (step.type) {
			case "flow":
				carrierSccm = step.sccm;
				break;
			case "pump-down":
			case "leak-check":
			case "backfill":
				carrierSccm = 0;
				break;
			case "heat":
			case "anneal":
				for (const [zone, ramp] of rampsOf(step, plan, zones)) ramps.set(zone, ramp);
				break;
			case "cool":
				ramps.clear();
				break;
			default:
		}
	}
	return { carrierSccm, ramps };
}

function cyclesComplete(plan: Plan, done: ReadonlySet<number>): number {
	let complete = 0;
	for (const step of plan.steps) if (step.type === "purge" && step.cycleEnds && done.has(step.index)) complete += 1;
	return complete;
}

/** The precursor of the step, or of the dose that its purge follows. */
function halfCycleOf(plan: Plan, step: PlannedStep | null): string | null {
	if (step?.cycle === undefined) return null;
	const dose = plan.steps.findLast((candidate) => isDose(candidate) && candidate.index <= step.index);
	return isDose(dose) ? dose.precursor : null;
}

/** What is known of a plan that cannot be made any more: enough to stop or abort. */
function planWithoutSteps(created: RunCreated): Plan {
	const { recipe, recipeVersion, recipeSha256, parameters, product, material, meltingPointC, neverAboveC, plan } =
		created;
	return {
		recipe,
		recipeVersion,
		sha256: recipeSha256,
		parameters,
		material: { name: material, meltingPointC, source: "the run's record" },
		product,
		cyclesOf: {},
		steps: [],
		cyclesOrdered: plan.cycles,
		neverAboveC,
		holdC: null,
		maxPauseS: 0,
		phases: plan.phases,
		totalS: plan.totalS,
		pulses: plan.pulses,
		precursorMg: {},
		tmaMg: 0,
		thicknessNm: plan.thicknessNm,
		thicknessOfNm: {},
		acknowledgements: [],
		purgeMinimumS: {},
	};
}

const brief = (sha256: string): string => sha256.slice(0, 12);
