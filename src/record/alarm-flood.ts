/** Counts annunciations, for a person who has to follow them: none is dropped for being one of many. */

/** ISA-18.2: more than 10 alarms in 10 minutes are a flood; it lasts until fewer than 5 come in 10 minutes. */
const WINDOW_MS = 600_000;
const FLOOD_FROM = 10;
const FLOOD_UNTIL = 5;
/** Times kept; more than these in ten minutes are counted in `total` all the same. */
const KEPT_MAX = 10_000;

export interface AlarmFlood {
	readonly inTenMinutes: number;
	readonly isFlood: boolean;
	/** Since the counting began. */
	readonly total: number;
}

export class FloodCount {
	private readonly times: number[] = [];
	private total = 0;
	private isFlood = false;

	annunciated(nowMs: number): void {
		this.total += 1;
		this.times.push(nowMs);
		if (this.times.length > KEPT_MAX) this.times.shift();
		this.at(nowMs);
	}

	at(nowMs: number): AlarmFlood {
		const { times } = this;
		while (times.length > 0 && times[0]! <= nowMs - WINDOW_MS) times.shift();
		const inTenMinutes = times.length;
		if (inTenMinutes > FLOOD_FROM) this.isFlood = true;
		else if (inTenMinutes < FLOOD_UNTIL) this.isFlood = false;
		return { inTenMinutes, isFlood: this.isFlood, total: this.total };
	}
}
