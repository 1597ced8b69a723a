import type { DriverDefinition } from "#device/contract.js";
import { type Tpg362Settings, tpg362SettingsSchema } from "./config.js";
import { Tpg362 } from "./driver.js";
import { type Tpg362Port, Tpg362Simulator } from "./simulator.js";

export const pfeifferTpg362: DriverDefinition<Tpg362Settings, Tpg362Port> = {
	name: "pfeiffer-tpg362",
	title: "Pfeiffer TPG 361/362 gauge controller (mnemonic protocol)",
	settingsSchema: tpg362SettingsSchema,
	probeSettings: {},
	addressSchemes: ["serial", "tcp"],
	// A line of two gauges takes 30 ms at 9600 baud.
	timing: { timeoutMs: 500, retries: 2 },
	create: (context) => new Tpg362(context),
	simulate: (context) => new Tpg362Simulator(context),
};
