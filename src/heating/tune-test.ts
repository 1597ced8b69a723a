/** The test that shows what a heater is: a pure state machine, fed with samples, that says what to command. */

/** What the operator allows. There are no defaults: every limit is his. */
export interface TuneLimits {
	readonly degCMax: number;
	readonly secondsMax: number;
	/** Longest time without a good reading. */
	readonly silenceSMax: number;
	/** The temperature must have moved by `moveC` this long after heat was given or taken. */
	readonly answerSMax: number;
}

export interface TunePlan {
	/** A relay swings about `aroundC`; a step goes up once and waits. */
	readonly kind: "relay" | "step";
	/** What is commanded: the output power in per cent, or the setpoint of the instrument's own loop in degC. */
	readonly actuator: "power" | "setpoint";
	readonly low: number;
	readonly high: number;
	/** The zone is watched at rest this long before anything is moved. */
	readonly watchS: number;
	/** Relay: switches `hysteresisC` above and below this. Step: not used. */
	readonly aroundC: number;
	readonly hysteresisC: number;
	/** Relay: full swings. */
	readonly cycles: number;
	/** Step: how long the high side is held. */
	readonly stepS: number;
	readonly limits: TuneLimits;
}

export interface TuneSample {
	readonly atS: number;
	/** Null without a good reading. */
	readonly temperatureC: number | null;
	readonly outputPercent: number | null;
	/** The operator wants it to end. */
	readonly abort?: boolean;
}

/** `leave`: as the instrument is. `restore`: give the instrument back its former settings, at once. */
export type TuneCommand =
	| { readonly kind: "leave" }
	| { readonly kind: "set"; readonly actuator: "power" | "setpoint"; readonly value: number }
	| { readonly kind: "restore" };

export type TunePhase = "watching" | "high" | "low" | "done" | "aborted";

/** Everything that the test remembers; may be stored and taken up again. */
export interface TuneState {
	readonly phase: TunePhase;
	readonly startS: number | null;
	readonly phaseStartS: number;
	readonly phaseStartC: number;
	readonly answered: boolean;
	readonly goodS: number;
	readonly swings: number;
	/** Why it was aborted. */
	readonly reason: string | null;
}

export interface TuneStep {
	readonly state: TuneState;
	readonly command: TuneCommand;
	/** 0 to 1. */
	readonly progress: number;
}

/** A zone that has moved by this much has answered. */
const ANSWER_C = 0.5;

export const TUNE_START: TuneState = {
	phase: "watching",
	startS: null,
	phaseStartS: 0,
	phaseStartC: 0,
	answered: false,
	goodS: 0,
	swings: 0,
	reason: null,
};

/** What is wrong with a plan, all at once; empty when it may be run. */
export function planProblems(plan: TunePlan, startC: number): string[] {
	const { kind, actuator, low, high, aroundC, hysteresisC, cycles, stepS, watchS, limits } = plan;
	const problems: string[] = [];
	const unit = actuator === "power" ? "%" : "°C";
	if (!(high > low)) problems.push(`The high side (${high} ${unit}) is not above the low side (${low} ${unit}).`);
	if (actuator === "power" && (low < 0 || high > 100))
		problems.push(`The powers ${low} % and ${high} % do not lie between 0 and 100 %.`);
	if (actuator === "setpoint" && high >= limits.degCMax)
		problems.push(`The high setpoint ${high} °C is not below the limit of ${limits.degCMax} °C.`);
	if (kind === "relay" && !(aroundC + hysteresisC < limits.degCMax))
		problems.push(`The relay switches at ${aroundC + hysteresisC} °C, not below the limit of ${limits.degCMax} °C.`);
	if (kind === "relay" && !(hysteresisC > 0)) problems.push(`The hysteresis ${hysteresisC} °C is not above 0.`);
	if (kind === "relay" && !(Number.isInteger(cycles) && cycles >= 2))
		problems.push(`A relay test has at least 2 whole swings, not ${cycles}.`);
	if (kind === "step" && !(stepS > 0)) problems.push(`A step lasts longer than 0 s, not ${stepS} s.`);
	if (!(watchS >= 0)) problems.push(`The zone is watched for ${watchS} s: that is no duration.`);
	for (const [name, value] of Object.entries(limits))
		if (!Number.isFinite(value)) problems.push(`The limit ${name} is ${value}: it must be a number.`);
	if (!(limits.secondsMax > watchS))
		problems.push(`The test may last ${limits.secondsMax} s, of which ${watchS} s are watched.`);
	if (!(startC < limits.degCMax))
		problems.push(`The zone is at ${startC} °C, not below the limit of ${limits.degCMax} °C.`);
	return problems;
}

/** One sample further. After `done` and `aborted` it goes on saying `restore`. */
export function tuneStep(plan: TunePlan, before: TuneState, sample: TuneSample): TuneStep {
	if (before.phase === "done" || before.phase === "aborted")
		return { state: before, command: { kind: "restore" }, progress: 1 };
	const { atS, temperatureC } = sample;
	const begun: TuneState =
		before.startS === null
			? { ...before, startS: atS, phaseStartS: atS, phaseStartC: temperatureC ?? 0, goodS: atS }
			: before;
	const isGood = temperatureC !== null && sample.outputPercent !== null;
	const seen = isGood ? answered({ ...begun, goodS: atS }, temperatureC) : begun;
	const reason = whyAbort(plan, seen, sample);
	if (reason !== undefined)
		return { state: { ...seen, phase: "aborted", reason }, command: { kind: "restore" }, progress: 1 };
	const state = isGood ? advance(plan, seen, atS, temperatureC) : seen;
	return { state, command: commandFor(plan, state), progress: progressOf(plan, state, atS) };
}

function answered(state: TuneState, temperatureC: number): TuneState {
	return state.answered || Math.abs(temperatureC - state.phaseStartC) < ANSWER_C ? state : { ...state, answered: true };
}

function whyAbort(
	{ limits }: TunePlan,
	state: TuneState,
	{ atS, temperatureC, abort }: TuneSample,
): string | undefined {
	if (abort === true) return "The operator ended the test.";
	if (temperatureC !== null && temperatureC >= limits.degCMax)
		return `The zone reads ${temperatureC} °C; the operator's limit is ${limits.degCMax} °C.`;
	if (atS - state.goodS > limits.silenceSMax)
		return `There was no good reading for ${(atS - state.goodS).toFixed(0)} s; ${limits.silenceSMax} s are allowed.`;
	if (atS - (state.startS ?? atS) > limits.secondsMax) return `The test has lasted longer than ${limits.secondsMax} s.`;
	const moving = state.phase === "high" || state.phase === "low";
	if (moving && !state.answered && atS - state.phaseStartS > limits.answerSMax)
		return `The zone has not moved by ${ANSWER_C} °C within ${limits.answerSMax} s: heater, contactor or sensor.`;
	return undefined;
}

function advance(plan: TunePlan, state: TuneState, atS: number, temperatureC: number): TuneState {
	const enter = (phase: TunePhase, swings = state.swings): TuneState => ({
		...state,
		phase,
		swings,
		phaseStartS: atS,
		phaseStartC: temperatureC,
		answered: false,
	});
	const { aroundC, hysteresisC } = plan;
	switch (state.phase) {
		case "watching":
			if (atS - state.phaseStartS < plan.watchS) return state;
			return enter(plan.kind === "step" || temperatureC < aroundC ? "high" : "low");
		case "high":
			if (plan.kind === "step") return atS - state.phaseStartS >= plan.stepS ? enter("done") : state;
			return temperatureC >= aroundC + hysteresisC ? enter("low") : state;
		case "low": {
			if (temperatureC > aroundC - hysteresisC) return state;
			const swings = state.swings + 1;
			return enter(swings >= plan.cycles ? "done" : "high", swings);
		}
		default:
			return state;
	}
}

function commandFor({ actuator, low, high }: TunePlan, { phase }: TuneState): TuneCommand {
	if (phase === "watching") return { kind: "leave" };
	if (phase === "high" || phase === "low") return { kind: "set", actuator, value: phase === "high" ? high : low };
	return { kind: "restore" };
}

function progressOf(plan: TunePlan, state: TuneState, atS: number): number {
	if (state.phase === "done" || state.phase === "aborted") return 1;
	const watched = state.phase === "watching" ? (atS - state.phaseStartS) / Math.max(1, plan.watchS) : 1;
	const inStep = plan.kind === "step" && state.phase === "high" ? (atS - state.phaseStartS) / plan.stepS : 0;
	const swung = plan.kind === "relay" ? (state.swings + (state.phase === "low" ? 0.5 : 0)) / plan.cycles : inStep;
	return Math.min(1, 0.2 * Math.min(1, watched) + 0.8 * swung);
}
