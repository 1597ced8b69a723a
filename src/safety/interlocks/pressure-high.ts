import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** The cause counts as gone below this share of the limit. */
const CLEARS_SHARE = 0.9;

/** The chamber, once pumped down in a run, is no vacuum any more: a leak, a blocked line, a valve that does not shut. */
export function pressureHigh(reactor: Reactor): Interlock {
	const signal = reactor.pressures.chamber;
	const limit = reactor.limits.pressurePaMax;
	return {
		id: "pressure-high",
		title: "Chamber pressure high",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: signal,
		response: "Shut the precursors' hand valves; look for a leak, a valve that does not shut or a blocked pump line.",
		judge(view, tripped) {
			if (!tripped && (!view.wasPumped || view.commanded.shutFor === "backfill")) return undefined;
			const chamber = view.reading(signal);
			// A gauge that shows nothing is gauge-lost's affair; but it ends nothing.
			if (!isGood(chamber)) {
				if (!tripped) return undefined;
				return { cause: `Chamber pressure is ${inWords(chamber)}.`, value: null, limit, unit: "Pa" };
			}
			if (chamber.value < (tripped ? limit * CLEARS_SHARE : limit)) return undefined;
			const cause = `Chamber pressure is ${chamber.value.toFixed(1)} Pa, limit ${limit.toFixed(1)} Pa.`;
			return { cause, value: chamber.value, limit, unit: "Pa" };
		},
	};
}
