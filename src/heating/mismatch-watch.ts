import type { ZoneModel } from "./zone-model.js";
import type { Innovation, ZoneObserver } from "./zone-observer.js";

/** A normalised error up to this size is a healthy model's; the sum of what exceeds it decides. */
const SLACK_SIGMAS = 1.2;
const DECISION_SIGMAS = 30;
/** One reading adds at most this much: a single wild reading is not a wrong model. */
const STEP_SIGMAS_MAX = 8;
/** Load that the model does not explain, as a share of what the zone's temperature needs. */
const LOAD_SHARE_MAX = 0.2;
/** So many samples in a row must ask for it: one wild reading moves the load too. */
const LOAD_SAMPLES = 5;
/** Of the load only what lies beyond this many standard deviations counts. */
const CERTAIN_SIGMAS = 3;
/** Shares are of at least this: near its resting temperature a zone needs little, and a steep ramp errs by some degrees. */
const NEEDS_C_MIN = 40;

/**
 * Says when a zone is no longer its model: CUSUM (Page, Biometrika 41 (1954) 100) of the filter's normalised innovations to either
 * side, and the share of the load that the model does not explain.
 */
export class MismatchWatch {
	private high = 0;
	private low = 0;
	private loadedSamples = 0;
	/** The largest sum that there was. */
	peakSigmas = 0;
	peakLoadShare = 0;

	constructor(private readonly model: ZoneModel) {}

	/** Gives the reason; undefined while the model holds. */
	judge({ normalised }: Innovation, observer: ZoneObserver, { readingC }: { readingC: number }): string | undefined {
		const bounded = Math.max(-STEP_SIGMAS_MAX, Math.min(STEP_SIGMAS_MAX, normalised));
		this.high = Math.max(0, this.high + bounded - SLACK_SIGMAS);
		this.low = Math.max(0, this.low - bounded - SLACK_SIGMAS);
		const sum = Math.max(this.high, this.low);
		this.peakSigmas = Math.max(this.peakSigmas, sum);
		const needsC = Math.max(NEEDS_C_MIN, readingC - this.model.restC);
		const certainC = Math.max(0, Math.abs(observer.loadC) - CERTAIN_SIGMAS * observer.loadSigmaC);
		const share = certainC / needsC;
		this.peakLoadShare = Math.max(this.peakLoadShare, share);
		this.loadedSamples = share > LOAD_SHARE_MAX ? this.loadedSamples + 1 : 0;
		if (sum > DECISION_SIGMAS) {
			const way = this.high > this.low ? "faster" : "slower";
			return `The zone heats ${way} than its model: the readings' errors sum to ${sum.toFixed(0)} standard deviations; ${DECISION_SIGMAS} are allowed.`;
		}
		if (this.loadedSamples >= LOAD_SAMPLES) {
			const way = observer.loadC > 0 ? "less" : "more";
			return `The zone needs ${way} power than its model by ${(100 * share).toFixed(0)} %; ${100 * LOAD_SHARE_MAX} % are allowed.`;
		}
		return undefined;
	}
}
