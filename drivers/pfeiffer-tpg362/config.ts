/** What the lab file says about one gauge controller. */
export interface Tpg362Settings {
	/** Signal name -> channel of the controller. */
	readonly channels: Readonly<Record<string, 1 | 2>>;
}

/** JSON Schema (draft-07) of the settings. */
export const tpg362SettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["channels"],
	properties: {
		channels: {
			description: "Signal names and the controller's channel that each one is wired to.",
			type: "object",
			minProperties: 1,
			maxProperties: 2,
			propertyNames: { pattern: "^[a-z][a-z0-9_]*$" },
			additionalProperties: { enum: [1, 2] },
		},
	},
} as const;
