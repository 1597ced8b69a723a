/** What the lab file says about one thickness monitor. */
export interface Sqm160Settings {
	/** Name -> sensor; the signals are NAME_thickness, NAME_rate, NAME_frequency and NAME_life. */
	readonly channels: Readonly<Record<string, number>>;
	/** What the monitor counts thickness in. Absent only in a probe. */
	readonly thickness_unit?: "angstrom" | "kiloangstrom";
	/** A crystal oscillates between these; outside it is broken or missing. */
	readonly crystal_hz_min?: number;
	readonly crystal_hz_max?: number;
}

/** 6 MHz crystals, of which half a megahertz or more may be loaded away; 5 MHz ones as well. */
export const CRYSTAL_HZ_MIN = 4_000_000;
export const CRYSTAL_HZ_MAX = 6_100_000;

const frequency = { type: "number", minimum: 1_000_000, maximum: 10_000_000 };

/** JSON Schema (draft-07) of the settings. */
export const sqm160SettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["channels", "thickness_unit"],
	properties: {
		channels: {
			description: "Names and the sensor that each one is wired to.",
			type: "object",
			minProperties: 1,
			maxProperties: 6,
			propertyNames: { pattern: "^[a-z][a-z0-9_]{0,20}$" },
			additionalProperties: { type: "integer", minimum: 1, maximum: 6 },
		},
		thickness_unit: {
			description: "What the monitor counts thickness in; compare its display with the reading.",
			enum: ["angstrom", "kiloangstrom"],
		},
		crystal_hz_min: { description: `A slower crystal is no good; ${CRYSTAL_HZ_MIN} Hz.`, ...frequency },
		crystal_hz_max: { description: `A faster one neither; ${CRYSTAL_HZ_MAX} Hz.`, ...frequency },
	},
} as const;
