/**
 * Raw rows as rows that can be evaluated: positive current charges, and time goes on. A chunk without anything to repair
 * passes through untouched.
 */
import type { DefectLog } from "#analysis/defects.js";
import { refuse } from "#analysis/formats/title-line.js";
import { PastRows } from "#analysis/past-rows.js";
import { CHUNK_ROWS, RowChunk, type RowSink, STEP_KIND } from "#analysis/rows.js";
import type { SignFinding } from "#analysis/sign.js";

const COLUMNS = [
	"line",
	"testTimeS",
	"voltageV",
	"currentA",
	"cycle",
	"step",
	"stepKind",
	"chargeAh",
	"dischargeAh",
	"unixTimeS",
	"ambientC",
] as const;

/** Times that fall this often, and in this part of the rows, are in no order that can be understood. */
const FALLS_MIN = 10;
const FALLS_FRACTION = 0.25;

export interface ConditionerOptions {
	readonly sign: Pick<SignFinding, "positiveCurrent" | "unsigned">;
	readonly sink: RowSink;
	readonly defects: DefectLog;
}

export class Conditioner {
	/** Rows that stand before what came already: copies, or a clock that began anew. */
	private readonly held = new RowChunk();
	private readonly past = new PastRows();
	/** The held ones have been there before, one and all. */
	private areCopies = false;
	private copies = { count: 0, firstLine: 0 };
	private rows = 0;
	private falls = 0;
	private readonly out = new RowChunk();
	private readonly factor: number;
	/** Raw time of the last row that was in order. */
	private lastS = Number.NEGATIVE_INFINITY;
	private offsetS = 0;
	private lastChargeAh = Number.NaN;
	private lastDischargeAh = Number.NaN;
	/** Of currents without sign; null before anything has told it. */
	private discharging: boolean | null = null;
	private lastUnsignedS = Number.NaN;
	/** Rows left out because they are out of order, or repeat others. */
	dropped = 0;

	constructor(private readonly options: ConditionerOptions) {
		this.factor = options.sign.positiveCurrent === "charge" ? 1 : -1;
	}

	push(chunk: RowChunk): void {
		this.settleCurrents(chunk);
		const { testTimeS, count } = chunk;
		this.rows += count;
		let last = this.held.count > 0 ? Number.POSITIVE_INFINITY : this.lastS;
		let inOrder = true;
		for (let n = 0; n < count; n += 1) {
			const t = testTimeS[n]!;
			if (t < last) {
				inOrder = false;
				break;
			}
			last = t;
		}
		if (!inOrder) {
			for (let n = 0; n < count; n += 1) this.row(chunk, n);
			this.flush();
			return;
		}
		if (count === 0) return;
		this.lastS = last;
		this.past.keepAll(chunk);
		if (this.offsetS !== 0) for (let n = 0; n < count; n += 1) testTimeS[n]! += this.offsetS;
		this.options.sink(chunk);
	}

	/** What is held back at the end was out of order. Throws CYCLING_FILE_REFUSED where nothing is in order. */
	end(): void {
		if (this.held.count > 0) this.drop();
		this.sayCopies();
		if (this.falls >= FALLS_MIN && this.falls >= FALLS_FRACTION * this.rows)
			throw refuse(
				`Time falls in ${this.falls} of ${this.rows} rows: they are not in the order in which they were measured.`,
				"Sort the rows by time, the oldest first; if the column has the times of steps, give one of the whole test.",
			);
	}

	private settleCurrents({ count, line, testTimeS, currentA, stepKind, chargeAh, dischargeAh }: RowChunk): void {
		if (!this.options.sign.unsigned) {
			if (this.factor < 0) for (let n = 0; n < count; n += 1) currentA[n] = -currentA[n]!;
			return;
		}
		for (let n = 0; n < count; n += 1) {
			const kind = stepKind[n]!;
			const charged = chargeAh[n]! - this.lastChargeAh;
			const discharged = dischargeAh[n]! - this.lastDischargeAh;
			if (kind === STEP_KIND.charge) this.discharging = false;
			else if (kind === STEP_KIND.discharge) this.discharging = true;
			else if (discharged > 0 && !(charged > 0)) this.discharging = true;
			else if (charged > 0 && !(discharged > 0)) this.discharging = false;
			// The first row of a step often has the time of the one before: no charge passes until it.
			else if (kind === STEP_KIND.unknown && currentA[n] !== 0 && testTimeS[n]! > this.lastUnsignedS)
				this.unknownDirection(line[n]!);
			this.lastUnsignedS = testTimeS[n]!;
			this.lastChargeAh = chargeAh[n]!;
			this.lastDischargeAh = dischargeAh[n]!;
			const size = this.discharging === null ? 0 : Math.abs(currentA[n]!);
			currentA[n] = this.discharging === true ? -size : size;
		}
	}

	private unknownDirection(line: number): void {
		this.options.defects.add(
			"DIRECTION_UNKNOWN",
			line,
			"current",
			"Neither the step's name nor a counter tells which way this current flows; it was taken to flow as before, or not at all where nothing was.",
		);
	}

	/**
	 * One by one, where time jumped: the rows after tell whether the clock began anew, one row is out of order, or rows
	 * come a second time.
	 */
	private row(chunk: RowChunk, n: number): void {
		const t = chunk.testTimeS[n]!;
		if (this.held.count > 0) {
			if (this.areCopies && this.past.has(chunk, n)) {
				if (this.held.count === CHUNK_ROWS) this.drop();
				copyRow(chunk, n, this.held, this.held.count);
				this.held.count += 1;
				return;
			}
			if (t >= this.lastS) this.drop();
			else this.beginAnew();
		}
		this.sayCopies();
		if (t < this.lastS) {
			this.falls += 1;
			copyRow(chunk, n, this.held, 0);
			this.held.count = 1;
			this.areCopies = this.past.has(chunk, n);
			return;
		}
		this.lastS = t;
		this.emit(chunk, n);
	}

	private beginAnew(): void {
		const { held } = this;
		const heldS = held.testTimeS[0]!;
		this.offsetS += this.lastS - heldS;
		this.options.defects.add(
			"TIME_JUMPED_BACK",
			held.line[0]!,
			"time",
			`Time jumps back from ${this.lastS} s to ${heldS} s; it was taken to go on from where it was.`,
		);
		this.past.forget();
		this.lastS = held.testTimeS[held.count - 1]!;
		for (let n = 0; n < held.count; n += 1) this.emit(held, n);
		held.count = 0;
	}

	private drop(): void {
		const { held } = this;
		this.dropped += held.count;
		if (this.areCopies) {
			if (this.copies.count === 0) this.copies.firstLine = held.line[0]!;
			this.copies.count += held.count;
		} else
			this.options.defects.add(
				"ROW_OUT_OF_ORDER",
				held.line[0]!,
				"time",
				`Time ${held.testTimeS[0]} s is before ${this.lastS} s of the row above and the rows after go on; the row was left out.`,
			);
		held.count = 0;
	}

	/** Once for all that follow each other. */
	private sayCopies(): void {
		const { count, firstLine } = this.copies;
		if (count === 0) return;
		this.copies.count = 0;
		this.options.defects.add(
			"ROW_REPEATED",
			firstLine,
			null,
			`${count === 1 ? "This row repeats one" : `${count} rows from this one on repeat rows`} above, with the same time, voltage and current: left out.`,
		);
	}

	private emit(chunk: RowChunk, n: number): void {
		const { out } = this;
		this.past.keep(chunk, n);
		copyRow(chunk, n, out, out.count);
		out.testTimeS[out.count]! += this.offsetS;
		out.count += 1;
		if (out.count === CHUNK_ROWS) this.flush();
	}

	private flush(): void {
		if (this.out.count > 0) this.options.sink(this.out);
		this.out.count = 0;
	}
}

function copyRow(from: RowChunk, n: number, to: RowChunk, at: number): void {
	for (const column of COLUMNS) to[column][at] = from[column][n]!;
}
