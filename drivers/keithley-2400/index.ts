import type { DriverDefinition } from "#device/contract.js";
import { type Keithley2400Settings, keithley2400SettingsSchema } from "./config.js";
import { Keithley2400 } from "./driver.js";
import { type Keithley2400Port, Keithley2400Simulator } from "./simulator.js";

export const keithley2400: DriverDefinition<Keithley2400Settings, Keithley2400Port> = {
	name: "keithley-2400",
	title: "Keithley 2400 SourceMeter as a battery cycler with one channel (SCPI)",
	settingsSchema: keithley2400SettingsSchema,
	probeSettings: {
		channel: "cell",
		voltage_V: { min: -21, max: 21 },
		current_A_max: 1.05,
		external_watchdog: "none",
	},
	addressSchemes: ["serial", "tcp"],
	// A reading at 9600 baud takes 100 ms, and a slow integration as much again.
	timing: { timeoutMs: 1_000, retries: 0 },
	create: (context) => new Keithley2400(context),
	simulate: (context) => new Keithley2400Simulator(context),
};
