/** What is wrong with a file, by row and column; every repair is said here too. */
export interface Defect {
	/** Line in the file, 1 = first; null where the whole file is meant. */
	readonly row: number | null;
	readonly column: string | null;
	readonly code: DefectCode;
	readonly message: string;
}

export type DefectCode =
	| "CELL_NOT_A_NUMBER"
	| "VALUE_IMPOSSIBLE"
	| "ROW_TOO_SHORT"
	| "ROW_TOO_LONG"
	| "LAST_LINE_TRUNCATED"
	| "COLUMN_REPEATED"
	| "UNIT_ASSUMED"
	| "NUMBERS_GROUPED"
	| "TIME_JUMPED_BACK"
	| "ROW_OUT_OF_ORDER"
	| "ROW_REPEATED"
	| "TIME_FROM_STEPS"
	| "TIME_FROM_DATES"
	| "DATES_AMBIGUOUS"
	| "INTERRUPTION"
	| "CURRENT_UNSIGNED"
	| "DIRECTION_UNKNOWN"
	| "CURRENT_SIGN_REVERSED"
	| "CURRENT_FROM_CHARGE"
	| "COUNTER_DISAGREES"
	| "CYCLE_NUMBER_UNUSABLE"
	| "EFFICIENCY_ABSURD"
	| "BDF_RULE_BROKEN";

/** Listed one by one up to this many; beyond, only counted, so that a file that is wrong everywhere fits in memory. */
export const DEFECTS_LISTED_MAX = 500;

export class DefectLog {
	readonly listed: Defect[] = [];
	readonly counts: Partial<Record<DefectCode, number>> = {};

	add(code: DefectCode, row: number | null, column: string | null, message: string): void {
		this.counts[code] = (this.counts[code] ?? 0) + 1;
		if (this.listed.length < DEFECTS_LISTED_MAX) this.listed.push({ row, column, code, message });
	}

	/** What turned out to be none. */
	withdraw(code: DefectCode, row: number | null): void {
		this.counts[code] = (this.counts[code] ?? 0) - 1;
		if (this.counts[code]! <= 0) delete this.counts[code];
		const at = this.listed.findLastIndex((defect) => defect.code === code && defect.row === row);
		if (at >= 0) this.listed.splice(at, 1);
	}
}
