/** A zone's test as it is ordered and as it is told: over the control link and in the journal. Temperatures are corrected. */

export const TUNE_KINDS = ["relay", "step"] as const;

/** What the operator orders. Control fills in nothing: every limit is his. */
export interface TuneOrder {
	readonly zone: string;
	/** A relay swings about `aroundC`; a step goes up once and waits. */
	readonly kind: (typeof TUNE_KINDS)[number];
	/** Setpoints of the low and the high side. */
	readonly lowC: number;
	readonly highC: number;
	readonly aroundC: number;
	readonly hysteresisC: number;
	readonly cycles: number;
	readonly stepS: number;
	/** The zone is watched at rest this long before anything is moved. */
	readonly watchS: number;
	/** Above this the test ends at once. */
	readonly limitC: number;
	readonly secondsMax: number;
	/** Longest time without a good reading. */
	readonly silenceSMax: number;
	/** The zone must have answered heat given or taken within this time. */
	readonly answerSMax: number;
}

export type TuneState = "testing" | "restoring" | "done" | "aborted";

/** Seconds since the start, power in per cent, temperature as the instrument reads it, then the other zones' in order of name. */
export type TuneRow = readonly (number | null)[];

export interface TuneProgress {
	readonly tune: string;
	readonly zone: string;
	readonly state: TuneState;
	/** What the test does now: watching, high, low, done, aborted. */
	readonly phase: string;
	/** 0 to 1. */
	readonly progress: number;
	readonly temperatureC: number | null;
	/** Why it ended; null while it goes on and when it is done. */
	readonly reason: string | null;
	/** False when the former settings could not be given back: then the zone is switched off. */
	readonly restored: boolean | null;
	readonly rows: number;
}

/** Settings of the zone's loop, as the instrument has them. */
export interface TuneSettings {
	readonly proportionalBandC: number;
	readonly integralS: number;
	readonly derivativeS: number;
}
