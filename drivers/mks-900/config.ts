import { ADDRESS_ANY } from "./codec.js";

/** The readings of a transducer; which sensor each one is differs from model to model. */
export const READINGS = ["PR1", "PR2", "PR3", "PR4", "PR5"] as const;
export type ReadingCommand = (typeof READINGS)[number];

/** What the lab file says about one transducer. */
export interface Mks900Settings {
	/** The transducer's own address, 1 to 253. A probe may take 254, to which whoever is on the line answers. */
	readonly address: number;
	/** Name of the one signal. */
	readonly signal: string;
	readonly reading: ReadingCommand;
	/** The gas that the Pirani sensor must be set for (`GT`), as the transducer names it; not checked when absent. */
	readonly gas_type?: string;
	/** The transducer's unit: verified where it says it (U); a probe takes it where the transducer does not. */
	readonly unit?: (typeof UNITS)[number];
}

export const UNITS = ["TORR", "MBAR", "PASCAL"] as const;

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
		unit: {
			description: "The transducer's pressure unit: verified where it says it; a probe takes it where it does not.",
			type: "string",
			enum: UNITS,
		},
	},
} as const;

/** A transducer whose address is not known, alone on its line, answers to 254. */
export const mks900ProbeProperties = {
	address: { ...mks900SettingsSchema.properties.address, maximum: ADDRESS_ANY },
} as const;
