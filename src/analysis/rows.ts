/** Rows of a battery test as columns: what every reader gives and every evaluation takes. */

/** What the cycler says a row's step is; `unknown` where it says nothing. */
export const STEP_KIND = { unknown: 0, rest: 1, charge: 2, discharge: 3, impedance: 4 } as const;
export type StepKind = (typeof STEP_KIND)[keyof typeof STEP_KIND];

/** Rows in one chunk: small enough to stay in the processor's cache, large enough that a chunk's cost is its rows'. */
export const CHUNK_ROWS = 4_096;

/**
 * Up to `CHUNK_ROWS` rows, in SI units and Ah; what a file does not have is NaN. Readers reuse one chunk: whoever wants to
 * keep rows copies them.
 */
export class RowChunk {
	count = 0;
	/** Line in the file (1 = first), or number of the record. */
	readonly line = new Float64Array(CHUNK_ROWS);
	readonly testTimeS = new Float64Array(CHUNK_ROWS);
	readonly voltageV = new Float64Array(CHUNK_ROWS);
	/** As the file gives it; positive = charging once the sign has been settled (`Conditioner`). */
	readonly currentA = new Float64Array(CHUNK_ROWS);
	readonly cycle = new Float64Array(CHUNK_ROWS);
	readonly step = new Float64Array(CHUNK_ROWS);
	readonly stepKind = new Uint8Array(CHUNK_ROWS);
	/** The cycler's own counters, Ah; they may reset wherever the cycler resets them. */
	readonly chargeAh = new Float64Array(CHUNK_ROWS);
	readonly dischargeAh = new Float64Array(CHUNK_ROWS);
	readonly unixTimeS = new Float64Array(CHUNK_ROWS);
	readonly ambientC = new Float64Array(CHUNK_ROWS);
}

/** What every record of a cycler has of a row, by its names in the record. */
export interface MeasuredRow {
	readonly seq: number;
	readonly testS: number;
	readonly voltageV: number;
	readonly currentA: number;
	readonly cycle: number;
	readonly step: number;
}

/** Puts a recorded row into place `n`; what it does not tell (kind of step, counters, times of day) is left to the caller. */
export function putMeasured(chunk: RowChunk, n: number, row: MeasuredRow): void {
	chunk.line[n] = row.seq;
	chunk.testTimeS[n] = row.testS;
	chunk.voltageV[n] = row.voltageV;
	chunk.currentA[n] = row.currentA;
	chunk.cycle[n] = row.cycle;
	chunk.step[n] = row.step;
}

/** Takes chunks as they come; must not keep them. */
export type RowSink = (rows: RowChunk) => void;
