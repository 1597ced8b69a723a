import { FORMS, type Form } from "./frames.js";

/** What the lab file says about one mass flow controller. */
export interface BronkhorstProparSettings {
	/** FLOW-BUS node address; 128 is whatever is at the other end of an RS-232 cable. */
	readonly node: number;
	/** The carrier gas, as the reactor names it. Absent only in a probe. */
	readonly gas?: string;
	/** What the instrument calls the gas (fluid name); the same as `gas` when absent. */
	readonly fluid_name?: string;
	/** Full scale in sccm (0 degC, 101325 Pa), from the nameplate. Absent only in a probe. */
	readonly full_scale_sccm?: number;
	/** In which form it is spoken to; `ascii` when absent, and in a probe whichever is answered. */
	readonly form?: Form;
}

/** JSON Schema (draft-07) of the settings. */
export const bronkhorstProparSettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["node", "gas", "full_scale_sccm"],
	properties: {
		node: {
			description: "FLOW-BUS node address; 128 addresses whatever is at the other end of an RS-232 cable.",
			type: "integer",
			minimum: 1,
			maximum: 128,
		},
		gas: { description: "The gas, as the reactor names it.", type: "string", pattern: "^[A-Za-z0-9-]{1,10}$" },
		fluid_name: {
			description: "What the instrument calls the gas (fluid name) where that is not the same word.",
			type: "string",
			pattern: "^[\\x21-\\x7e]([\\x20-\\x7e]{0,8}[\\x21-\\x7e])?$",
		},
		full_scale_sccm: {
			description: "Full scale in sccm (0 degC, 101325 Pa), from the nameplate: mln/min are sccm.",
			type: "number",
			exclusiveMinimum: 0,
			maximum: 5_000_000,
		},
		form: {
			description: "The form of ProPar that is spoken: ascii (when absent) or binary. Instruments know both.",
			enum: FORMS,
		},
	},
} as const;
