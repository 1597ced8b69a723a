/** The doses that make the trend of each kind of dose: its first ones and its newest. */
import { doseKind, newestKind } from "#record/dose-kind.js";
import type { PulseRecord } from "#record/records.js";

/** More than either end of a trend needs. */
const DOSES_AN_END = 10;

interface Ends {
	readonly first: PulseRecord[];
	readonly newest: PulseRecord[];
}

export class TrendDoses {
	private readonly ends = new Map<string, Ends>();

	follow(pulse: PulseRecord): void {
		if (pulse.trend === undefined) return;
		const kind = doseKind(pulse.precursor, pulse.commandedMs, pulse.trend.carrierSccm);
		const { first, newest } = newestKind(this.ends, kind, () => ({ first: [], newest: [] }));
		if (first.length < DOSES_AN_END) first.push(pulse);
		else newest.push(pulse);
		if (newest.length > DOSES_AN_END) newest.shift();
	}

	/** Oldest first. */
	get all(): PulseRecord[] {
		return [...this.ends.values()]
			.flatMap(({ first, newest }) => [...first, ...newest])
			.sort((a, b) => a.pulse - b.pulse);
	}
}
