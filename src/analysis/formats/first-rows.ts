/** What a table's first rows tell of all: the decimal mark, how many cells a row has, whether columns contradict each other. */
import type { Role } from "#analysis/formats/columns.js";
import { type DecimalMark, decimalMarkOf } from "#analysis/formats/decimals.js";
import { cellsOf, refuse, type TitleLine } from "#analysis/formats/title-line.js";

/** Columns whose cells are numbers, apart from clock times. */
const NUMBERS: readonly Role[] = [
	"voltage",
	"current",
	"chargeStep",
	"testTime",
	"stepTime",
	"time",
	"chargeAh",
	"dischargeAh",
	"netAh",
	"capacityAh",
];

const MEASURED: readonly Role[] = ["voltage", "current", "chargeStep"];

/** Throws CYCLING_FILE_REFUSED when some numbers have points before their decimals and others commas. */
export function decimalOf(rows: readonly string[][], { columns }: TitleLine): DecimalMark {
	const cellsIn = (roles: readonly Role[]): string[] => {
		const at = roles.flatMap((role) => columns[role]?.index ?? []);
		return rows.flatMap((cells) => at.map((index) => cells[index] ?? ""));
	};
	const found = decimalMarkOf(cellsIn(NUMBERS));
	// No voltage or current has thousands and never a decimal: 3,512 is no group beside a time of 0.5.
	const odd = MEASURED.map((role) => decimalMarkOf(cellsIn([role]))).find((own) => own !== "unsaid" && own !== found);
	if (typeof found === "string" && odd === undefined) return found;
	const which = typeof found === "string" ? "" : ` (${found.point}, ${found.comma})`;
	throw refuse(
		`Some numbers have a point before their decimals, others a comma${which}: what is meant cannot be told.`,
		"Export the file again with one of them.",
	);
}

const withoutTrailing = (cells: readonly string[]): number => cells.findLastIndex((cell) => cell !== "") + 1;

/** A table in European numbers with commas between its cells cannot be told apart: rows have more cells than titles. */
export function checkWidth(rows: readonly string[][], at: TitleLine, headLines: number, decimal: DecimalMark): void {
	const looked = rows.slice(0, 20);
	const spare = at.delimiter === "," && decimal !== "point" ? 0 : 2;
	const wide = looked.filter((cells) => withoutTrailing(cells) > at.titles.length + spare).length;
	if (looked.length >= 3 && wide > looked.length / 2) {
		throw refuse(
			`Rows have more cells than there are titles (line ${headLines + 1}: ${withoutTrailing(looked[0]!)}, titles: ${at.titles.length}).`,
			"If the file has a comma both between cells and as decimal point, export it again with another delimiter.",
		);
	}
}

/** How many cells most rows have. */
export function usualCells(rows: readonly string[][], titles: number): number {
	const counts = new Map<number, number>();
	for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
	const [usual] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [titles];
	return Math.max(titles, usual);
}

/** Two columns of the same title are one when their cells are equal; otherwise which is meant is anyone's guess. */
export function checkRepeated(lines: readonly string[], at: TitleLine, headLines: number): void {
	for (const column of at.repeated) {
		const first = at.columns[column.role]!;
		for (const [n, line] of lines.slice(headLines, headLines + 200).entries()) {
			const cells = cellsOf(line, at.delimiter);
			if (cells.length <= column.index || cells[first.index] === cells[column.index]) continue;
			throw refuse(
				`Two columns have the title ${column.title}, and line ${headLines + n + 1} has ${cells[first.index]} in one, ${cells[column.index]} in the other.`,
				"Remove or rename one of them.",
			);
		}
	}
}
