import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood, isMade } from "#safety/interlock.js";

/** The lid is not proven closed while a run is under way, or has ended and was not reset. */
export function lidOpen(reactor: Reactor): Interlock {
	return {
		id: "lid-open",
		title: "Lid open",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Close the lid; shut the precursors' hand valves before coming near.",
		judge(view, tripped) {
			if (view.declaration === null && !tripped) return undefined;
			const lid = view.reading(reactor.inputs.lidClosed);
			if (isMade(lid)) return undefined;
			const cause = `The lid contact is ${isGood(lid) ? "open" : inWords(lid)} during a run.`;
			return { cause, value: lid.value, limit: 1, unit: "bool" };
		},
	};
}
