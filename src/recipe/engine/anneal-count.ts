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
		if (this.lastMs !== undefined && this.lastInBand && inBand) this.inBandS += (atMs - this.lastMs) / 1_000;
		if (celsius !== null) this.maximumC = Math.max(this.maximumC, celsius);
		this.lastMs = atMs;
		this.lastInBand = inBand;
	}

	get done(): boolean {
		return this.inBandS >= this.order.forS;
	}
}
