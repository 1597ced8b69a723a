/** The readings of a transducer; which sensor each one is differs from model to model. */
export const READINGS = ["PR1", "PR2", "PR3", "PR4", "PR5"] as const;
export type ReadingCommand = (typeof READINGS)[number];

/** What the lab file says about one transducer. */
export interface Mks900Settings {
	/** The transducer's own address, 1 to 253. */
	readonly address: number;
	/** Name of the one signal. */
	readonly signal: string;
	readonly reading: ReadingCommand;
	/** The gas that the Pirani sensor must be set for (`GT`), as the transducer names it; not checked when absent. */
	readonly gas_type?: string;
}

/** JSON Schema (draft-07) of the settings. 254 and 255 are broadcast: on a shared line everybody would answer, or nobody. */
export const mks900SettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["address", "signal", "reading"],
	properties: {
		address: {
			description: "The transducer's own address (AD), 1 to 253; 254 and 255 are broadcast and refused.",
			type: "integer",
			minimum: 1,
			maximum: 253,
		},
		signal: {
			description: "Name of the signal: the pressure in Pa.",
			type: "string",
			pattern: "^[a-z][a-z0-9_]*$",
		},
		reading: { description: "The reading that is the pressure.", enum: READINGS },
		gas_type: {
			description: "The gas that the Pirani sensor must be set for (GT), as the transducer names it, e.g. ARGON.",
			type: "string",
			pattern: "^[A-Z0-9]{1,12}$",
		},
	},
} as const;
