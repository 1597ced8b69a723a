/** Points and commas in numbers: which one a file has before its decimals, and what the other then stands for. Pure. */

/** `unsaid`: no number that was looked at has decimals that could be nothing else. */
export type DecimalMark = "point" | "comma" | "unsaid";

const DECIMALS = /^[+-]?\d*([.,])\d+(?:e[+-]?\d{1,3})?$/i;
/** `3.512` and `3,512` are three and a half, or three thousand and more. */
const LIKE_A_GROUP = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/;
const GROUPED = {
	point: /^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$/,
	comma: /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?$/,
} as const;
const PLAIN = {
	point: /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i,
	comma: /^[+-]?(?:\d+,?\d*|,\d+)(?:e[+-]?\d{1,3})?$/i,
} as const;

type Mark = "point" | "comma";
const markOf = (text: string): Mark => (text.includes(",") ? "comma" : "point");

/** The first cell of each kind, when a file has both. */
export interface BothMarks {
	readonly point: string;
	readonly comma: string;
}

/** What the cells of columns of numbers tell of their file; or that they contradict each other. */
export function decimalMarkOf(cells: Iterable<string>): DecimalMark | BothMarks {
	const sure: Partial<Record<Mark, string>> = {};
	const likely: Partial<Record<Mark, string>> = {};
	for (const cell of cells) {
		for (const mark of ["point", "comma"] as const)
			if (GROUPED[mark].test(cell) && cell.includes(".") && cell.includes(",")) sure[mark] ??= cell;
		if (DECIMALS.test(cell)) (LIKE_A_GROUP.test(cell) ? likely : sure)[markOf(cell)] ??= cell;
	}
	for (const found of [sure, likely]) {
		const { point, comma } = found;
		if (point !== undefined && comma !== undefined) return { point, comma };
		if (point !== undefined) return "point";
		if (comma !== undefined) return "comma";
	}
	return "unsaid";
}

/** A number in groups of thousands, in a file whose decimals have the other mark. */
export const isGrouped = (text: string, mark: DecimalMark): boolean => mark !== "unsaid" && GROUPED[mark].test(text);

/** A number as the file writes it; NaN when it is none, or could be two. */
export function numberIn(text: string, mark: DecimalMark): number {
	if (mark === "unsaid") {
		if (PLAIN.point.test(text)) return Number(text);
		const { point, comma } = GROUPED;
		if (point.test(text) && text.includes(".")) return Number(text.replaceAll(",", ""));
		if (comma.test(text) && text.includes(",")) return Number(text.replaceAll(".", "").replace(",", "."));
		return PLAIN.comma.test(text) && !LIKE_A_GROUP.test(text) ? Number(text.replace(",", ".")) : Number.NaN;
	}
	const bare = isGrouped(text, mark) ? text.replaceAll(mark === "point" ? "," : ".", "") : text;
	return PLAIN[mark].test(bare) ? Number(bare.replace(",", ".")) : Number.NaN;
}
