/** What makes a line another than a row: cut off in the middle, blank, or with more cells than it can have. On its bytes. */
import type { Layout } from "#analysis/formats/layout.js";
import { cellsOf } from "#analysis/formats/title-line.js";

const QUOTE = 34;
const COMMA = 44;
const SPACE = 32;
const TAB = 9;
const CR = 13;
const NOUGHT = 48;

export class LineChecks {
	/** The shortest that a last needed cell has been: a shorter one at the end of the file was cut. */
	lastCellBytesMin = Number.POSITIVE_INFINITY;
	private readonly delimiter: number;

	/** `neededLast`: the last column that is read. */
	constructor(
		private readonly layout: Layout,
		private readonly neededLast: number,
		private readonly textOf: (bytes: Uint8Array, start: number, end: number) => string,
	) {
		this.delimiter = layout.delimiter.charCodeAt(0);
	}

	/** Whether a last line without an end has fewer cells than the titles, or a last cell shorter than any before. */
	isCut(line: Uint8Array): boolean {
		if (this.isBlank(line, 0, line.length)) return false;
		const { threeLevel, titles } = this.layout;
		if (threeLevel !== null && line[0] !== this.delimiter) return false;
		let cells = 1;
		let lastAt = -1;
		for (let i = 0; i < line.length; i += 1) {
			if (line[i] !== this.delimiter) continue;
			cells += 1;
			lastAt = i;
		}
		const titled = titles.at(-1) === "" ? titles.length - 1 : titles.length;
		if (cells < titled) return true;
		const last = line.subarray(lastAt + 1);
		// Nought may be short where nothing else was.
		const isNought = last.length === 1 && last[0] === NOUGHT;
		return cells === this.neededLast + 1 && last.length < this.lastCellBytesMin && !isNought;
	}

	/**
	 * Whether a row with commas between its cells may have one in a number: more cells than usual, and a voltage or current
	 * without a point. From `next` on there are the cells behind the last that is needed.
	 */
	isSplit(bytes: Uint8Array, start: number, next: number, end: number): boolean {
		const { columns, rowCells } = this.layout;
		let cells = 1;
		for (let i = next; i < end; i += 1) if (bytes[i] === COMMA) cells += 1;
		if (cells <= rowCells - this.neededLast - 1) return false;
		const texts = cellsOf(this.textOf(bytes, start, end), ",");
		if (texts.findLastIndex((cell) => cell !== "") < rowCells) return false;
		return [columns.voltage, columns.current].some(
			(column) => column !== undefined && !/[.e]/i.test(texts[column.index] ?? "."),
		);
	}

	isBlank(bytes: Uint8Array, start: number, end: number): boolean {
		for (let i = start; i < end; i += 1) {
			const c = bytes[i]!;
			if (c !== SPACE && c !== CR && c !== TAB && c !== this.delimiter && c !== QUOTE) return false;
		}
		return true;
	}
}
