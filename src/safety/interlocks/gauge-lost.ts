import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/**
 * The chamber pressure is not known while a run heats (a run heats before it doses). A vented chamber at the beginning of a
 * pump-down is above the range of most process gauges, and nothing is hot then.
 */
export function gaugeLost(reactor: Reactor): Interlock {
	return {
		id: "gauge-lost",
		title: "Chamber gauge lost",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Check the gauge, its cable and its controller.",
		judge(view, tripped) {
			if (!tripped && (view.declaration === null || view.commanded.targetsC.size === 0)) return undefined;
			const chamber = view.reading(reactor.pressures.chamber);
			if (isGood(chamber)) return undefined;
			return {
				cause: `Chamber pressure is ${inWords(chamber)} while a run heats.`,
				value: null,
				limit: null,
				unit: "Pa",
			};
		},
	};
}
