/** Real ptys and sockets: each line of the simulated lab unplugged and plugged in again, on the machine's own clock. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { SystemClock } from "#core/clock.js";
import { driverNamed, simulatedDrivers } from "#drivers/index.js";
import { serveLab } from "#lab/serve.js";
import { SimulatedLab } from "#lab/simulated-lab.js";
import { labPlan } from "#src/config/lab-plan.js";
import { loadLabFile } from "#src/config.js";
import { parseAddress } from "#transport/address.js";
import { Ports } from "#transport/ports.js";
import { parseTwinConstants } from "#twin/constants.js";

const LAB = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
const TICK_MS = 20;
const ATTEMPTS_MAX = 20;
const BETWEEN_MS = 200;

export interface RealReplug {
	readonly lines: number;
	readonly recovered: number;
	/** What was reported while a cable was out, by line. */
	readonly faults: Readonly<Record<string, string>>;
}

export async function realReplug(
	instruments: readonly string[] = ["stage", "io", "gauge", "carrier"],
): Promise<RealReplug> {
	const file = loadLabFile(LAB);
	const { plan, twinFile } = labPlan(file)!;
	const constants = parseTwinConstants(readFileSync(twinFile, "utf8"), twinFile);
	const lab = new SimulatedLab({ plan, constants, drivers: simulatedDrivers, pumped: true });
	const clock = new SystemClock();
	const startMs = clock.nowMs();
	const advance = () => lab.advanceTo(clock.nowMs() - startMs);
	const ticking = setInterval(advance, TICK_MS);
	const served = await serveLab(lab, { mode: "pty", advance });
	const faults: Record<string, string> = {};
	let recovered = 0;
	try {
		for (const name of instruments) {
			const { driver, settings } = file.content.instruments[name]!;
			const definition = driverNamed(driver)!;
			const address = parseAddress(served.addresses.get(name)!);
			const { counters: _counters, ...wire } = new Ports(clock).connect({
				name,
				address,
				schemes: definition.addressSchemes,
				timing: definition.timing,
			});
			const device = definition.create({ name, settings: settings as never, clock, ...wire });
			await device.connect();
			await device.poll();
			lab.plug(name, false);
			const fault = await device.poll().then(
				() => "a poll succeeded on an unplugged line",
				(thrown: { code?: string }) => thrown.code ?? String(thrown),
			);
			faults[`${name}, ${address.scheme}`] = fault;
			await device.close().catch(() => {});
			lab.plug(name, true);
			for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
				await rest(BETWEEN_MS);
				const values = await device
					.connect()
					.then(() => device.poll())
					.catch(() => undefined);
				if (values === undefined) continue;
				if (/^[A-Z_]+$/.test(fault) && Object.values(values).every(({ quality }) => quality === "good")) recovered += 1;
				break;
			}
			await device.close();
		}
	} finally {
		clearInterval(ticking);
		await served.close();
	}
	return { lines: instruments.length, recovered, faults };
}
