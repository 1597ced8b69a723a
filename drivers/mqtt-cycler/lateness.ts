/** How long the quickest message is remembered at least: after a clock was set back, ages are right again within twice this. */
const SPAN_MS = 60_000;

/**
 * How late a message comes, beside the quickest of the last one to two minutes: the clocks of the two ends need not agree.
 * What a queue held back is as old as it is, and does not begin to age when it arrives.
 */
export class Lateness {
	private sinceMs = Number.NEGATIVE_INFINITY;
	private leastLagMs = Number.POSITIVE_INFINITY;
	private leastLagBeforeMs = Number.POSITIVE_INFINITY;

	/** `measuredMs` by the far clock, `nowMs` by ours. */
	ofMs(measuredMs: number, nowMs: number): number {
		if (nowMs - this.sinceMs > SPAN_MS) {
			this.sinceMs = nowMs;
			this.leastLagBeforeMs = this.leastLagMs;
			this.leastLagMs = Number.POSITIVE_INFINITY;
		}
		const lagMs = nowMs - measuredMs;
		this.leastLagMs = Math.min(this.leastLagMs, lagMs);
		return lagMs - Math.min(this.leastLagMs, this.leastLagBeforeMs);
	}
}
