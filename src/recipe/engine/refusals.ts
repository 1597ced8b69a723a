/** Why a run refuses a command, in words that say what it would take. */
import { AdlayerError } from "#core/errors.js";
import type { TakenUp } from "#recipe/engine/taken-up.js";
import { allowed } from "#recipe/isa88.js";
import type { RunCommand, RunState } from "#record/records.js";
import { permitRun } from "#safety/permits.js";

export interface Situation {
	readonly state: RunState;
	/** The run has been started before. */
	readonly hasStarted: boolean;
	readonly isInAnneal: boolean;
	/** Interlocks that are latched. */
	readonly latched: readonly string[];
	/** Zones in doubt. */
	readonly doubted: readonly string[];
}

/** Throws COMMAND_NOT_ALLOWED, INTERLOCK_TRIPPED or PERMIT_REFUSED. */
export function refuseCommand(
	command: RunCommand,
	{ state, hasStarted, isInAnneal, latched, doubted }: Situation,
): void {
	const can = allowed(state);
	const context = { state, allowed: can };
	const notAllowed = (message: string) => new AdlayerError("COMMAND_NOT_ALLOWED", message, { context });
	if (!can.includes(command)) {
		const only = can.length === 0 ? "only be waited for" : can.join(", ");
		throw notAllowed(`A run that is ${state} cannot ${command}; it can ${only}.`);
	}
	if (command === "start" && hasStarted)
		throw notAllowed("This run has ended; it is not started again. Launch its recipe anew.");
	if (command === "pause" && isInAnneal)
		throw notAllowed("An anneal cannot be paused: its temperature would go on acting. Hold or stop instead.");
	if (command !== "start" && command !== "resume" && command !== "restart") return;
	if (latched.length > 0) {
		throw new AdlayerError("INTERLOCK_TRIPPED", `The run cannot ${command}: latched: ${latched.join(", ")}.`, {
			context: { state, latched },
		});
	}
	permitRun({ doubted }, `To ${command} the run`);
}

/**
 * A run that control found open is restarted only as the run that it was, an anneal only by whoever knows how far it is. Throws
 * PLAN_CHANGED or ANNEAL_INTERRUPTED.
 */
export function refuseRestart({ differences, facts }: TakenUp, annealMinutes: number | undefined): void {
	if (differences.length > 0) {
		throw new AdlayerError(
			"PLAN_CHANGED",
			`The run cannot be restarted, only stopped or aborted: ${differences.join(" ")}`,
			{ context: { differences } },
		);
	}
	const done = facts.annealMinutes;
	if (done === null || done === annealMinutes) return;
	throw new AdlayerError(
		"ANNEAL_INTERRUPTED",
		`The anneal was interrupted after ${done.toFixed(1)} min in band; it goes on only by a restart that names these minutes${annealMinutes === undefined ? "" : `, not ${annealMinutes}`}.`,
		{ context: { annealMinutes: done } },
	);
}
