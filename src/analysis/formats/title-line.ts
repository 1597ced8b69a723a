/** A line of titles as columns with a meaning, and the line of units that may stand below it. */
import { type ColumnMeaning, isUnitOf, meaningOf, type Role } from "#analysis/formats/columns.js";
import { AdlayerError } from "#core/errors.js";

export const DELIMITERS = ["\t", ",", ";"] as const;

export interface LayoutColumn extends ColumnMeaning {
	readonly index: number;
	readonly title: string;
}

export const refuse = (message: string, hint?: string, context: Record<string, unknown> = {}): AdlayerError =>
	new AdlayerError("CYCLING_FILE_REFUSED", message, { context, ...(hint === undefined ? {} : { hint }) });

/** Cells of one line; quotes are taken off, doubled quotes within them made one. */
export function cellsOf(line: string, delimiter: string): string[] {
	if (!line.includes('"')) return line.split(delimiter).map((cell) => cell.trim());
	const cells: string[] = [];
	let cell = "";
	let quoted = false;
	for (let i = 0; i < line.length; i += 1) {
		const c = line[i]!;
		if (c === '"') {
			if (quoted && line[i + 1] === '"') {
				cell += '"';
				i += 1;
			} else quoted = !quoted;
		} else if (c === delimiter && !quoted) {
			cells.push(cell.trim());
			cell = "";
		} else cell += c;
	}
	cells.push(cell.trim());
	return cells;
}

export interface TitleLine {
	readonly index: number;
	readonly delimiter: (typeof DELIMITERS)[number];
	readonly titles: string[];
	readonly columns: Partial<Record<Role, LayoutColumn>>;
	readonly repeated: LayoutColumn[];
}

export function titleLine(line: string, index: number, delimiter: (typeof DELIMITERS)[number]): TitleLine {
	const titles = cellsOf(line, delimiter);
	const columns: Partial<Record<Role, LayoutColumn>> = {};
	const repeated: LayoutColumn[] = [];
	for (const [at, title] of titles.entries()) {
		const found = meaningOf(title);
		if (found === undefined) continue;
		const column = { ...found, index: at, title };
		const before = columns[found.role];
		if (before === undefined || column.rank < before.rank) columns[found.role] = column;
		else if (before.title === title) repeated.push(column);
	}
	return { index, delimiter, titles, columns, repeated };
}

const hasTime = ({ columns }: TitleLine): boolean =>
	(["testTime", "time", "stepTime", "date", "unixTime"] as const).some((role) => columns[role] !== undefined);
export const missing = (line: TitleLine): string[] => [
	...(hasTime(line) ? [] : ["time"]),
	...(line.columns.voltage === undefined ? ["voltage"] : []),
	...(line.columns.current === undefined && line.columns.chargeStep === undefined ? ["current"] : []),
];

/** A line of units below the titles, where titles say none: `s`, `mA`, `V`. Their columns mean that, then. */
export function unitsBelow(line: string | undefined, at: TitleLine): TitleLine["columns"] | undefined {
	if (line === undefined) return undefined;
	const cells = cellsOf(line, at.delimiter).map((cell) => cell.replace(/^[([]\s*(.*?)\s*[)\]]$/, "$1"));
	if (cells.some((cell) => /\d/.test(cell))) return undefined;
	const columns = { ...at.columns };
	let said = 0;
	for (const column of Object.values(at.columns)) {
		const unit = cells[column.index] ?? "";
		if (column.factor !== 1 || !isUnitOf(column.role, unit)) continue;
		const meaning = meaningOf(`${column.title} / ${unit}`);
		if (meaning?.role !== column.role) continue;
		columns[column.role] = { ...column, ...meaning };
		said += 1;
	}
	return said >= 2 ? columns : undefined;
}
