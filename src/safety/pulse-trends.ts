/** The doses of each precursor against their own trend: a bottle that runs low, a valve that sticks, a purge that is too short. */
import type { Alarms } from "#safety/alarms.js";

export interface DoseEvidence {
	readonly baselinePa: number;
	readonly peakPa: number;
	readonly areaPaS: number;
}

export interface TrendDose {
	readonly precursor: string;
	readonly widthMs: number;
	readonly carrierSccm: number;
	readonly effective: DoseEvidence;
}

export interface Judged {
	/** So many in a row, this the last, left nothing; 0 while nothing is known to compare with. */
	readonly leftNothing: number;
	/** What was seen where these are too many to go on. */
	readonly said: string | undefined;
	/** Area that is usual, and the least that is not yet alarmed, Pa s; null while not known. */
	readonly usualPaS: number | null;
	readonly lowPaS: number | null;
}

const UNKNOWN: Judged = { leftNothing: 0, said: undefined, usualPaS: null, lowPaS: null };

/** The first doses of a width and flow make the reference; the newest ones are compared with it, both by their median. */
const REFERENCE_DOSES = 10;
const RECENT_DOSES = 5;
/** Doses that are seen stand out from their own scatter (standard error of the median) by so many times; others make no reference. */
const SEEN_ERRORS = 3;
const DEVIATION_OF_MAD = 1.4826;
/** Below this share of the reference area the bottle runs low; it is well again this much above. */
const LOW_SHARE = 0.7;
const LOW_DEADBAND = 0.05;
/** So many doses one after the other below this share: the valve has not opened. */
const STUCK_SHARE = 0.2;
const STUCK_DOSES = 2;
/** Below this share of the reference the pressure before the doses has shrunk too, and the gauge may read low. */
const BASELINE_LOW_SHARE = 0.9;
/** The pressure before the doses may rise by this share of the reference. */
const BASELINE_RISE = 0.1;

interface Trend {
	readonly key: string;
	readonly areas: number[];
	readonly baselines: number[];
	referencePaS: number | undefined;
	referencePa: number | undefined;
}

/** A trend that has something to compare with. */
type Known = Pick<Trend, "areas" | "baselines"> & { readonly referencePaS: number; readonly referencePa: number };

export class PulseTrends {
	private readonly trends = new Map<string, Trend>();

	constructor(private readonly alarms: Alarms) {}

	/** A delivered dose. Another width or flow begins a new trend. */
	seen(dose: TrendDose): Judged {
		const known = this.follow(dose);
		return known === undefined ? UNKNOWN : this.judge(dose.precursor, known);
	}

	/** Doses from before this process, oldest first: what the last of them told is told again. */
	recall(doses: readonly TrendDose[]): void {
		const newest = new Map<string, Known | undefined>();
		for (const dose of doses) newest.set(dose.precursor, this.follow(dose));
		for (const [precursor, known] of newest) if (known !== undefined) this.judge(precursor, known);
	}

	/** Gives the trend once there is something to compare with. */
	private follow({
		precursor,
		widthMs,
		carrierSccm,
		effective: { areaPaS, baselinePa },
	}: TrendDose): Known | undefined {
		const trend = this.trendOf(precursor, `${widthMs} ms at ${carrierSccm} sccm`);
		trend.areas.push(areaPaS);
		trend.baselines.push(baselinePa);
		if (trend.areas.length > REFERENCE_DOSES) {
			trend.areas.shift();
			trend.baselines.shift();
		}
		const { areas, baselines, referencePaS, referencePa } = trend;
		if (referencePaS !== undefined && referencePa !== undefined) return { areas, baselines, referencePaS, referencePa };
		if (areas.length < REFERENCE_DOSES || !this.isSeen(precursor, areas)) return undefined;
		trend.referencePaS = median(areas);
		trend.referencePa = median(baselines);
		return undefined;
	}

	/** A hand valve that was shut from the first dose on must not become what is usual. */
	private isSeen(precursor: string, areas: readonly number[]): boolean {
		const middlePaS = median(areas);
		const scatterPaS = DEVIATION_OF_MAD * median(areas.map((area) => Math.abs(area - middlePaS)));
		const isSeen = middlePaS > (SEEN_ERRORS * scatterPaS) / Math.sqrt(areas.length);
		this.alarms.follow(!isSeen, {
			alarm: `valve-sticking.${precursor}`,
			message: `The last ${areas.length} doses of ${precursor} left ${middlePaS.toFixed(2)} Pa s, give or take ${scatterPaS.toFixed(2)} each: nothing that the chamber's gauge can see, and none before them has shown more.`,
		});
		return isSeen;
	}

	private judge(precursor: string, { areas, baselines, referencePaS, referencePa }: Known): Judged {
		const { alarms } = this;
		const leftNothing = areas.length - 1 - areas.findLastIndex((area) => area >= STUCK_SHARE * referencePaS);
		const isStuck = leftNothing >= STUCK_DOSES;
		const newest = areas.slice(-STUCK_DOSES);
		const areasPaS = newest.map((area) => area.toFixed(2)).join(" and ");
		const others = this.othersWithNothing(precursor);
		const common =
			others.length === 0
				? ""
				: ` Nor did the last of ${others.join(", ")} leave anything: it may be the gauge, the air or the valves' supply rather than one valve.`;
		const said = `The last doses of ${precursor} left ${areasPaS} Pa s; ${referencePaS.toFixed(2)} Pa s are usual.${common}`;
		alarms.follow(isStuck, { alarm: `valve-sticking.${precursor}`, message: said });
		const low = `bottle-low.${precursor}`;
		const share = median(areas.slice(-RECENT_DOSES)) / referencePaS;
		const baselinePa = median(baselines.slice(-RECENT_DOSES));
		const baselineShare = baselinePa / referencePa;
		const alike =
			baselineShare < BASELINE_LOW_SHARE
				? ` The pressure before them has become ${(baselineShare * 100).toFixed(0)} %: the gauge may read low, and the bottle be well.`
				: "";
		alarms.follow(!isStuck && share < LOW_SHARE + (alarms.isActive(low) ? LOW_DEADBAND : 0), {
			alarm: low,
			message: `The doses of ${precursor} have become ${(share * 100).toFixed(0)} % of what they were.${alike}`,
		});
		alarms.follow(baselinePa > (1 + BASELINE_RISE) * referencePa, {
			alarm: `purge-insufficient.${precursor}`,
			message: `Before the doses of ${precursor} the chamber is at ${baselinePa.toFixed(1)} Pa; it was at ${referencePa.toFixed(1)} Pa.`,
		});
		const compared = { usualPaS: referencePaS, lowPaS: LOW_SHARE * referencePaS };
		return { leftNothing, said: isStuck ? said : undefined, ...compared };
	}

	/** Other precursors whose newest dose left nothing. */
	private othersWithNothing(precursor: string): string[] {
		return [...this.trends]
			.filter(([of, { areas, referencePaS }]) => {
				return of !== precursor && referencePaS !== undefined && areas.at(-1)! < STUCK_SHARE * referencePaS;
			})
			.map(([of]) => of);
	}

	private trendOf(precursor: string, key: string): Trend {
		const known = this.trends.get(precursor);
		if (known?.key === key) return known;
		const trend: Trend = { key, areas: [], baselines: [], referencePaS: undefined, referencePa: undefined };
		this.trends.set(precursor, trend);
		return trend;
	}
}

function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
