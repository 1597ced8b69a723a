import type { Contact, Reactor } from "#device/reactor.js";
import { type Interlock, isInUse } from "#safety/interlock.js";
import { contactOpen } from "#safety/interlocks/contact.js";

/** The nitrogen supply (purge, vent and glovebox) is not proven to be there while the reactor is in use. */
export function nitrogenLost(reactor: Reactor, contact: Contact): Interlock {
	const judge = contactOpen(reactor, contact, "nitrogen-supply");
	return {
		id: "nitrogen-lost",
		title: "Nitrogen supply lost",
		effect: "trip",
		delayMs: 1_000,
		consecutiveReadings: 1,
		response: "Restore the supply. If the carrier has gone with it, purge fully before any dose.",
		judge: (view, tripped) => (tripped || isInUse(view) ? judge(view, tripped) : undefined),
	};
}
