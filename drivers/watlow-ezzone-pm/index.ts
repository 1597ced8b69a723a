import type { DriverDefinition } from "#device/contract.js";
import { type WatlowEzzonePmSettings, watlowEzzonePmSettingsSchema } from "./config.js";
import { WatlowEzzonePm } from "./driver.js";
import { type WatlowEzzonePmPort, WatlowEzzonePmSimulator } from "./simulator.js";

export const watlowEzzonePm: DriverDefinition<WatlowEzzonePmSettings, WatlowEzzonePmPort> = {
	name: "watlow-ezzone-pm",
	title: "Watlow EZ-ZONE PM temperature controller (Modbus RTU or TCP)",
	settingsSchema: watlowEzzonePmSettingsSchema,
	probeSettings: { setpoint_degC_min: 0, setpoint_degC_max: 40, independent_cutout: "none" },
	tellsApart: ["gateway_zone"],
	addressSchemes: ["modbus-rtu", "modbus-rtu+tcp", "modbus-tcp"],
	// Replies take some 30 ms at 9600 baud; a gateway adds its own bus.
	timing: { timeoutMs: 500, retries: 2 },
	create: (context) => new WatlowEzzonePm(context),
	simulate: (context) => new WatlowEzzonePmSimulator(context),
};
