import { type Interlock, inWords, isGood, zoneReading } from "#safety/interlock.js";

/** A zone at or above its limit, or a heated zone whose temperature is not known. */
export function overTemperature(zone: string): Interlock {
	return {
		id: `over-temperature.${zone}`,
		title: `Over-temperature of zone ${zone}`,
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Let the zone cool; check its controller, thermocouple and heater before resetting.",
		judge(view) {
			const reading = zoneReading(view, zone);
			const limit = view.reactor.zones[zone]!.limitC;
			if (isGood(reading)) {
				if (reading.value < limit) return undefined;
				return { cause: `Zone ${zone} reads ${reading.value.toFixed(1)} °C, limit ${limit} °C.`, value: reading.value, limit, unit: "degC" };
			}
			if (!view.commanded.targetsC.has(zone)) return undefined;
			return { cause: `Zone ${zone} is heated but its temperature is ${inWords(reading)}.`, value: null, limit, unit: "degC" };
		},
	};
}
