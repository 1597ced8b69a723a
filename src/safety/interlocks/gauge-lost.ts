import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** The chamber pressure is not known while a run is under way. */
export const gaugeLost: Interlock = {
	id: "gauge-lost",
	title: "Chamber gauge lost",
	effect: "trip",
	delayMs: 0,
	consecutiveReadings: 1,
	response: "Check the gauge, its cable and its controller.",
	judge(view) {
		if (view.declaration === null) return undefined;
		const chamber = view.reading(view.reactor.pressures.chamber);
		if (isGood(chamber)) return undefined;
		return { cause: `Chamber pressure is ${inWords(chamber)} during a run.`, value: null, limit: null, unit: "Pa" };
	},
};
