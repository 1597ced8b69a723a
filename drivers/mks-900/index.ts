import type { DriverDefinition } from "#device/contract.js";
import { type Mks900Settings, mks900ProbeProperties, mks900SettingsSchema } from "./config.js";
import { Mks900 } from "./driver.js";
import { type Mks900Port, Mks900Simulator } from "./simulator.js";

export const mks900: DriverDefinition<Mks900Settings, Mks900Port> = {
	name: "mks-900",
	title: "MKS 900 series vacuum transducer (910, 925, 902B, 97x; ASCII serial)",
	settingsSchema: mks900SettingsSchema,
	// The address that every transducer is shipped with, and the reading that all of the manuals have.
	probeProperties: mks900ProbeProperties,
	probeSettings: { address: 253, signal: "pressure", reading: "PR4" },
	tellsApart: ["address", "reading"],
	addressSchemes: ["serial", "tcp"],
	// A reading takes 35 ms at 9600 baud. A dead transducer holds its line up for twice this, three times in a poll of another.
	timing: { timeoutMs: 200, retries: 2 },
	create: (context) => new Mks900(context),
	simulate: (context) => new Mks900Simulator(context),
};
