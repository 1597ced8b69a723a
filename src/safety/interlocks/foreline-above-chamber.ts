import { type Interlock, isGood } from "#safety/interlock.js";

/** Gauges of two kinds differ by some per cent at equal pressure: only a clear excess is backflow. */
const EXCESS_RATIO = 1.2;
const EXCESS_PA = 5;

/** Gas would flow from the pump line into the chamber. */
export const forelineAboveChamber: Interlock = {
	id: "foreline-above-chamber",
	title: "Foreline above chamber pressure",
	effect: "pump-lost",
	delayMs: 500,
	consecutiveReadings: 2,
	countedSignal: (view) => view.reactor.pressures.foreline,
	response: "Check the pump and the foreline for a leak before opening the stop valve again.",
	judge(view) {
		if (!view.commanded.stopOpen) return undefined;
		const chamber = view.reading(view.reactor.pressures.chamber);
		const foreline = view.reading(view.reactor.pressures.foreline);
		if (!isGood(chamber) || !isGood(foreline)) return undefined;
		const limit = chamber.value * EXCESS_RATIO + EXCESS_PA;
		if (foreline.value < limit) return undefined;
		return { cause: `Foreline ${foreline.value.toFixed(1)} Pa is above chamber ${chamber.value.toFixed(1)} Pa.`, value: foreline.value, limit, unit: "Pa" };
	},
};
