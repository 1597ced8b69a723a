import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** The lid is not proven closed while a run is under way. */
export const lidOpen: Interlock = {
	id: "lid-open",
	title: "Lid open",
	effect: "trip",
	delayMs: 0,
	consecutiveReadings: 1,
	response: "Close the lid; shut the precursors' hand valves before coming near.",
	judge(view) {
		if (view.declaration === null) return undefined;
		const lid = view.reading(view.reactor.inputs.lidClosed);
		if (isGood(lid) && lid.value === 1) return undefined;
		return { cause: `The lid contact is ${isGood(lid) ? "open" : inWords(lid)} during a run.`, value: lid.value, limit: 1, unit: "bool" };
	},
};
