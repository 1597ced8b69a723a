import type { DriverDefinition } from "#device/contract.js";
import { type Adam6052Settings, settingsSchema } from "./config.js";
import { Adam6052 } from "./driver.js";
import { type Adam6052Port, Adam6052Simulator } from "./simulator.js";

const byTheirOwnNames = (kind: "DO" | "DI"): Record<string, string> =>
	Object.fromEntries(Array.from({ length: 8 }, (_, line) => [`${kind}${line}`, `${kind}${line}`]));

export const adam6052: DriverDefinition<Adam6052Settings, Adam6052Port> = {
	name: "adam-6052",
	title: "Advantech ADAM-6052 digital I/O with timed pulses (Modbus TCP)",
	settingsSchema,
	probeSettings: {
		watchdog: "none",
		pulse_timing: "none",
		pulse_outputs: {},
		outputs: byTheirOwnNames("DO"),
		inputs: byTheirOwnNames("DI"),
	},
	addressSchemes: ["modbus-tcp"],
	timing: { timeoutMs: 500, retries: 1 },
	create: (context) => new Adam6052(context),
	simulate: (context) => new Adam6052Simulator(context),
};
