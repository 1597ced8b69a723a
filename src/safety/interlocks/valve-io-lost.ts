import type { Interlock } from "#safety/interlock.js";

/** The instrument that drives the valves is away: it shuts them by its own watchdog, and nothing else may go on. */
export const valveIoLost: Interlock = {
	id: "valve-io-lost",
	title: "Valve I/O lost",
	effect: "trip",
	delayMs: 0,
	consecutiveReadings: 1,
	response: "Check power and network of the valve I/O. Both precursors count as just dosed.",
	judge(view) {
		if (view.declaration === null) return undefined;
		const away = [...new Set([view.reactor.stopValve.instrument, ...Object.values(view.reactor.precursors).map((p) => p.instrument)])].filter(
			(name) => !view.instrumentReady(name),
		);
		if (away.length === 0) return undefined;
		return { cause: `Valve I/O ${away.join(", ")} is not connected.`, value: null, limit: null, unit: null };
	},
};
