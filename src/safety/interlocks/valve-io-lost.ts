import type { Reactor } from "#device/reactor.js";
import { type Interlock, isInUse, valveInstruments } from "#safety/interlock.js";

/** The instrument that drives the valves is away: it shuts them by its own watchdog, and nothing else may go on. */
export function valveIoLost(reactor: Reactor): Interlock {
	const instruments = valveInstruments(reactor);
	return {
		id: "valve-io-lost",
		title: "Valve I/O lost",
		effect: "trip",
		delayMs: 0,
		consecutiveReadings: 1,
		response: "Check power and network of the valve I/O. Both precursors count as just dosed.",
		judge(view, tripped) {
			if (!isInUse(view) && !tripped) return undefined;
			if (instruments.every((name) => view.instrumentReady(name))) return undefined;
			const away = instruments.filter((name) => !view.instrumentReady(name)).join(", ");
			return { cause: `Valve I/O ${away} is not connected.`, value: null, limit: null, unit: null };
		},
	};
}
