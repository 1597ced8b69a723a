/** Rows out of delimited text, byte by byte: no string and no object is made for an ordinary row. */
import type { DefectLog } from "#analysis/defects.js";
import { BlockRows } from "#analysis/formats/block-rows.js";
import { DateOrder } from "#analysis/formats/cells.js";
import type { Role } from "#analysis/formats/columns.js";
import { noteHead } from "#analysis/formats/head-notes.js";
import type { Layout } from "#analysis/formats/layout.js";
import { LineChecks } from "#analysis/formats/line-checks.js";
import { LineFeed } from "#analysis/formats/line-feed.js";
import { type ReaderCounts, RowMaker } from "#analysis/formats/row-maker.js";
import { SLOTS, slot } from "#analysis/formats/slots.js";
import { TextCells } from "#analysis/formats/text-cells.js";
import { type RowSink, STEP_KIND, type StepKind } from "#analysis/rows.js";

const S_TEST = slot.testTime;
const S_DATE = slot.date;
const S_VOLTAGE = slot.voltage;
const S_CURRENT = slot.current;
const S_TYPE = slot.stepType;
const SKIP = 255;

const POW10 = Float64Array.from({ length: 23 }, (_, n) => 10 ** n);
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const CR = 13;

export interface DelimitedOptions {
	readonly layout: Layout;
	readonly sink: RowSink;
	readonly defects: DefectLog;
	/** Dates are costly to read: only where they are wanted, or the only time there is. */
	readonly dates?: boolean;
	/** What a reader that went over the file before has learned of the order of days and months. */
	readonly dateOrder?: DateOrder;
}

/** Takes the file's bytes in pieces of any size and gives chunks of rows. */
export class DelimitedReader {
	/** Learns from the dates it reads. */
	readonly dateOrder: DateOrder;
	private readonly layout: Layout;
	private readonly defects: DefectLog;
	private readonly feed: LineFeed;
	private readonly texts: TextCells;
	private readonly block: BlockRows | null;
	private readonly maker: RowMaker;
	/** By column: the slot its number goes to, or SKIP. */
	private readonly actions: Uint8Array;
	private readonly factors: Float64Array;
	private readonly neededLast: number;
	private readonly checks: LineChecks;
	private readonly delimiter: number;
	private readonly newline: number;
	private readonly decoder: { decode(bytes: Uint8Array): string };
	private line = 0;
	private saidOrder = false;

	constructor({ layout, sink, defects, dates = false, dateOrder = new DateOrder() }: DelimitedOptions) {
		this.layout = layout;
		this.defects = defects;
		this.dateOrder = dateOrder;
		this.decoder = new TextDecoder(layout.encoding);
		this.delimiter = layout.delimiter.charCodeAt(0);
		this.newline = layout.newline.charCodeAt(0);
		const textOf = (bytes: Uint8Array, start: number, end: number): string => this.text(bytes, start, end);
		this.texts = new TextCells({ layout, defects, dateOrder, textOf });
		this.block = layout.threeLevel === null ? null : new BlockRows(layout.threeLevel, layout.delimiter);
		this.maker = new RowMaker({ layout, block: this.block, sink, defects, textOf });
		this.feed = new LineFeed({
			newline: this.newline,
			skipBytes: layout.bomBytes,
			onLines: (bytes, start, end) => this.lines(bytes, start, end),
			lineCount: () => this.line,
		});
		const used = usedColumns(layout, dates);
		const width = Math.max(...used.map(({ index }) => index)) + 1;
		this.neededLast = width - 1;
		this.checks = new LineChecks(layout, width - 1, textOf);
		this.actions = new Uint8Array(width).fill(SKIP);
		this.factors = new Float64Array(width).fill(1);
		for (const { role, index, factor } of used) {
			this.actions[index] = slot[role];
			this.factors[index] = factor;
		}
		noteHead(layout, defects);
	}

	get counts(): ReaderCounts {
		return this.maker.counts;
	}

	push(bytes: Uint8Array): void {
		this.feed.push(bytes);
	}

	/** Reads what is left as the last line, and gives the last chunk. */
	end(): void {
		if (this.line >= this.layout.headLines && this.checks.isCut(this.feed.rest)) {
			this.line += 1;
			this.counts.rows += 1;
			this.defects.add("LAST_LINE_TRUNCATED", this.line, null, "The last line ends in the middle; it was left out.");
		} else this.feed.giveRest();
		this.maker.flush();
		if (!this.dateOrder.isOpen || this.saidOrder) return;
		this.saidOrder = true;
		const { columns, headLines, timeFrom } = this.layout;
		const message = "No date tells whether the day or the month comes first; the month was taken to.";
		this.defects.add("DATES_AMBIGUOUS", headLines, columns[timeFrom]?.title ?? null, message);
	}

	/** Whole lines, each with its end. */
	private lines(buf: Uint8Array, from: number, until: number): void {
		const { block } = this;
		let start = from;
		while (this.line < this.layout.headLines && start < until) {
			start = buf.indexOf(this.newline, start) + 1;
			this.line += 1;
		}
		if (block === null) {
			this.flatLines(buf, start, until);
			return;
		}
		while (start < until) {
			const end = buf.indexOf(this.newline, start);
			const isRecord = buf[start] === this.delimiter && buf[start + 1] === this.delimiter;
			if (isRecord) this.flatLines(buf, start, end + 1);
			else {
				this.line += 1;
				block.read(this.text(buf, start, end));
			}
			start = end + 1;
		}
	}

	private flatLines(buf: Uint8Array, from: number, until: number): void {
		const { actions, factors, delimiter, newline, neededLast, checks } = this;
		const { cells, counts } = this.maker;
		const { decimal } = this.layout;
		const hasPoints = decimal !== "comma";
		const hasCommas = decimal === "comma" && delimiter !== COMMA;
		let p = from;
		while (p < until) {
			this.line += 1;
			const lineStart = p;
			let kind: StepKind = STEP_KIND.unknown;
			let col = 0;
			let bad = -1;
			let short = false;
			let isSplit = false;
			for (;;) {
				let c = buf[p]!;
				const action = actions[col]!;
				if (action === SKIP) {
					if (c === QUOTE) p = this.afterQuotes(buf, p, until);
					for (c = buf[p]!; c !== delimiter && c !== newline; c = buf[p]!) p += 1;
				} else {
					const cellStart = p;
					let isQuoted = false;
					while (c === 32 || c === QUOTE || (c === 9 && delimiter !== 9)) {
						if (c === QUOTE) isQuoted = !isQuoted;
						c = buf[++p]!;
					}
					let value = Number.NaN;
					let negative = false;
					if (c === MINUS) {
						negative = true;
						c = buf[++p]!;
					} else if (c === 43) c = buf[++p]!;
					let mantissa = 0;
					let scale = 0;
					const digitsStart = p;
					let d = c - 48;
					while (d >= 0 && d <= 9) {
						mantissa = mantissa * 10 + d;
						d = buf[++p]! - 48;
					}
					c = d + 48;
					let digits = p - digitsStart;
					if ((hasPoints && c === POINT) || (hasCommas && c === COMMA)) {
						const fractionStart = ++p;
						d = buf[p]! - 48;
						while (d >= 0 && d <= 9) {
							mantissa = mantissa * 10 + d;
							d = buf[++p]! - 48;
						}
						c = d + 48;
						scale = fractionStart - p;
						digits -= scale;
					}
					if (digits > 0) {
						if ((c === 101 || c === 69) && action !== S_TYPE) {
							let e = p + 1;
							let below = false;
							if (buf[e] === MINUS) {
								below = true;
								e += 1;
							} else if (buf[e] === 43) e += 1;
							let exponent = 0;
							const exponentStart = e;
							d = buf[e]! - 48;
							while (d >= 0 && d <= 9 && exponent < 1_000) {
								exponent = exponent * 10 + d;
								d = buf[++e]! - 48;
							}
							p = e;
							c = buf[p]!;
							// An exponent without digits makes it no number.
							if (e === exponentStart) exponent = 1_000;
							scale += below ? -exponent : exponent;
						}
						if (mantissa <= 9_007_199_254_740_991 && scale >= -22 && scale <= 22) {
							value = scale < 0 ? mantissa / POW10[-scale]! : scale === 0 ? mantissa : mantissa * POW10[scale]!;
							if (negative) value = -value;
						}
						if (isQuoted && c === QUOTE) {
							isQuoted = false;
							c = buf[++p]!;
						}
						while (c === 32 || (c === 9 && delimiter !== 9)) c = buf[++p]!;
						if (c === CR && newline !== CR) c = buf[++p]!;
					}
					if (
						Number.isNaN(value) ||
						isQuoted ||
						(c !== delimiter && c !== newline) ||
						action === S_TYPE ||
						action === S_DATE
					) {
						p = cellStart;
						while (buf[p] === 32) p += 1;
						if (buf[p] === QUOTE) p = this.afterQuotes(buf, p, until);
						for (c = buf[p]!; c !== delimiter && c !== newline; c = buf[p]!) p += 1;
						if (action === S_TYPE) kind = this.texts.kindOf(buf, cellStart, p);
						else value = this.texts.number(SLOTS[action]!, this.text(buf, cellStart, p), this.line);
						// What must be a number and is none, or what is not empty and none.
						if (Number.isNaN(value) && (action === S_VOLTAGE || action === S_CURRENT || action === S_TEST)) bad = col;
					}
					if (action !== S_TYPE) cells[action] = value * factors[col]!;
					if (col === neededLast && p - cellStart < checks.lastCellBytesMin) checks.lastCellBytesMin = p - cellStart;
				}
				if (c === newline) {
					short = col < neededLast;
					for (let rest = col + 1; rest <= neededLast; rest += 1)
						if (actions[rest] !== SKIP) cells[actions[rest]!] = Number.NaN;
					break;
				}
				p += 1;
				if (col === neededLast) {
					const next = p;
					p = buf.indexOf(newline, p);
					if (delimiter === COMMA && next < p) isSplit = checks.isSplit(buf, lineStart, next, p);
					break;
				}
				col += 1;
			}
			const lineEnd = p;
			p += 1;
			if (isSplit) {
				counts.rows += 1;
				const message = "The row has more cells than others, and a comma may be a decimal point; it was left out.";
				this.defects.add("ROW_TOO_LONG", this.line, null, message);
				continue;
			}
			if ((short || bad >= 0) && checks.isBlank(buf, lineStart, lineEnd)) continue;
			counts.rows += 1;
			if (short && !this.maker.hasWhatIsNeeded)
				this.defects.add(
					"ROW_TOO_SHORT",
					this.line,
					null,
					`The row has ${col + 1} cells; ${neededLast + 1} are needed. It was left out.`,
				);
			else this.maker.row(this.line, kind, buf, lineStart, lineEnd);
		}
	}

	private afterQuotes(buf: Uint8Array, start: number, until: number): number {
		let p = start + 1;
		while (p < until && buf[p] !== this.newline) {
			if (buf[p] === QUOTE) {
				if (buf[p + 1] !== QUOTE) return p + 1;
				p += 1;
			}
			p += 1;
		}
		return p;
	}

	private text(buf: Uint8Array, start: number, end: number): string {
		return this.decoder.decode(buf.subarray(start, end));
	}
}

/** The columns that are read: of several that tell the same, the better one. */
function usedColumns({ columns, timeFrom, format }: Layout, dates: boolean) {
	const isSpare: Partial<Record<Role, boolean>> = {
		time: true,
		stepTime: timeFrom !== "stepTime",
		date: timeFrom !== "date" && !dates,
		capacityAh: columns.chargeAh !== undefined || columns.netAh !== undefined,
		netAh: columns.chargeAh !== undefined && format !== "bdf",
		chargeStep: columns.current !== undefined,
	};
	return Object.values(columns).filter(({ role }) => isSpare[role] !== true);
}
