import type { StartAll } from "#cli/launcher.js";
import type { Output } from "#cli/output.js";
import type { Clock } from "#core/clock.js";

/** What every command gets. */
export interface CliContext {
	readonly out: Output;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly clock: Clock;
	/** Aborted when the user interrupts the command. */
	readonly interrupted: AbortSignal;
	/** Who the system says is using the command. */
	readonly userName: string;
	/** Gives the launcher of all processes; only loaded when asked for. */
	readonly launcher: () => Promise<StartAll>;
}

/** A command's end: 0, or 1 when it did its work and the answer is no. Failures are thrown as AdlayerError. */
export type Outcome = 0 | 1;
