import type { ZoneModel } from "./zone-model.js";

/** Settings of an industrial PID controller, in its own units. */
export interface ControllerSettings {
	/** Proportional band: the error that asks for full power. */
	readonly proportionalBandC: number;
	readonly integralS: number;
	/** 0: off. */
	readonly derivativeS: number;
}

export interface ProposedSettings extends ControllerSettings {
	readonly rule: string;
	/** The closed loop's time constant that the rule was asked for. */
	readonly closedLoopS: number;
}

/** Shorter dead times than this are not seen by instruments that work a few times a second and are read once a second. */
const DEAD_TIME_S_MIN = 1;
/** Half the dead time leaves a gain margin of 2.4 and a phase margin of 52 degrees: tight, as the guide takes care of setpoint changes. */
const CLOSED_LOOP_DEAD_TIMES = 0.5;

/**
 * PI settings by SIMC: S. Skogestad, "Simple analytic rules for model reduction and PID controller tuning", J. Process
 * Control 13 (2003) 291-309, with the half rule for the shorter lag; the closed loop's time constant, the rule's one
 * choice, is half the effective dead time. Derivative action is left off: readings come in steps of 0.1 degC.
 */
export function simcSettings(model: ZoneModel): ProposedSettings {
	const deadTimeS = Math.max(DEAD_TIME_S_MIN, model.deadTimeS + model.lagS / 2);
	const timeConstantS = model.timeConstantS + model.lagS / 2;
	const closedLoopS = CLOSED_LOOP_DEAD_TIMES * deadTimeS;
	const percentPerC = timeConstantS / (model.gainCPerPercent * (closedLoopS + deadTimeS));
	return {
		rule: "SIMC (Skogestad 2003), PI, closed-loop time constant = half the effective dead time",
		closedLoopS,
		proportionalBandC: Math.max(0.1, Math.round(1000 / percentPerC) / 10),
		integralS: Math.max(1, Math.round(Math.min(timeConstantS, 4 * (closedLoopS + deadTimeS)))),
		derivativeS: 0,
	};
}
