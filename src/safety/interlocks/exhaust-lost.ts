import type { Contact, Reactor } from "#device/reactor.js";
import type { Interlock } from "#safety/interlock.js";
import { contactOpen } from "#safety/interlocks/contact.js";

/** Nothing draws off what leaks: the exhaust is not proven to flow. */
export function exhaustLost(reactor: Reactor, contact: Contact): Interlock {
	return {
		id: "exhaust-lost",
		title: "Exhaust lost",
		effect: "trip",
		delayMs: 2_000,
		consecutiveReadings: 1,
		response: "Leave the bottles shut and the room aired until the exhaust flows again.",
		judge: contactOpen(reactor, contact, "exhaust"),
	};
}
