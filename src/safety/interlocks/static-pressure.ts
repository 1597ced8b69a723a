import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** The cause counts as gone below this share of the limit. */
const CLEARS_SHARE = 0.9;

/**
 * Gas is let into a chamber that is not open to the pump, and its pressure is at the limit or not known any more. A chamber
 * that is vented is not filled: then no carrier is commanded.
 */
export function staticPressure(reactor: Reactor): Interlock {
	const signal = reactor.pressures.chamber;
	const limit = reactor.limits.staticPaMax;
	return {
		id: "static-pressure",
		title: "Unpumped chamber filling up",
		effect: "pump-lost",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: signal,
		response: "Find out why gas flows with the stop valve not open; check valve and pump before opening it.",
		judge(view, tripped) {
			const { carrierSccm, stopValve, shutFor } = view.commanded;
			// A backfill is bounded by the gas that it lets in.
			if (!tripped && (carrierSccm === 0 || stopValve === "open" || shutFor === "backfill")) return undefined;
			const chamber = view.reading(signal);
			if (isGood(chamber) && chamber.value < (tripped ? limit * CLEARS_SHARE : limit)) return undefined;
			const cause = `The stop valve is ${stopValve} with ${carrierSccm} sccm commanded, and chamber pressure is ${inWords(chamber)}.`;
			return { cause, value: chamber.value, limit, unit: "Pa" };
		},
	};
}
