import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/**
 * The chamber's gauge repeats one value to the last bit although flow, stop valve or a dose must have moved it: a gauge
 * controller that sends its last value for ever looks well, and is blind.
 */
export function gaugeFrozen(reactor: Reactor): Interlock {
	const signal = reactor.pressures.chamber;
	const limitS = reactor.limits.gaugeFrozenS;
	return {
		id: "gauge-frozen",
		title: "Chamber gauge frozen",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 2,
		countedSignal: signal,
		response: "Switch the gauge controller off and on; compare it with the foreline gauge before resetting.",
		judge(view, tripped) {
			const reading = view.reading(signal);
			if (!isGood(reading))
				return tripped
					? { cause: `Chamber pressure is ${inWords(reading)}.`, value: null, limit: null, unit: "Pa" }
					: undefined;
			const reads = `Chamber pressure reads ${reading.value.toFixed(2)} Pa unchanged`;
			const owedSinceMs = view.history.owedSinceMs(signal);
			if (owedSinceMs === undefined) {
				// Neither a gap nor a restart of control is a value that differs.
				if (!tripped || view.history.hasMoved(signal)) return undefined;
				return { cause: `${reads} since control started.`, value: null, limit: null, unit: "Pa" };
			}
			const owedS = (view.nowMs - owedSinceMs) / 1_000;
			if (owedS < limitS && !tripped) return undefined;
			const cause = `${reads} for ${owedS.toFixed(0)} s after flow, valve or dose has moved it.`;
			return { cause, value: owedS, limit: limitS, unit: "s" };
		},
	};
}
