/** The procedural states of a recipe run after ISA-88: one table, no behaviour. What a state means is the engine's affair. */
import type { RunCommand, RunState } from "#record/records.js";

/** `done`: the state ended by itself (a transient state reached its end). */
export type RunInput = RunCommand | "done";

export const NEXT: Readonly<Record<RunState, Readonly<Partial<Record<RunInput, RunState>>>>> = {
	idle: { start: "running" },
	running: { done: "complete", pause: "pausing", hold: "holding", stop: "stopping", abort: "aborting" },
	pausing: { done: "paused", hold: "holding", stop: "stopping", abort: "aborting" },
	paused: { resume: "running", hold: "holding", stop: "stopping", abort: "aborting" },
	holding: { done: "held", stop: "stopping", abort: "aborting" },
	held: { restart: "restarting", stop: "stopping", abort: "aborting" },
	restarting: { done: "running", hold: "holding", stop: "stopping", abort: "aborting" },
	stopping: { done: "stopped", abort: "aborting" },
	stopped: { reset: "idle" },
	aborting: { done: "aborted" },
	aborted: { reset: "idle" },
	complete: { reset: "idle" },
};

/** The state after the input, or null when the state does not allow it. */
export function next(state: RunState, input: RunInput): RunState | null {
	return NEXT[state][input] ?? null;
}

/** The commands that the state allows, in the table's order. */
export function allowed(state: RunState): RunCommand[] {
	return (Object.keys(NEXT[state]) as RunInput[]).filter((input): input is RunCommand => input !== "done");
}

/** A run in a final state has ended; only reset is left. */
export function isFinal(state: RunState): boolean {
	return state === "complete" || state === "stopped" || state === "aborted";
}
