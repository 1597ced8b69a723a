/** Numbers of a cycler's rows. */
import type { CyclerRow } from "#device/cycler.js";

export interface SeqRange {
	readonly fromSeq: number;
	readonly toSeq: number;
}

/** Numbers of rows from `fromSeq` to `toSeq` that did not come. */
export function holesIn(rows: readonly Pick<CyclerRow, "seq">[], fromSeq: number, toSeq: number): SeqRange[] {
	const holes: SeqRange[] = [];
	let next = fromSeq;
	for (const { seq } of rows) {
		if (seq > next) holes.push({ fromSeq: next, toSeq: seq - 1 });
		next = seq + 1;
	}
	if (next <= toSeq) holes.push({ fromSeq: next, toSeq });
	return holes;
}
