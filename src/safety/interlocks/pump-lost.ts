import { type Interlock, inWords, isGood } from "#safety/interlock.js";

/** The pump is not proven to run while the chamber is open to it. */
export const pumpLost: Interlock = {
	id: "pump-lost",
	title: "Pump lost",
	effect: "pump-lost",
	delayMs: 0,
	consecutiveReadings: 1,
	response: "Keep the chamber shut. Repair or restart the pump and prove vacuum before resetting.",
	judge(view) {
		if (!view.commanded.stopOpen) return undefined;
		const running = view.reading(view.reactor.inputs.pumpRunning);
		if (isGood(running) && running.value === 1) return undefined;
		const seen = isGood(running) ? "open" : inWords(running);
		return { cause: `The stop valve is open but the pump-run contact is ${seen}.`, value: running.value, limit: 1, unit: "bool" };
	},
};
