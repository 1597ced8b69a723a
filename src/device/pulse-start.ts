import { AdlayerError } from "#core/errors.js";

/** A start that has waited longer for the line is withdrawn: what permitted it is no longer the present. */
const START_LATE_MS_MAX = 250;

/** A start of a timed pulse about to be sent. */
export interface PulseStart {
	readonly instrument: string;
	readonly output: string;
	/** Since it was ordered. */
	readonly waitedMs: number;
	/** It has not been cancelled meanwhile. */
	readonly isOrdered: boolean;
}

/** Throws OUTPUT_BUSY when the start must not be sent any more. */
export function assertMayStart({ instrument, output, waitedMs, isOrdered }: PulseStart): void {
	const isLate = waitedMs > START_LATE_MS_MAX;
	if (isOrdered && !isLate) return;
	const limit = isLate ? `; at most ${START_LATE_MS_MAX} ms are allowed` : "";
	throw new AdlayerError(
		"OUTPUT_BUSY",
		`The start of ${output} on ${instrument} was withdrawn after ${waitedMs.toFixed(0)} ms in the queue${limit}.`,
	);
}
