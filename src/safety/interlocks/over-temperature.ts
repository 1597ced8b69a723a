import type { Reactor } from "#device/reactor.js";
import { corrected, type Interlock, inWords, isGood, zoneSignal } from "#safety/interlock.js";

/** The cause counts as gone this far below the limit, so that noise at the limit does not trip again and again. */
const CLEARS_BELOW_C = 2;

/** A zone at or above its limit, or a heated zone whose temperature is not known. */
export function overTemperature(reactor: Reactor, zone: string): Interlock {
	const signal = zoneSignal(reactor, zone);
	const { limitC: limit, offsetC } = reactor.zones[zone]!;
	return {
		id: `over-temperature.${zone}`,
		title: `Over-temperature of zone ${zone}`,
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Let the zone cool; check its controller, thermocouple and heater before resetting.",
		judge(view, tripped) {
			const reading = corrected(view.reading(signal), offsetC);
			if (isGood(reading)) {
				if (reading.value < (tripped ? limit - CLEARS_BELOW_C : limit)) return undefined;
				const cause = `Zone ${zone} reads ${reading.value.toFixed(1)} °C, limit ${limit} °C.`;
				return { cause, value: reading.value, limit, unit: "degC" };
			}
			if (!tripped && !view.commanded.targetsC.has(zone)) return undefined;
			const cause = `Zone ${zone} is heated but its temperature is ${inWords(reading)}.`;
			return { cause, value: null, limit, unit: "degC" };
		},
	};
}
