/** What the foil saw during an anneal, and how sure that is. Fed sample by sample. */

export interface AnnealRecordOptions {
	readonly targetC: number;
	/** The band in which time counts as annealed. */
	readonly withinC: number;
	/** Of one temperature, expanded (k = 2): sensor, calibration, lag. */
	readonly uncertaintyC: number;
	/** Null for a foil that does not melt. */
	readonly meltingC: number | null;
	/** Minutes above each of these are counted. */
	readonly thresholdsC: readonly number[];
	/** Between two samples farther apart than this nothing is known. */
	readonly gapSMax: number;
	/** The planned temperature at a time, where there is a plan. */
	readonly plannedC?: (atS: number) => number | undefined;
	readonly plannedSeconds?: number;
}

/** `below`: by more than the uncertainty, without a gap. Everything else is `not-excluded`, until it is surely `reached`. */
export type MeltingVerdict = "below" | "not-excluded" | "reached" | "no-melting-point";

export interface MinutesAbove {
	readonly thresholdC: number;
	readonly minutes: number;
	/** If every temperature was low by the uncertainty, and if it was high by it. */
	readonly atLeast: number;
	readonly atMost: number;
}

export interface AnnealFigures {
	readonly seconds: number;
	/** Time without known temperature, of these seconds. */
	readonly unknownS: number;
	readonly inBandS: number;
	/** Over the time from the first arrival in the band; null before it. */
	readonly meanC: number | null;
	/** Standard deviation over the same time. */
	readonly spreadC: number | null;
	readonly maxC: number | null;
	readonly uncertaintyC: number;
	readonly minutesAbove: readonly MinutesAbove[];
	readonly ramp: {
		readonly plannedS: number | null;
		/** From the first sample to the first arrival in the band; null before it. */
		readonly actualS: number | null;
		/** Largest distance from the planned way before the arrival. */
		readonly farthestFromPlanC: number | null;
	};
	readonly melting: MeltingVerdict;
	/** The verdict in words, for reports. */
	readonly words: string;
}

const MINUTE_S = 60;
/** A reading at the edge of the band is in it, whatever the rounding of its number. */
const EDGE_C = 1e-6;

interface Point {
	readonly atS: number;
	readonly foilC: number;
}

export class AnnealRecord {
	private first: number | undefined;
	private lastS = 0;
	private last: Point | undefined;
	private knownS = 0;
	private inBandS = 0;
	private arrivedS: number | undefined;
	private maxC: number | null = null;
	/** Weighted mean and sum of squares from the arrival on (West 1979). */
	private weightS = 0;
	private meanC = 0;
	private squares = 0;
	private readonly above: { thresholdC: number; s: number; atLeastS: number; atMostS: number }[];
	private farthestC: number | null = null;

	constructor(private readonly options: AnnealRecordOptions) {
		this.above = options.thresholdsC.map((thresholdC) => ({ thresholdC, s: 0, atLeastS: 0, atMostS: 0 }));
	}

	/** `foilC` is null without a good reading. Times must not fall. */
	add(atS: number, foilC: number | null): void {
		this.first ??= atS;
		this.lastS = atS;
		if (foilC === null || !Number.isFinite(foilC)) return;
		const { targetC, withinC, gapSMax, plannedC } = this.options;
		const before = this.last;
		this.last = { atS, foilC };
		this.maxC = Math.max(this.maxC ?? foilC, foilC);
		if (this.arrivedS === undefined) {
			const planned = plannedC?.(atS - this.first);
			if (planned !== undefined) this.farthestC = Math.max(this.farthestC ?? 0, Math.abs(foilC - planned));
			if (Math.abs(foilC - targetC) <= withinC) this.arrivedS = atS;
		}
		if (before === undefined || atS - before.atS > gapSMax || atS <= before.atS) return;
		this.between(before, this.last);
	}

	figures(): AnnealFigures {
		const { options, maxC, arrivedS, first } = this;
		const seconds = first === undefined ? 0 : this.lastS - first;
		const unknownS = Math.max(0, seconds - this.knownS);
		const hasHeld = this.weightS > 0;
		const melting = this.verdict(unknownS);
		return {
			seconds,
			unknownS,
			inBandS: this.inBandS,
			meanC: hasHeld ? this.meanC : null,
			spreadC: hasHeld ? Math.sqrt(this.squares / this.weightS) : null,
			maxC,
			uncertaintyC: options.uncertaintyC,
			minutesAbove: this.above.map(({ thresholdC, s, atLeastS, atMostS }) => ({
				thresholdC,
				minutes: s / MINUTE_S,
				atLeast: atLeastS / MINUTE_S,
				atMost: (atMostS + unknownS) / MINUTE_S,
			})),
			ramp: {
				plannedS: options.plannedSeconds ?? null,
				actualS: arrivedS === undefined || first === undefined ? null : arrivedS - first,
				farthestFromPlanC: this.farthestC,
			},
			melting,
			words: this.words(melting, unknownS),
		};
	}

	private between(from: Point, to: Point): void {
		const seconds = to.atS - from.atS;
		const { targetC, withinC, uncertaintyC } = this.options;
		this.knownS += seconds;
		const above = (degC: number) => seconds * shareAbove(from.foilC, to.foilC, degC);
		this.inBandS += above(targetC - withinC - EDGE_C) - above(targetC + withinC + EDGE_C);
		for (const each of this.above) {
			each.s += above(each.thresholdC);
			each.atLeastS += above(each.thresholdC + uncertaintyC);
			each.atMostS += above(each.thresholdC - uncertaintyC);
		}
		if (this.arrivedS === undefined || from.atS < this.arrivedS) return;
		const value = (from.foilC + to.foilC) / 2;
		this.weightS += seconds;
		const delta = value - this.meanC;
		this.meanC += (delta * seconds) / this.weightS;
		this.squares += seconds * delta * (value - this.meanC);
	}

	private verdict(unknownS: number): MeltingVerdict {
		const { meltingC, uncertaintyC } = this.options;
		if (meltingC === null) return "no-melting-point";
		if (this.maxC !== null && this.maxC - uncertaintyC >= meltingC) return "reached";
		const isBelow = this.maxC !== null && this.maxC + uncertaintyC < meltingC && unknownS === 0;
		return isBelow ? "below" : "not-excluded";
	}

	private words(verdict: MeltingVerdict, unknownS: number): string {
		const { meltingC, uncertaintyC } = this.options;
		if (this.maxC === null) return "No temperature of the foil is known.";
		const peak = `The foil's highest temperature was ${this.maxC.toFixed(2)} ± ${uncertaintyC} °C (k = 2)`;
		switch (verdict) {
			case "no-melting-point":
				return `${peak}.`;
			case "below":
				return `${peak}, below the melting point of ${meltingC} °C by more than the uncertainty.`;
			case "reached":
				return `${peak}: it reached the melting point of ${meltingC} °C.`;
			case "not-excluded": {
				const gap = unknownS > 0 ? ` For ${unknownS.toFixed(0)} s no temperature is known.` : "";
				return `${peak}; melting at ${meltingC} °C cannot be excluded.${gap}`;
			}
		}
	}
}

/** Share of a straight way between two temperatures that lies above a third. */
function shareAbove(fromC: number, toC: number, degC: number): number {
	const [low, high] = fromC < toC ? [fromC, toC] : [toC, fromC];
	if (degC < low) return 1;
	if (degC >= high) return 0;
	return (high - degC) / (high - low);
}
