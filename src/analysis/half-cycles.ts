/** Cuts conditioned rows into half-cycles: stretches in which current flows one way, rests included. */
import type { DefectLog } from "#analysis/defects.js";
import { refuse } from "#analysis/formats/title-line.js";
import { Profile } from "#analysis/profile.js";
import type { RowChunk } from "#analysis/rows.js";
import { REST_FRACTION } from "#analysis/sign.js";

export type Direction = "charge" | "discharge";

export interface HalfCycle {
	/** From 0. */
	readonly index: number;
	readonly direction: Direction;
	/** Hours of the test, rests included, interruptions not. */
	readonly startH: number;
	readonly endH: number;
	readonly capacityAh: number;
	/** Magnitude of ∫V·I·dt; negative where the voltage has the other sign than charging has. */
	readonly energyWh: number;
	/** Mean size of the current while it flows. */
	readonly meanCurrentA: number;
	/** Median over 20–80 % of the half-cycle's charge, with its sign. */
	readonly medianV: number;
	/** 10 % and 90 % of the same, with sign. */
	readonly lowV: number;
	readonly highV: number;
	/** Largest within the first fifth. */
	readonly peakV: number;
	readonly endV: number;
	/** The file's cycle number when it began; NaN where it has none. */
	readonly fileCycle: number;
	readonly firstLine: number;
}

/** Overpotential is told between these parts of a half-cycle's charge. */
export const WINDOW = { from: 0.2, to: 0.8 } as const;
/** A turn of direction counts when it has passed this part of the half-cycle before; less is a pulse or noise. */
const TURN_FRACTION = 0.005;
/** A silence longer than both is an interruption, and no hours of the test. */
const GAP_S_MIN = 1_800;
const GAP_INTERVALS = 50;
/** Two such silences one after the other, of lengths within this part, are how often the cycler records now. */
const GAPS_ALIKE = 0.5;
/** Files beyond are no battery tests; each half-cycle is kept. */
export const HALF_CYCLES_MAX = 200_000;
/** The cycler's own counter is believed when it is this near to the integral of the current. */
const COUNTER_TOLERANCE = 0.2;

/** What flows one way, as it grows. */
class Stretch {
	readonly profile = new Profile();
	sign = 0;
	startS = 0;
	endS = 0;
	energyWh = 0;
	counterAh = 0;
	flowS = 0;
	fileCycle = Number.NaN;
	firstLine = 0;

	begin(sign: number, startS: number, fileCycle: number, firstLine: number): void {
		this.profile.clear();
		this.sign = sign;
		this.startS = startS;
		this.endS = startS;
		this.energyWh = 0;
		this.counterAh = 0;
		this.flowS = 0;
		this.fileCycle = fileCycle;
		this.firstLine = firstLine;
	}
}

/** Where a cutter can go on behind a half-cycle: the row before the next one began, and what was known then. */
export interface CutterMark {
	readonly lastT: number;
	readonly lastV: number;
	readonly lastI: number;
	readonly lastChargeAh: number;
	readonly lastDischargeAh: number;
	readonly intervalS: number;
	readonly activeS: number;
	readonly currentMaxA: number;
	readonly interruptions: number;
	readonly interruptedS: number;
	/** Of the row that the next half-cycle begins in: the first that is to be pushed. */
	readonly nextLine: number;
	/** Half-cycles before. */
	readonly index: number;
	readonly lastCapacityAh: number;
	readonly largestMeanA: number;
}

/** The part of a mark that is known when a stretch begins, before it is known to be a half-cycle. */
type Beginning = Omit<CutterMark, "index" | "lastCapacityAh" | "largestMeanA">;

export interface HalfCycleCutterOptions {
	readonly defects: DefectLog;
	readonly onHalfCycle: (halfCycle: HalfCycle) => void;
	/** Half-cycles so far were currents beside which later ones are 200 times larger: they were rest. */
	readonly onForget: () => void;
}

export class HalfCycleCutter {
	private open = new Stretch();
	/** What flows the other way and may be the next half-cycle. */
	private turned = new Stretch();
	private started = false;
	private lastT = 0;
	private lastV = 0;
	private lastI = 0;
	private lastChargeAh = Number.NaN;
	private lastDischargeAh = Number.NaN;
	private intervalS = 0;
	/** The silence before the row before; 0 where there was none. */
	private gapS = 0;
	private gapLine = 0;
	private activeS = 0;
	private currentMaxA = 0;
	private index = 0;
	private lastCapacityAh = 0;
	private largestMeanA = 0;
	private beginning: Beginning | null = null;
	private lastMark: CutterMark | null = null;
	interruptions = 0;
	interruptedS = 0;

	constructor(private readonly options: HalfCycleCutterOptions) {}

	/** Hours of the test so far. */
	get activeH(): number {
		return this.activeS / 3_600;
	}

	/** To go on behind the last half-cycle that is over, with the row in which the next one began; null before the first. */
	get mark(): CutterMark | null {
		return this.lastMark;
	}

	/** Before the first row: as if everything up to the mark had been pushed. */
	resume(mark: CutterMark): void {
		this.started = true;
		this.lastMark = mark;
		this.lastT = mark.lastT;
		this.lastV = mark.lastV;
		this.lastI = mark.lastI;
		this.lastChargeAh = mark.lastChargeAh;
		this.lastDischargeAh = mark.lastDischargeAh;
		this.intervalS = mark.intervalS;
		this.activeS = mark.activeS;
		this.currentMaxA = mark.currentMaxA;
		this.interruptions = mark.interruptions;
		this.interruptedS = mark.interruptedS;
		this.index = mark.index;
		this.lastCapacityAh = mark.lastCapacityAh;
		this.largestMeanA = mark.largestMeanA;
	}

	push(chunk: RowChunk): void {
		const { count, testTimeS, voltageV, currentA, chargeAh, dischargeAh, cycle, line } = chunk;
		let n = 0;
		if (!this.started && count > 0) {
			this.started = true;
			this.lastT = testTimeS[0]!;
			this.lastV = voltageV[0]!;
			this.lastI = currentA[0]!;
			this.lastChargeAh = chargeAh[0]!;
			this.lastDischargeAh = dischargeAh[0]!;
			this.currentMaxA = Math.abs(this.lastI);
			if (this.lastI !== 0) this.open.begin(Math.sign(this.lastI), 0, cycle[0]!, line[0]!);
			n = 1;
		}
		let { lastT, lastV, lastI, lastChargeAh, lastDischargeAh, intervalS, activeS, currentMaxA } = this;
		for (; n < count; n += 1) {
			const t = testTimeS[n]!;
			const v = voltageV[n]!;
			const i = currentA[n]!;
			let dt = t - lastT;
			const intervalBeforeS = intervalS;
			if (dt > GAP_S_MIN && intervalS > 0 && dt > GAP_INTERVALS * intervalS) {
				const { gapS } = this;
				if (gapS > 0 && Math.abs(dt - gapS) < GAPS_ALIKE * gapS) {
					activeS += this.takeBackInterruption();
					intervalS = dt;
				} else {
					this.interruption(dt, line[n]!);
					dt = 0;
				}
			} else {
				this.gapS = 0;
				intervalS += (dt - intervalS) * (intervalS === 0 ? 1 : 0.05);
			}
			const beforeS = activeS;
			activeS += dt;
			const size = i < 0 ? -i : i;
			if (size > currentMaxA) currentMaxA = size;
			// The trapezium of what charges and of what discharges, each by itself: a turn between two rows is shared.
			const hours = dt / 7_200;
			const charged = hours * ((i > 0 ? i : 0) + (lastI > 0 ? lastI : 0));
			const discharged = hours * ((i < 0 ? -i : 0) + (lastI < 0 ? -lastI : 0));
			const countedIn = rise(chargeAh[n]!, lastChargeAh, charged);
			const countedOut = rise(dischargeAh[n]!, lastDischargeAh, discharged);
			const { open } = this;
			if (open.sign === 0) {
				if (size > 0) open.begin(i > 0 ? 1 : -1, beforeS, cycle[n]!, line[n]!);
			}
			if (open.sign !== 0) {
				const own = open.sign > 0 ? charged : discharged;
				const other = open.sign > 0 ? discharged : charged;
				if (own > 0) {
					open.profile.push(lastI * open.sign > 0 && i * open.sign <= 0 ? lastV : v, own);
					open.energyWh += (own * (v + lastV)) / 2;
					open.flowS += lastI * i > 0 ? dt : dt / 2;
					open.endS = activeS;
				}
				const against = -i * open.sign;
				open.counterAh += open.sign > 0 ? countedIn : countedOut;
				const { turned } = this;
				if (turned.sign === 0) {
					if (against > REST_FRACTION * currentMaxA) {
						turned.begin(-open.sign, beforeS, cycle[n]!, line[n]!);
						this.beginning = {
							lastT,
							lastV,
							lastI,
							lastChargeAh,
							lastDischargeAh,
							intervalS: intervalBeforeS,
							activeS: beforeS,
							currentMaxA,
							interruptions: this.interruptions,
							interruptedS: this.interruptedS,
							nextLine: line[n]!,
						};
						turned.counterAh = open.sign > 0 ? countedOut : countedIn;
						if (other > 0) flow(turned, v, lastV, other, lastI * i > 0 ? dt : dt / 2, activeS);
					}
				} else {
					if (other > 0) flow(turned, v, lastV, other, lastI * i > 0 ? dt : dt / 2, activeS);
					turned.counterAh += open.sign > 0 ? countedOut : countedIn;
					if (turned.profile.chargeAh > TURN_FRACTION * Math.max(open.profile.chargeAh, this.lastCapacityAh)) {
						this.currentMaxA = currentMaxA;
						this.turn();
					} else if (-against > REST_FRACTION * currentMaxA) turned.sign = 0;
				}
			}
			lastT = t;
			lastV = v;
			lastI = i;
			lastChargeAh = chargeAh[n]!;
			lastDischargeAh = dischargeAh[n]!;
		}
		this.lastT = lastT;
		this.lastV = lastV;
		this.lastI = lastI;
		this.lastChargeAh = lastChargeAh;
		this.lastDischargeAh = lastDischargeAh;
		this.intervalS = intervalS;
		this.activeS = activeS;
		this.currentMaxA = currentMaxA;
	}

	/** The half-cycle under way, as far as it has come; null when nothing flowed yet. */
	present(): HalfCycle | null {
		const real = this.open.sign !== 0 && this.open.profile.chargeAh > TURN_FRACTION * this.lastCapacityAh;
		return real ? this.halfCycleOf(this.open) : null;
	}

	private turn(): void {
		const { open } = this;
		if (open.profile.chargeAh > TURN_FRACTION * this.lastCapacityAh) {
			const half = this.halfCycleOf(open);
			this.judgeCounter(open, half.index);
			this.forgetNoise(half.meanCurrentA);
			const { index } = this;
			this.index += 1;
			if (this.index > HALF_CYCLES_MAX)
				throw refuse(
					`Line ${half.firstLine}: the current has turned more than ${HALF_CYCLES_MAX} times; this is no cycling test.`,
				);
			this.lastCapacityAh = half.capacityAh;
			if (this.beginning !== null) {
				const { lastCapacityAh, largestMeanA } = this;
				this.lastMark = { ...this.beginning, index: this.index, lastCapacityAh, largestMeanA };
			}
			this.options.onHalfCycle({ ...half, index });
		}
		this.open = this.turned;
		this.turned = open;
		open.sign = 0;
	}

	private forgetNoise(meanCurrentA: number): void {
		if (this.index > 0 && this.largestMeanA < REST_FRACTION * meanCurrentA) {
			this.index = 0;
			this.largestMeanA = 0;
			this.options.onForget();
		}
		if (meanCurrentA > this.largestMeanA) this.largestMeanA = meanCurrentA;
	}

	private halfCycleOf({
		profile,
		sign,
		startS,
		endS,
		energyWh,
		flowS,
		counterAh,
		fileCycle,
		firstLine,
	}: Stretch): HalfCycle {
		const [lowV, medianV, highV] = profile.quantiles(WINDOW.from, WINDOW.to);
		const integralAh = profile.chargeAh;
		const believed = Math.abs(counterAh - integralAh) <= COUNTER_TOLERANCE * integralAh;
		const capacityAh = believed ? counterAh : integralAh;
		return {
			index: this.index,
			direction: sign > 0 ? "charge" : "discharge",
			startH: startS / 3_600,
			endH: endS / 3_600,
			capacityAh,
			energyWh: integralAh > 0 ? energyWh * (capacityAh / integralAh) : 0,
			meanCurrentA: flowS > 0 ? (integralAh * 3_600) / flowS : 0,
			medianV,
			lowV,
			highV,
			peakV: profile.peak(WINDOW.from),
			endV: profile.end(),
			fileCycle,
			firstLine,
		};
	}

	private judgeCounter({ counterAh, profile, firstLine }: Stretch, index: number): void {
		const { chargeAh } = profile;
		if (!(counterAh > 0) || Math.abs(counterAh - chargeAh) <= COUNTER_TOLERANCE * chargeAh) return;
		this.options.defects.add(
			"COUNTER_DISAGREES",
			firstLine,
			"capacity",
			`Half-cycle ${index}: the file's counter rises by ${counterAh.toPrecision(4)} Ah, the current makes ${chargeAh.toPrecision(4)} Ah; the current is used.`,
		);
	}

	/** The silence before was none. Gives its seconds. */
	private takeBackInterruption(): number {
		const { gapS } = this;
		this.gapS = 0;
		this.interruptions -= 1;
		this.interruptedS -= gapS;
		this.options.defects.withdraw("INTERRUPTION", this.gapLine);
		return gapS;
	}

	private interruption(seconds: number, line: number): void {
		this.gapS = seconds;
		this.gapLine = line;
		this.interruptions += 1;
		this.interruptedS += seconds;
		this.options.defects.add(
			"INTERRUPTION",
			line,
			"time",
			`${Number((seconds / 3_600).toPrecision(3))} h without a row before this one: taken as an interruption, not counted in the hours.`,
		);
	}
}

function flow(stretch: Stretch, v: number, lastV: number, ah: number, dt: number, activeS: number): void {
	stretch.profile.push(v, ah);
	stretch.energyWh += (ah * (v + lastV)) / 2;
	stretch.flowS += dt;
	stretch.endS = activeS;
}

/** How far a counter rose; one that fell was reset, and stands for what came since, if that can be. */
function rise(now: number, before: number, expected: number): number {
	const step = now - before;
	if (step >= 0) return step;
	// Not a number when there is no counter; negative for the other side of a net counter.
	if (Number.isNaN(step) || now < 0) return 0;
	return now <= 10 * expected ? now : 0;
}
