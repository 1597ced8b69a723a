import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** While the chamber is shut off for an exposure its pressure is known and below the lab file's static limit. */
export function exposurePressure(reactor: Reactor): Interlock {
	const signal = reactor.pressures.chamber;
	const limit = reactor.limits.staticPaMax;
	return {
		id: "exposure-pressure",
		title: "Exposure pressure",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: signal,
		response: "The chamber has been opened to the pump. Look for a leaking precursor valve or a dose too large.",
		judge(view, tripped) {
			if (!tripped && view.commanded.shutFor !== "exposure") return undefined;
			const chamber = view.reading(signal);
			if (isGood(chamber) && chamber.value < limit) return undefined;
			const cause = `Chamber pressure is ${inWords(chamber)} behind the shut stop valve, limit ${limit.toFixed(1)} Pa.`;
			return { cause, value: chamber.value, limit, unit: "Pa" };
		},
	};
}
