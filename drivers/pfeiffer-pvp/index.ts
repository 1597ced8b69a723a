import type { DriverDefinition } from "#device/contract.js";
import { type PvpSettings, pvpSettingsSchema } from "./config.js";
import { createPvp } from "./driver.js";
import { type PvpPort, PvpSimulator } from "./simulator.js";

export const pfeifferPvp: DriverDefinition<PvpSettings, PvpPort> = {
	name: "pfeiffer-pvp",
	title: "Pfeiffer gauge or pump on RS-485 (Pfeiffer Vacuum Protocol)",
	settingsSchema: pvpSettingsSchema,
	// A gauge as it is delivered; --option role=pump and so on for anything else.
	probeSettings: { role: "gauge", rs485_address: 1 },
	tellsApart: ["rs485_address"],
	addressSchemes: ["serial", "tcp"],
	// A query and its answer take 40 ms at 9600 baud.
	timing: { timeoutMs: 300, retries: 2 },
	create: createPvp,
	simulate: (context) => new PvpSimulator(context),
};
