import type { Reactor } from "#device/reactor.js";
import { corrected, type Interlock, isGood, zoneSignal } from "#safety/interlock.js";

/** Nearer to its setpoint a zone need not rise. */
const BELOW_SETPOINT_C = 5;

/** Full power without a rise: the sensor has slipped out, or the heater is broken; the first one ends in a fire. */
export function heaterNotHeating(reactor: Reactor, zone: string): Interlock {
	const signal = zoneSignal(reactor, zone);
	const { offsetC, heater } = reactor.zones[zone]!;
	const { output, fullPercent, riseC, withinS } = heater;
	return {
		id: `heater-not-heating.${zone}`,
		title: `Heater of zone ${zone} does not heat`,
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Check that the sensor sits in its place, then heater, fuse and contactor, before resetting.",
		judge(view) {
			const targetC = view.commanded.targetsC.get(zone);
			if (output === null || targetC === undefined) return undefined;
			const reading = corrected(view.reading(signal), offsetC);
			if (!isGood(reading) || reading.value >= targetC - BELOW_SETPOINT_C) return undefined;
			const fromMs = view.nowMs - withinS * 1_000;
			const rise = view.history.rise(signal, fromMs);
			if (rise === undefined || rise >= riseC) return undefined;
			const power = view.history.range(output, fromMs);
			if (power === undefined || power.least < fullPercent) return undefined;
			const cause = `Zone ${zone} rose by ${rise.toFixed(1)} °C in ${withinS} s at ${power.least.toFixed(0)} % of power or more; ${riseC} °C are expected.`;
			return { cause, value: rise, limit: riseC, unit: "degC" };
		},
	};
}
