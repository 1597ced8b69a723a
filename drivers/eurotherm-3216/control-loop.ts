/** The control loop of a simulated controller: PID on the process value, output power in per cent. */

export interface Tuning {
	/** Proportional band in degC: the error that asks for full power. */
	proportionalBandC: number;
	/** s; 0 switches integral action off. */
	integralS: number;
	/** s; 0 switches derivative action off. */
	derivativeS: number;
}

/**
 * How much of a setpoint change the proportional part sees at once; the integral brings the rest. Below 1 a ramp ends
 * without overshoot. The maker does not publish his algorithm; a weight like this is common in such controllers.
 */
const SETPOINT_WEIGHT = 0.8;
/** The derivative is smoothed over this share of the derivative time, as is usual. */
const DERIVATIVE_FILTER_SHARE = 0.2;

/**
 * While the output is at a limit the integral does not move further that way, so that it has nothing to unwind on
 * arrival. Starts, and starts again after `reset`, as if it had rested without power at the temperature that it finds: a
 * setpoint that is changed later finds an integral of ordinary size.
 */
export class ControlLoop {
	private integralPercent: number | undefined;
	private lastC: number | undefined;
	private slopeCPerS = 0;

	/** Output in per cent, 0 to `outputMaxPercent`. */
	step(setpointC: number, processC: number, dtS: number, tuning: Tuning, outputMaxPercent: number): number {
		this.trackSlope(processC, dtS, tuning.derivativeS);
		if (this.integralPercent === undefined) this.preload(0, processC, processC, tuning);
		const direct = this.direct(setpointC, processC, tuning);
		if (tuning.integralS > 0) {
			const change = (100 / tuning.proportionalBandC) * (setpointC - processC) * (dtS / tuning.integralS);
			const before = direct + this.integralPercent!;
			const stuck = (before >= outputMaxPercent && change > 0) || (before <= 0 && change < 0);
			if (!stuck) this.integralPercent! += change;
		}
		return Math.min(outputMaxPercent, Math.max(0, direct + this.integralPercent!));
	}

	/** Takes over from another output without a jump. */
	preload(outputPercent: number, setpointC: number, processC: number, tuning: Tuning): void {
		this.integralPercent = outputPercent - this.direct(setpointC, processC, tuning);
	}

	reset(): void {
		this.integralPercent = undefined;
		this.lastC = undefined;
		this.slopeCPerS = 0;
	}

	/** The proportional and derivative parts. */
	private direct(setpointC: number, processC: number, tuning: Tuning): number {
		const weightedC = SETPOINT_WEIGHT * setpointC - processC;
		return (100 / tuning.proportionalBandC) * (weightedC - tuning.derivativeS * this.slopeCPerS);
	}

	private trackSlope(processC: number, dtS: number, derivativeS: number): void {
		const slope = this.lastC === undefined ? 0 : (processC - this.lastC) / dtS;
		const share = derivativeS > 0 ? 1 - Math.exp(-dtS / (DERIVATIVE_FILTER_SHARE * derivativeS)) : 1;
		this.slopeCPerS += share * (slope - this.slopeCPerS);
		this.lastC = processC;
	}
}
