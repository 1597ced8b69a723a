import type { DriverDefinition } from "#device/contract.js";
import { type LabjackT7Settings, settingsSchema } from "./config.js";
import { LabjackT7 } from "./driver.js";
import type { LabjackT7Port } from "./simulated-lines.js";
import { LabjackT7Simulator } from "./simulator.js";

export type { LabjackT7Settings } from "./config.js";
export { edgesFromRegisters, type PulseEdges, type PulseRegisters } from "./pulse.js";
export type { LabjackT7Port, LineLevel } from "./simulated-lines.js";

export const labjackT7: DriverDefinition<LabjackT7Settings, LabjackT7Port> = {
	name: "labjack-t7",
	title: "LabJack T7 digital I/O with timed pulses (Modbus TCP)",
	settingsSchema,
	probeSettings: {},
	addressSchemes: ["modbus-tcp"],
	timing: { timeoutMs: 500, retries: 1 },
	create: (context) => new LabjackT7(context),
	simulate: (context) => new LabjackT7Simulator(context),
};
