import type { Device, DriverContext } from "#device/contract.js";
import type { GaugeSettings, PumpSettings, PvpSettings } from "./config.js";
import { PvpGauge } from "./gauge.js";
import { PvpPump } from "./pump.js";

/** The device that the settings' role asks for. */
export function createPvp(context: DriverContext<PvpSettings>): Device {
	return context.settings.role === "pump"
		? new PvpPump(context as DriverContext<PumpSettings>)
		: new PvpGauge(context as DriverContext<GaugeSettings>);
}
