/** What the lab file says about one SourceMeter with one cell. */
export interface Keithley2400Settings {
	/** Name of its one channel. */
	readonly channel: string;
	readonly voltage_V: { readonly min: number; readonly max: number };
	readonly current_A_max: number;
	/**
	 * A device on the output-enable line (rear connector) that opens it by itself when this computer is dead, and when and
	 * by whom it was seen to act; `none` lets attended tests run alone.
	 */
	readonly external_watchdog: { readonly timeout_s: number; readonly verified: string; readonly by: string } | "none";
}

/** JSON Schema (draft-07) of the settings. */
export const keithley2400SettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["channel", "voltage_V", "current_A_max", "external_watchdog"],
	properties: {
		channel: { description: "Name of its one channel.", type: "string", pattern: "^[A-Za-z][A-Za-z0-9_]{0,22}$" },
		voltage_V: {
			description: "What the cell's wiring may see, V; the 2400 itself has 21 V at 1 A.",
			type: "object",
			additionalProperties: false,
			required: ["min", "max"],
			properties: {
				min: { type: "number", minimum: -21, maximum: 0 },
				max: { type: "number", exclusiveMinimum: 0, maximum: 21 },
			},
		},
		current_A_max: {
			description: "Largest current in either direction, A.",
			type: "number",
			exclusiveMinimum: 0,
			maximum: 1.05,
		},
		external_watchdog: {
			description:
				"What opens the output-enable line by itself when this computer is dead; none: attended tests alone.",
			anyOf: [
				{ const: "none" },
				{
					type: "object",
					additionalProperties: false,
					required: ["timeout_s", "verified", "by"],
					properties: {
						timeout_s: { type: "number", exclusiveMinimum: 0, maximum: 60 },
						verified: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
						by: { type: "string", minLength: 1 },
					},
				},
			],
		},
	},
} as const;
