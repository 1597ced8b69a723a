import type { PulseCount } from "#record/pulse-count.js";
import type { PlannedStep, PulseRecord } from "#record/records.js";

/** What the records of one run tell of how far it came. */
export interface RunTrail {
	/** Each step of the plan that was started, as it was then, by its index. */
	readonly started: ReadonlyMap<number, PlannedStep>;
	/** Indices of the steps that were executed to their end, and not begun again since. */
	readonly done: ReadonlySet<number>;
	readonly count: PulseCount;
	/** Doses that make the trend of their precursor, oldest first. */
	readonly trends: readonly PulseRecord[];
	/** By index of the step. */
	readonly anneals: ReadonlyMap<number, { readonly inBandS: number; readonly maximumC: number | null }>;
	/** Names of the questions that were asked. */
	readonly prompts: readonly string[];
	/** Time since the start, by control's monotonic time; only gaps between control processes by the wall clock. */
	readonly elapsedS: number;
	/** Why the run is in its state. */
	readonly cause: string;
	/** The last good value of each signal (`instrument.signal`), and the highest. */
	readonly values: ReadonlyMap<string, { readonly last: number; readonly highest: number }>;
}
