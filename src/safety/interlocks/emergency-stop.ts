import type { Contact, Reactor } from "#device/reactor.js";
import type { Interlock } from "#safety/interlock.js";
import { contactOpen } from "#safety/interlocks/contact.js";

/** Somebody has pressed the emergency stop, or its wire has come off; in use or not. */
export function emergencyStop(reactor: Reactor, contact: Contact): Interlock {
	return {
		id: "emergency-stop",
		title: "Emergency stop",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Find out why it was pressed; release it only when the reactor is safe to start.",
		judge: contactOpen(reactor, contact, "emergency-stop"),
	};
}
