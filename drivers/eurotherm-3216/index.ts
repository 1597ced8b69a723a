import type { DriverDefinition } from "#device/contract.js";
import { type Eurotherm3216Settings, eurotherm3216SettingsSchema } from "./config.js";
import { Eurotherm3216 } from "./driver.js";
import { type Eurotherm3216Port, Eurotherm3216Simulator } from "./simulator.js";

export const eurotherm3216: DriverDefinition<Eurotherm3216Settings, Eurotherm3216Port> = {
	name: "eurotherm-3216",
	title: "Eurotherm 3216 temperature controller (Modbus RTU)",
	settingsSchema: eurotherm3216SettingsSchema,
	probeSettings: {},
	addressSchemes: ["modbus-rtu", "modbus-rtu+tcp", "modbus-tcp"],
	// Typical replies take less than 100 ms at 9600 baud.
	timing: { timeoutMs: 500, retries: 2 },
	create: (context) => new Eurotherm3216(context),
	simulate: (context) => new Eurotherm3216Simulator(context),
};
