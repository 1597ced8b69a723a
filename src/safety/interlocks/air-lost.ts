import type { Contact, Reactor } from "#device/reactor.js";
import { type Interlock, isInUse } from "#safety/interlock.js";
import { contactOpen } from "#safety/interlocks/contact.js";

/** Without pneumatic air every valve goes to its spring, the stop valve too: what flows then stays in the chamber. */
export function airLost(reactor: Reactor, contact: Contact): Interlock {
	const judge = contactOpen(reactor, contact, "pneumatic-air");
	return {
		id: "air-lost",
		title: "Pneumatic air lost",
		effect: "pump-lost",
		delayMs: 1_000,
		consecutiveReadings: 1,
		response: "Restore the air. The valves have gone to their springs: prove vacuum before resetting.",
		judge: (view, tripped) => (tripped || isInUse(view) ? judge(view, tripped) : undefined),
	};
}
