/** The driver list: one line each. */
import type { DriverDefinition } from "#device/contract.js";
import { adam6052 } from "#drivers/adam-6052/index.js";
import { alicatMc } from "#drivers/alicat-mc/index.js";
import { bronkhorstPropar } from "#drivers/bronkhorst-propar/index.js";
import { eurotherm3216 } from "#drivers/eurotherm-3216/index.js";
import { inficonSqm160 } from "#drivers/inficon-sqm160/index.js";
import { keithley2400 } from "#drivers/keithley-2400/index.js";
import { labjackT7 } from "#drivers/labjack-t7/index.js";
import { mks900 } from "#drivers/mks-900/index.js";
import { mqttAtmosphere } from "#drivers/mqtt-atmosphere/index.js";
import { mqttCycler } from "#drivers/mqtt-cycler/index.js";
import { newareBts8 } from "#drivers/neware-bts8/index.js";
import { pfeifferPvp } from "#drivers/pfeiffer-pvp/index.js";
import { pfeifferTpg362 } from "#drivers/pfeiffer-tpg362/index.js";
import { watlowEzzonePm } from "#drivers/watlow-ezzone-pm/index.js";

/** What an instrument is in a reactor; the simulated lab joins its simulator accordingly. */
type Kind = "heater" | "digital-io" | "gauge" | "flow-controller" | "pump" | "qcm" | "atmosphere" | "cycler";
/** Of a driver whose settings say what its instrument is. */
type KindOf = (settings: Readonly<Record<string, unknown>>) => Kind;

/** A driver of any settings and simulator port; both are checked where they enter. */
export type AnyDriver = DriverDefinition<never, never>;

const DRIVERS: readonly { readonly driver: AnyDriver; readonly joinKind: Kind | KindOf }[] = [
	{ driver: eurotherm3216, joinKind: "heater" },
	{ driver: watlowEzzonePm, joinKind: "heater" },
	{ driver: labjackT7, joinKind: "digital-io" },
	{ driver: adam6052, joinKind: "digital-io" },
	{ driver: pfeifferTpg362, joinKind: "gauge" },
	{ driver: pfeifferPvp, joinKind: ({ role }) => (role === "pump" ? "pump" : "gauge") },
	{ driver: inficonSqm160, joinKind: "qcm" },
	{ driver: mqttAtmosphere, joinKind: "atmosphere" },
	{ driver: alicatMc, joinKind: "flow-controller" },
	{ driver: mks900, joinKind: "gauge" },
	{ driver: bronkhorstPropar, joinKind: "flow-controller" },
	{ driver: newareBts8, joinKind: "cycler" },
	{ driver: keithley2400, joinKind: "cycler" },
	{ driver: mqttCycler, joinKind: "cycler" },
];

export const driverNames: readonly string[] = DRIVERS.map(({ driver }) => driver.name);

export function driverNamed(name: string): AnyDriver | undefined {
	return DRIVERS.find(({ driver }) => driver.name === name)?.driver;
}

/** The simulating half of every driver, for the simulated lab. */
export const simulatedDrivers = Object.fromEntries(
	DRIVERS.map(({ driver, joinKind }) => [driver.name, { joinKind, definition: driver }]),
);
