import type { Reactor } from "#device/reactor.js";
import type { Interlock } from "#safety/interlock.js";
import { carrierLost } from "#safety/interlocks/carrier-lost.js";
import { forelineAboveChamber } from "#safety/interlocks/foreline-above-chamber.js";
import { gaugeLost } from "#safety/interlocks/gauge-lost.js";
import { lidOpen } from "#safety/interlocks/lid-open.js";
import { meltGuard } from "#safety/interlocks/melt-guard.js";
import { overTemperature } from "#safety/interlocks/over-temperature.js";
import { pumpLost } from "#safety/interlocks/pump-lost.js";
import { staticPressure } from "#safety/interlocks/static-pressure.js";
import { valveIoLost } from "#safety/interlocks/valve-io-lost.js";

/** Every interlock of a reactor; docs/interlocks.md has one row for each. */
export function interlocksOf(reactor: Reactor): Interlock[] {
	const zones = Object.entries(reactor.zones);
	return [
		...zones.map(([zone]) => overTemperature(reactor, zone)),
		...zones.filter(([, spec]) => spec.heatsFoil).map(([zone]) => meltGuard(reactor, zone)),
		pumpLost(reactor),
		forelineAboveChamber(reactor),
		carrierLost(reactor),
		gaugeLost(reactor),
		staticPressure(reactor),
		lidOpen(reactor),
		valveIoLost(reactor),
	];
}
