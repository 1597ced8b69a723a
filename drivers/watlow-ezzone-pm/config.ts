import { AdlayerError, type Problem } from "#core/errors.js";
import type { MapNumber, TemperatureUnit, WordOrder } from "./registers.js";

/** The hardwired protection that stands in for the dead-man which the PM does not have. */
export interface IndependentCutout {
	/** Where it takes the heater's supply away. */
	readonly degC: number;
	/** When it was last seen to do so, YYYY-MM-DD, and by whom. */
	readonly verified: string;
	readonly by: string;
}

/** What the lab file says about one controller. */
export interface WatlowEzzonePmSettings {
	/** The range in which setpoints are accepted; the instrument's own setpoint limits must contain it. */
	readonly setpoint_degC_min: number;
	readonly setpoint_degC_max: number;
	/** "none" admits that there is none: then control refuses the instrument. */
	readonly independent_cutout: IndependentCutout | "none";
	/** Register map; probed when absent, verified when given. */
	readonly map?: MapNumber;
	/** Which half of a float comes first; probed when absent, verified when given. */
	readonly word_order?: WordOrder;
	/** Unit of temperatures over communications; read when absent, verified where the instrument says it. */
	readonly comms_units?: TemperatureUnit;
	/** Behind an EZ-ZONE gateway: the controller's zone. 1 when absent. */
	readonly gateway_zone?: number;
	/** While the instrument keeps writes in EEPROM, setpoints are raised at most this often. 10 when absent. */
	readonly setpoint_write_s_min?: number;
	/** Output power that the heater stands; more is a fault. */
	readonly output_percent_max?: number;
}

export const SETPOINT_WRITE_S_MIN = 10;

const celsius = (description: string) => ({ description, type: "number", minimum: -200, maximum: 3000 }) as const;

/** JSON Schema (draft-07) of the settings. */
export const watlowEzzonePmSettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["setpoint_degC_min", "setpoint_degC_max", "independent_cutout"],
	properties: {
		setpoint_degC_min: celsius("Lowest setpoint accepted, degC."),
		setpoint_degC_max: celsius("Highest setpoint accepted, degC. The instrument's own limits must contain it."),
		independent_cutout: {
			description:
				"The hardwired over-temperature protection of this heater: the controller goes on heating when control falls silent. none: control refuses it.",
			anyOf: [
				{ const: "none" },
				{
					type: "object",
					additionalProperties: false,
					required: ["degC", "verified", "by"],
					properties: {
						degC: celsius("Where it takes the heater's supply away, degC."),
						verified: {
							description: "When it was last seen to do so.",
							type: "string",
							pattern: "^\\d{4}-\\d{2}-\\d{2}$",
						},
						by: { description: "By whom.", type: "string", minLength: 1, maxLength: 100 },
					},
				},
			],
		},
		map: { description: "Register map; probed when absent.", type: "integer", enum: [1, 2] },
		word_order: {
			description: "Which half of a float stands at the lower address; probed when absent.",
			type: "string",
			enum: ["low-first", "high-first"],
		},
		comms_units: {
			description: "Unit of temperatures over communications, where the instrument does not say it.",
			type: "string",
			enum: ["F", "C"],
		},
		gateway_zone: {
			description: "Zone behind an EZ-ZONE gateway: 5000 for each zone after the first is added to all registers.",
			type: "integer",
			minimum: 1,
			maximum: 12,
			default: 1,
		},
		setpoint_write_s_min: {
			description: "While the instrument keeps writes in EEPROM, setpoints are raised at most this often, s.",
			type: "number",
			minimum: 1,
			maximum: 60,
			default: SETPOINT_WRITE_S_MIN,
		},
		output_percent_max: {
			description: "Output power that the heater stands, %; more is a fault.",
			type: "number",
			exclusiveMinimum: 0,
			maximum: 100,
		},
	},
} as const;

/** What the schema cannot say. Throws LAB_FILE_INVALID with all problems. */
export function checkSettings(name: string, settings: WatlowEzzonePmSettings): void {
	const { setpoint_degC_min: min, setpoint_degC_max: max, independent_cutout: cutout } = settings;
	const problems: Problem[] = [];
	const problem = (path: string, value: unknown, limit: unknown, message: string) =>
		problems.push({ severity: "error", code: "LAB_FILE_INVALID", path: `settings.${path}`, value, limit, message });
	if (max <= min)
		problem("setpoint_degC_max", max, min, `setpoint_degC_max ${max} is not above setpoint_degC_min ${min}`);
	if (cutout !== "none") {
		const { degC, verified } = cutout;
		if (degC <= max)
			problem(
				"independent_cutout.degC",
				degC,
				max,
				`independent_cutout.degC ${degC} is not above setpoint_degC_max ${max}`,
			);
		if (!isDate(verified))
			problem("independent_cutout.verified", verified, null, `independent_cutout.verified ${verified} is no date`);
	}
	if (problems.length === 0) return;
	const message = `The settings of ${name} do not fit together: ${problems.map((each) => each.message).join("; ")}.`;
	throw new AdlayerError("LAB_FILE_INVALID", message, { problems });
}

function isDate(text: string): boolean {
	const date = new Date(`${text}T00:00:00Z`);
	return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
