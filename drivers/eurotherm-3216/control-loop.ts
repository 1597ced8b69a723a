/** The control loop of a simulated controller: PID on the process value, output power in per cent. */

export interface Tuning {
	/** Proportional band in degC: the error that asks for full power. */
	proportionalBandC: number;
	/** s; 0 switches integral action off. */
	integralS: number;
	/** s; 0 switches derivative action off. */
	derivativeS: number;
}

/** The derivative is smoothed over this share of the derivative time, as usual in industrial controllers. */
const DERIVATIVE_FILTER_SHARE = 0.2;

/**
 * Proportional on the error, derivative on the process value. While the output is at a limit the integral does not move
 * further that way, so that it has nothing to unwind on arrival.
 */
export class ControlLoop {
	private integralPercent = 0;
	private lastC: number | undefined;
	private slopeCPerS = 0;

	/** Output in per cent, 0 to `outputMaxPercent`. */
	step(setpointC: number, processC: number, dtS: number, tuning: Tuning, outputMaxPercent: number): number {
		const gain = 100 / tuning.proportionalBandC;
		const errorC = setpointC - processC;
		this.trackSlope(processC, dtS, tuning.derivativeS);
		const unintegrated = gain * (errorC - tuning.derivativeS * this.slopeCPerS);
		if (tuning.integralS > 0) {
			const change = (gain * errorC * dtS) / tuning.integralS;
			const before = unintegrated + this.integralPercent;
			const stuck = (before >= outputMaxPercent && change > 0) || (before <= 0 && change < 0);
			if (!stuck) this.integralPercent = clamp(this.integralPercent + change, 0, outputMaxPercent);
		}
		return clamp(unintegrated + this.integralPercent, 0, outputMaxPercent);
	}

	/** Takes over from another output without a jump. */
	preload(outputPercent: number, setpointC: number, processC: number, tuning: Tuning): void {
		this.integralPercent = clamp(outputPercent - (100 / tuning.proportionalBandC) * (setpointC - processC), 0, 100);
	}

	reset(): void {
		this.integralPercent = 0;
		this.lastC = undefined;
		this.slopeCPerS = 0;
	}

	private trackSlope(processC: number, dtS: number, derivativeS: number): void {
		const slope = this.lastC === undefined ? 0 : (processC - this.lastC) / dtS;
		const share = derivativeS > 0 ? 1 - Math.exp(-dtS / (DERIVATIVE_FILTER_SHARE * derivativeS)) : 1;
		this.slopeCPerS += share * (slope - this.slopeCPerS);
		this.lastC = processC;
	}
}

function clamp(value: number, min: number, max: number): number {
	return Math.min(max, Math.max(min, value));
}
