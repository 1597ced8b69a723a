/** A line's numbers as a row: time from wherever the file has it, charge counters by direction, and what makes a line no row. */
import type { DefectLog } from "#analysis/defects.js";
import { BdfRules } from "#analysis/formats/bdf-rules.js";
import type { BlockRows } from "#analysis/formats/block-rows.js";
import { meaningOf, type Role } from "#analysis/formats/columns.js";
import type { Layout } from "#analysis/formats/layout.js";
import { SLOTS, slot } from "#analysis/formats/slots.js";
import { cellsOf, refuse } from "#analysis/formats/title-line.js";
import { CHUNK_ROWS, RowChunk, type RowSink, STEP_KIND, type StepKind } from "#analysis/rows.js";

/** Beyond these a number is no measurement of a cell but an overflow, a mark for "none", or in another unit than its title says. */
export const VOLTAGE_V_MAX = 1_000;
export const CURRENT_A_MAX = 5_000;

/** EC-Lab's `mode` of a step without control. */
const MODE_REST = 3;

const S_UNIX = slot.unixTime;
const S_DATE = slot.date;
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

const WHAT: Partial<Record<Role, string>> = { date: "date", testTime: "time", stepTime: "time", unixTime: "time" };

export interface ReaderCounts {
	/** Lines that hold a row, used or not. */
	rows: number;
	/** Rows given on. */
	rowsUsed: number;
	/** Impedance rows, left out. */
	impedanceRows: number;
}

export interface RowMakerOptions {
	readonly layout: Layout;
	/** In reports of three levels: what the records belong to. */
	readonly block: BlockRows | null;
	readonly sink: RowSink;
	readonly defects: DefectLog;
	readonly textOf: (bytes: Uint8Array, start: number, end: number) => string;
}

export class RowMaker {
	readonly counts: ReaderCounts = { rows: 0, rowsUsed: 0, impedanceRows: 0 };
	/** The line's numbers by slot, in SI units and Ah; what the file has no column for stays NaN. */
	readonly cells = new Float64Array(SLOTS.length).fill(Number.NaN);
	private readonly chunk = new RowChunk();
	private readonly rules: BdfRules | null;
	private readonly timeSlot: number;
	private stepTimeBase = 0;
	private stepTimeLast = Number.NaN;
	private dqTimeLast = Number.NaN;
	private passedIn = 0;
	private passedOut = 0;

	private readonly layout: Layout;
	private readonly block: BlockRows | null;
	private readonly sink: RowSink;
	private readonly defects: DefectLog;

	constructor(private readonly options: RowMakerOptions) {
		const { layout, block, sink, defects } = options;
		this.layout = layout;
		this.block = block;
		this.sink = sink;
		this.defects = defects;
		this.rules = layout.format === "bdf" ? new BdfRules(layout, defects) : null;
		this.timeSlot = slot[layout.timeFrom];
	}

	/** A short row will do when what it lacks is not needed. */
	get hasWhatIsNeeded(): boolean {
		const { cells } = this;
		const current = this.layout.columns.current === undefined ? cells[S_DQ]! : cells[S_CURRENT]!;
		return !Number.isNaN(cells[S_VOLTAGE]! + current) && !Number.isNaN(cells[this.timeSlot]!);
	}

	/** Makes a row of `cells`; the line's bytes are for what may have to be said about it. */
	row(line: number, kindOfRow: StepKind, bytes: Uint8Array, start: number, end: number): void {
		const { cells, chunk, counts } = this;
		if (cells[S_FREQUENCY]! > 0 || kindOfRow === STEP_KIND.impedance) {
			counts.impedanceRows += 1;
			return;
		}
		let timeS = cells[this.timeSlot]!;
		const voltageV = cells[S_VOLTAGE]!;
		let currentA = cells[S_CURRENT]!;
		if (this.layout.timeFrom === "stepTime") timeS = this.stitch(timeS);
		if (this.layout.columns.current === undefined) {
			const dt = timeS - this.dqTimeLast;
			currentA =
				dt > 0 ? (cells[S_DQ]! * 3_600) / dt : cells[S_DQ] === 0 || Number.isNaN(this.dqTimeLast) ? 0 : Number.NaN;
			if (!Number.isNaN(timeS)) this.dqTimeLast = timeS;
		}
		if (
			!Number.isFinite(timeS) ||
			!(voltageV <= VOLTAGE_V_MAX && voltageV >= -VOLTAGE_V_MAX) ||
			!(currentA <= CURRENT_A_MAX && currentA >= -CURRENT_A_MAX)
		) {
			this.leaveOut(line, this.options.textOf(bytes, start, end));
			return;
		}
		const n = chunk.count;
		chunk.line[n] = line;
		chunk.testTimeS[n] = timeS;
		chunk.voltageV[n] = voltageV;
		chunk.currentA[n] = currentA;
		let kind: StepKind = kindOfRow;
		if (this.block === null) {
			chunk.cycle[n] = cells[S_CYCLE]!;
			chunk.step[n] = cells[S_STEP]!;
		} else {
			chunk.cycle[n] = this.block.cycle;
			chunk.step[n] = this.block.step;
			kind = this.block.kind;
		}
		if (kind === STEP_KIND.unknown && cells[S_MODE] === MODE_REST) kind = STEP_KIND.rest;
		chunk.stepKind[n] = kind;
		this.rules?.row(line, timeS, cells[S_CYCLE]!, cells[S_STEP]!, cells[S_CHARGE]!, cells[S_DISCHARGE]!, cells[S_NET]!);
		this.counters(n, kind, currentA);
		chunk.unixTimeS[n] = Number.isNaN(cells[S_UNIX]!) ? cells[S_DATE]! : cells[S_UNIX]!;
		chunk.ambientC[n] = cells[S_AMBIENT]!;
		counts.rowsUsed += 1;
		chunk.count = n + 1;
		if (chunk.count === CHUNK_ROWS) this.flush();
	}

	/** Gives what there is of a chunk. */
	flush(): void {
		if (this.chunk.count > 0) this.sink(this.chunk);
		this.chunk.count = 0;
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

	/** Says which cell is no number, or no possible one; the row is none. */
	private leaveOut(line: number, text: string): void {
		const { columns, timeFrom, delimiter } = this.layout;
		const cells = cellsOf(text, delimiter);
		this.refuseOtherTitles(line, cells);
		const wanted: Role[] = [timeFrom, "voltage", columns.current === undefined ? "chargeStep" : "current"];
		const guilty = wanted
			.map((role) => columns[role]!)
			.find((column) => !Number.isFinite(this.cells[slot[column.role]]!));
		if (guilty === undefined && this.sayImpossible(line, cells)) return;
		const said = guilty === undefined ? "" : (cells[guilty.index] ?? "");
		this.defects.add(
			"CELL_NOT_A_NUMBER",
			line,
			guilty?.title ?? null,
			`${said === "" ? "An empty cell" : `"${said.slice(0, 40)}"`} is no ${WHAT[guilty?.role ?? "mode"] ?? "number"}; the row was left out.`,
		);
	}

	private sayImpossible(line: number, cells: readonly string[]): boolean {
		for (const [role, limit] of [
			["voltage", VOLTAGE_V_MAX],
			["current", CURRENT_A_MAX],
		] as const) {
			const column = this.layout.columns[role];
			if (column === undefined || Math.abs(this.cells[slot[role]]!) <= limit) continue;
			const unit = role === "voltage" ? "V" : "A";
			this.defects.add(
				"VALUE_IMPOSSIBLE",
				line,
				column.title,
				`"${(cells[column.index] ?? "").slice(0, 40)}" under ${column.title} is beyond ${limit} ${unit}: no ${role} of a cell, or in another unit than the title says. The row was left out.`,
			);
			return true;
		}
		return false;
	}

	/** Titles again, as where files were put one behind the other, are a row left out; other titles are another table. */
	private refuseOtherTitles(line: number, cells: readonly string[]): void {
		for (const { index, title, role } of Object.values(this.layout.columns)) {
			const cell = cells[index] ?? "";
			const meaning = cell === title ? undefined : meaningOf(cell);
			if (meaning?.role === role && (role === "voltage" || role === "current"))
				throw refuse(`Line ${line} has the title ${cell} where the titles had ${title}: another table begins there.`);
		}
	}
}
