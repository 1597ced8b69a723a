/**
 * Whether the units that a file's titles say fit together: what current and time make must be about what the file's own
 * counters rise by. Where they are apart by just the factor between two units, one of the titles is wrong.
 */
import type { Layout } from "#analysis/formats/layout.js";
import { refuse } from "#analysis/formats/title-line.js";
import type { RowChunk } from "#analysis/rows.js";

/** Between mA and A or ms and s; s and min; s and h; and µA and A. */
const FACTORS = [60, 1_000, 3_600, 1_000_000] as const;
/** Counters and integrals of real files differ by a few per cent. */
const TOLERANCE = 0.15;
const INTERVALS_MIN = 20;

export class UnitProof {
	private countedAh = 0;
	private madeAh = 0;
	private intervals = 0;
	private last = { t: Number.NaN, i: 0, kind: 0, chargeAh: Number.NaN, dischargeAh: Number.NaN };

	push(chunk: RowChunk): void {
		const { count, testTimeS, currentA, stepKind, chargeAh, dischargeAh } = chunk;
		for (let n = 0; n < count; n += 1) {
			const { last } = this;
			const t = testTimeS[n]!;
			const i = currentA[n]!;
			const kind = stepKind[n]!;
			const charged = chargeAh[n]! - last.chargeAh;
			const discharged = dischargeAh[n]! - last.dischargeAh;
			// Where a counter falls it was reset; where none rises, or the direction turns, nothing is known.
			const rose = (charged > 0 ? charged : 0) + (discharged > 0 ? discharged : 0);
			if (rose > 0 && t > last.t && i * last.i > 0 && kind === last.kind) {
				this.countedAh += rose;
				this.madeAh += ((t - last.t) * Math.abs(i + last.i)) / 7_200;
				this.intervals += 1;
			}
			this.last = { t, i, kind, chargeAh: chargeAh[n]!, dischargeAh: dischargeAh[n]! };
		}
	}

	/** Throws CYCLING_FILE_REFUSED. */
	check({ columns, timeFrom }: Layout): void {
		if (this.intervals < INTERVALS_MIN) return;
		const times = this.madeAh / this.countedAh;
		const apart = Math.max(times, 1 / times);
		const factor = FACTORS.find((each) => Math.abs(apart - each) < TOLERANCE * each);
		const counter = columns.chargeAh ?? columns.netAh ?? columns.capacityAh;
		// A current made of the charge that passed proves nothing, nor does a counter without a unit.
		if (factor === undefined || columns.current === undefined || counter?.isUnitSaid !== true) return;
		const ah = (value: number): string => `${value.toPrecision(3)} Ah`;
		throw refuse(
			`The units contradict each other: ${columns.current.title} and ${columns[timeFrom]?.title} make ${ah(this.madeAh)} where ${counter.title} rises by ${ah(this.countedAh)}, ${factor} times ${times > 1 ? "less" : "more"}.`,
			"Write the right units into the titles; or leave the counter's column out, if current and time are right.",
		);
	}
}
