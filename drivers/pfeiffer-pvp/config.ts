import { PUMP_READINGS } from "./parameters.js";

/** What the lab file says about one instrument. */
export type PvpSettings = GaugeSettings | PumpSettings;

interface CommonSettings {
	/** Address of the instrument on its RS-485 line. */
	readonly rs485_address: number;
}

export interface GaugeSettings extends CommonSettings {
	readonly role: "gauge";
	/** The gauge's measuring range; a value outside is no measurement. Absent only in a probe. */
	readonly pressure_pa_min?: number;
	readonly pressure_pa_max?: number;
}

export interface PumpSettings extends CommonSettings {
	readonly role: "pump";
	/** Switched on, without an error and at least this fast, the pump counts as running. Absent only in a probe. */
	readonly running_above_hz?: number;
	/** What may be ordered; without it nothing. */
	readonly remote_control?: "stop" | "start-stop";
	readonly readings?: readonly string[];
}

const positive = { type: "number", exclusiveMinimum: 0 };

/** JSON Schema (draft-07) of the settings. */
export const pvpSettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["role", "rs485_address"],
	properties: {
		role: { description: "What the instrument is.", enum: ["gauge", "pump"] },
		rs485_address: {
			description: "Address of the instrument on its RS-485 line.",
			type: "integer",
			minimum: 1,
			maximum: 255,
		},
		pressure_pa_min: { description: "Gauge: lower end of its measuring range, Pa.", ...positive },
		pressure_pa_max: { description: "Gauge: upper end of its measuring range, Pa.", ...positive },
		running_above_hz: {
			description: "Pump: at this speed and above, switched on and without an error, it counts as running. Hz.",
			...positive,
		},
		remote_control: {
			description: "Pump: what may be ordered. Without it the pump is only read.",
			enum: ["stop", "start-stop"],
		},
		readings: {
			description: "Pump: what else is read at every poll.",
			type: "array",
			uniqueItems: true,
			items: { enum: Object.keys(PUMP_READINGS) },
		},
	},
	if: { required: ["role"], properties: { role: { const: "pump" } } },
	// biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
	then: { required: ["running_above_hz"], properties: { pressure_pa_min: false, pressure_pa_max: false } },
	else: {
		required: ["pressure_pa_min", "pressure_pa_max"],
		properties: { running_above_hz: false, remote_control: false, readings: false },
	},
} as const;
