import type { Contact, Reactor } from "#device/reactor.js";
import type { Interlock } from "#safety/interlock.js";
import { contactOpen } from "#safety/interlocks/contact.js";

/** The gas cabinet's detector is not proven quiet. */
export function gasCabinetLeak(reactor: Reactor, contact: Contact): Interlock {
	return {
		id: "gas-cabinet-leak",
		title: "Leak in the gas cabinet",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Shut the bottles by hand from outside, leave the cabinet closed, follow the laboratory's alarm plan.",
		judge: contactOpen(reactor, contact, "gas-cabinet"),
	};
}
