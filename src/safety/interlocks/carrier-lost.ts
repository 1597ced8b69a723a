import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** Below this share of the commanded flow the carrier counts as lost. */
const FLOW_SHARE_MIN = 0.8;
/** A flow controller needs this long to reach a new setpoint. */
const SETTLING_MS = 5_000;

/**
 * The commanded carrier flow is not there, or not known. After the trip the flow is commanded to 0: then the cause counts
 * as gone when the flow is known again, and the next commanded flow shows whether the supply is back.
 */
export function carrierLost(reactor: Reactor): Interlock {
	const signal = `${reactor.carrier.instrument}.flow`;
	return {
		id: "carrier-lost",
		title: "Carrier flow lost",
		effect: "carrier-lost",
		delayMs: 2_000,
		consecutiveReadings: 2,
		countedSignal: signal,
		response: "Check the carrier supply. The chamber counts as unpurged: purge fully before any dose.",
		judge(view, tripped) {
			const { carrierSccm, carrierSinceMs } = view.commanded;
			const isFlowing = carrierSccm >= reactor.carrier.sccmMin;
			if (!isFlowing && !tripped) return undefined;
			if (!tripped && view.nowMs - carrierSinceMs < SETTLING_MS) return undefined;
			const flow = view.reading(signal);
			const limit = isFlowing ? carrierSccm * FLOW_SHARE_MIN : 0;
			if (isGood(flow) && (!isFlowing || flow.value >= limit)) return undefined;
			const cause = `Carrier flow is ${inWords(flow)} of ${carrierSccm} sccm commanded.`;
			return { cause, value: flow.value, limit, unit: "sccm" };
		},
	};
}
