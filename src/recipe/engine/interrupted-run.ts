/** A run that control found open in its journal when it came up: what is recorded of it before anything else. */

import { isFinal } from "#recipe/isa88.js";
import type {
	PlannedStep,
	PulseIntended,
	PulseRecord,
	RecordBody,
	RunCreated,
	RunFinished,
	RunInterrupted,
	RunState,
} from "#record/records.js";
import type { RunTrail } from "#record/run-trail.js";

export const CONTROL_RESTARTED = "control restarted";

/** What the journal tells; times are Unix ms. */
export interface InterruptedRun {
	readonly lastWall: number;
	readonly openRun: OpenRun | null;
	/** The last leak check on record. */
	readonly leakCheck?: { readonly wall: number; readonly passed: boolean } | undefined;
	/** Pulses that were announced and have no record of their fate. */
	readonly intended: readonly Omit<PulseIntended, "kind">[];
	/** By precursor: the last pulse that reached the chamber or may have. */
	readonly lastDose?: Readonly<Record<string, { readonly wall: number; readonly fate: "delivered" | "unknown" }>>;
}

export interface OpenRun {
	readonly run: string;
	readonly created: RunCreated & { readonly wall: number };
	readonly state: RunState;
	readonly lastStep: PlannedStep | null;
	readonly cyclesDone: number;
	readonly trail: RunTrail;
}

const TAKEN_UP: ReadonlySet<RunState> = new Set(["running", "pausing", "paused", "holding", "held", "restarting"]);

/** Whether a run found in this state is held for a person to decide; one that was on its way out goes there. */
export function isTakenUp(state: RunState): boolean {
	return TAKEN_UP.has(state);
}

/**
 * The records for the pulses in the balance. One whose step was executed to its end had been proven to have ended before,
 * only its figures are lost; the fate of any other is unknown. `nowMs` is the time of this process.
 */
export function pulsesInTheBalance({ openRun, intended }: InterruptedRun, nowMs: number): PulseRecord[] {
	return intended.map(({ run, pulse, precursor, valve, commandedMs, cycle, index }) => {
		const isProven = run === openRun?.run && index !== undefined && openRun?.trail.done.has(index) === true;
		return {
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
			fate: isProven ? "delivered" : "unknown",
		};
	});
}

/** Pulses of the open run whose fate becomes unknown by the interruption. */
export function pulsesLost(known: InterruptedRun): InterruptedRun["intended"] {
	const { openRun, intended } = known;
	return intended.filter(
		({ run, index }) => run === openRun?.run && !(index !== undefined && openRun?.trail.done.has(index)),
	);
}

/** The records that end a run that is not taken up: it was ended already, or was on its way there. Figures that are lost are null. */
export function endingRecords(known: InterruptedRun): RecordBody[] {
	const { openRun, lastWall } = known;
	if (openRun === null) return [];
	const { run, created, state, cyclesDone, trail } = openRun;
	const records: RecordBody[] = [];
	const end: RunFinished["state"] = isFinal(state) ? (state as RunFinished["state"]) : "aborted";
	// Only the record of its end was missing from a run in a final state.
	if (!isFinal(state)) {
		if (state !== "aborting")
			records.push({ kind: "run-state", run, from: state, to: "aborting", cause: CONTROL_RESTARTED });
		records.push({ kind: "run-state", run, from: "aborting", to: "aborted", cause: CONTROL_RESTARTED });
	}
	const { repeated, worstErrorMs, missed } = trail.count;
	const complete = Math.max(0, cyclesDone - missed.size);
	const unknown = trail.count.unknown + pulsesLost(known).length;
	records.push({
		kind: "run-finished",
		run,
		state: end,
		product: created.product,
		cycles: { ordered: created.plan.cycles, complete, repeated, unknown },
		worstPulseErrorMs: worstErrorMs,
		peakFoilC: null,
		peakFoilUncertaintyC: null,
		anneal: null,
		durationS: Math.max(0, lastWall - created.wall) / 1_000,
		plannedS: created.plan.totalS,
	});
	return records;
}

export function interruptionRecord(
	{ lastWall }: InterruptedRun,
	{ run, state }: OpenRun,
	facts: Pick<RunInterrupted, "elapsedS" | "step" | "cycles" | "annealInBandS" | "differences"> & {
		readonly wall: number;
	},
): RunInterrupted {
	const { wall, ...rest } = facts;
	return { kind: "run-interrupted", run, state, lostAt: lastWall, gapS: Math.max(0, wall - lastWall) / 1_000, ...rest };
}
