/** The last seconds of chamber pressure, and what a dose left in them. */
import type { PulseRecord } from "#record/records.js";

/** Samples kept: half of them are 10 s at 50 Hz, more than a baseline and a dose's evidence. */
const SAMPLES_MAX = 1_000;
/** The baseline is the mean over this time before the dose. */
const BASELINE_MS = 2_000;

export class PressureTrace {
	private readonly times: number[] = [];
	private readonly pressuresPa: number[] = [];

	/** A good chamber reading, given once or more; anything else breaks the trace. */
	push(atMs: number, pressurePa: number | null): void {
		if (pressurePa === null) {
			this.times.length = 0;
			this.pressuresPa.length = 0;
			return;
		}
		if (this.times.at(-1) === atMs) return;
		this.times.push(atMs);
		this.pressuresPa.push(pressurePa);
		if (this.times.length > SAMPLES_MAX) {
			this.times.splice(0, SAMPLES_MAX / 2);
			this.pressuresPa.splice(0, SAMPLES_MAX / 2);
		}
	}

	/** Peak above baseline (Pa) and area (Pa s) between the dose's start and `untilMs`; null without samples on both sides. */
	evidence(issuedMs: number, untilMs: number): PulseRecord["effective"] {
		let sum = 0;
		let count = 0;
		let first = this.times.length;
		for (let i = this.times.length - 1; i >= 0; i -= 1) {
			const t = this.times[i]!;
			if (t > issuedMs) first = i;
			else if (t > issuedMs - BASELINE_MS) {
				sum += this.pressuresPa[i]!;
				count += 1;
			} else break;
		}
		if (count === 0 || first >= this.times.length) return null;
		const baselinePa = sum / count;
		let peakPa = Number.NEGATIVE_INFINITY;
		let areaPaS = 0;
		let beforeMs = issuedMs;
		let beforePa = 0;
		for (let i = first; i < this.times.length && this.times[i]! <= untilMs; i += 1) {
			const above = this.pressuresPa[i]! - baselinePa;
			peakPa = Math.max(peakPa, above);
			areaPaS += ((above + beforePa) / 2) * ((this.times[i]! - beforeMs) / 1_000);
			beforeMs = this.times[i]!;
			beforePa = above;
		}
		return peakPa === Number.NEGATIVE_INFINITY ? null : { baselinePa, peakPa, areaPaS };
	}
}
