/** Zone temperatures across the time without control: what was read on either side, and what lies between at worst. */

import type { RunTrail } from "#record/run-trail.js";
import type { GapTemperature } from "#record/status.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood, zoneSignal } from "#safety/interlock.js";

export class GapTemperatures {
	private readonly afterC = new Map<string, number>();

	constructor(
		private readonly reactor: GuardedReactor,
		private readonly values: RunTrail["values"],
	) {}

	/** New readings: the first good one of each zone ends the gap. */
	sampled(): void {
		for (const zone of Object.keys(this.reactor.spec.zones)) {
			const reading = this.reactor.zone(zone);
			if (!this.afterC.has(zone) && isGood(reading)) this.afterC.set(zone, reading.value);
		}
	}

	/**
	 * Without control a controller goes on to its last setpoint until its own time-out switches the heater off, and from then
	 * on the zone only cools: so it was never above the highest of readings and setpoint, nor below the lowest reading.
	 */
	get byZone(): Readonly<Record<string, GapTemperature>> {
		const { spec } = this.reactor;
		return Object.fromEntries(
			Object.entries(spec.zones).map(([name, { offsetC, instrument }]) => {
				const known = (signal: string) => {
					const value = this.values.get(signal)?.last;
					return value === undefined ? null : value + offsetC;
				};
				const beforeC = known(zoneSignal(spec, name));
				const setpointC = known(`${instrument}.setpoint`);
				const afterC = this.afterC.get(name) ?? null;
				const read = [beforeC, afterC].filter((value) => value !== null);
				const isWhole = read.length === 2;
				const highestC = isWhole ? Math.max(...read, setpointC ?? Number.NEGATIVE_INFINITY) : null;
				return [name, { beforeC, afterC, lowestC: isWhole ? Math.min(...read) : null, highestC }];
			}),
		);
	}
}
