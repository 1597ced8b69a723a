/**
 * What befell a symmetric cell, told from its half-cycles against its own history, never against fixed millivolts:
 *
 * - short: the overpotential falls by half or more within two half-cycles at equal current, stays there for three or more,
 *   and the response is flat and ohmic or collapses within a half-cycle;
 * - soft short: an abrupt drop of a tenth or more that recovers;
 * - polarisation: above the lower of five times the baseline and the protocol's limit for three half-cycles; or, as high as
 *   the limit allows, ended early by it from the whole of its length;
 * - depletion: the half-cycle ends early, or its voltage shoots up at its end, for three half-cycles of one direction, while
 *   the middle of it is as before: the metal of one electrode runs out.
 *
 * The early decline of activation is none of these: before anything is compared the history must stand still.
 */
import type { Direction, HalfCycle } from "#analysis/half-cycles.js";

export type FailureKind = "short" | "soft-short" | "polarisation" | "depletion";

export interface FailureEvent {
	readonly kind: FailureKind;
	/** The half-cycle it began in. */
	readonly halfCycle: number;
	readonly atHours: number;
}

export interface FailureSettings {
	/** The protocol's voltage limit as a polarisation limit, V; none: five times the baseline alone. */
	readonly limitV?: number;
}

const SHORT_FRACTION = 0.5;
const SOFT_FRACTION = 0.9;
const RECOVERED_FRACTION = 0.95;
const PERSISTS = 3;
/** Half-cycles within which a short is there. */
const WITHIN = 2;
/** A fall must be larger than this many deviations of the cell's own scatter. */
const SCATTER_TIMES = 8;
/** Of the differences of late this part is smaller; of a normal scatter it is so many deviations of a single one (1.645 √2). */
const WIDE_PART = 0.9;
const WIDE_DEVIATIONS = 2.326;
/** What differences of a normal scatter are on the mean, in deviations of a single one (2 / √π). */
const MEAN_DEVIATIONS = 1.128;
const CHANGES_LENGTH = 60;
/** So few differences may all be small by chance: a fall must be larger by this over their number. */
const CHANCE = 5;
/** Fewer differences tell little: a fall must then be this large. */
const CHANGES_TELLING = 10;
const EARLY_FALL = 0.3;
const POLARISED_TIMES = 5;
const EQUAL_CURRENT = 0.05;
/** Half-cycles of activation, in which there is no baseline yet. */
const ACTIVATION = 4;
const BASELINE_LENGTH = 10;
const HISTORY_LENGTH = 4;
/** The history stands still when its neighbours differ by no more. */
const STEADY = 0.08;
/** Flat: 10–90 % of the voltages lie within this part of their median, or within the resolution of a cycler. */
const FLAT_FRACTION = 0.25;
const FLAT_V = 0.002;
/** A new level that lasts longer is the cell's new normal. */
const NEW_NORMAL = 20;
const DEPLETED_CAPACITY = 0.8;
const SHOOTS_UP = 3;
const HELD_BACK_TIMES = 1.6;
const HELD_BACK_FLAT = 2;

const overpotential = ({ medianV }: HalfCycle): number => Math.abs(medianV);
const isFlat = ({ medianV, lowV, highV }: HalfCycle): boolean =>
	Math.abs(highV - lowV) <= Math.max(FLAT_FRACTION * Math.abs(medianV), FLAT_V);
const collapses = ({ medianV, endV }: HalfCycle): boolean => Math.abs(endV) <= SHORT_FRACTION * Math.abs(medianV);

interface Fallen {
	readonly first: HalfCycle;
	/** The first that was down by half. */
	deep: HalfCycle | null;
	/** It got there within two half-cycles, not bit by bit. */
	sudden: boolean;
	count: number;
	ohmic: number;
	/** Deepest level, relative to the history. */
	deepest: number;
}

interface Lasting {
	readonly first: HalfCycle;
	count: number;
}

interface Side {
	/** Overpotentials of late at this current, V. */
	history: number[];
	/** Of the half-cycle before, V; NaN before the first. */
	last: number;
}

const newSides = (): Record<Direction, Side> => ({
	charge: { history: [], last: Number.NaN },
	discharge: { history: [], last: Number.NaN },
});

const median = (values: readonly number[]): number => {
	const sorted = [...values].sort((a, b) => a - b);
	const half = sorted.length / 2;
	return (sorted[Math.floor(half)]! + sorted[Math.ceil(half) - 1]!) / 2;
};

export class FailureJudge {
	/** In the order in which they began. */
	readonly events: FailureEvent[] = [];
	private currentA = Number.NaN;
	private sides = newSides();
	/** Of late, by how much a half-cycle differed from the one before it in its direction; fractions. */
	private changes: number[] = [];
	private atThisCurrent = 0;
	private baseline: number[] = [];
	private capacities: number[] = [];
	private fallen: Fallen | null = null;
	private high: Lasting | null = null;
	/** By direction: one electrode may be stripped bare long before the other. */
	private early: Record<Direction, Lasting | null> = { charge: null, discharge: null };
	private last: HalfCycle | null = null;

	constructor(private readonly settings: FailureSettings = {}) {}

	/** The overpotential that polarisation is measured against, V; null while there is none. */
	get baselineV(): number | null {
		return this.baseline.length < ACTIVATION ? null : median(this.baseline);
	}

	/** The first that ends a cell's life, or else a soft short, or null. */
	get verdict(): FailureEvent | null {
		return this.events.find(({ kind }) => kind !== "soft-short") ?? this.events[0] ?? null;
	}

	/** Whether the cell lives as it did: no failure has begun, and no fall is being watched. */
	get isSound(): boolean {
		return this.fallen === null && this.high === null && this.events.every(({ kind }) => kind === "soft-short");
	}

	/** A copy that goes on by itself: for a half-cycle that is not over yet. */
	clone(): FailureJudge {
		const copy = new FailureJudge(this.settings);
		copy.events.push(...this.events);
		copy.currentA = this.currentA;
		copy.sides = structuredClone(this.sides);
		copy.changes = [...this.changes];
		copy.atThisCurrent = this.atThisCurrent;
		copy.baseline = [...this.baseline];
		copy.capacities = [...this.capacities];
		copy.fallen = structuredClone(this.fallen);
		copy.high = structuredClone(this.high);
		copy.early = structuredClone(this.early);
		copy.last = this.last;
		return copy;
	}

	push(half: HalfCycle): void {
		if (!(Math.abs(half.meanCurrentA - this.currentA) <= EQUAL_CURRENT * this.currentA)) this.otherCurrent(half);
		this.judgePolarisation(half);
		this.judgeDepletion(half);
		this.judgeFall(half);
		this.learn(half);
		this.last = half;
	}

	private otherCurrent(half: HalfCycle): void {
		this.currentA = half.meanCurrentA;
		this.sides = newSides();
		this.changes = [];
		this.atThisCurrent = 0;
		this.baseline = [];
		this.capacities = [];
		this.fallen = null;
		this.high = null;
		this.early = { charge: null, discharge: null };
	}

	private learn(half: HalfCycle): void {
		this.atThisCurrent += 1;
		if (this.atThisCurrent <= ACTIVATION || this.fallen !== null) return;
		if (this.baseline.length < BASELINE_LENGTH) this.baseline.push(overpotential(half));
		if (this.capacities.length < BASELINE_LENGTH) this.capacities.push(half.capacityAh);
	}

	private judgePolarisation(half: HalfCycle): void {
		const { baselineV } = this;
		const limitV = Math.min(
			baselineV === null ? Number.POSITIVE_INFINITY : POLARISED_TIMES * baselineV,
			this.settings.limitV ?? Number.POSITIVE_INFINITY,
		);
		this.high = this.lasting(this.high, half, overpotential(half) > limitV || this.isHeldBack(half), "polarisation");
	}

	private judgeDepletion(half: HalfCycle): void {
		const { baselineV } = this;
		if (baselineV === null || this.capacities.length < ACTIVATION) return;
		const shootsUp =
			Math.abs(half.endV) > SHOOTS_UP * overpotential(half) && Math.abs(half.endV) > POLARISED_TIMES * baselineV;
		const holds = shootsUp || (this.endsEarly(half) && !this.isHeldBack(half));
		this.early[half.direction] = this.lasting(this.early[half.direction], half, holds, "depletion");
	}

	private endsEarly({ capacityAh }: HalfCycle): boolean {
		return this.capacities.length >= ACTIVATION && capacityAh < DEPLETED_CAPACITY * median(this.capacities);
	}

	/** The whole half-cycle stands so high that the voltage limit ends it early: no metal is missing, the way is barred. */
	private isHeldBack(half: HalfCycle): boolean {
		const { baselineV } = this;
		if (baselineV === null || !this.endsEarly(half)) return false;
		const level = overpotential(half);
		return level > HELD_BACK_TIMES * baselineV && Math.abs(half.endV) < HELD_BACK_FLAT * level;
	}

	private lasting(before: Lasting | null, half: HalfCycle, holds: boolean, kind: FailureKind): Lasting | null {
		if (!holds) return null;
		const now = before ?? { first: half, count: 0 };
		now.count += 1;
		if (now.count === PERSISTS) this.happened(kind, now.first);
		return now;
	}

	private happened(kind: FailureKind, first: HalfCycle): void {
		if (kind !== "soft-short" && this.events.some((event) => event.kind === kind)) return;
		this.events.push({ kind, halfCycle: first.index, atHours: first.startH });
		this.events.sort((a, b) => a.halfCycle - b.halfCycle);
	}

	private judgeFall(half: HalfCycle): void {
		const side = this.sides[half.direction];
		const { history, last } = side;
		const level = overpotential(half);
		side.last = level;
		const normal = history.length < 2 ? Number.NaN : median(history);
		const part = level / normal;
		if (this.fallen === null) {
			if (!(part <= SOFT_FRACTION && level <= SOFT_FRACTION * last && this.standsOut(history, 1 - part))) {
				this.remember(history, level, last);
				return;
			}
			const within = this.last !== null && collapses(this.last);
			this.fallen = { first: half, deep: null, sudden: false, count: 0, ohmic: within ? 1 : 0, deepest: 1 };
		}
		if (Number.isNaN(part)) this.remember(history, level, last);
		else this.follow(this.fallen, half, part, level / last);
	}

	private remember(history: number[], level: number, last: number): void {
		history.push(level);
		if (history.length > HISTORY_LENGTH) history.shift();
		if (Number.isNaN(last)) return;
		this.changes.push(Math.abs(level - last) / last);
		if (this.changes.length > CHANGES_LENGTH) this.changes.shift();
	}

	/** After a fall: it stays, it recovers, or it becomes the cell's new normal. `step`: of the one before in its direction. */
	private follow(fallen: Fallen, half: HalfCycle, part: number, step: number): void {
		if (part > SOFT_FRACTION) {
			const recovers = part >= RECOVERED_FRACTION || fallen.deepest <= SHORT_FRACTION;
			if (recovers && this.events.at(-1)?.halfCycle !== fallen.first.index) this.happened("soft-short", fallen.first);
			this.fallen = null;
			return;
		}
		fallen.deepest = Math.min(fallen.deepest, part);
		// Only what is down by half counts for a short; a shallower part of the fall does not end it.
		if (part <= SHORT_FRACTION) {
			fallen.deep ??= half;
			if (step <= SHORT_FRACTION) fallen.sudden = true;
			fallen.count += 1;
			if (isFlat(half) || collapses(half)) fallen.ohmic += 1;
			if (fallen.sudden && fallen.count >= PERSISTS && fallen.ohmic >= PERSISTS - 1) {
				// A shallower fall that came well before was another event.
				const isOne = fallen.deep.index - fallen.first.index <= WITHIN;
				this.happened("short", isOne ? fallen.first : fallen.deep);
			}
		}
		if (half.index - fallen.first.index < NEW_NORMAL) return;
		this.fallen = null;
		this.sides = newSides();
	}

	/** A fall from a history that stands still, by far more than half-cycles differ from each other anyway. */
	private standsOut(history: readonly number[], fall: number): boolean {
		const { changes } = this;
		if (!this.isSteady(history)) return false;
		if (changes.length < CHANGES_TELLING) return fall >= Math.max(EARLY_FALL, SCATTER_TIMES * Math.max(0, ...changes));
		const ordered = [...changes].sort((a, b) => a - b);
		const wide = ordered[Math.floor(WIDE_PART * (ordered.length - 1))]!;
		const mean = changes.reduce((sum, change) => sum + change, 0) / changes.length;
		const deviation = Math.max(wide / WIDE_DEVIATIONS, mean / MEAN_DEVIATIONS);
		return fall >= SCATTER_TIMES * deviation * (1 + CHANCE / changes.length);
	}

	private isSteady(history: readonly number[]): boolean {
		if (this.atThisCurrent < ACTIVATION) return false;
		const before = history.at(-2)!;
		return history.at(-1)! >= (1 - STEADY) * before;
	}
}
