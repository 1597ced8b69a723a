/** What the interlocks on digital inputs have in common. */
import type { Contact, Reactor } from "#device/reactor.js";
import {
	contactInWords,
	type Finding,
	instrumentOf,
	isGood,
	isInUse,
	isMade,
	type SafetyView,
	valveInstruments,
} from "#safety/interlock.js";

/**
 * The contact is not made. When it is only not known, that is danger while the reactor is in use; a contact on a valve I/O
 * that is itself away is left to valve-io-lost.
 */
export function contactOpen(
	reactor: Reactor,
	contact: Contact,
	title: string,
): (view: SafetyView, tripped: boolean) => Finding | undefined {
	const instrument = instrumentOf(contact.signal);
	const isOnValveIo = valveInstruments(reactor).includes(instrument);
	return (view, tripped) => {
		if (isMade(view, contact)) return undefined;
		const reading = view.reading(contact.signal);
		if (!tripped && !isGood(reading)) {
			if (!isInUse(view)) return undefined;
			if (isOnValveIo && !view.instrumentReady(instrument)) return undefined;
		}
		const cause = `The ${title} contact is ${contactInWords(view, contact)}.`;
		return { cause, value: reading.value, limit: contact.safeLevel, unit: "bool" };
	};
}
