import type { Reactor } from "#device/reactor.js";
import { corrected, type Interlock, inWords, isGood, zoneSignal } from "#safety/interlock.js";

/** The cause counts as gone this far below the bound, so that noise at the bound does not trip again and again. */
const CLEARS_BELOW_C = 0.5;

/** A zone that heats the foil at or above what the run declared as never-above: two consecutive readings trip. */
export function meltGuard(reactor: Reactor, zone: string): Interlock {
	const signal = zoneSignal(reactor, zone);
	const { offsetC } = reactor.zones[zone]!;
	return {
		id: `melt-guard.${zone}`,
		title: `Melt guard of zone ${zone}`,
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: signal,
		response:
			"The foil may have been too hot: note it with the sample. Find out why the zone overshot before resetting.",
		judge(view, tripped) {
			const limit = view.declaration?.neverAboveC ?? null;
			const reading = corrected(view.reading(signal), offsetC);
			if (!isGood(reading)) {
				// A temperature that is not known does not trip here, over-temperature is for that; but it ends nothing.
				if (!tripped) return undefined;
				const cause = `The temperature of zone ${zone} is ${inWords(reading)}.`;
				return { cause, value: null, limit, unit: "degC" };
			}
			if (limit === null || reading.value < (tripped ? limit - CLEARS_BELOW_C : limit)) return undefined;
			const cause = `Zone ${zone} reads ${reading.value.toFixed(1)} °C; the run declared never above ${limit} °C.`;
			return { cause, value: reading.value, limit, unit: "degC" };
		},
	};
}
