/** What drivers say of an instrument before it is connected. */
import { SystemClock } from "#core/clock.js";
import type { Device } from "#device/contract.js";
import type { AnyDriver } from "#drivers/index.js";

/** The device that a driver makes of these settings; nothing is connected. Throws what the driver has against them. */
export function unconnectedDevice(
	driver: AnyDriver,
	name: string,
	settings: Readonly<Record<string, unknown>>,
): Device {
	const unconnected = {} as never;
	return driver.create({
		name,
		settings: settings as never,
		clock: new SystemClock(),
		modbus: unconnected,
		line: unconnected,
		mqtt: unconnected,
	});
}
