import { MASS_FLOW_UNITS } from "./units.js";

/** What the lab file says about one mass flow controller. */
export interface AlicatMcSettings {
	/** The unit's letter on the serial line. */
	readonly unit_id: string;
	/** The gas that must be selected on the instrument, by its short name there: "N2", "Ar". Absent only in a probe. */
	readonly gas?: string;
	/** Full scale in SCCM as on the nameplate, that is at the instrument's own standard temperature. Absent only in a probe. */
	readonly full_scale_sccm?: number;
	/** The temperature of the instrument's standard litre in degC; 0 when absent. Alicat ships 25. */
	readonly standard_degC?: number;
	/** Unit of the instrument's mass flow: verified where it says it, taken where it does not. */
	readonly flow_unit?: string;
}

/** What control cannot do without. */
export type CompleteSettings = AlicatMcSettings & { readonly gas: string; readonly full_scale_sccm: number };

/** Whether nothing is missing, as in a lab file; a probe may know less. */
export const isComplete = (settings: AlicatMcSettings): settings is CompleteSettings =>
	settings.gas !== undefined && settings.full_scale_sccm !== undefined;

/** JSON Schema (draft-07) of the settings. */
export const alicatMcSettingsSchema = {
	type: "object",
	additionalProperties: false,
	required: ["unit_id", "gas", "full_scale_sccm"],
	properties: {
		unit_id: { description: "The unit's letter on the serial line.", type: "string", pattern: "^[A-Za-z]$" },
		gas: {
			description: "Short name of the gas that must be selected on the instrument.",
			type: "string",
			pattern: "^[A-Za-z0-9-]{1,8}$",
		},
		full_scale_sccm: {
			description: "Full scale in SCCM as on the nameplate (at the instrument's own standard temperature).",
			type: "number",
			exclusiveMinimum: 0,
			maximum: 5_000_000,
		},
		standard_degC: {
			description: "Temperature of the instrument's standard conditions in degC. Inside, flow is always at 0 degC.",
			type: "number",
			minimum: 0,
			maximum: 70,
			default: 0,
		},
		flow_unit: {
			description:
				"Unit of the instrument's mass flow: verified where the instrument says it, taken where it does not.",
			type: "string",
			enum: Object.keys(MASS_FLOW_UNITS),
		},
	},
} as const;

const ZERO_DEGC_K = 273.15;

/** Flow in sccm (0 degC, 101325 Pa) per SCCM of an instrument whose standard temperature is `standardC`; same pressure. */
export const sccmPerInstrumentSccm = (standardC: number): number => ZERO_DEGC_K / (ZERO_DEGC_K + standardC);
