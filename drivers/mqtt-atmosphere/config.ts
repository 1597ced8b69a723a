/** What the lab file declares about one monitor: which message holds which gas, and how. */
export interface AtmosphereSettings {
	/** A value older than this is none. */
	readonly stale_s: number;
	/** Signal name -> where its value is. */
	readonly signals: Readonly<Record<string, GasSettings>>;
}

export interface GasSettings {
	readonly gas: "O2" | "H2O";
	/** Below the address's prefix, without wildcards. */
	readonly topic: string;
	/** The whole payload is a number, or it is JSON. */
	readonly payload: "number" | "json";
	/** Where in the JSON the value is: a JSON Pointer (`/o2/value`) or names with dots (`o2.value`). */
	readonly value?: string;
	/** Where its time stamp is, and what that is. */
	readonly time?: string;
	readonly time_form?: "iso" | "unix_s" | "unix_ms";
	/** Where the unit is, and what it must be. */
	readonly unit?: string;
	readonly unit_is?: string;
	/** What one of the payload's units is in ppm: 1 for ppm, 0.001 for ppb, 10000 for %. */
	readonly ppm_per_unit: number;
	/** What is plausible; anything outside is no measurement. */
	readonly ppm_min: number;
	readonly ppm_max: number;
}

const place = { type: "string", pattern: "^(/.*|[^/.]+(\\.[^/.]+)*)$", maxLength: 200 };

/** JSON Schema (draft-07) of the settings. */
export const atmosphereSettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["stale_s", "signals"],
	properties: {
		stale_s: {
			description: "A value older than this is none; longer than the monitor's pause between two messages.",
			type: "number",
			minimum: 1,
			maximum: 3_600,
		},
		signals: {
			description: "Signal names, and where each value is.",
			type: "object",
			minProperties: 1,
			maxProperties: 16,
			propertyNames: { pattern: "^[a-z][a-z0-9_]{0,31}$" },
			additionalProperties: {
				type: "object",
				additionalProperties: false,
				required: ["gas", "topic", "payload", "ppm_per_unit", "ppm_min", "ppm_max"],
				properties: {
					gas: { enum: ["O2", "H2O"] },
					topic: { type: "string", pattern: "^[^/+#\\s]+(/[^/+#\\s]+)*$", maxLength: 200 },
					payload: { enum: ["number", "json"] },
					value: place,
					time: place,
					time_form: { enum: ["iso", "unix_s", "unix_ms"] },
					unit: place,
					unit_is: { type: "string", minLength: 1, maxLength: 20 },
					ppm_per_unit: { type: "number", exclusiveMinimum: 0 },
					ppm_min: { type: "number" },
					ppm_max: { type: "number" },
				},
				if: { required: ["payload"], properties: { payload: { const: "json" } } },
				// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
				then: {
					required: ["value"],
					dependencies: { time: ["time_form"], time_form: ["time"], unit: ["unit_is"], unit_is: ["unit"] },
				},
				else: { properties: { value: false, time: false, time_form: false, unit: false, unit_is: false } },
			},
		},
	},
} as const;
