import type { Reactor } from "#device/reactor.js";
import { type Interlock, isGood } from "#safety/interlock.js";

/** Gauges of two kinds differ by some per cent at equal pressure: only a clear excess is backflow. */
const EXCESS_RATIO = 1.2;
const EXCESS_PA = 5;

/** Foreline pressure from which on gas would flow back into a chamber at `chamberPa`, Pa. */
export function forelineLimitPa(chamberPa: number): number {
	return chamberPa * EXCESS_RATIO + EXCESS_PA;
}

/** Gas would flow from the pump line into the chamber. Without a gauge nothing is judged here: gauge-lost is for that. */
export function forelineAboveChamber(reactor: Reactor): Interlock {
	const { chamber: chamberSignal, foreline: forelineSignal } = reactor.pressures;
	return {
		id: "foreline-above-chamber",
		title: "Foreline above chamber pressure",
		effect: "pump-lost",
		delayMs: 500,
		consecutiveReadings: 2,
		countedSignal: forelineSignal,
		response: "Compare both gauges; check the pump and the foreline for a leak before opening the stop valve again.",
		judge(view, tripped) {
			if (!tripped && view.commanded.stopValve === "shut") return undefined;
			const chamber = view.reading(chamberSignal);
			const foreline = view.reading(forelineSignal);
			if (!isGood(chamber) || !isGood(foreline)) {
				if (!tripped) return undefined;
				return {
					cause: "Whether the foreline is below the chamber is not known.",
					value: null,
					limit: null,
					unit: "Pa",
				};
			}
			const limit = forelineLimitPa(chamber.value);
			if (foreline.value < limit) return undefined;
			const cause = `Foreline ${foreline.value.toFixed(1)} Pa is above chamber ${chamber.value.toFixed(1)} Pa.`;
			return { cause, value: foreline.value, limit, unit: "Pa" };
		},
	};
}
