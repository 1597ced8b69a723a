import type { Reactor } from "#device/reactor.js";
import { type Interlock, inWords, isGood, isMade } from "#safety/interlock.js";

/** The cause counts as gone below this share of the limit. */
const CLEARS_SHARE = 0.9;

/**
 * While the lid is not proven closed, foil and chamber see the glovebox: its oxygen or water is at the limit, or not known.
 * Between loadings the glovebox may be as it likes.
 */
export function atmosphereBad(reactor: Reactor, atmosphere: NonNullable<Reactor["atmosphere"]>): Interlock {
	const gases = [
		{ gas: "oxygen", signal: atmosphere.oxygen, limit: atmosphere.oxygenPpmMax },
		{ gas: "water", signal: atmosphere.water, limit: atmosphere.waterPpmMax },
	];
	return {
		id: "atmosphere",
		title: "Glovebox atmosphere",
		effect: "trip",
		delayMs: 5_000,
		consecutiveReadings: 1,
		response: "Close the lid and leave the foil in its container until the glovebox is purified.",
		judge(view, tripped) {
			if (!tripped && isMade(view, reactor.inputs.lidClosed)) return undefined;
			for (const { gas, signal, limit } of gases) {
				const reading = view.reading(signal);
				if (isGood(reading) && reading.value < (tripped ? limit * CLEARS_SHARE : limit)) continue;
				const cause = `The glovebox's ${gas} is ${inWords(reading)} with the lid not closed, limit ${limit} ppm.`;
				return { cause, value: reading.value, limit, unit: "ppm" };
			}
			return undefined;
		},
	};
}
