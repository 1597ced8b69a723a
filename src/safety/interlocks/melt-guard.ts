import { type Interlock, isGood, zoneReading } from "#safety/interlock.js";

/** A zone that heats the foil at or above what the run declared as never-above: two consecutive readings trip. */
export function meltGuard(zone: string): Interlock {
	return {
		id: `melt-guard.${zone}`,
		title: `Melt guard of zone ${zone}`,
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: (view) => `${view.reactor.zones[zone]!.instrument}.temperature`,
		response: "The foil may have been too hot: note it with the sample. Find out why the zone overshot before resetting.",
		judge(view) {
			const limit = view.declaration?.neverAboveC ?? null;
			if (limit === null) return undefined;
			const reading = zoneReading(view, zone);
			if (!isGood(reading) || reading.value < limit) return undefined;
			return { cause: `Zone ${zone} reads ${reading.value.toFixed(1)} °C; the run declared never above ${limit} °C.`, value: reading.value, limit, unit: "degC" };
		},
	};
}
