/** The doses of one kind against their own first ones. */
export interface DoseEvidence {
	readonly baselinePa: number;
	readonly peakPa: number;
	readonly areaPaS: number;
}

/** What a dose and those before it tell; each sentence is undefined while there is nothing to say. */
export interface Verdict {
	/** What a dose of this kind leaves; undefined while that is not known. */
	readonly usualPaS: number | undefined;
	readonly leftNothing: boolean;
	readonly unseen: string | undefined;
	readonly low: string | undefined;
	readonly risen: string | undefined;
}

/** The first doses make the reference; the newest ones are compared with it, both by their median. */
export const REFERENCE_DOSES = 10;
const RECENT_DOSES = 5;
/** Doses that are seen stand out from their own scatter (standard error of the median) by so many times; others make no reference. */
const SEEN_ERRORS = 3;
const DEVIATION_OF_MAD = 1.4826;
/** Below this share of the reference area the bottle runs low; it is well again this much above. */
export const LOW_SHARE = 0.7;
const LOW_DEADBAND = 0.05;
/** A dose below this share of the reference has left nothing. */
const STUCK_SHARE = 0.2;
/** Below this share of the reference the pressure before the doses has shrunk too, and the gauge may read low. */
const BASELINE_LOW_SHARE = 0.9;
/** The pressure before the doses may rise by this share of the reference. */
const BASELINE_RISE = 0.1;

export class PulseTrend {
	private readonly areas: number[] = [];
	private readonly baselines: number[] = [];
	private reference: { readonly areaPaS: number; readonly baselinePa: number } | undefined;
	private isLow = false;

	constructor(private readonly precursor: string) {}

	seen({ areaPaS, baselinePa }: DoseEvidence): Verdict {
		const { areas, baselines, reference } = this;
		areas.push(areaPaS);
		baselines.push(baselinePa);
		if (areas.length > REFERENCE_DOSES) {
			areas.shift();
			baselines.shift();
		}
		if (reference !== undefined) return this.compared(reference, areaPaS);
		const unseen = areas.length < REFERENCE_DOSES ? undefined : this.unseen();
		if (areas.length === REFERENCE_DOSES && unseen === undefined)
			this.reference = { areaPaS: median(areas), baselinePa: median(baselines) };
		return { usualPaS: undefined, leftNothing: false, unseen, low: undefined, risen: undefined };
	}

	/** A hand valve that was shut from the first dose on must not become what is usual. */
	private unseen(): string | undefined {
		const { areas, precursor } = this;
		const middlePaS = median(areas);
		const scatterPaS = DEVIATION_OF_MAD * median(areas.map((area) => Math.abs(area - middlePaS)));
		if (middlePaS > (SEEN_ERRORS * scatterPaS) / Math.sqrt(areas.length)) return undefined;
		return `The last ${areas.length} doses of ${precursor} left ${middlePaS.toFixed(2)} Pa s, give or take ${scatterPaS.toFixed(2)} each: nothing that the chamber's gauge can see, and none before them has shown more.`;
	}

	private compared(usual: NonNullable<PulseTrend["reference"]>, areaPaS: number): Verdict {
		const { precursor } = this;
		const share = median(this.areas.slice(-RECENT_DOSES)) / usual.areaPaS;
		const baselinePa = median(this.baselines.slice(-RECENT_DOSES));
		const baselineShare = baselinePa / usual.baselinePa;
		this.isLow = share < LOW_SHARE + (this.isLow ? LOW_DEADBAND : 0);
		const alike =
			baselineShare < BASELINE_LOW_SHARE
				? ` The pressure before them has become ${(baselineShare * 100).toFixed(0)} %: the gauge may read low, and the bottle be well.`
				: "";
		return {
			usualPaS: usual.areaPaS,
			leftNothing: areaPaS < STUCK_SHARE * usual.areaPaS,
			unseen: undefined,
			low: this.isLow
				? `The doses of ${precursor} have become ${(share * 100).toFixed(0)} % of what they were.${alike}`
				: undefined,
			risen:
				baselinePa > (1 + BASELINE_RISE) * usual.baselinePa
					? `Before the doses of ${precursor} the chamber is at ${baselinePa.toFixed(1)} Pa; it was at ${usual.baselinePa.toFixed(1)} Pa.`
					: undefined,
		};
	}
}

function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
