/** The shape of an interlock: one hazard, judged from values alone. */
import type { Reading, Unit } from "#core/reading.js";
import type { Contact, Reactor } from "#device/reactor.js";
import type { DoseHistory } from "#safety/dose-history.js";
import type { SignalHistory } from "#safety/signal-history.js";

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
	/** When the carrier flow was last commanded, monotonic ms. */
	carrierSinceMs: number;
	/** Unknown while a command is on its way, after one that failed, and while its instrument is away. */
	stopValve: "open" | "shut" | "unknown";
	/** Why the stop valve was shut on purpose; absent when it was not, or has been moved since. */
	shutFor?: "exposure" | "backfill" | "leak-check" | undefined;
	/** Setpoints of the zones that are heated, corrected degC; a zone that is off is absent. */
	readonly targetsC: Map<string, number>;
	/** Zones whose setpoint leads on purpose, by a test or a guide that watches them: their temperature is not near it. */
	readonly leading?: Set<string>;
}

export interface SafetyView {
	readonly nowMs: number;
	readonly reactor: Reactor;
	readonly commanded: Readonly<Commanded>;
	readonly declaration: Declaration | null;
	/** True once the chamber has been below the upper dose pressure since the present run was declared. */
	readonly wasPumped: boolean;
	readonly doses: DoseHistory;
	/** The course of the chamber's pressure, and of temperature and output of every zone. */
	readonly history: SignalHistory;
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
	/** The finding must persist this long, and over this many new readings. */
	readonly delayMs: number;
	readonly consecutiveReadings: number;
	/** The signal whose readings are counted; absent: every evaluation counts. */
	readonly countedSignal?: string;
	/** What the operator should do. */
	readonly response: string;
	/**
	 * The danger seen, or undefined. Stale, unknown and impossible values are danger. `tripped`: the interlock has tripped
	 * for this cause; it is gone only when the cause itself is, not when the trip has ended what made it matter.
	 */
	judge(view: SafetyView, tripped: boolean): Finding | undefined;
}

/** A reading as words for a cause: its value, or what is wrong with it. */
export function inWords(reading: Reading): string {
	if (reading.quality === "good") return `${reading.value} ${reading.unit}`;
	return reading.detail === undefined ? reading.quality : `${reading.quality} (${reading.detail})`;
}

export function isGood(reading: Reading): reading is Reading & { readonly value: number } {
	return reading.quality === "good" && reading.value !== null && Number.isFinite(reading.value);
}

/** A contact that is proven to be made. */
export function isMade(view: SafetyView, contact: Contact): boolean {
	const { quality, value } = view.reading(contact.signal);
	return quality === "good" && value === contact.safeLevel;
}

/** A contact in words: "open", or what is wrong with its signal. */
export function contactInWords(view: SafetyView, contact: Contact): string {
	if (isMade(view, contact)) return "made";
	const reading = view.reading(contact.signal);
	return isGood(reading) ? "open" : inWords(reading);
}

/** A run is under way or not yet reset, gas flows or something is heated: then nothing may be unknown. */
export function isInUse({ declaration, commanded, reactor }: SafetyView): boolean {
	return declaration !== null || commanded.carrierSccm >= reactor.carrier.sccmMin || commanded.targetsC.size > 0;
}

/** The instrument of a signal `instrument.signal`. */
export function instrumentOf(signal: string): string {
	return signal.slice(0, signal.indexOf("."));
}

export function zoneSignal(reactor: Reactor, zone: string): string {
	return `${reactor.zones[zone]!.instrument}.temperature`;
}

/** The corrected temperature of a zone: what its sensor reads plus its declared offset. */
export function corrected(raw: Reading, offsetC: number): Reading {
	return raw.value === null || offsetC === 0 ? raw : { ...raw, value: raw.value + offsetC };
}

/** The instruments that drive the stop valve and the precursor valves. */
export function valveInstruments(reactor: Reactor): string[] {
	const precursors = Object.values(reactor.precursors).map((precursor) => precursor.instrument);
	return [...new Set([reactor.stopValve.instrument, ...precursors])];
}
