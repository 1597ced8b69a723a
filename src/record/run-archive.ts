/** Everything that is kept of one run, to be carried off: facts at once, rows as they are asked for. Times are Unix ms. */
import type { PulseRow, RunDetail } from "#record/history.js";
import type { JournalRecord, RunCreated } from "#record/records.js";

export interface ArchivedSignal {
	/** Without the instrument: `chamber_pressure`. */
	readonly name: string;
	readonly unit: string | null;
	readonly description: string | null;
}

export interface ArchivedInstrument {
	readonly instrument: string;
	readonly driver: string | null;
	readonly manufacturer: string | null;
	readonly model: string | null;
	readonly serial: string | null;
	readonly firmware: string | null;
	readonly signals: readonly ArchivedSignal[];
}

/** One poll of one instrument; values in the order of its signals, null where none was valid. */
export interface ArchivedPoll {
	readonly at: number;
	readonly values: readonly (number | null)[];
}

export type ArchivedStep = RunDetail["steps"][number] & { readonly path: string };

export interface ArchivedPhase {
	readonly phase: string;
	readonly startedAt: number;
	readonly endedAt: number | null;
	readonly steps: number;
}

export interface ArchivedRun
	extends Omit<RunDetail, "steps">,
		Pick<RunCreated, "recipeVersion" | "labFileText" | "material" | "meltingPointC" | "neverAboveC" | "plan"> {
	readonly station: string;
	readonly peakFoilUncertaintyC: number | null;
}

/** Batches are small enough to be held in memory, however long the run was. */
export interface RunArchive {
	readonly run: ArchivedRun;
	readonly instruments: readonly ArchivedInstrument[];
	readonly phases: readonly ArchivedPhase[];
	/** Doses by precursor: delivered, not delivered, unknown. */
	readonly doses: readonly { readonly precursor: string; readonly fate: string; readonly count: number }[];
	polls(instrument: ArchivedInstrument): AsyncIterable<readonly ArchivedPoll[]>;
	steps(): AsyncIterable<readonly ArchivedStep[]>;
	pulses(): AsyncIterable<readonly PulseRow[]>;
	/** The run's own records, and those of alarms, interlocks, instruments and actuators of its station in its time. */
	events(): AsyncIterable<readonly JournalRecord[]>;
}
