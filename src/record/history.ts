/** What the store answers about the past; implemented by src/store, asked by src/api. Times are Unix ms. */
import type {
	AlarmRecord,
	AnnealRecorded,
	JournalRecord,
	PulseRecord,
	RecordBase,
	RunState,
	StepEnded,
} from "#record/records.js";
import type { RunArchive } from "#record/run-archive.js";
import type { CycleCount } from "#record/status.js";

export interface RunSummary {
	readonly run: string;
	readonly recipe: string;
	readonly recipeSha256: string;
	readonly sample: string;
	readonly product: string;
	readonly operator: string;
	readonly simulated: boolean;
	readonly state: RunState;
	readonly createdAt: number;
	readonly endedAt: number | null;
	readonly cycles: CycleCount | null;
	readonly worstPulseErrorMs: number | null;
	readonly peakFoilC: number | null;
	readonly durationS: number | null;
	readonly plannedS: number;
}

export interface RunDetail extends RunSummary {
	readonly recipeText: string;
	readonly parameters: Readonly<Record<string, number | string>>;
	readonly labFileSha256: string;
	readonly softwareVersion: string;
	readonly acknowledged: readonly string[];
	/** The record of each anneal that has ended. */
	readonly anneals: readonly AnnealFacts[];
	readonly steps: readonly (Omit<StepEnded, "kind"> & {
		readonly title: string;
		readonly startedAt: number;
		readonly endedAt: number;
	})[];
}

export type AnnealFacts = Omit<AnnealRecorded, "kind" | "run"> & { readonly at: number };

export function annealFacts({
	kind: _,
	run: __,
	seq: ___,
	t: ____,
	wall,
	...facts
}: AnnealRecorded & RecordBase): AnnealFacts {
	return { ...facts, at: wall };
}

export type PulseRow = Omit<PulseRecord, "kind"> & { readonly at: number };

export interface HistoryPoint {
	/** Middle of the bucket, Unix ms. */
	readonly at: number;
	readonly min: number | null;
	readonly max: number | null;
	readonly mean: number | null;
}

export type AlarmChange = AlarmRecord & RecordBase;

export interface AlarmQuery {
	readonly limit: number;
	readonly before?: number;
	readonly alarm?: string;
}

export interface History {
	/** Rejects with DATABASE_UNAVAILABLE when the database cannot be reached; so do all others. */
	runs(query: { limit: number; before?: number }): Promise<RunSummary[]>;
	/** Undefined when there is no such run. */
	run(run: string): Promise<RunDetail | undefined>;
	pulses(run: string): Promise<PulseRow[]>;
	/** All non-sample records of a run after `afterSeq`, in order. */
	events(run: string, query: { afterSeq: number; limit: number }): Promise<JournalRecord[]>;
	/** Changes of alarms, newest first; only those before a time (Unix ms), only those of one alarm. */
	alarms(query: AlarmQuery): Promise<AlarmChange[]>;
	/** At most `points` buckets between the two times, empty ones left out. */
	signal(id: string, query: { from: number; to: number; points: number }): Promise<HistoryPoint[]>;
	/** All that is kept of a run; undefined when there is no such run. */
	archive(run: string): Promise<RunArchive | undefined>;
	/** Rows of each table, for the demo's summary and health. */
	counts(run?: string): Promise<{ samples: number; pulses: number; steps: number; events: number }>;
}
