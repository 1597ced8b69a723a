/** The shape of an interlock: one hazard, judged from values alone. */
import type { Reading, Unit } from "#core/reading.js";
import type { Reactor } from "#device/reactor.js";

/** What a run says of itself before it may heat or dose; safety knows nothing else of runs. */
export interface Declaration {
	/** No zone that heats the foil may read this or more; null when the run declares no bound. */
	readonly neverAboveC: number | null;
	readonly meltingPointC: number | null;
	/** Seconds that must have passed since the end of a dose of this precursor before the other may open. */
	readonly purgeMinimumS: Readonly<Record<string, number>>;
}

/** What the actuators were last told. */
export interface Commanded {
	carrierSccm: number;
	stopOpen: boolean;
	/** Zones that are heated, with their targets; a zone that is off is absent. */
	readonly targetsC: Map<string, number>;
}

export interface SafetyView {
	readonly nowMs: number;
	readonly reactor: Reactor;
	readonly commanded: Readonly<Commanded>;
	readonly declaration: Declaration | null;
	/** When the carrier or the stop valve was last commanded, monotonic ms. */
	readonly carrierSinceMs: number;
	reading(signal: string): Reading;
	instrumentReady(name: string): boolean;
}

/** Rows of the safe-state table: which of them a trip brings about. */
export type Effect = "trip" | "pump-lost" | "carrier-lost";

export interface Finding {
	/** One sentence with the numbers. */
	readonly cause: string;
	readonly value: number | null;
	readonly limit: number | null;
	readonly unit: Unit | null;
}

export interface Interlock {
	readonly id: string;
	readonly title: string;
	readonly effect: Effect;
	/** The finding must persist this long, or over this many new readings. */
	readonly delayMs: number;
	readonly consecutiveReadings: number;
	/** The signal whose readings are counted; absent: every evaluation counts. */
	readonly countedSignal?: (view: SafetyView) => string | undefined;
	/** What the operator should do. */
	readonly response: string;
	/** The danger seen, or undefined. Stale, unknown and impossible values are danger. */
	judge(view: SafetyView): Finding | undefined;
}

/** A reading as words for a cause: its value, or what is wrong with it. */
export function inWords(reading: Reading): string {
	if (reading.quality === "good") return `${reading.value} ${reading.unit}`;
	return reading.detail === undefined ? reading.quality : `${reading.quality} (${reading.detail})`;
}

export function isGood(reading: Reading): reading is Reading & { readonly value: number } {
	return reading.quality === "good" && reading.value !== null && Number.isFinite(reading.value);
}

/** The corrected temperature of a zone: what its sensor reads plus its declared offset. */
export function zoneReading(view: Pick<SafetyView, "reactor" | "reading">, zone: string): Reading {
	const spec = view.reactor.zones[zone]!;
	const raw = view.reading(`${spec.instrument}.temperature`);
	return raw.value === null ? raw : { ...raw, value: raw.value + spec.offsetC };
}
