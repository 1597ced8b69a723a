/** When each precursor was last dosed, and which may be open now. After any restart all count as just dosed. */
export class DoseHistory {
	private readonly endedMs = new Map<string, number>();
	private readonly openUntilKnown = new Set<string>();

	constructor(precursors: readonly string[], nowMs: number) {
		for (const precursor of precursors) this.endedMs.set(precursor, nowMs);
	}

	/** From here on the precursor counts as open, until `ended`. */
	started(precursor: string): void {
		this.openUntilKnown.add(precursor);
	}

	ended(precursor: string, nowMs: number): void {
		this.openUntilKnown.delete(precursor);
		this.endedMs.set(precursor, nowMs);
	}

	isOpen(precursor: string): boolean {
		return this.openUntilKnown.has(precursor);
	}

	/** Seconds since the end of the last dose; 0 while it may be open. */
	secondsSince(precursor: string, nowMs: number): number {
		if (this.openUntilKnown.has(precursor)) return 0;
		return (nowMs - (this.endedMs.get(precursor) ?? nowMs)) / 1_000;
	}

	/** Every precursor counts as dosed at this moment: after a loss of what drives the valves. */
	allJustDosed(nowMs: number): void {
		for (const precursor of this.endedMs.keys()) this.ended(precursor, nowMs);
	}
}
