/** How often the electronics of a simulated channel look at their cell. Pure. */

const LOOK_S_MAX = 1;
const LOOK_S_MIN = 0.02;
/** Of the way to the voltage that matters, at most this much is gone unseen. */
const SHARE_OF_THE_WAY = 0.5;

/**
 * Once a second while the voltage is far from where the step ends, more often the closer it comes: a test must end at its
 * voltage and not a second of charging beyond.
 */
export class Lookout {
	private lastV = Number.NaN;
	private slopeVPerS = 0;

	/** The step began: what the voltage did before tells nothing. */
	reset(): void {
		this.lastV = Number.NaN;
		this.slopeVPerS = 0;
	}

	saw(voltageV: number, dtS: number): void {
		this.slopeVPerS = Number.isNaN(this.lastV) ? 0 : (voltageV - this.lastV) / dtS;
		this.lastV = voltageV;
	}

	/** Longest time until the next look, s; `endsV` are the voltages at which something ends. */
	nextS(endsV: readonly (number | undefined)[]): number {
		if (Number.isNaN(this.lastV)) return LOOK_S_MIN;
		let nextS = LOOK_S_MAX;
		for (const endV of endsV) {
			const untilS = endV === undefined ? Number.NaN : (endV - this.lastV) / this.slopeVPerS;
			if (untilS >= 0) nextS = Math.min(nextS, untilS * SHARE_OF_THE_WAY);
		}
		return Math.max(nextS, LOOK_S_MIN);
	}
}
