/** The control loop of a simulated PM: PID on the process value, heat power in per cent. */

export interface Tuning {
	/** degC: the error that asks for full power. */
	proportionalBandC: number;
	/** s; 0 switches integral action off. */
	integralS: number;
	/** s; 0 switches derivative action off. */
	derivativeS: number;
}

/** How much of a set point change the proportional part sees at once; below 1 a ramp ends without overshoot. */
const SETPOINT_WEIGHT = 0.8;

/** While the output is at a limit the integral does not move further that way. Starts without a jump from zero. */
export class ControlLoop {
	private integralPercent: number | undefined;
	private lastC: number | undefined;

	/** Heat power in per cent, 0 to `percentMax`. */
	step(setpointC: number, processC: number, dtS: number, tuning: Tuning, percentMax: number): number {
		const { proportionalBandC, integralS, derivativeS } = tuning;
		const perC = 100 / proportionalBandC;
		const slopeCPerS = this.lastC === undefined ? 0 : (processC - this.lastC) / dtS;
		this.lastC = processC;
		const direct = perC * (SETPOINT_WEIGHT * setpointC - processC - derivativeS * slopeCPerS);
		// As if it had rested without power at the temperature that it finds.
		this.integralPercent ??= perC * (1 - SETPOINT_WEIGHT) * processC;
		if (integralS > 0) {
			const change = perC * (setpointC - processC) * (dtS / integralS);
			const before = direct + this.integralPercent;
			const isStuck = (before >= percentMax && change > 0) || (before <= 0 && change < 0);
			if (!isStuck) this.integralPercent += change;
		}
		return Math.min(percentMax, Math.max(0, direct + this.integralPercent));
	}

	reset(): void {
		this.integralPercent = undefined;
		this.lastC = undefined;
	}
}
