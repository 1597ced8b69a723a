import type { Quality, Unit } from "#core/reading.js";
import type { MaintenanceStatus } from "#record/maintenance.js";
import type { Doubt } from "#record/pulse-count.js";
import type {
	AlarmRecord,
	AlarmState,
	InstrumentRecord,
	PlannedStep,
	RunPhase,
	RunState,
	SuspensionCondition,
} from "#record/records.js";
import type { ServicePresence } from "#record/service-status.js";
import type { TuneProgress } from "#record/tune.js";
import type { AlarmFlood } from "./alarm-flood.js";

/** What control says of itself over the control link, and what the service rebuilds from the journal for REST and MQTT. */
export interface ControlStatus {
	readonly station: string;
	readonly simulated: boolean;
	/** Lab time per real time; 1 on real hardware. */
	readonly speed: number;
	readonly version: string;
	readonly t: number;
	readonly wall: number;
	readonly run: RunStatus | null;
	readonly instruments: Readonly<Record<string, InstrumentStatus>>;
	readonly signals: Readonly<Record<string, SignalStatus>>;
	readonly interlocks: readonly InterlockStatus[];
	readonly alarms: readonly AlarmStatus[];
	readonly alarmFlood?: AlarmFlood;
	/** Absent where control does not count. */
	readonly maintenance?: MaintenanceStatus;
	/** Whether the service is there; only control says it. */
	readonly service?: ServicePresence;
	/** The test of a zone that is under way; only control says it. */
	readonly tune?: TuneProgress;
	/** Manual operation that has not come to rest; null when there is none. */
	readonly manual?: ManualStatus | null;
	/** By precursor. */
	readonly lastDoses?: Readonly<Record<string, LastDoseStatus>>;
	/** Signals that people look for first; whoever shows the state falls back to names and units without it. */
	readonly roles?: SignalRoles;
}

export interface ManualStatus {
	/** Who gave the last command, what it was, and when, Unix ms. */
	readonly by: string;
	readonly order: string;
	readonly at: number;
	/** Without another command the reactor goes to rest then, Unix ms. */
	readonly restAt: number;
	/** The bound on zones that heat the foil; null while nothing may heat them. */
	readonly neverAboveC: number | null;
}

export interface LastDoseStatus {
	/** End of the last dose on record, Unix ms, and what is known of it; null when there is none. */
	readonly at: number | null;
	readonly fate: "delivered" | "unknown" | null;
	/** What purges are counted from: since the last dose or, when that is later, since control or the valve I/O came up. */
	readonly countedS: number;
}

/** Which signals (`instrument.signal`) play which part. */
export interface SignalRoles {
	/** Temperature of the zone that heats the foil, its target, and the chamber's pressure. */
	readonly foilC?: string;
	readonly foilTargetC?: string;
	readonly chamberPa?: string;
	/** Flow of the carrier gas and its setpoint. */
	readonly carrierSccm?: string;
	readonly carrierTargetSccm?: string;
	/** Dosing valves by precursor, and the stop valve towards the pump: 1 is open. */
	readonly dosingValves?: Readonly<Record<string, string>>;
	readonly stopValve?: string;
	readonly pumpRunning?: string;
	readonly lidClosed?: string;
	/** By signal: the level at which a contact is made; 1 for those that are not here. */
	readonly safeLevels?: Readonly<Record<string, 0 | 1>>;
}

export interface SignalStatus {
	readonly value: number | null;
	readonly unit: Unit;
	readonly quality: Quality;
	/** What is wrong, when quality is fault and the instrument says it. */
	readonly detail?: string;
	/** Unix ms. */
	readonly at: number;
	readonly seq: number;
}

export type InstrumentStatus = Pick<
	InstrumentRecord,
	"driver" | "address" | "state" | "identity" | "error" | "warnings"
> & {
	/** A value older than this is stale, by the lab file; only control says it. */
	readonly staleMs?: number;
};

export interface InterlockStatus {
	readonly interlock: string;
	readonly state: "clear" | "tripped" | "cleared";
	readonly cause: string;
	readonly effect: string;
}

export interface AlarmStatus {
	readonly alarm: string;
	readonly state: AlarmState;
	readonly priority: AlarmRecord["priority"];
	readonly message: string;
	readonly cause?: string;
	readonly consequence?: string;
	readonly response: string;
	/** Unix ms of the last change. */
	readonly at: number;
	readonly occurrences?: number;
	/** Who acknowledged, shelved or removed it, and why; a shelving by time ends at `until`, Unix ms. */
	readonly by?: string;
	readonly reason?: string;
	readonly until?: number;
}

/** A question that a run asks, and that waits for an answer. */
export interface PromptStatus {
	/** Given with the answer. */
	readonly prompt: string;
	readonly text: string;
	readonly confirm: string;
	readonly timeoutS: number;
	readonly onTimeout: string;
	/** Unix ms. */
	readonly askedAt: number;
}

/** What a person must know of a run that control found open when it came back, to say how it goes on. Times are Unix ms. */
export interface Interruption {
	/** The last word before control was lost, and for how long nobody was in control. */
	readonly lostAt: number;
	readonly gapS: number;
	/** Cycle and half-cycle (its precursor) that were under way; null outside the cycles. */
	readonly cycle: number | null;
	readonly halfCycle: string | null;
	/** Why a restart repeats that half-cycle; null when it goes on after it. */
	readonly repeat: Doubt | null;
	/** By precursor: seconds since its last dose, which may have been one of unknown fate; null when none is on record. */
	readonly lastDoses: Readonly<
		Record<string, { readonly sinceS: number; readonly fate: "delivered" | "unknown" } | null>
	>;
	/** By zone: the last reading before, the first after, and the bounds between which the zone is believed to have been. */
	readonly temperatures: Readonly<Record<string, GapTemperature>>;
	/** Minutes of the interrupted anneal, to one decimal: a restart must name them. Null when no anneal was interrupted. */
	readonly annealMinutes: number | null;
	/** What is not as it was when the run began; with any of these it can only be stopped or aborted. */
	readonly differences: readonly string[];
}

export interface GapTemperature {
	readonly beforeC: number | null;
	readonly afterC: number | null;
	readonly lowestC: number | null;
	readonly highestC: number | null;
}

export interface SuspensionStatus {
	readonly conditions: readonly SuspensionCondition[];
	/** Unix ms; at `until` the run is held for a person. */
	readonly since: number;
	readonly until: number;
}

export interface CycleCount {
	readonly ordered: number;
	readonly complete: number;
	readonly repeated: number;
	readonly unknown: number;
}

/** A zone on its way up. */
export interface HeatingStatus {
	readonly zone: string;
	readonly targetC: number;
	/** Predicted time until the zone is within half a degree of its target. */
	readonly remainingS: number;
}

export interface RunStatus {
	readonly run: string;
	readonly recipe: string;
	readonly sample: string;
	readonly product: string;
	readonly operator: string;
	readonly state: RunState;
	/** Why the run is in its state, one sentence. */
	readonly cause: string;
	readonly step: PlannedStep | null;
	readonly phases: readonly RunPhase[];
	readonly cycles: CycleCount;
	readonly elapsedS: number;
	readonly remainingS: number;
	readonly plannedS: number;
	/** Anneal time in band so far, and ordered; null when the recipe has no anneal. */
	readonly anneal: { readonly inBandS: number; readonly orderedS: number } | null;
	readonly worstPulseErrorMs: number | null;
	readonly peakFoilC: number | null;
	readonly meltingPointC: number | null;
	/** The open question; null when there is none. */
	readonly prompt?: PromptStatus | null;
	/** Until a run that control found open has been restarted or has ended; null or absent otherwise. */
	readonly interruption?: Interruption | null;
	/** What the next dose waits for by itself; null when it waits for nothing. */
	readonly suspension?: SuspensionStatus | null;
	/** Zones on their way to a temperature; absent where nothing is known of it. */
	readonly heating?: readonly HeatingStatus[];
}
