/** A run that control found open in its journal when it came up: recorded honestly as what it is, an aborted one. */

import { isFinal } from "#recipe/isa88.js";
import type { PulseIntended, RecordBody, RunCreated, RunFinished, RunState } from "#record/records.js";

export const CONTROL_RESTARTED = "control restarted";

/** What the journal tells; times are Unix ms. */
export interface InterruptedRun {
	readonly lastWall: number;
	readonly openRun: {
		readonly run: string;
		readonly created: RunCreated & { readonly wall: number };
		readonly state: RunState;
		readonly cyclesDone: number;
	} | null;
	/** The last leak check on record. */
	readonly leakCheck?: { readonly wall: number; readonly passed: boolean } | undefined;
	/** Pulses that were announced and have no record of their fate. */
	readonly intended: readonly Omit<PulseIntended, "kind">[];
}

/**
 * The records that close what a restart of control left open: the pulses in the balance have an unknown fate, the run is
 * aborted. Figures that only the lost process knew are null; `nowMs` is the time of this process.
 */
export function closingRecords({ openRun, intended, lastWall }: InterruptedRun, nowMs: number): RecordBody[] {
	const records: RecordBody[] = intended.map(({ run, pulse, precursor, valve, commandedMs, cycle }) => ({
		kind: "pulse",
		run,
		pulse,
		precursor,
		valve,
		...(cycle === undefined ? {} : { cycle }),
		commandedMs,
		dueT: nowMs,
		issuedT: null,
		confirmedMs: null,
		effective: null,
		fate: "unknown",
	}));
	if (openRun === null) return records;
	const { run, created, state, cyclesDone } = openRun;
	const unknown = intended.filter((pulse) => pulse.run === run).length;
	const end: RunFinished["state"] = isFinal(state) ? (state as RunFinished["state"]) : "aborted";
	// Only the record of its end was missing from a run in a final state.
	if (!isFinal(state)) {
		if (state !== "aborting")
			records.push({ kind: "run-state", run, from: state, to: "aborting", cause: CONTROL_RESTARTED });
		records.push({ kind: "run-state", run, from: "aborting", to: "aborted", cause: CONTROL_RESTARTED });
	}
	records.push({
		kind: "run-finished",
		run,
		state: end,
		product: created.product,
		cycles: { ordered: created.plan.cycles, complete: cyclesDone, repeated: 0, unknown },
		worstPulseErrorMs: null,
		peakFoilC: null,
		peakFoilUncertaintyC: null,
		anneal: null,
		durationS: Math.max(0, lastWall - created.wall) / 1_000,
		plannedS: created.plan.totalS,
	});
	return records;
}
