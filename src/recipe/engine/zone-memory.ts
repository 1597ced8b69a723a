/** What the zones whose heaters are known have done of late: a way that begins knows the heat that is still under way. */
import type { ZoneSample } from "#heating/heat-guide.js";
import type { Heater } from "#recipe/heater.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** Kept for this many dead times and lags, and at least so long. */
const KEPT_LAGS = 4;
const KEPT_S_MIN = 60;
/** A gap longer than this makes what lies before it worthless. */
const GAP_S_MAX = 10;

export class ZoneMemory {
	private readonly samples = new Map<string, ZoneSample[]>();

	constructor(
		private readonly reactor: GuardedReactor,
		private readonly heaters: Readonly<Record<string, Heater>>,
	) {}

	/** Called at every poll. */
	sampled(): void {
		for (const [zone, { model }] of Object.entries(this.heaters)) {
			const reading = this.reactor.zoneReading(zone, "temperature");
			const output = this.reactor.zoneReading(zone, "output");
			if (!isGood(reading) || !isGood(output)) continue;
			const atS = reading.atMs / 1_000;
			let kept = this.samples.get(zone) ?? [];
			const sinceS = atS - (kept.at(-1)?.atS ?? atS);
			if (kept.length > 0 && sinceS <= 0) continue;
			if (sinceS > GAP_S_MAX) kept = [];
			kept.push({ atS, readingC: reading.value, outputPercent: output.value });
			const keptS = Math.max(KEPT_S_MIN, KEPT_LAGS * (model.deadTimeS + model.lagS));
			while (kept[0]!.atS < atS - keptS) kept.shift();
			this.samples.set(zone, kept);
		}
	}

	/** Oldest first; empty where nothing is known. */
	of(zone: string): readonly ZoneSample[] {
		return this.samples.get(zone) ?? [];
	}
}
