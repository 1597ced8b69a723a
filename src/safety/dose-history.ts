/** When each precursor was last dosed, and which may be open now. After any restart all count as just dosed. */
interface OpenDose {
	readonly sinceMs: number;
	readonly widthMs: number;
}

export class DoseHistory {
	private readonly endedMs = new Map<string, number>();
	private readonly open = new Map<string, OpenDose>();

	constructor(precursors: readonly string[], nowMs: number) {
		for (const precursor of precursors) this.endedMs.set(precursor, nowMs);
	}

	/** From here on the precursor counts as open, until `ended`. */
	started(precursor: string, nowMs: number, widthMs: number): void {
		this.open.set(precursor, { sinceMs: nowMs, widthMs });
	}

	ended(precursor: string, nowMs: number): void {
		this.open.delete(precursor);
		this.endedMs.set(precursor, nowMs);
	}

	isOpen(precursor: string): boolean {
		return this.open.has(precursor);
	}

	/** True when a dose should have been proven over for longer than `graceMs`. */
	isOverdue(nowMs: number, graceMs: number): boolean {
		for (const { sinceMs, widthMs } of this.open.values()) if (nowMs - sinceMs > widthMs + graceMs) return true;
		return false;
	}

	/** Seconds since the end of the last dose; 0 while it may be open. */
	secondsSince(precursor: string, nowMs: number): number {
		if (this.open.has(precursor)) return 0;
		return (nowMs - (this.endedMs.get(precursor) ?? nowMs)) / 1_000;
	}

	/** Every precursor counts as dosed at this moment: after a loss of what drives the valves. */
	allJustDosed(nowMs: number): void {
		for (const precursor of this.endedMs.keys()) this.ended(precursor, nowMs);
	}
}
