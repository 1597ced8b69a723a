import { GAUGES_MAX, UNIT_CODES, type UnitName } from "./codec.js";

/** What the lab file says about one gauge controller. */
export interface Tpg362Settings {
	/** Signal name -> channel of the controller. Absent only in a probe: then every channel there is, `channel_1` and on. */
	readonly channels?: Readonly<Record<string, number>>;
	/** The controller's pressure unit: verified where it says it (UNI); a probe takes it where the controller does not. */
	readonly unit?: UnitName;
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
			maxProperties: GAUGES_MAX,
			propertyNames: { pattern: "^[a-z][a-z0-9_]*$" },
			additionalProperties: { type: "integer", minimum: 1, maximum: GAUGES_MAX },
		},
		unit: {
			description: "The controller's pressure unit: verified where it says it; a probe takes it where it does not.",
			type: "string",
			enum: Object.keys(UNIT_CODES),
		},
	},
} as const;
