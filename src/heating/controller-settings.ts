import { type LoopMargins, loopMargins } from "./loop-margins.js";
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
	/** Of the loop that these settings and the model make, computed. */
	readonly margins: LoopMargins;
}

/** Shorter dead times than this are not seen by instruments that work a few times a second and are read once a second. */
const DEAD_TIME_S_MIN = 1;
/** The rule's two numbers for PI, load disturbances, no overshoot. */
const GAIN = 0.6;
const INTEGRAL_DEAD_TIMES = 4;

/**
 * PI settings by K. L. Chien, J. A. Hrones, J. B. Reswick, "On the automatic control of generalized passive systems",
 * Trans. ASME 74 (1952) 175-185, for load disturbances without overshoot: setpoint changes are the guide's. A shorter lag
 * counts as dead time, on the safe side. The integral is never longer than the time constant, where the rule would be slow
 * for nothing. Derivative action is left off: readings come in steps of 0.1 degC.
 */
export function proposedSettings(model: ZoneModel): ProposedSettings {
	const { timeConstantS } = model;
	const deadTimeS = Math.max(DEAD_TIME_S_MIN, model.deadTimeS + model.lagS);
	const percentPerC = (GAIN * timeConstantS) / (model.gainCPerPercent * deadTimeS);
	const settings = {
		proportionalBandC: Math.max(0.1, Math.round(1000 / percentPerC) / 10),
		integralS: Math.max(1, Math.round(Math.min(timeConstantS, INTEGRAL_DEAD_TIMES * deadTimeS))),
		derivativeS: 0,
	};
	return {
		...settings,
		rule: "CHR (Chien, Hrones and Reswick 1952), PI, load disturbances without overshoot",
		margins: loopMargins(model, settings),
	};
}
