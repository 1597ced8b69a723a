import type { ExitCode } from "#cli/exit-codes.js";
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

/**
 * A command's end: 0, 1 when it did its work and the answer is no, another where it has said its failure itself, with what
 * it had found. Other failures are thrown as AdlayerError.
 */
export type Outcome = ExitCode;
