/** The last rows that were given on, to tell a row that comes a second time from a clock that began anew. */
import type { RowChunk } from "#analysis/rows.js";

/** A copy of what lies further back is not known as one. */
export const PAST_ROWS = 65_536;
const MASK = PAST_ROWS - 1;
/** What must be the same. Current is compared by size: one without a sign may have got the other. */
const COLUMNS = ["testTimeS", "voltageV", "currentA", "cycle", "step"] as const;

export class PastRows {
	private readonly kept = Object.fromEntries(COLUMNS.map((column) => [column, new Float64Array(PAST_ROWS)])) as Record<
		(typeof COLUMNS)[number],
		Float64Array
	>;
	/** Rows ever kept; those before `end - PAST_ROWS` are overwritten. */
	private end = 0;
	/** Of these the first since the clock last began anew. */
	private first = 0;

	/** The clock began anew: what was before has other times. */
	forget(): void {
		this.first = this.end;
	}

	keep(chunk: RowChunk, n: number): void {
		const at = this.end & MASK;
		for (const column of COLUMNS) this.kept[column][at] = chunk[column][n]!;
		this.end += 1;
	}

	/** All rows of a chunk at once: many times cheaper than one by one. */
	keepAll(chunk: RowChunk): void {
		const { count } = chunk;
		const at = this.end & MASK;
		if (at + count > PAST_ROWS) for (let n = 0; n < count; n += 1) this.keep(chunk, n);
		else {
			for (const column of COLUMNS) this.kept[column].set(chunk[column].subarray(0, count), at);
			this.end += count;
		}
	}

	/**
	 * Whether a row was there before. Without numbers of cycles and steps, one that is as the very first is taken for the
	 * first of another test, not for its copy.
	 */
	has(chunk: RowChunk, n: number): boolean {
		const { testTimeS } = this.kept;
		const t = chunk.testTimeS[n]!;
		const oldest = Math.max(this.first, this.end - PAST_ROWS);
		const isNumbered = !Number.isNaN(chunk.cycle[n]!) || !Number.isNaN(chunk.step[n]!);
		if (!isNumbered && t <= testTimeS[this.first & MASK]!) return false;
		let low = oldest;
		let high = this.end;
		while (low < high) {
			const middle = Math.floor((low + high) / 2);
			if (testTimeS[middle & MASK]! < t) low = middle + 1;
			else high = middle;
		}
		for (; low < this.end && testTimeS[low & MASK] === t; low += 1) if (this.isSame(chunk, n, low & MASK)) return true;
		return false;
	}

	private isSame(chunk: RowChunk, n: number, at: number): boolean {
		return COLUMNS.every((column) => {
			const [a, b] = [this.kept[column][at]!, chunk[column][n]!];
			return Object.is(a, b) || a === b || (column === "currentA" && a === -b);
		});
	}
}
