/** Conditioned rows as the columns of the Battery Data Format (ontology 1.3.0), keeping every rule of it. */
import type { RowChunk } from "#analysis/rows.js";

/** Preferred labels, in the order in which they are written; those without values in a file are left out of it. */
export const BDF_COLUMNS = [
	"Test Time / s",
	"Voltage / V",
	"Current / A",
	"Unix Time / s",
	"Cycle Count / 1",
	"Step Count / 1",
	"Ambient Temperature / degC",
	"Charging Capacity / Ah",
	"Discharging Capacity / Ah",
	"Cumulative Capacity / Ah",
	"Net Capacity / Ah",
] as const;
export type BdfColumn = (typeof BDF_COLUMNS)[number];
export type BdfRow = Record<BdfColumn, number>;

const KEPT_ALWAYS: readonly BdfColumn[] = [
	"Test Time / s",
	"Voltage / V",
	"Current / A",
	"Step Count / 1",
	"Charging Capacity / Ah",
	"Discharging Capacity / Ah",
	"Cumulative Capacity / Ah",
	"Net Capacity / Ah",
];

/**
 * What a file has of the recommended columns is told by a first pass: a cycle count that falls or is no whole number may not
 * be written, and may not be renumbered either.
 */
export class BdfSurvey {
	rows = 0;
	private cycleOk = true;
	private cycle = Number.NEGATIVE_INFINITY;
	private unixOk = true;
	private ambientOk = true;

	push({ count, cycle, unixTimeS, ambientC }: RowChunk): void {
		this.rows += count;
		for (let n = 0; n < count; n += 1) {
			const number = cycle[n]!;
			if (!(number >= this.cycle && number >= 0 && Number.isInteger(number))) this.cycleOk = false;
			this.cycle = number;
			if (!Number.isFinite(unixTimeS[n]!)) this.unixOk = false;
			if (!Number.isFinite(ambientC[n]!)) this.ambientOk = false;
		}
	}

	get columns(): BdfColumn[] {
		const more: Partial<Record<BdfColumn, boolean>> = {
			"Unix Time / s": this.unixOk,
			"Cycle Count / 1": this.cycleOk,
			"Ambient Temperature / degC": this.ambientOk,
		};
		return BDF_COLUMNS.filter((column) => KEPT_ALWAYS.includes(column) || (more[column] === true && this.rows > 0));
	}
}

/** Rows with capacities that never reset, by the trapezium rule, and steps that only rise. */
export class BdfRows {
	private lastS = Number.NaN;
	private lastA = 0;
	private lastStep = Number.NaN;
	private lastCycle = Number.NaN;
	private lastSign = 0;
	private lastKind = 0;
	private steps = 0;
	private chargeAh = 0;
	private dischargeAh = 0;

	/** The same object is given again and again: take from it what is wanted. */
	*of(rows: RowChunk): Iterable<BdfRow> {
		for (let n = 0; n < rows.count; n += 1) yield this.row(rows, n);
	}

	private row(rows: RowChunk, n: number): BdfRow {
		const t = rows.testTimeS[n]!;
		const i = rows.currentA[n]!;
		const hours = Number.isNaN(this.lastS) ? 0 : (t - this.lastS) / 7_200;
		this.chargeAh += hours * (Math.max(i, 0) + Math.max(this.lastA, 0));
		this.dischargeAh += hours * (Math.max(-i, 0) + Math.max(-this.lastA, 0));
		const step = rows.step[n]!;
		const cycle = rows.cycle[n]!;
		const kind = rows.stepKind[n]!;
		const sign = Math.sign(i);
		// Without step numbers a step ends where the current starts, stops or turns.
		const told = !Number.isNaN(step);
		const begins = told
			? step !== this.lastStep ||
				(cycle !== this.lastCycle && !Number.isNaN(cycle) && step <= this.lastStep) ||
				kind !== this.lastKind
			: sign !== this.lastSign;
		if (this.steps === 0 || begins) this.steps += 1;
		this.lastS = t;
		this.lastA = i;
		this.lastStep = step;
		this.lastCycle = cycle;
		this.lastSign = sign;
		this.lastKind = kind;
		return {
			"Test Time / s": t,
			"Voltage / V": rows.voltageV[n]!,
			"Current / A": i,
			"Unix Time / s": rows.unixTimeS[n]!,
			"Cycle Count / 1": cycle,
			"Step Count / 1": this.steps,
			"Ambient Temperature / degC": rows.ambientC[n]!,
			"Charging Capacity / Ah": this.chargeAh,
			"Discharging Capacity / Ah": this.dischargeAh,
			"Cumulative Capacity / Ah": this.chargeAh + this.dischargeAh,
			"Net Capacity / Ah": this.chargeAh - this.dischargeAh,
		};
	}
}

const PART = /^[A-Za-z0-9][A-Za-z0-9.-]*$/;

/** `Institution__Cell__YYYYMMDD_XXX`; null when a part has characters that a file name of BDF cannot have. */
export function bdfName(institution: string, cell: string, date: string, number: number): string | null {
	const day = date.replaceAll("-", "");
	const ok = PART.test(institution) && PART.test(cell) && /^\d{8}$/.test(day) && number >= 1 && number <= 999;
	return ok ? `${institution}__${cell}__${day}_${String(number).padStart(3, "0")}` : null;
}
