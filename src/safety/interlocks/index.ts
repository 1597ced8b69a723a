import type { Contact, Reactor } from "#device/reactor.js";
import type { Interlock } from "#safety/interlock.js";
import { airLost } from "#safety/interlocks/air-lost.js";
import { atmosphereBad } from "#safety/interlocks/atmosphere.js";
import { carrierLost } from "#safety/interlocks/carrier-lost.js";
import { emergencyStop } from "#safety/interlocks/emergency-stop.js";
import { exhaustLost } from "#safety/interlocks/exhaust-lost.js";
import { exposurePressure } from "#safety/interlocks/exposure-pressure.js";
import { forelineAboveChamber } from "#safety/interlocks/foreline-above-chamber.js";
import { gasCabinetLeak } from "#safety/interlocks/gas-cabinet-leak.js";
import { gaugeFrozen } from "#safety/interlocks/gauge-frozen.js";
import { gaugeLost } from "#safety/interlocks/gauge-lost.js";
import { heaterNotHeating } from "#safety/interlocks/heater-not-heating.js";
import { lidOpen } from "#safety/interlocks/lid-open.js";
import { meltGuard } from "#safety/interlocks/melt-guard.js";
import { nitrogenLost } from "#safety/interlocks/nitrogen-lost.js";
import { overTemperature } from "#safety/interlocks/over-temperature.js";
import { precursorLineHigh } from "#safety/interlocks/precursor-line-high.js";
import { pressureHigh } from "#safety/interlocks/pressure-high.js";
import { pumpLost } from "#safety/interlocks/pump-lost.js";
import { runaway } from "#safety/interlocks/runaway.js";
import { staticPressure } from "#safety/interlocks/static-pressure.js";
import { valveIoLost } from "#safety/interlocks/valve-io-lost.js";
import { zoneAstray } from "#safety/interlocks/zone-astray.js";

/** Every interlock of a reactor; docs/interlocks.md has one row for each. */
export function interlocksOf(reactor: Reactor): Interlock[] {
	const zones = Object.entries(reactor.zones);
	const { inputs, atmosphere } = reactor;
	const on = (contact: Contact | null, interlock: (reactor: Reactor, contact: Contact) => Interlock) =>
		contact === null ? [] : [interlock(reactor, contact)];
	return [
		...zones.map(([zone]) => overTemperature(reactor, zone)),
		...zones.filter(([, spec]) => spec.heatsFoil).map(([zone]) => meltGuard(reactor, zone)),
		...zones.map(([zone]) => runaway(reactor, zone)),
		...zones.filter(([, spec]) => spec.heater.output !== null).map(([zone]) => heaterNotHeating(reactor, zone)),
		...zones.map(([zone]) => zoneAstray(reactor, zone)),
		pumpLost(reactor),
		forelineAboveChamber(reactor),
		staticPressure(reactor),
		exposurePressure(reactor),
		pressureHigh(reactor),
		carrierLost(reactor),
		gaugeLost(reactor),
		gaugeFrozen(reactor),
		precursorLineHigh(reactor),
		valveIoLost(reactor),
		lidOpen(reactor),
		...on(inputs.emergencyStop, emergencyStop),
		...on(inputs.exhaust, exhaustLost),
		...on(inputs.gasCabinet, gasCabinetLeak),
		...on(inputs.nitrogen, nitrogenLost),
		...on(inputs.air, airLost),
		...(atmosphere === null ? [] : [atmosphereBad(reactor, atmosphere)]),
	];
}
