/** What `adlayer probe` asks for and what comes of it; src/probe.ts does it. */

import type { Clock } from "#core/clock.js";
import type { AdlayerError } from "#core/errors.js";
import type { Quality, Unit } from "#core/reading.js";

export interface ProbeRequest {
	readonly driver: string;
	readonly address: string;
	/** Settings of the driver, as `key=value`. */
	readonly options: readonly string[];
	/** Signals to be set, with their values in the units of the signals. */
	readonly set: Readonly<Record<string, number>>;
	/** Nothing is set without it. */
	readonly unguarded: boolean;
	/** The whole probe takes no longer. */
	readonly limitMs: number;
	/** Instruments of a running control: their lines are not touched. */
	readonly held: readonly { readonly instrument: string; readonly address: string }[];
	readonly clock: Clock;
	readonly interrupted: AbortSignal;
}

export interface ProbeReading {
	readonly value: number | null;
	readonly unit: Unit;
	readonly quality: Quality;
	/** Unix time in ms. */
	readonly at: number;
	readonly detail?: string;
}

export interface ProbeSetting {
	readonly signal: string;
	readonly requested: number;
	readonly readBack: number | null;
	readonly ok: boolean;
}

export interface ProbeReport {
	readonly driver: string;
	readonly address: string;
	readonly identityConfirmed: boolean;
	readonly identity: {
		readonly manufacturer: string | null;
		readonly model: string | null;
		readonly serial: string | null;
		readonly firmware: string | null;
	};
	readonly readings: Readonly<Record<string, ProbeReading>>;
	readonly set: readonly ProbeSetting[];
	readonly exchanges: number;
	readonly retries: number;
	readonly warnings: readonly string[];
	/** What went wrong after the instrument had been identified. */
	readonly error?: AdlayerError;
}

/** Rejects when there is nothing to report: wrong arguments, nobody there, another instrument, a line in other hands. */
export type Probe = (request: ProbeRequest) => Promise<ProbeReport>;
