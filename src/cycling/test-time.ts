/** Time since a test began, from rows that only know the time in their step. Pure. */
import type { CyclerRow } from "#device/cycler.js";
import type { CellTestRow } from "#record/cell-tests.js";

/** `row` with its test time, which goes on from the row before; interruptions between steps do not count. */
export function withTestTime(row: CyclerRow, before: CellTestRow | null): CellTestRow {
	const isSameStep =
		before !== null && row.step === before.step && row.cycle === before.cycle && row.stepS >= before.stepS;
	const testS = (before?.testS ?? 0) + (isSameStep ? row.stepS - before.stepS : row.stepS);
	return { ...row, testS: Number(testS.toFixed(6)) };
}
