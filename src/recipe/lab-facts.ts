import type { Heater } from "#recipe/heater.js";

/** What a recipe is checked against: the reactor's facts, taken from the lab file by the composition root. */
export interface LabFacts {
	readonly station: string;
	readonly carrier: { readonly gas: string; readonly sccmMin: number; readonly sccmMax: number };
	/** By zone name. */
	readonly zones: Readonly<Record<string, ZoneFacts>>;
	/** By precursor name. */
	readonly precursors: Readonly<Record<string, PrecursorFacts>>;
	readonly basePressurePa: number;
	/** Chamber volume over effective pumping speed: how pressure falls in a pump-down. */
	readonly pumpTimeConstantS: number;
	/** Flows between which it is known where the chamber stands with a sound pump; null where the lab file declares none. */
	readonly workingFlows?: { readonly sccmMin: number; readonly sccmMax: number } | null;
	/** Volume behind the stop valve; absent when the lab file does not say. Then no leak is measured and nothing backfilled. */
	readonly chamberM3?: number;
	/** Highest rate of rise with the stop valve shut. */
	readonly leakLimitPaPerS?: number;
	/** What the glovebox atmosphere must stay below, by signal, ppm; absent when the lab file declares no glovebox. */
	readonly glovebox?: readonly { readonly signal: string; readonly ppmMax: number }[];
	/** Unit by signal (`instrument.signal`); absent when not known. */
	readonly signals?: Readonly<Record<string, string>>;
}

export interface ZoneFacts {
	readonly heatsFoil: boolean;
	readonly setpointCMin: number;
	readonly setpointCMax: number;
	/** Over-temperature limit of the zone. */
	readonly limitC: number;
	readonly sensorUncertaintyC: number;
	readonly rampCPerMinMax: number;
	readonly ambientC: number;
	/** Of free cooling, for prediction. */
	readonly coolTimeConstantS: number;
	/** Time from the end of a ramp to within a typical band, for prediction. */
	readonly settleS: number;
	/** Where its model is known: ways of it are planned, not reckoned from ramp and settling. */
	readonly heater?: Heater;
}

export interface PrecursorFacts {
	readonly valve: string;
	readonly shortestPulseMs: number;
	readonly longestPulseMs: number;
	/** Delivered per ms of valve opening near the bottle's temperature, for prediction of consumption. */
	readonly mgPerMs: number;
	readonly lineZone: string | null;
	/** Bottle temperature; absent when the lab file does not say. Then the heating order is not checked from the bottle on. */
	readonly bottleC?: number;
	/**
	 * What a pulse of a full line brings, as pressure over time, and how many such pulses empty the line behind its shut hand
	 * valve; absent: the line cannot be evacuated by recipe.
	 */
	readonly fullLine?: { readonly ms: number; readonly areaPaS: number; readonly pulsesToEmpty: number };
}
