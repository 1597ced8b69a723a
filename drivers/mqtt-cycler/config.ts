/** What the lab file says about one bridge and the channels behind it that are Adlayer's. */
export interface MqttCyclerSettings {
	/** A channel whose last state is older than this is not known. */
	readonly stale_s: number;
	/** Name of a channel -> where it is and what it can do. */
	readonly channels: Readonly<Record<string, MqttChannelSettings>>;
}

export interface MqttChannelSettings {
	/** The channel's part of the topics below the address's prefix. */
	readonly topic: string;
	/** The channel's own range, from its nameplate. A symmetric cell needs one on both sides of 0 V. */
	readonly voltage_V: { readonly min: number; readonly max: number };
	readonly current_A_max: number;
}

const voltage = { type: "number", minimum: -1000, maximum: 1000 };

/** JSON Schema (draft-07) of the settings. */
export const mqttCyclerSettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["stale_s", "channels"],
	properties: {
		stale_s: {
			description: "A state older than this is none; longer than the bridge's pause between two states of a channel.",
			type: "number",
			minimum: 2,
			maximum: 3_600,
		},
		channels: {
			description: "The channels that Adlayer may use, by name.",
			type: "object",
			minProperties: 1,
			maxProperties: 1_024,
			propertyNames: { pattern: "^[A-Za-z][A-Za-z0-9_]{0,22}$" },
			additionalProperties: {
				type: "object",
				additionalProperties: false,
				required: ["topic", "voltage_V", "current_A_max"],
				properties: {
					topic: {
						description: "The channel's part of the topics; one level.",
						type: "string",
						pattern: "^[^/+#\\s]+$",
						maxLength: 60,
					},
					voltage_V: {
						description: "The channel's own range, V. min below 0 only where the channel really has a negative range.",
						type: "object",
						additionalProperties: false,
						required: ["min", "max"],
						properties: { min: voltage, max: voltage },
					},
					current_A_max: {
						description: "Largest current in either direction, A.",
						type: "number",
						exclusiveMinimum: 0,
					},
				},
			},
		},
	},
} as const;
