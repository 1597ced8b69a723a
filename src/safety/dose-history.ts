/** When each precursor was last dosed, how long it has been purged since, and which may be open now. After any restart all count as just dosed. */
interface OpenDose {
	readonly sinceMs: number;
	readonly widthMs: number;
}

/** What the last dose found. */
export interface LastDose {
	readonly precursor: string;
	/** Mean chamber pressure just before it; undefined without a trustworthy gauge. */
	readonly baselinePa: number | undefined;
	/** Mean foreline pressure then; undefined without a trustworthy gauge. */
	readonly forelinePa?: number | undefined;
	readonly carrierSccm: number;
}

export class DoseHistory {
	private readonly endedMs = new Map<string, number>();
	/** The end of the last dose, later by all the time that was no purge. */
	private readonly purgedSinceMs = new Map<string, number>();
	private readonly open = new Map<string, OpenDose>();
	/** The last dose since this process came up. */
	last: LastDose | undefined;
	/**
	 * The dose whose valve may not have shut, until the chamber has come back at its flow or down to base pressure; found by a
	 * former process its flow is not known (NaN).
	 */
	leak: LastDose | undefined;
	/** The carrier was lost, and the chamber has not been purged for long enough since. */
	isUnpurged = false;

	constructor(precursors: readonly string[], nowMs: number) {
		for (const precursor of precursors) this.ended(precursor, nowMs);
	}

	/** From here on the precursor counts as open, until `ended`. */
	started(precursor: string, nowMs: number, widthMs: number, found?: Omit<LastDose, "precursor">): void {
		this.open.set(precursor, { sinceMs: nowMs, widthMs });
		if (found !== undefined) this.last = { precursor, ...found };
	}

	ended(precursor: string, nowMs: number): void {
		this.open.delete(precursor);
		this.endedMs.set(precursor, nowMs);
		this.purgedSinceMs.set(precursor, nowMs);
	}

	isOpen(precursor: string): boolean {
		return this.open.has(precursor);
	}

	/** When the last dose of this precursor ended, monotonic ms; while it may be open, Infinity. */
	lastEndMs(precursor: string): number {
		return this.open.has(precursor) ? Number.POSITIVE_INFINITY : (this.endedMs.get(precursor) ?? 0);
	}

	/** True when a dose should have been proven over for longer than `graceMs`. */
	isOverdue(nowMs: number, graceMs: number): boolean {
		for (const { sinceMs, widthMs } of this.open.values()) if (nowMs - sinceMs > widthMs + graceMs) return true;
		return false;
	}

	/** Seconds of purge since the end of the last dose; 0 while it may be open. */
	purgedS(precursor: string, nowMs: number): number {
		if (this.open.has(precursor)) return 0;
		return (nowMs - (this.purgedSinceMs.get(precursor) ?? nowMs)) / 1_000;
	}

	/** The last `spentMs` were no purge, for any precursor. */
	notPurged(spentMs: number, nowMs: number): void {
		for (const [precursor, sinceMs] of this.purgedSinceMs)
			this.purgedSinceMs.set(precursor, Math.min(nowMs, sinceMs + spentMs));
	}

	/** What is in the chamber is as if every precursor had been dosed at this moment. */
	purgeBeginsAnew(nowMs: number): void {
		for (const precursor of this.purgedSinceMs.keys()) this.purgedSinceMs.set(precursor, nowMs);
	}

	/** What drives the valves has come back and has proven them shut: nobody knows what they did meanwhile. */
	allProvenShut(nowMs: number): void {
		for (const precursor of this.endedMs.keys()) this.ended(precursor, nowMs);
	}
}
