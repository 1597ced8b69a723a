import type { DriverDefinition } from "#device/contract.js";
import { type NewareBts8Settings, newareBts8SettingsSchema } from "./config.js";
import { NewareBts8 } from "./driver.js";
import { type NewareBts8Port, NewareBts8Simulator } from "./simulator.js";

export const newareBts8: DriverDefinition<NewareBts8Settings, NewareBts8Port> = {
	name: "neware-bts8",
	title: "Neware BTS 8 battery cycler (TCP/XML)",
	settingsSchema: newareBts8SettingsSchema,
	// A look needs no channels: it shows all that the server has. Times are not read by it.
	probeSettings: { channels: {}, time_zone: "UTC" },
	addressSchemes: ["tcp"],
	// A download of 1000 rows takes a server a second or two; what has no end by then has none.
	timing: { timeoutMs: 8_000, retries: 0 },
	create: (context) => new NewareBts8(context),
	simulate: (context) => new NewareBts8Simulator(context),
};
