import type { Reactor } from "#device/reactor.js";
import { contactInWords, type Interlock, isMade } from "#safety/interlock.js";

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
			const { lidClosed } = reactor.inputs;
			if (isMade(view, lidClosed)) return undefined;
			const cause = `The lid contact is ${contactInWords(view, lidClosed)} during a run.`;
			return { cause, value: view.reading(lidClosed.signal).value, limit: lidClosed.safeLevel, unit: "bool" };
		},
	};
}
