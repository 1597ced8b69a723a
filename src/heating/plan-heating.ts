import { type GuideOptions, HeatGuide } from "./heat-guide.js";
import { holdingPercent, PowerHistory, Transition } from "./zone-model.js";

export interface PlannedPoint {
	readonly atS: number;
	readonly setpointC: number;
	readonly powerPercent: number;
	/** As the instrument will read it. */
	readonly readingC: number;
	readonly foilC: number;
}

export interface HeatingPlan {
	/** Until the foil is within half a degree of its target, to stay there. */
	readonly seconds: number;
	readonly foilPeakC: number;
	readonly trajectory: readonly PlannedPoint[];
}

export type PlanOutcome =
	| { readonly ok: true; readonly plan: HeatingPlan }
	| { readonly ok: false; readonly problems: readonly string[] };

const STEP_S = 1;
const WITHIN_C = 0.5;
const PLAN_S_MAX = 6 * 3600;
/** Holding needs some power in hand against losses that change. */
const POWER_IN_HAND_PERCENT = 1;
/** The instrument's assumed share of a setpoint change that reaches the output at once: the slow end of what makers do. */
const SETPOINT_WEIGHT = 0.8;

/**
 * The way as it is expected: the guide on the model, through an assumed PI controller with the instrument's settings. What
 * cannot be reached is refused with all reasons.
 */
export function planHeating(options: GuideOptions, startFoilC: number): PlanOutcome {
	const { model, foil, task, instrument } = options;
	const targetC = task.targetC - foil.offsetC;
	const problems: string[] = [];
	const needs = holdingPercent(model, targetC);
	const inHand = instrument.powerMaxPercent - POWER_IN_HAND_PERCENT;
	if (needs > inHand)
		problems.push(
			`Holding ${task.targetC} °C needs ${needs.toFixed(1)} % of power; the heater may give ${instrument.powerMaxPercent} %, of which ${POWER_IN_HAND_PERCENT} % stays in hand.`,
		);
	if (task.targetC + foil.offsetBoundC >= task.neverAboveC)
		problems.push(
			`The target ${task.targetC} °C with the calibration's bound of ${foil.offsetBoundC} °C is not below ${task.neverAboveC} °C.`,
		);
	if (!(task.targetC < task.stageLimitC))
		problems.push(`The target ${task.targetC} °C is not below the stage's limit of ${task.stageLimitC} °C.`);
	if (!(task.rampCPerMin > 0)) problems.push(`The ramp of ${task.rampCPerMin} °C/min is no ramp.`);
	if (problems.length > 0) return { ok: false, problems };
	const plan = simulate(options, startFoilC - foil.offsetC);
	if (Number.isFinite(plan.seconds)) return { ok: true, plan };
	return { ok: false, problems: [`The model does not come to ${task.targetC} °C within ${PLAN_S_MAX / 3600} h.`] };
}

function simulate(options: GuideOptions, startC: number): HeatingPlan {
	const { model, foil, task, instrument } = options;
	const transition = new Transition(model.timeConstantS, model.lagS, STEP_S);
	const foilKept = Math.exp(-STEP_S / Math.max(STEP_S, foil.lagS));
	const state = { stageC: startC, sensorC: startC };
	let percent = Math.max(0, holdingPercent(model, startC));
	const power = new PowerHistory(model.deadTimeS + 10);
	power.add(0, percent);
	const perC = 100 / instrument.proportionalBandC;
	let setpointC = startC;
	let integral = percent - perC * (SETPOINT_WEIGHT * setpointC - startC);
	let foilC = startC + foil.offsetC;
	const guide = new HeatGuide(options, { atS: 0, readingC: startC, outputPercent: percent, setpointC });
	const trajectory: PlannedPoint[] = [];
	let [arrivedS, foilPeakC] = [Number.POSITIVE_INFINITY, foilC];
	for (let atS = 0; atS < PLAN_S_MAX; atS += STEP_S) {
		const guidance = guide.step({ atS, readingC: state.sensorC, outputPercent: percent });
		setpointC = guidance.setpointC;
		trajectory.push({ atS, setpointC, powerPercent: percent, readingC: state.sensorC, foilC });
		if (guidance.state === "holding") break;
		const direct = perC * (SETPOINT_WEIGHT * setpointC - state.sensorC);
		const change = instrument.integralS > 0 ? (perC * (setpointC - state.sensorC) * STEP_S) / instrument.integralS : 0;
		const before = direct + integral;
		if (!((before >= instrument.powerMaxPercent && change > 0) || (before <= 0 && change < 0))) integral += change;
		percent = Math.min(instrument.powerMaxPercent, Math.max(0, direct + integral));
		power.add(atS, percent);
		const arriving = power.mean(atS - model.deadTimeS, atS + STEP_S - model.deadTimeS);
		transition.step(state, model.restC + model.gainCPerPercent * arriving);
		const settlesC = state.stageC + foil.offsetC;
		foilC = settlesC + foilKept * (foilC - settlesC);
		foilPeakC = Math.max(foilPeakC, foilC);
		if (Math.abs(foilC - task.targetC) > WITHIN_C) arrivedS = Number.POSITIVE_INFINITY;
		else arrivedS = Math.min(arrivedS, atS + STEP_S);
	}
	return { seconds: arrivedS, foilPeakC, trajectory };
}
