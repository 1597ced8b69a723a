import type { DriverDefinition } from "#device/contract.js";
import { type AlicatMcSettings, alicatMcSettingsSchema } from "./config.js";
import { AlicatMc } from "./driver.js";
import { type AlicatMcPort, AlicatMcSimulator } from "./simulator.js";

export const alicatMc: DriverDefinition<AlicatMcSettings, AlicatMcPort> = {
	name: "alicat-mc",
	title: "Alicat MC mass flow controller (ASCII serial)",
	settingsSchema: alicatMcSettingsSchema,
	// The letter that Alicat ships.
	probeSettings: { unit_id: "A" },
	tellsApart: ["unit_id"],
	addressSchemes: ["serial", "tcp"],
	// A data frame takes 30 ms at 19200 baud.
	timing: { timeoutMs: 500, retries: 2 },
	create: (context) => new AlicatMc(context),
	simulate: (context) => new AlicatMcSimulator(context),
};
