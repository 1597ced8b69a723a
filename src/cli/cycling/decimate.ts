/** A trace of any length as a few thousand points: of every so many rows the lowest and the highest stay. */
import type { RowChunk } from "#analysis/rows.js";

/** More than a plot has pixels. */
export const BUCKETS_MAX = 4_000;

export interface TracePoint {
	readonly hours: number;
	readonly volts: number;
}

export class VoltageTrace {
	private readonly lowAt = new Float64Array(BUCKETS_MAX);
	private readonly low = new Float64Array(BUCKETS_MAX);
	private readonly highAt = new Float64Array(BUCKETS_MAX);
	private readonly high = new Float64Array(BUCKETS_MAX);
	private buckets = 0;
	private rowsEach = 1;
	private rowsIn = 0;
	private beginS = Number.NaN;

	push({ count, testTimeS, voltageV }: RowChunk): void {
		if (count > 0 && Number.isNaN(this.beginS)) this.beginS = testTimeS[0]!;
		for (let n = 0; n < count; n += 1) {
			const t = testTimeS[n]!;
			const v = voltageV[n]!;
			if (this.rowsIn === 0) {
				if (this.buckets === BUCKETS_MAX) this.halve();
				const at = this.buckets;
				this.buckets += 1;
				this.lowAt[at] = t;
				this.highAt[at] = t;
				this.low[at] = v;
				this.high[at] = v;
			} else {
				const at = this.buckets - 1;
				if (v < this.low[at]!) {
					this.low[at] = v;
					this.lowAt[at] = t;
				}
				if (v > this.high[at]!) {
					this.high[at] = v;
					this.highAt[at] = t;
				}
			}
			this.rowsIn = (this.rowsIn + 1) % this.rowsEach;
		}
	}

	private halve(): void {
		for (let n = 0; n < BUCKETS_MAX / 2; n += 1) {
			const lower = this.low[2 * n]! <= this.low[2 * n + 1]! ? 2 * n : 2 * n + 1;
			const higher = this.high[2 * n]! >= this.high[2 * n + 1]! ? 2 * n : 2 * n + 1;
			this.low[n] = this.low[lower]!;
			this.lowAt[n] = this.lowAt[lower]!;
			this.high[n] = this.high[higher]!;
			this.highAt[n] = this.highAt[higher]!;
		}
		this.buckets = BUCKETS_MAX / 2;
		this.rowsEach *= 2;
	}

	get points(): TracePoint[] {
		const points: TracePoint[] = [];
		const add = (at: number, volts: number): void => {
			points.push({ hours: (at - this.beginS) / 3_600, volts });
		};
		for (let n = 0; n < this.buckets; n += 1) {
			const lowFirst = this.lowAt[n]! <= this.highAt[n]!;
			add(lowFirst ? this.lowAt[n]! : this.highAt[n]!, lowFirst ? this.low[n]! : this.high[n]!);
			if (this.lowAt[n] !== this.highAt[n])
				add(lowFirst ? this.highAt[n]! : this.lowAt[n]!, lowFirst ? this.high[n]! : this.low[n]!);
		}
		return points;
	}
}
