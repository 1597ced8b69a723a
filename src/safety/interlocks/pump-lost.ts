import type { Reactor } from "#device/reactor.js";
import { contactInWords, type Interlock, instrumentOf, isMade, valveInstruments } from "#safety/interlock.js";

/**
 * The pump is not proven to run while the chamber is open to it. A pump contact that is wired to the valve I/O goes with it:
 * then nothing could shut the stop valve, its own watchdog has opened it, and valve-io-lost acts; a pump that stops in that
 * time shows on the gauges.
 */
export function pumpLost(reactor: Reactor): Interlock {
	const { pumpRunning } = reactor.inputs;
	const contactInstrument = instrumentOf(pumpRunning.signal);
	const isOnValveIo = valveInstruments(reactor).includes(contactInstrument);
	return {
		id: "pump-lost",
		title: "Pump lost",
		effect: "pump-lost",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Keep the chamber shut. Repair or restart the pump and prove vacuum before resetting.",
		judge(view, tripped) {
			if (!tripped && view.commanded.stopValve === "shut") return undefined;
			if (isMade(view, pumpRunning)) return undefined;
			if (!tripped && isOnValveIo && !view.instrumentReady(contactInstrument)) return undefined;
			const cause = `The stop valve is open but the pump-run contact is ${contactInWords(view, pumpRunning)}.`;
			const { value } = view.reading(pumpRunning.signal);
			return { cause, value, limit: pumpRunning.safeLevel, unit: "bool" };
		},
	};
}
