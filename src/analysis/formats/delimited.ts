/** Rows out of delimited text, byte by byte: no string and no object is made for an ordinary row. */
import type { DefectLog } from "#analysis/defects.js";
import { BdfRules } from "#analysis/formats/bdf-rules.js";
import { clockSeconds, DateOrder, dateSeconds } from "#analysis/formats/cells.js";
import { meaningOf, type Role } from "#analysis/formats/columns.js";
import { isGrouped, numberIn } from "#analysis/formats/decimals.js";
import type { Layout } from "#analysis/formats/layout.js";
import { stepKindOf } from "#analysis/formats/step-kinds.js";
import { cellsOf, refuse } from "#analysis/formats/title-line.js";
import { CHUNK_ROWS, RowChunk, type RowSink, STEP_KIND, type StepKind } from "#analysis/rows.js";

/** A longer line is no row of a cycler, and would have to be kept whole. */
export const LINE_BYTES_MAX = 65_536;

const SLOTS: readonly Role[] = [
	"testTime",
	"stepTime",
	"date",
	"unixTime",
	"voltage",
	"current",
	"chargeStep",
	"cycle",
	"step",
	"mode",
	"chargeAh",
	"dischargeAh",
	"netAh",
	"capacityAh",
	"frequency",
	"ambient",
	"stepType",
];
const slot = Object.fromEntries(SLOTS.map((role, index) => [role, index])) as Record<Role, number>;
const S_TEST = slot.testTime;
const S_STEP_TIME = slot.stepTime;
const S_DATE = slot.date;
const S_UNIX = slot.unixTime;
const S_VOLTAGE = slot.voltage;
const S_CURRENT = slot.current;
const S_DQ = slot.chargeStep;
const S_CYCLE = slot.cycle;
const S_STEP = slot.step;
const S_MODE = slot.mode;
const S_CHARGE = slot.chargeAh;
const S_DISCHARGE = slot.dischargeAh;
const S_NET = slot.netAh;
const S_CAPACITY = slot.capacityAh;
const S_FREQUENCY = slot.frequency;
const S_AMBIENT = slot.ambient;
const S_TYPE = slot.stepType;
const SKIP = 255;
/** EC-Lab's `mode` of a step without control. */
const MODE_REST = 3;

const POW10 = Float64Array.from({ length: 23 }, (_, n) => 10 ** n);
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const CR = 13;
const NOUGHT = 48;

export interface ReaderCounts {
	/** Lines that hold a row, used or not. */
	rows: number;
	/** Rows given on. */
	rowsUsed: number;
	/** Impedance rows, left out. */
	impedanceRows: number;
}

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
	readonly counts: ReaderCounts = { rows: 0, rowsUsed: 0, impedanceRows: 0 };
	private readonly layout: Layout;
	private readonly sink: RowSink;
	private readonly defects: DefectLog;
	private readonly actions: Uint8Array;
	private readonly factors: Float64Array;
	/** By role; what the file has no column for stays NaN. */
	private readonly cells = new Float64Array(SLOTS.length).fill(Number.NaN);
	private readonly chunk = new RowChunk();
	private readonly delimiter: number;
	private readonly newline: number;
	private readonly neededLast: number;
	private readonly kinds = new Map<number, StepKind>();
	private readonly decoder: { decode(bytes: Uint8Array): string };
	/** Learns from the dates it reads. */
	readonly dateOrder: DateOrder;
	private saidOrder = false;
	private saidGroups = false;
	private carry = new Uint8Array(4_096);
	private carried = 0;
	private line = 0;
	private bomLeft: number;
	/** The shortest that a last cell has been: a shorter one at the end of the file was cut. */
	private lastCellBytesMin = Number.POSITIVE_INFINITY;
	private stepTimeBase = 0;
	private stepTimeLast = Number.NaN;
	private dqTimeLast = Number.NaN;
	private passedIn = 0;
	private passedOut = 0;
	private blockCycle = Number.NaN;
	private blockStep = Number.NaN;
	private blockKind: StepKind = STEP_KIND.unknown;
	private blockSteps = 0;
	private readonly rules: BdfRules | null;

	constructor({ layout, sink, defects, dates = false, dateOrder = new DateOrder() }: DelimitedOptions) {
		this.layout = layout;
		this.decoder = new TextDecoder(layout.encoding);
		this.dateOrder = dateOrder;
		this.sink = sink;
		this.defects = defects;
		this.delimiter = layout.delimiter.charCodeAt(0);
		this.newline = layout.newline.charCodeAt(0);
		this.bomLeft = layout.bomBytes;
		this.rules = layout.format === "bdf" ? new BdfRules(layout, defects) : null;
		const used = Object.values(layout.columns).filter(
			({ role }) =>
				role !== "time" &&
				!(role === "stepTime" && layout.timeFrom !== "stepTime") &&
				!(role === "date" && layout.timeFrom !== "date" && !dates) &&
				!(role === "capacityAh" && (layout.columns.chargeAh !== undefined || layout.columns.netAh !== undefined)) &&
				!(role === "netAh" && layout.columns.chargeAh !== undefined && layout.format !== "bdf") &&
				!(role === "chargeStep" && layout.columns.current !== undefined),
		);
		const width = Math.max(...used.map(({ index }) => index)) + 1;
		this.actions = new Uint8Array(width).fill(SKIP);
		this.factors = new Float64Array(width).fill(1);
		for (const { role, index, factor } of used) {
			this.actions[index] = slot[role];
			this.factors[index] = factor;
		}
		this.neededLast = width - 1;
		for (const column of layout.repeated)
			defects.add(
				"COLUMN_REPEATED",
				layout.headLines,
				column.title,
				`The title ${column.title} is there twice with the same cells; the first is used.`,
			);
		if (layout.timeFrom === "stepTime")
			defects.add(
				"TIME_FROM_STEPS",
				layout.headLines,
				layout.columns.stepTime!.title,
				"There is no time of the whole test; it was put together from the times of its steps.",
			);
		if (layout.timeFrom === "date")
			defects.add(
				"TIME_FROM_DATES",
				layout.headLines,
				layout.columns.date!.title,
				"There is no time of the test; it was taken from the dates, and includes whatever interrupted it.",
			);
		for (const role of ["voltage", "current"] as const) {
			const column = layout.columns[role];
			if (column === undefined || column.isUnitSaid) continue;
			const unit = role === "voltage" ? "V" : "A";
			defects.add("UNIT_ASSUMED", layout.headLines, column.title, `The title says no unit; ${unit} was taken.`);
		}
		if (layout.columns.current === undefined)
			defects.add(
				"CURRENT_FROM_CHARGE",
				layout.headLines,
				layout.columns.chargeStep!.title,
				"There is no column of current; it was taken from the charge passed from row to row.",
			);
	}

	push(bytes: Uint8Array): void {
		let start = Math.min(this.bomLeft, bytes.length);
		this.bomLeft -= start;
		if (this.carried > 0) {
			const end = bytes.indexOf(this.newline, start);
			const until = end < 0 ? bytes.length : end + 1;
			this.keep(bytes, start, until);
			if (end < 0) return;
			const { carried } = this;
			this.carried = 0;
			this.lines(this.carry, 0, carried);
			start = until;
		}
		const last = bytes.lastIndexOf(this.newline);
		if (last >= start) {
			this.lines(bytes, start, last + 1);
			start = last + 1;
		}
		this.keep(bytes, start, bytes.length);
	}

	/** Reads what is left as the last line, and gives the last chunk. */
	end(): void {
		const { carried } = this;
		if (carried > 0) {
			const cut = this.isCut(this.carry.subarray(0, carried));
			this.keep(Uint8Array.of(this.newline), 0, 1);
			this.carried = 0;
			if (cut) {
				this.line += 1;
				this.counts.rows += 1;
				this.defects.add("LAST_LINE_TRUNCATED", this.line, null, "The last line ends in the middle; it was left out.");
			} else this.lines(this.carry, 0, carried + 1);
		}
		this.flush();
		if (this.dateOrder.isOpen && !this.saidOrder) {
			this.saidOrder = true;
			this.defects.add(
				"DATES_AMBIGUOUS",
				this.layout.headLines,
				this.layout.columns[this.layout.timeFrom]?.title ?? null,
				"No date tells whether the day or the month comes first; the month was taken to.",
			);
		}
	}

	/** Whether a line without an end has fewer cells than the titles, or a last cell shorter than any before. */
	private isCut(line: Uint8Array): boolean {
		if (this.line < this.layout.headLines) return false;
		let cells = 1;
		let lastAt = -1;
		for (let i = 0; i < line.length; i += 1) {
			if (line[i] !== this.delimiter) continue;
			cells += 1;
			lastAt = i;
		}
		if (line.every((byte) => byte === 32 || byte === CR || byte === this.delimiter)) return false;
		if (this.layout.threeLevel !== null && line[0] !== this.delimiter) return false;
		const { titles } = this.layout;
		const titled = titles.at(-1) === "" ? titles.length - 1 : titles.length;
		if (cells < titled) return true;
		const last = line.subarray(lastAt + 1);
		// Nought may be short where nothing else was.
		const isNought = last.length === 1 && last[0] === NOUGHT;
		return cells === this.neededLast + 1 && last.length < this.lastCellBytesMin && !isNought;
	}

	private keep(bytes: Uint8Array, start: number, end: number): void {
		const size = this.carried + end - start;
		if (size > LINE_BYTES_MAX)
			throw refuse(`Line ${this.line + 1} is longer than ${LINE_BYTES_MAX} bytes: this is no table of rows.`);
		if (size > this.carry.length) {
			const larger = new Uint8Array(Math.max(size, this.carry.length * 2));
			larger.set(this.carry.subarray(0, this.carried));
			this.carry = larger;
		}
		this.carry.set(bytes.subarray(start, end), this.carried);
		this.carried = size;
	}

	/** Whole lines, each with its end. */
	private lines(buf: Uint8Array, from: number, until: number): void {
		const { headLines, threeLevel } = this.layout;
		let start = from;
		while (this.line < headLines && start < until) {
			start = buf.indexOf(this.newline, start) + 1;
			this.line += 1;
		}
		if (threeLevel === null) this.flatLines(buf, start, until);
		else {
			while (start < until) {
				const end = buf.indexOf(this.newline, start);
				const isRecord = buf[start] === this.delimiter && buf[start + 1] === this.delimiter;
				if (isRecord) this.flatLines(buf, start, end + 1);
				else {
					this.line += 1;
					this.blockRow(this.text(buf, start, end));
				}
				start = end + 1;
			}
		}
	}

	private flatLines(buf: Uint8Array, from: number, until: number): void {
		const { actions, factors, cells, delimiter, newline, neededLast } = this;
		const { decimal, rowCells } = this.layout;
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
						if (action === S_TYPE) kind = this.kindOf(buf, cellStart, p);
						else value = this.slowCell(action, this.text(buf, cellStart, p));
						// What must be a number and is none, or what is not empty and none.
						if (Number.isNaN(value) && (action === S_VOLTAGE || action === S_CURRENT || action === S_TEST)) bad = col;
					}
					if (action !== S_TYPE) cells[action] = value * factors[col]!;
					if (col === neededLast && p - cellStart < this.lastCellBytesMin) this.lastCellBytesMin = p - cellStart;
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
					if (delimiter === COMMA && next < p) isSplit = this.isSplit(buf, lineStart, next, p, rowCells - col - 1);
					break;
				}
				col += 1;
			}
			const lineEnd = p;
			p += 1;
			if (isSplit) {
				this.counts.rows += 1;
				const message = "The row has more cells than others, and a comma may be a decimal point; it was left out.";
				this.defects.add("ROW_TOO_LONG", this.line, null, message);
				continue;
			}
			if ((short || bad >= 0) && this.isBlank(buf, lineStart, lineEnd)) continue;
			this.counts.rows += 1;
			if (short && !this.mayBeShort())
				this.defects.add(
					"ROW_TOO_SHORT",
					this.line,
					null,
					`The row has ${col + 1} cells; ${neededLast + 1} are needed. It was left out.`,
				);
			else this.row(buf, lineStart, lineEnd, kind);
		}
	}

	/**
	 * Whether a row with commas between its cells may have one in a number: more cells than usual, counted from `next` on, and a
	 * voltage or current without a point.
	 */
	private isSplit(buf: Uint8Array, start: number, next: number, end: number, usual: number): boolean {
		let cells = 1;
		for (let i = next; i < end; i += 1) if (buf[i] === COMMA) cells += 1;
		if (cells <= usual) return false;
		const { columns, rowCells } = this.layout;
		const texts = cellsOf(this.text(buf, start, end), ",");
		if (texts.findLastIndex((cell) => cell !== "") < rowCells) return false;
		return [columns.voltage, columns.current].some(
			(column) => column !== undefined && !/[.e]/i.test(texts[column.index] ?? "."),
		);
	}

	/** A short row will do when what it lacks is not needed. */
	private mayBeShort(): boolean {
		const { cells } = this;
		const current = this.layout.columns.current === undefined ? cells[S_DQ]! : cells[S_CURRENT]!;
		return !Number.isNaN(cells[S_VOLTAGE]! + current) && !Number.isNaN(this.rawTime());
	}

	private rawTime(): number {
		return this.cells[slot[this.layout.timeFrom]]!;
	}

	private row(buf: Uint8Array, start: number, end: number, kindOfRow: StepKind): void {
		const { cells, chunk, counts } = this;
		if (cells[S_FREQUENCY]! > 0 || kindOfRow === STEP_KIND.impedance) {
			counts.impedanceRows += 1;
			return;
		}
		let timeS = this.rawTime();
		const voltageV = cells[S_VOLTAGE]!;
		let currentA = cells[S_CURRENT]!;
		if (this.layout.timeFrom === "stepTime") timeS = this.stitch(timeS);
		if (this.layout.columns.current === undefined) {
			const dt = timeS - this.dqTimeLast;
			currentA =
				dt > 0 ? (cells[S_DQ]! * 3_600) / dt : cells[S_DQ] === 0 || Number.isNaN(this.dqTimeLast) ? 0 : Number.NaN;
			if (!Number.isNaN(timeS)) this.dqTimeLast = timeS;
		}
		if (!Number.isFinite(timeS) || !Number.isFinite(voltageV) || !Number.isFinite(currentA)) {
			this.notANumber(buf, start, end);
			return;
		}
		const n = chunk.count;
		chunk.line[n] = this.line;
		chunk.testTimeS[n] = timeS;
		chunk.voltageV[n] = voltageV;
		chunk.currentA[n] = currentA;
		let kind: StepKind = kindOfRow;
		if (this.layout.threeLevel === null) {
			chunk.cycle[n] = cells[S_CYCLE]!;
			chunk.step[n] = cells[S_STEP]!;
		} else {
			chunk.cycle[n] = this.blockCycle;
			chunk.step[n] = this.blockStep;
			kind = this.blockKind;
		}
		if (kind === STEP_KIND.unknown && cells[S_MODE] === MODE_REST) kind = STEP_KIND.rest;
		chunk.stepKind[n] = kind;
		this.rules?.row(
			this.line,
			timeS,
			cells[S_CYCLE]!,
			cells[S_STEP]!,
			cells[S_CHARGE]!,
			cells[S_DISCHARGE]!,
			cells[S_NET]!,
		);
		this.counters(n, kind, currentA);
		chunk.unixTimeS[n] = Number.isNaN(cells[S_UNIX]!) ? cells[S_DATE]! : cells[S_UNIX]!;
		chunk.ambientC[n] = cells[S_AMBIENT]!;
		counts.rowsUsed += 1;
		chunk.count = n + 1;
		if (chunk.count === CHUNK_ROWS) this.flush();
	}

	/** A net counter rises and falls; a single one counts whatever flows. */
	private counters(n: number, kind: StepKind, currentA: number): void {
		const { cells, chunk } = this;
		if (this.layout.columns.chargeAh !== undefined) {
			chunk.chargeAh[n] = cells[S_CHARGE]!;
			chunk.dischargeAh[n] = cells[S_DISCHARGE]!;
		} else if (this.layout.columns.current === undefined) {
			this.passedIn += Math.max(0, cells[S_DQ]!);
			this.passedOut += Math.max(0, -cells[S_DQ]!);
			chunk.chargeAh[n] = this.passedIn;
			chunk.dischargeAh[n] = this.passedOut;
		} else if (this.layout.columns.netAh !== undefined) {
			chunk.chargeAh[n] = cells[S_NET]!;
			chunk.dischargeAh[n] = -cells[S_NET]!;
		} else {
			const discharging = kind === STEP_KIND.discharge || (kind !== STEP_KIND.charge && currentA < 0);
			chunk.chargeAh[n] = discharging ? 0 : cells[S_CAPACITY]!;
			chunk.dischargeAh[n] = discharging ? cells[S_CAPACITY]! : 0;
		}
	}

	/** The test's time out of times that begin anew at every step. */
	private stitch(stepTimeS: number): number {
		if (Number.isNaN(stepTimeS)) return stepTimeS;
		if (stepTimeS < this.stepTimeLast) this.stepTimeBase += this.stepTimeLast;
		this.stepTimeLast = stepTimeS;
		return this.stepTimeBase + stepTimeS;
	}

	private notANumber(buf: Uint8Array, start: number, end: number): void {
		const { columns, timeFrom, delimiter } = this.layout;
		const cells = cellsOf(this.text(buf, start, end), delimiter);
		this.refuseOtherTitles(cells);
		const wanted: Role[] = [timeFrom, "voltage", columns.current === undefined ? "chargeStep" : "current"];
		const guilty = wanted
			.map((role) => columns[role]!)
			.find((column) => !Number.isFinite(this.cells[slot[column.role]]!));
		const said = guilty === undefined ? "" : (cells[guilty.index] ?? "");
		this.defects.add(
			"CELL_NOT_A_NUMBER",
			this.line,
			guilty?.title ?? null,
			`${said === "" ? "An empty cell" : `"${said.slice(0, 40)}"`} is no ${guilty?.role === "date" ? "date" : "number"}; the row was left out.`,
		);
	}

	/** Titles again, as where files were put one behind the other, are a row left out; other titles are another table. */
	private refuseOtherTitles(cells: readonly string[]): void {
		for (const { index, title, role } of Object.values(this.layout.columns)) {
			const cell = cells[index] ?? "";
			const meaning = cell === title ? undefined : meaningOf(cell);
			if (meaning?.role === role && (role === "voltage" || role === "current"))
				throw refuse(
					`Line ${this.line} has the title ${cell} where the titles had ${title}: another table begins there.`,
				);
		}
	}

	private blockRow(line: string): void {
		const { threeLevel, delimiter } = this.layout;
		const cells = cellsOf(line, delimiter);
		if (cells.every((cell) => cell === "")) return;
		let step = cells;
		if (cells[0] !== "") {
			const number = Number(cells[threeLevel!.cycle]);
			if (Number.isFinite(number)) this.blockCycle = number;
			// Some exports put the cycle's first step behind it in the same line.
			step = ["", ...cells.slice(threeLevel!.cycleCells)];
			if (step.length < 3 || !(Number(step[threeLevel!.step]) > 0)) return;
		}
		this.blockSteps += 1;
		const number = Number(step[threeLevel!.step]);
		this.blockStep = Number.isFinite(number) ? number : this.blockSteps;
		this.blockKind = stepKindOf(step[threeLevel!.stepType] ?? "");
		// Some exports leave a number out; the name then stands where it is found.
		if (this.blockKind === STEP_KIND.unknown)
			this.blockKind =
				step
					.filter((cell) => /\p{L}/u.test(cell))
					.map(stepKindOf)
					.find((kind) => kind !== STEP_KIND.unknown) ?? STEP_KIND.unknown;
	}

	private slowCell(action: number, text: string): number {
		const bare = text.replaceAll('"', "").trim();
		if (action === S_DATE || action === S_TEST || action === S_STEP_TIME || action === S_UNIX) {
			const clock = clockSeconds(bare);
			// What the title says of the unit does not hold for h:mm:ss and dates.
			const seconds = Number.isNaN(clock) ? dateSeconds(bare, this.dateOrder) : clock;
			if (!Number.isNaN(seconds)) return seconds / this.factorOf(action);
		}
		// Days since 1900, as spreadsheets write dates, or seconds since 1970: nothing tells.
		if (action === S_DATE) return Number.NaN;
		const { decimal } = this.layout;
		const value = numberIn(bare, decimal);
		if (!this.saidGroups && !Number.isNaN(value) && isGrouped(bare, decimal)) {
			this.saidGroups = true;
			const message = `"${bare}" and its like were read as groups of thousands, since decimals have a ${decimal}.`;
			this.defects.add("NUMBERS_GROUPED", this.line, null, message);
		}
		return value;
	}

	private factorOf(action: number): number {
		return this.factors[this.actions.indexOf(action)]!;
	}

	private kindOf(buf: Uint8Array, start: number, end: number): StepKind {
		let hash = 0x811c9dc5;
		for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ buf[i]!, 0x01000193);
		let kind = this.kinds.get(hash);
		if (kind === undefined) {
			kind = stepKindOf(this.text(buf, start, end).replaceAll('"', "").trim());
			// A column that is no step's name must not fill memory.
			if (this.kinds.size < 1_000) this.kinds.set(hash, kind);
		}
		return kind;
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

	private isBlank(buf: Uint8Array, start: number, end: number): boolean {
		for (let i = start; i < end; i += 1) {
			const c = buf[i]!;
			if (c !== 32 && c !== CR && c !== 9 && c !== this.delimiter && c !== QUOTE) return false;
		}
		return true;
	}

	private text(buf: Uint8Array, start: number, end: number): string {
		return this.decoder.decode(buf.subarray(start, end));
	}

	private flush(): void {
		if (this.chunk.count > 0) this.sink(this.chunk);
		this.chunk.count = 0;
	}
}
