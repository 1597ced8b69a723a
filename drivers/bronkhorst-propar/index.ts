import type { DriverDefinition } from "#device/contract.js";
import { type BronkhorstProparSettings, bronkhorstProparSettingsSchema } from "./config.js";
import { BronkhorstPropar } from "./driver.js";
import { type BronkhorstProparPort, BronkhorstProparSimulator } from "./simulator.js";

export const bronkhorstPropar: DriverDefinition<BronkhorstProparSettings, BronkhorstProparPort> = {
	name: "bronkhorst-propar",
	title: "Bronkhorst mass flow controller (ProPar, RS-232)",
	settingsSchema: bronkhorstProparSettingsSchema,
	// The address that instruments are shipped with; gas and full scale are read from the instrument.
	probeSettings: { node: 3 },
	tellsApart: ["node"],
	addressSchemes: ["serial", "tcp"],
	// The whole state takes 40 ms at 38400 baud.
	timing: { timeoutMs: 500, retries: 2 },
	create: (context) => new BronkhorstPropar(context),
	simulate: (context) => new BronkhorstProparSimulator(context),
};
