import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** Below this share of the commanded flow the carrier counts as lost. */
const FLOW_SHARE_MIN = 0.8;
/** A flow controller needs this long to reach a new setpoint. */
const SETTLING_MS = 5_000;

/** The commanded carrier flow is not there, or not known. */
export const carrierLost: Interlock = {
	id: "carrier-lost",
	title: "Carrier flow lost",
	effect: "carrier-lost",
	delayMs: 2_000,
	consecutiveReadings: 2,
	countedSignal: (view) => `${view.reactor.carrier.instrument}.flow`,
	response: "Check the carrier supply. The chamber counts as unpurged: purge fully before any dose.",
	judge(view) {
		const commanded = view.commanded.carrierSccm;
		if (commanded < view.reactor.carrier.sccmMin || view.nowMs - view.carrierSinceMs < SETTLING_MS) return undefined;
		const flow = view.reading(`${view.reactor.carrier.instrument}.flow`);
		const limit = commanded * FLOW_SHARE_MIN;
		if (isGood(flow) && flow.value >= limit) return undefined;
		return { cause: `Carrier flow is ${inWords(flow)} of ${commanded} sccm commanded.`, value: flow.value, limit, unit: "sccm" };
	},
};
