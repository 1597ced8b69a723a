/**
 * The journal's records: what happened, in the order in which control knew it. Readers (store, publish, api, recovery) see
 * nothing else. Versioned by JOURNAL_SCHEMA; a record never changes its meaning under the same version.
 */
import type { Problem } from "#core/errors.js";
import type { Unit } from "#core/reading.js";
import type { CampaignRunState } from "#record/campaigns.js";
import type { CellTestOrdered, CellTestPositions, CellTestRows, CellTestStateChanged } from "#record/cell-tests.js";
import type { TuneOrder } from "#record/tune.js";

export const JOURNAL_SCHEMA = 1;

/** What every record has. `seq` rises by one; `t` is control's monotonic time in ms; `wall` is Unix ms. */
export interface RecordBase {
	readonly seq: number;
	readonly t: number;
	readonly wall: number;
}

/** Control came up. */
export interface ControlStarted {
	readonly kind: "control-started";
	readonly station: string;
	readonly simulated: boolean;
	readonly version: string;
	readonly labFileSha256: string;
	readonly signals: readonly SignalDeclaration[];
}

export interface SignalDeclaration {
	/** `instrument.signal`. */
	readonly id: string;
	readonly unit: Unit;
	readonly signalKind: "measurement" | "setpoint" | "state";
	readonly description: string;
	/** A value older than this is stale, by the lab file; absent in journals from before it was told. */
	readonly staleMs?: number;
}

/** An instrument's connection changed. */
export interface InstrumentRecord {
	readonly kind: "instrument";
	readonly instrument: string;
	readonly driver: string;
	readonly address: string;
	readonly state: "connecting" | "ready" | "fault";
	readonly identity?: {
		manufacturer: string | null;
		model: string | null;
		serial: string | null;
		firmware: string | null;
	};
	/** `hint` says what to do; absent in journals from before it was told. */
	readonly error?: { code: string; message: string; hint?: string };
	/** What the driver saw at the connection that does not forbid to use the instrument; absent when there is nothing. */
	readonly warnings?: readonly string[];
}

/** One poll of one instrument, all its values. A value without a valid measurement is null and named in `fault`. */
export interface SampleRecord {
	readonly kind: "sample";
	readonly instrument: string;
	readonly values: Readonly<Record<string, number | null>>;
	readonly fault?: Readonly<Record<string, string>>;
}

export type RunState =
	| "idle"
	| "running"
	| "pausing"
	| "paused"
	| "holding"
	| "held"
	| "restarting"
	| "stopping"
	| "stopped"
	| "aborting"
	| "aborted"
	| "complete";

export type RunCommand = "start" | "pause" | "resume" | "hold" | "restart" | "stop" | "abort" | "reset";

/** One flat step of a plan. */
export interface PlannedStep {
	/** Position in the flat plan, from 0. */
	readonly index: number;
	/** Path in the recipe file, e.g. `steps[5].repeat[0]`. */
	readonly path: string;
	readonly phase: string;
	readonly type: string;
	readonly title: string;
	readonly plannedS: number;
	/** Cycle number from 1, inside the recipe's deposition loop. */
	readonly cycle?: number;
	/** Turns of the repeats around the step, from 1, outermost first: with `path` they name the place in the recipe. */
	readonly turns?: readonly number[];
}

export interface RunPhase {
	readonly name: string;
	readonly seconds: number;
}

/** A run exists. Everything needed to understand it later is here. */
export interface RunCreated {
	readonly kind: "run-created";
	readonly run: string;
	readonly recipe: string;
	readonly recipeVersion: string;
	readonly recipeText: string;
	readonly recipeSha256: string;
	readonly parameters: Readonly<Record<string, number | string>>;
	readonly sample: string;
	readonly product: string;
	readonly operator: string;
	readonly acknowledged: readonly string[];
	readonly labFileText: string;
	readonly labFileSha256: string;
	readonly softwareVersion: string;
	readonly simulated: boolean;
	readonly material: string;
	readonly meltingPointC: number | null;
	readonly neverAboveC: number | null;
	readonly plan: {
		readonly totalS: number;
		readonly steps: number;
		readonly cycles: number;
		readonly phases: readonly RunPhase[];
		readonly pulses: Readonly<Record<string, number>>;
		readonly thicknessNm: number;
		/** Of everything in the expanded plan that the engine acts on; absent in older records. */
		readonly sha256?: string;
	};
}

/** Control came back and found the run open. What it knew is in the records before; the gap is by the wall clock. */
export interface RunInterrupted {
	readonly kind: "run-interrupted";
	readonly run: string;
	readonly state: RunState;
	/** Unix ms of the last record before the gap, and the gap's length. */
	readonly lostAt: number;
	readonly gapS: number;
	/** The run's time until now, gaps included. */
	readonly elapsedS: number;
	/** The interrupted step; null before the first. */
	readonly step: PlannedStep | null;
	readonly cycles: { readonly complete: number; readonly repeated: number; readonly unknown: number };
	readonly annealInBandS: number;
	/** What is not as it was when the run began: with any of these it cannot be restarted. */
	readonly differences: readonly string[];
}

/** How far an anneal is: now and then while it counts, and when it ends. */
export interface AnnealProgress {
	readonly kind: "anneal-progress";
	readonly run: string;
	readonly index: number;
	readonly inBandS: number;
	/** Highest corrected reading of the zone so far; null before the first. */
	readonly maximumC: number | null;
}

export interface RunStateChanged {
	readonly kind: "run-state";
	readonly run: string;
	readonly from: RunState;
	readonly to: RunState;
	readonly cause: string;
}

/** A command was accepted for a run. */
export interface RunCommanded {
	readonly kind: "run-command";
	readonly run: string;
	readonly command: RunCommand;
	readonly by: string;
	readonly id: string;
}

export interface StepStarted extends PlannedStep {
	readonly kind: "step-started";
	readonly run: string;
}

export interface StepEnded {
	readonly kind: "step-ended";
	readonly run: string;
	readonly index: number;
	readonly type: string;
	readonly phase: string;
	readonly cycle?: number;
	readonly outcome: "done" | "interrupted" | "timed-out" | "failed";
	readonly plannedS: number;
	readonly actualS: number;
	readonly detail?: string;
}

/** Written and synced before the pulse can start. */
export interface PulseIntended {
	readonly kind: "pulse-intended";
	readonly run: string | null;
	readonly pulse: number;
	readonly precursor: string;
	readonly valve: string;
	readonly commandedMs: number;
	readonly cycle?: number;
	/** Position of its step in the flat plan; absent in older records. */
	readonly index?: number;
}

/** The pulse's fate. All times are control's monotonic ms. */
export interface PulseRecord {
	readonly kind: "pulse";
	readonly run: string | null;
	readonly pulse: number;
	readonly precursor: string;
	readonly valve: string;
	readonly cycle?: number;
	readonly commandedMs: number;
	/** When the step was due, and when the start was acknowledged by the instrument. */
	readonly dueT: number;
	readonly issuedT: number | null;
	/** Width by the instrument's own timer registers, read back after the pulse. */
	readonly confirmedMs: number | null;
	/** Pressure evidence: peak above baseline in Pa and its area in Pa s; null without a trustworthy gauge. */
	readonly effective: { readonly baselinePa: number; readonly peakPa: number; readonly areaPaS: number } | null;
	/** Film on the crystal before the pulse and at the end of its purge, nm; null where the reading was not good. Absent without a crystal. */
	readonly film?: { readonly beforeNm: number | null; readonly afterNm: number | null };
	readonly fate: "delivered" | "not-delivered" | "unknown";
	/** Absent for one that is not compared. */
	readonly trend?: PulseTrend;
}

/** A dose against those of its precursor before it. */
export interface PulseTrend {
	/** Flow that it was given into. */
	readonly carrierSccm: number;
	/** So many in a row, this the last, left nothing. */
	readonly leftNothing: number;
	/** Whether it is to be repeated for that. */
	readonly repeat: boolean;
	/** Area that is usual for its width and flow, and the least that is not yet alarmed, Pa s; null until known, absent in older records. */
	readonly usualPaS?: number | null;
	readonly lowPaS?: number | null;
}

/** A question to a person is open; until when, and what then, is with it. */
export interface PromptAsked {
	readonly kind: "prompt-asked";
	readonly run: string;
	readonly prompt: string;
	readonly text: string;
	readonly confirm: string;
	readonly timeoutS: number;
	readonly onTimeout: string;
}

export interface PromptAnswered {
	readonly kind: "prompt-answered";
	readonly run: string;
	readonly prompt: string;
	/** What the person confirmed. */
	readonly confirmed: string;
	readonly by: string;
}

/** What a dose waits for, with the number that ends the wait. */
export interface SuspensionCondition {
	readonly condition: "carrier" | "chamber" | "settling" | "zone";
	readonly reason: string;
	readonly value: number;
	readonly threshold: number;
	readonly unit: Unit;
}

/** A run holds itself before a dose, and goes on by itself; at `until` (Unix ms) it is held for a person. */
export interface SuspensionRecord {
	readonly kind: "suspension";
	readonly run: string;
	readonly state: "began" | "ended" | "expired" | "interrupted";
	readonly conditions: readonly SuspensionCondition[];
	readonly until: number;
}

/** Rate of rise with the stop valve shut. */
export interface LeakCheckRecord {
	readonly kind: "leak-check";
	readonly run: string;
	readonly passed: boolean;
	readonly mtorrPerMin: number;
	readonly torrLPerS: number;
	readonly limitMtorrPerMin: number;
	readonly seconds: number;
	readonly startPa: number;
	readonly endPa: number;
}

/** A line is empty: its last pulse brought `areaPaS`, less than `emptyPaS`. */
export interface LineEvacuated {
	readonly kind: "line-evacuated";
	readonly run: string;
	readonly precursor: string;
	readonly pulses: number;
	readonly areaPaS: number;
	readonly emptyPaS: number;
}

/** A queue of runs was made; each waits for a person. */
export interface CampaignCreated {
	readonly kind: "campaign-created";
	readonly campaign: string;
	readonly name: string;
	readonly title: string;
	readonly by: string;
	readonly runs: readonly {
		readonly entry: number;
		readonly recipe: string;
		readonly set: Readonly<Record<string, number | string>>;
		readonly sample: string;
	}[];
}

/** A person changed the queue. */
export interface CampaignChanged {
	readonly kind: "campaign-changed";
	readonly campaign: string;
	readonly command: string;
	readonly by: string;
	readonly entry: number | null;
	readonly order?: readonly number[];
}

/** A run of a campaign was launched or has ended. */
export interface CampaignRunRecord {
	readonly kind: "campaign-run";
	readonly campaign: string;
	readonly entry: number;
	readonly sample: string;
	readonly run: string;
	readonly state: CampaignRunState;
	/** Of the foil, as read at the launch. */
	readonly barcode?: string;
}

/** A bottle was changed for a full one. */
export interface BottleChanged {
	readonly kind: "bottle-changed";
	readonly precursor: string;
	readonly grams: number;
	readonly by: string;
}

/** A valve (not a pulse) or setpoint is moved: one record before the act, one after it. */
export interface ActuationRecord {
	readonly kind: "actuation";
	readonly run: string | null;
	/** `instrument.signal`. */
	readonly signal: string;
	readonly requested: number;
	/** Null before the act, and when it failed. */
	readonly readBack: number | null;
	readonly outcome?: "ordered" | "done" | "failed";
	readonly reason: string;
	/** Who moved it by hand. */
	readonly by?: string;
}

/** A person commands the reactor itself: recorded before anything moves, and again with what came of it. */
export interface ManualCommanded {
	readonly kind: "manual-command";
	readonly command: "set" | "dose" | "safe";
	/** In words, e.g. "carrier = 20". */
	readonly order: string;
	readonly by: string;
	readonly id: string;
	readonly outcome: "ordered" | "done" | "refused" | "failed";
	/** Why it was refused or failed. */
	readonly detail?: string;
	/** The bound on zones that heat the foil; null while nothing may heat them. */
	readonly neverAboveC: number | null;
	/** Without another command the reactor goes to rest then, Unix ms; null for a command that ends manual operation. */
	readonly restAt: number | null;
}

/** The reactor is at rest, and free for a run. */
export interface ManualEnded {
	readonly kind: "manual-ended";
	readonly cause: string;
}

export interface InterlockRecord {
	readonly kind: "interlock";
	readonly interlock: string;
	readonly state: "tripped" | "cleared" | "reset";
	readonly cause: string;
	readonly value: number | null;
	readonly limit: number | null;
	readonly unit: Unit | null;
	readonly effect: string;
	/** Who reset it. */
	readonly by?: string;
}

export type AlarmState =
	| "normal"
	| "unacknowledged"
	| "acknowledged"
	| "returned-unacknowledged"
	| "latched-unacknowledged"
	| "latched-acknowledged"
	| "shelved"
	| "suppressed"
	| "out-of-service";

export interface AlarmRecord {
	readonly kind: "alarm";
	readonly alarm: string;
	readonly state: AlarmState;
	readonly priority: "low" | "medium" | "high" | "critical";
	readonly message: string;
	/** By its definition: why there is this alarm, and what happens when nobody does anything. */
	readonly cause?: string;
	readonly consequence?: string;
	readonly response: string;
	readonly by?: string;
	/** Why it was shelved or taken out of service; `until` in Unix ms, absent when not by time. */
	readonly reason?: string;
	readonly until?: number;
	/** Times that its cause came since the alarm was last normal. */
	readonly occurrences?: number;
}

/** The run reached a final state. `film` figures come from measurements; the twin's truth is added only in a simulated lab. */
export interface RunFinished {
	readonly kind: "run-finished";
	readonly run: string;
	readonly state: "complete" | "stopped" | "aborted";
	readonly product: string;
	readonly cycles: {
		readonly ordered: number;
		readonly complete: number;
		readonly repeated: number;
		readonly unknown: number;
	};
	readonly worstPulseErrorMs: number | null;
	/** Highest offset-corrected reading of a zone that heats the foil, with the sensor's uncertainty. */
	readonly peakFoilC: number | null;
	readonly peakFoilUncertaintyC: number | null;
	readonly anneal: { readonly inBandS: number; readonly maximumC: number } | null;
	readonly durationS: number;
	readonly plannedS: number;
}

/** What an anneal was. Temperatures are the foil's as far as the zone's sensor and calibration tell them; uncertainties are k = 2. */
export interface AnnealRecorded {
	readonly kind: "anneal";
	readonly run: string;
	/** Of the anneal's step. */
	readonly index: number;
	readonly zone: string;
	readonly targetC: number;
	readonly withinC: number;
	readonly orderedS: number;
	readonly seconds: number;
	/** Time without known temperature, of these seconds. */
	readonly unknownS: number;
	readonly inBandS: number;
	/** Mean and standard deviation from the first arrival in the band on; null before it. */
	readonly meanC: number | null;
	readonly spreadC: number | null;
	readonly maxC: number | null;
	readonly uncertaintyC: number;
	/** As measured; at least and at most by the uncertainty and the time that is not known. */
	readonly minutesAbove: readonly {
		readonly thresholdC: number;
		readonly minutes: number;
		readonly atLeast: number;
		readonly atMost: number;
	}[];
	readonly ramp: {
		readonly plannedS: number | null;
		readonly actualS: number | null;
		readonly farthestFromPlanC: number | null;
	};
	readonly melting: "below" | "not-excluded" | "reached" | "no-melting-point";
	/** The verdict in words. It never says that a foil did not melt. */
	readonly words: string;
}

/** A zone's test, or the loop settings that came of one. */
export interface TuneRecord {
	readonly kind: "tune";
	readonly tune: string;
	readonly zone: string;
	/** `applying` is written and synced before the first setting is. */
	readonly state: "started" | "done" | "aborted" | "applying" | "applied";
	readonly by: string;
	readonly detail: string;
	readonly order?: TuneOrder;
}

/** Something worth a line in the log that has no record of its own. */
export interface NoteRecord {
	readonly kind: "note";
	readonly level: "info" | "warning" | "error";
	readonly run: string | null;
	readonly code: string;
	readonly message: string;
	readonly problems?: readonly Problem[];
}

export type RecordBody =
	| ControlStarted
	| InstrumentRecord
	| SampleRecord
	| RunCreated
	| RunInterrupted
	| AnnealProgress
	| RunStateChanged
	| RunCommanded
	| StepStarted
	| StepEnded
	| PulseIntended
	| PulseRecord
	| PromptAsked
	| PromptAnswered
	| SuspensionRecord
	| LeakCheckRecord
	| LineEvacuated
	| CampaignCreated
	| CampaignChanged
	| CampaignRunRecord
	| BottleChanged
	| ActuationRecord
	| ManualCommanded
	| ManualEnded
	| InterlockRecord
	| AlarmRecord
	| AnnealRecorded
	| RunFinished
	| CellTestOrdered
	| CellTestStateChanged
	| CellTestRows
	| CellTestPositions
	| TuneRecord
	| NoteRecord;

export type JournalRecord = RecordBase & RecordBody;
export type RecordKind = RecordBody["kind"];

/** What control writes with: gives the record its sequence number and times, and returns the number. */
export interface RecordSink {
	append(body: RecordBody): number;
	/** Resolves when everything appended so far is on the disk. */
	synced(): Promise<void>;
}
