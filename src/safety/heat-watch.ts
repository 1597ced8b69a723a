/** Finds zones that are heated though nothing orders it: somebody has set the controller at its front, or left it so. */
import type { Alarms } from "#safety/alarms.js";
import { corrected, isGood, type SafetyView, zoneSignal } from "#safety/interlock.js";

/** Long enough for a controller to take its output back after the last order. */
const UNORDERED_MS = 120_000;
/** Less may be the rounding of an output that is off. */
const PERCENT_MIN = 1;
/** A controller may hold its safe setpoint, which is below this unless the lab file allows more. */
const WARM_C = 45;

export class HeatWatch {
	/** Since when each zone has had no order; absent while it has one. */
	private readonly freeSinceMs = new Map<string, number>();

	constructor(
		private readonly view: SafetyView,
		private readonly alarms: Alarms,
	) {}

	look(): void {
		const { commanded, nowMs, reactor } = this.view;
		for (const zone in reactor.zones) {
			if (commanded.targetsC.has(zone)) {
				this.freeSinceMs.delete(zone);
				this.alarms.cleared(alarmOf(zone));
				continue;
			}
			const sinceMs = this.freeSinceMs.get(zone);
			if (sinceMs === undefined) this.freeSinceMs.set(zone, nowMs);
			else if (nowMs - sinceMs >= UNORDERED_MS) this.judge(zone);
		}
	}

	private judge(zone: string): void {
		const { history, nowMs, reactor } = this.view;
		const { heater, offsetC } = reactor.zones[zone]!;
		const power = heater.output === null ? undefined : history.range(heater.output, nowMs - UNORDERED_MS);
		if (power === undefined) return;
		const reading = corrected(this.view.reading(zoneSignal(reactor, zone)), offsetC);
		const isHeated = power.least >= PERCENT_MIN && (!isGood(reading) || reading.value > WARM_C);
		const at = isGood(reading) ? `, at ${reading.value.toFixed(0)} °C` : "";
		const message = `Zone ${zone} has had ${power.least.toFixed(0)} % of its power or more for ${UNORDERED_MS / 1_000} s${at}, though nothing here orders it.`;
		this.alarms.follow(isHeated, { alarm: alarmOf(zone), message });
	}
}

const alarmOf = (zone: string): string => `heated-unordered.${zone}`;
