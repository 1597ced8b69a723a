/** Half-cycles as cycles: capacities, efficiencies, retention, end of life. */
import type { DefectLog } from "#analysis/defects.js";
import type { HalfCycle } from "#analysis/half-cycles.js";

/** `li-lfp`: efficiency is discharge over charge; `li-o2`: charge over discharge, for there a cycle begins with discharge. */
export const CHEMISTRIES = ["symmetric", "li-lfp", "li-o2"] as const;
export type Chemistry = (typeof CHEMISTRIES)[number];

export interface Cycle {
	/** The file's number, or counted from 1 where the file's numbers are of no use. */
	readonly cycle: number;
	readonly startH: number;
	endH: number;
	chargeAh: number;
	dischargeAh: number;
	chargeWh: number;
	dischargeWh: number;
	/** Mean discharging current, A. */
	currentA: number;
	halfCycles: number;
	/** Both directions are over. */
	complete: boolean;
}

/** A fraction beyond is no efficiency but a fault of the data or a first cycle that began in the middle. */
export const EFFICIENCY_ABSURD = 10;
/** More turns within one number: the number does not count cycles. */
const HALF_CYCLES_A_NUMBER = 6;
/** Likewise while it is the file's only number: a first cycle may begin with half a one. */
const HALF_CYCLES_ONLY_NUMBER = 3;
/** The first 1 C cycle is where the current first rises by more than this against the first cycles. */
const RATE_STEP = 1.5;
const RATE_STEP_WITHIN = 30;
const SAME_RATE = 0.1;
const END_OF_LIFE_LASTS = 3;

export class CycleBook {
	cycles: Cycle[] = [];
	private readonly halves: HalfCycle[] = [];
	/** Whether the file's own numbers are used. */
	byFile = true;
	/** That they are not has been said. */
	said = false;
	private turnsInNumber = 0;
	private lastNumber = Number.NaN;

	constructor(private readonly defects: DefectLog) {}

	clear(): void {
		this.cycles = [];
		this.halves.length = 0;
		this.turnsInNumber = 0;
		this.lastNumber = Number.NaN;
		this.byFile = true;
	}

	push(half: HalfCycle): void {
		this.halves.push(half);
		if (this.byFile) {
			const number = half.fileCycle;
			this.turnsInNumber = number === this.lastNumber ? this.turnsInNumber + 1 : 1;
			const most = this.turnsInNumber === this.halves.length ? HALF_CYCLES_ONLY_NUMBER : HALF_CYCLES_A_NUMBER;
			const unusable = Number.isNaN(number) || number < this.lastNumber || this.turnsInNumber > most;
			this.lastNumber = number;
			if (unusable) {
				this.countOurselves(half);
				return;
			}
		}
		this.add(half);
	}

	private countOurselves(half: HalfCycle): void {
		this.byFile = false;
		if (!Number.isNaN(half.fileCycle) && !this.said) {
			this.said = true;
			this.defects.add(
				"CYCLE_NUMBER_UNUSABLE",
				half.firstLine,
				"cycle",
				`The cycle number ${half.fileCycle} does not count cycles here; cycles were counted by the turns of the current, from 1.`,
			);
		}
		this.cycles = [];
		for (const each of this.halves) this.add(each);
	}

	private add(half: HalfCycle): void {
		const last = this.cycles.at(-1);
		const begins = last === undefined || (this.byFile ? last.cycle !== half.fileCycle : last.halfCycles === 2);
		const cycle = begins ? this.begin(half) : last;
		if (half.direction === "charge") {
			cycle.chargeAh += half.capacityAh;
			cycle.chargeWh += half.energyWh;
		} else {
			cycle.dischargeAh += half.capacityAh;
			cycle.dischargeWh += half.energyWh;
			cycle.currentA = half.meanCurrentA;
		}
		cycle.endH = half.endH;
		cycle.halfCycles += 1;
		cycle.complete = cycle.chargeAh > 0 && cycle.dischargeAh > 0;
	}

	private begin(half: HalfCycle): Cycle {
		const cycle: Cycle = {
			cycle: this.byFile ? half.fileCycle : this.cycles.length + 1,
			startH: half.startH,
			endH: half.endH,
			chargeAh: 0,
			dischargeAh: 0,
			chargeWh: 0,
			dischargeWh: 0,
			currentA: 0,
			halfCycles: 0,
			complete: false,
		};
		this.cycles.push(cycle);
		return cycle;
	}

	/** The number of the cycle that a half-cycle belongs to; null while it is not known. */
	numberOf({ startH }: Pick<HalfCycle, "startH">): number | null {
		let low = 0;
		let high = this.cycles.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if (this.cycles[middle]!.startH <= startH) low = middle;
			else high = middle - 1;
		}
		return this.cycles[low]?.cycle ?? null;
	}
}

export interface CycleFigures {
	readonly cycle: number;
	readonly chargeAh: number;
	readonly dischargeAh: number;
	readonly coulombicEfficiency: number | null;
	readonly energyEfficiency: number | null;
	/** Capacity over the reference cycle's; null for symmetric cells and incomplete cycles. */
	readonly retention: number | null;
}

const sane = (value: number): number | null =>
	Number.isFinite(value) && value >= 0 && value <= EFFICIENCY_ABSURD ? value : null;

/** Efficiencies and capacities of one cycle; an absurd efficiency is null. */
export function figuresOf(cycle: Cycle, chemistry: Chemistry, referenceAh: number | null): CycleFigures {
	const { chargeAh, dischargeAh, chargeWh, dischargeWh, complete } = cycle;
	const fits = complete && chemistry !== "symmetric";
	return {
		cycle: cycle.cycle,
		chargeAh,
		dischargeAh,
		coulombicEfficiency: fits ? sane(chemistry === "li-o2" ? chargeAh / dischargeAh : dischargeAh / chargeAh) : null,
		energyEfficiency: fits ? sane(dischargeWh / chargeWh) : null,
		retention: fits && referenceAh !== null && referenceAh > 0 ? dischargeAh / referenceAh : null,
	};
}

/** Says an efficiency that is none as a defect, once. */
export function absurdEfficiency(
	{ cycle, complete, chargeAh, dischargeAh }: Cycle,
	chemistry: Chemistry,
	said: Set<number>,
	defects: DefectLog,
): void {
	if (chemistry === "symmetric" || !complete || said.has(cycle)) return;
	const ratio = chemistry === "li-o2" ? chargeAh / dischargeAh : dischargeAh / chargeAh;
	if (ratio <= EFFICIENCY_ABSURD) return;
	said.add(cycle);
	defects.add(
		"EFFICIENCY_ABSURD",
		null,
		"cycle",
		`Cycle ${cycle}: a Coulombic efficiency of ${(ratio * 100).toPrecision(4)} % is none; it is given as null and not averaged.`,
	);
}

export interface Reference {
	readonly cycle: number;
	readonly capacityAh: number;
	readonly currentA: number;
	readonly why: string;
}

/** The cycle that retention refers to: the one asked for, or the first at the test's rate. */
export function referenceOf(cycles: readonly Cycle[], asked?: number): Reference | null {
	const of = ({ cycle, dischargeAh, currentA }: Cycle, why: string): Reference => ({
		cycle,
		capacityAh: dischargeAh,
		currentA,
		why,
	});
	if (asked !== undefined) {
		const found = cycles.find(({ cycle }) => cycle === asked);
		return found?.complete === true ? of(found, "as asked") : null;
	}
	const first = cycles.find(({ complete }) => complete);
	if (first === undefined) return null;
	const from = cycles.indexOf(first);
	const faster = cycles
		.slice(from, from + RATE_STEP_WITHIN)
		.find(({ complete, currentA }) => complete && currentA > RATE_STEP * first.currentA);
	return faster === undefined
		? of(first, "first complete cycle")
		: of(faster, "first cycle at the higher current after activation");
}

/** The cycle from which on capacity stays below the fraction, at the reference's current, for three cycles; or null. */
export function endOfLife(cycles: readonly Cycle[], reference: Reference | null, fraction: number): Cycle | null {
	if (reference === null) return null;
	let first: Cycle | null = null;
	let count = 0;
	for (const cycle of cycles) {
		if (cycle.cycle <= reference.cycle || !cycle.complete) continue;
		if (Math.abs(cycle.currentA - reference.currentA) > SAME_RATE * reference.currentA) continue;
		if (cycle.dischargeAh >= fraction * reference.capacityAh) {
			first = null;
			count = 0;
			continue;
		}
		first ??= cycle;
		count += 1;
		if (count === END_OF_LIFE_LASTS) return first;
	}
	return null;
}
