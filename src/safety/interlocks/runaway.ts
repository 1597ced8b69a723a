import type { Reactor } from "#device/reactor.js";
import { type Interlock, zoneSignal } from "#safety/interlock.js";

/** Long enough that a sensor's noise is no rate. */
export const RATE_WINDOW_MS = 30_000;
/** A heater that has been off for as long as this warms its zone no further. */
export const OFF_WINDOW_MS = 120_000;
/** Neighbouring zones warm one that is off; more than this is its own heater. */
export const OFF_RISE_C = 10;

/** A zone heats faster than it may, or rises although its controller gives no power: a relay that has welded shut. */
export function runaway(reactor: Reactor, zone: string): Interlock {
	const signal = zoneSignal(reactor, zone);
	const { output, runawayCPerMin } = reactor.zones[zone]!.heater;
	return {
		id: `runaway.${zone}`,
		title: `Runaway of zone ${zone}`,
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: signal,
		response: "Open the heater's contactor by hand; check relay and controller before resetting.",
		judge({ history, nowMs }, tripped) {
			const rise = history.rise(signal, nowMs - RATE_WINDOW_MS);
			if (tripped && rise === undefined) {
				const cause = `How fast zone ${zone} rises is not known: its temperature was not read for ${RATE_WINDOW_MS / 1_000} s without a gap.`;
				return { cause, value: null, limit: runawayCPerMin, unit: "degC/min" };
			}
			const perMin = rise === undefined ? 0 : (rise * 60_000) / RATE_WINDOW_MS;
			if (perMin >= runawayCPerMin) {
				const cause = `Zone ${zone} rises by ${perMin.toFixed(1)} °C/min; at most ${runawayCPerMin} °C/min are possible.`;
				return { cause, value: perMin, limit: runawayCPerMin, unit: "degC/min" };
			}
			const fromMs = nowMs - OFF_WINDOW_MS;
			const warmed = history.rise(signal, fromMs);
			if (output === null || warmed === undefined || warmed < OFF_RISE_C) return undefined;
			const power = history.range(output, fromMs);
			if (power === undefined || power.greatest > 0) return undefined;
			const cause = `Zone ${zone} rose by ${warmed.toFixed(1)} °C in ${OFF_WINDOW_MS / 1_000} s without power.`;
			return { cause, value: warmed, limit: OFF_RISE_C, unit: "degC" };
		},
	};
}
