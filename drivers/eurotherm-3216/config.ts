import { AdlayerError, type Problem } from "#core/errors.js";
import { Scale } from "./registers.js";

/** What the lab file says about one controller. */
export interface Eurotherm3216Settings {
	/** Decimals of the instrument's display (0, 1 or 2): all temperatures on the wire are scaled by it. Absent only in a probe. */
	readonly decimals?: number;
	/** The range in which setpoints are accepted; the instrument's own setpoint limits must contain it. Absent only in a probe. */
	readonly setpoint_degC_min?: number;
	readonly setpoint_degC_max?: number;
	/** The setpoint of the safe state; the lower limit when absent. */
	readonly safe_setpoint_degC?: number;
	/** The highest local setpoint that is accepted on the instrument: it goes there when control falls silent. 40 when absent. */
	readonly local_setpoint_degC_max?: number;
	/** After this long without a new remote setpoint the instrument goes to its local one. 5 when absent. */
	readonly remote_timeout_s?: number;
	/** Decimals of the output power; 1 when absent. */
	readonly output_decimals?: number;
	/** The value of register 276 that is tried first for "remote"; 1 when absent. */
	readonly remote_select?: number;
}

export const LOCAL_SETPOINT_MAX_DEGC = 40;
export const REMOTE_TIMEOUT_S = 5;
export const OUTPUT_DECIMALS = 1;
export const REMOTE_SELECT = 1;

const celsius = (description: string) => ({ description, type: "number", minimum: -200, maximum: 3000 }) as const;

/** JSON Schema (draft-07) of the settings. */
export const eurotherm3216SettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["decimals", "setpoint_degC_min", "setpoint_degC_max"],
	properties: {
		decimals: {
			description: "Decimals of the instrument's display; temperatures on the wire are scaled by it.",
			type: "integer",
			minimum: 0,
			maximum: 2,
		},
		setpoint_degC_min: celsius("Lowest setpoint accepted, degC."),
		setpoint_degC_max: celsius("Highest setpoint accepted, degC. The instrument's own limits must contain it."),
		safe_setpoint_degC: celsius("Setpoint of the safe state, degC; setpoint_degC_min when absent."),
		local_setpoint_degC_max: {
			...celsius("Highest local setpoint accepted on the instrument, degC: it goes there when control falls silent."),
			default: LOCAL_SETPOINT_MAX_DEGC,
		},
		remote_timeout_s: {
			description: "After this long without a new remote setpoint the instrument goes to its local one, s.",
			type: "number",
			minimum: 1,
			maximum: 3600,
			default: REMOTE_TIMEOUT_S,
		},
		output_decimals: {
			description: "Decimals of the output power on the wire.",
			type: "integer",
			minimum: 0,
			maximum: 2,
			default: OUTPUT_DECIMALS,
		},
		remote_select: {
			description: "Value of register 276 that is tried first for a remote setpoint; the other one is tried next.",
			type: "integer",
			enum: [0, 1],
			default: REMOTE_SELECT,
		},
	},
} as const;

/** What control cannot do without. */
export type CompleteSettings = Eurotherm3216Settings & {
	readonly decimals: number;
	readonly setpoint_degC_min: number;
	readonly setpoint_degC_max: number;
};

/** Whether nothing is missing, as in a lab file; a probe may know less. */
export function isComplete(settings: Eurotherm3216Settings): settings is CompleteSettings {
	const { decimals, setpoint_degC_min: min, setpoint_degC_max: max } = settings;
	return decimals !== undefined && min !== undefined && max !== undefined;
}

/** What the schema cannot say. Throws LAB_FILE_INVALID with all problems. */
export function checkSettings(name: string, settings: CompleteSettings): void {
	const { setpoint_degC_min: min, setpoint_degC_max: max, safe_setpoint_degC: safe = min } = settings;
	const scale = new Scale(settings.decimals);
	const problems: Problem[] = [];
	const problem = (path: string, value: unknown, limit: unknown, message: string) =>
		problems.push({ severity: "error", code: "LAB_FILE_INVALID", path: `settings.${path}`, value, limit, message });
	if (max <= min)
		problem("setpoint_degC_max", max, min, `setpoint_degC_max ${max} is not above setpoint_degC_min ${min}`);
	if (safe < min || safe > max) {
		problem("safe_setpoint_degC", safe, [min, max], `safe_setpoint_degC ${safe} is outside ${min} to ${max}`);
	}
	if (max > scale.max || min < scale.min) {
		const message = `with ${settings.decimals} decimals the instrument holds ${scale.min} to ${scale.max} degC only`;
		problem("decimals", settings.decimals, [scale.min, scale.max], message);
	}
	if (problems.length === 0) return;
	const message = `The settings of ${name} do not fit together: ${problems.map((each) => each.message).join("; ")}.`;
	throw new AdlayerError("LAB_FILE_INVALID", message, { problems });
}
