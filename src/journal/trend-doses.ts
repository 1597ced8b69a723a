/** The doses that make the trend of each precursor: its first ones and its newest. */
import type { PulseRecord } from "#record/records.js";

/** More than either end of a trend needs. */
const DOSES_AN_END = 10;

interface Ends {
	readonly key: string;
	readonly first: PulseRecord[];
	readonly newest: PulseRecord[];
}

export class TrendDoses {
	private readonly ends = new Map<string, Ends>();

	/** Another width or flow begins a new trend. */
	follow(pulse: PulseRecord): void {
		if (pulse.trend === undefined) return;
		const key = `${pulse.commandedMs} ms at ${pulse.trend.carrierSccm} sccm`;
		const known = this.ends.get(pulse.precursor);
		const ends: Ends = known?.key === key ? known : { key, first: [], newest: [] };
		this.ends.set(pulse.precursor, ends);
		const { first, newest } = ends;
		if (first.length < DOSES_AN_END) first.push(pulse);
		else newest.push(pulse);
		if (newest.length > DOSES_AN_END) newest.shift();
	}

	/** Oldest first within each precursor. */
	get all(): PulseRecord[] {
		return [...this.ends.values()].flatMap(({ first, newest }) => [...first, ...newest]);
	}
}
