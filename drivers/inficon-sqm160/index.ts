import type { DriverDefinition } from "#device/contract.js";
import { type Sqm160Settings, sqm160SettingsSchema } from "./config.js";
import { Sqm160 } from "./driver.js";
import { type Sqm160Port, Sqm160Simulator } from "./simulator.js";

export const inficonSqm160: DriverDefinition<Sqm160Settings, Sqm160Port> = {
	name: "inficon-sqm160",
	title: "INFICON SQM-160 thickness monitor (quartz crystals)",
	settingsSchema: sqm160SettingsSchema,
	probeSettings: { channels: { sensor1: 1 } },
	addressSchemes: ["serial", "tcp"],
	// A question and its answer take 15 ms at 19200 baud.
	timing: { timeoutMs: 500, retries: 2 },
	create: (context) => new Sqm160(context),
	simulate: (context) => new Sqm160Simulator(context),
};
