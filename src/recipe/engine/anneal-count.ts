/** Minutes of an anneal: they count whenever the zone is in band, whatever state the run is in. */
export interface AnnealOrder {
	readonly zone: string;
	readonly atC: number;
	readonly bandC: number;
	readonly forS: number;
}

export class AnnealCount {
	inBandS = 0;
	maximumC = Number.NEGATIVE_INFINITY;
	private lastMs: number | undefined;
	private lastInBand = false;

	constructor(readonly order: AnnealOrder) {}

	/** A new reading of the zone; null when it is not good: time without a reading does not count. */
	push(atMs: number, celsius: number | null): void {
		const inBand = celsius !== null && Math.abs(celsius - this.order.atC) <= this.order.bandC;
		if (this.lastMs !== undefined && this.lastInBand && inBand && !this.done)
			this.inBandS += (atMs - this.lastMs) / 1_000;
		if (celsius !== null) this.maximumC = Math.max(this.maximumC, celsius);
		this.lastMs = atMs;
		this.lastInBand = inBand;
	}

	get done(): boolean {
		return this.inBandS >= this.order.forS;
	}
}

/** The counts of all anneals of a run: each step keeps its own over interruptions. */
export class AnnealCounts {
	private readonly counts = new Map<number, AnnealCount>();

	/** The count of the step at this index of the plan; made at its first execution. */
	of(index: number, order: AnnealOrder): AnnealCount {
		const known = this.counts.get(index);
		if (known !== undefined) return known;
		const count = new AnnealCount(order);
		this.counts.set(index, count);
		return count;
	}

	/** Goes on where the run's records end. */
	takeUp(
		orders: readonly (AnnealOrder & { readonly index: number })[],
		known: ReadonlyMap<number, { readonly inBandS: number; readonly maximumC: number | null }>,
	): void {
		for (const order of orders) {
			const before = known.get(order.index);
			if (before === undefined) continue;
			const count = this.of(order.index, order);
			count.inBandS = before.inBandS;
			count.maximumC = before.maximumC ?? Number.NEGATIVE_INFINITY;
		}
	}

	/** The counts by index of their steps. */
	get all(): ReadonlyMap<number, AnnealCount> {
		return this.counts;
	}

	/** A new reading of any zone: `read` gives a zone's time and good temperature, or null. */
	push(read: (zone: string) => { readonly atMs: number; readonly celsius: number | null }): void {
		for (const count of this.counts.values()) {
			const { atMs, celsius } = read(count.order.zone);
			count.push(atMs, celsius);
		}
	}

	get inBandS(): number {
		let sumS = 0;
		for (const { inBandS } of this.counts.values()) sumS += inBandS;
		return sumS;
	}

	/** Null before the first anneal has begun. */
	get summary(): { readonly inBandS: number; readonly maximumC: number } | null {
		if (this.counts.size === 0) return null;
		const maximumC = Math.max(...[...this.counts.values()].map((count) => count.maximumC));
		return { inBandS: this.inBandS, maximumC };
	}
}
