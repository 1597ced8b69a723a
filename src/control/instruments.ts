/** The instruments of the lab file, each with its driver on its wire. */
import type { Clock } from "#core/clock.js";
import type { DriverContext } from "#device/contract.js";
import type { PlantInstrument } from "#device/plant.js";
import type { Reactor } from "#device/reactor.js";
import { driverNamed } from "#drivers/index.js";
import type { LabFile } from "#src/config.js";
import { parseAddress } from "#transport/address.js";
import type { Ports } from "#transport/ports.js";

export function instrumentsOf(
	lab: LabFile,
	reactor: Reactor,
	{ clock, ports, addresses }: { clock: Clock; ports: Ports; addresses?: Readonly<Record<string, string>> | undefined },
): PlantInstrument[] {
	return Object.entries(lab.content.instruments).map(([name, entry]): PlantInstrument => {
		const driver = driverNamed(entry.driver)!;
		const text = addresses?.[name] ?? entry.address;
		const { counters, ...wire } = ports.connect({
			name,
			address: parseAddress(text),
			schemes: driver.addressSchemes,
			timing: driver.timing,
		});
		const limitC = heaterLimitC(reactor, name);
		const context: DriverContext<never> = {
			name,
			settings: entry.settings as never,
			clock,
			...(limitC === undefined ? {} : { limitC }),
			...wire,
		};
		return {
			name,
			driver: entry.driver,
			address: text,
			pollMs: entry.poll_ms,
			staleMs: entry.stale_ms,
			device: driver.create(context),
			counters,
		};
	});
}

/** What the controller of a zone may show at most, by its own sensor. */
function heaterLimitC({ zones }: Reactor, instrument: string): number | undefined {
	const limits = Object.values(zones)
		.filter((zone) => zone.instrument === instrument)
		.map(({ limitC, offsetC }) => limitC - offsetC);
	return limits.length === 0 ? undefined : Math.min(...limits);
}
