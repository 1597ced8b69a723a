import { expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { mks900 } from "#drivers/mks-900/index.js";
import { Mks900Simulator } from "#drivers/mks-900/simulator.js";
import { parseAddress } from "#transport/address.js";
import { memoryPair } from "#transport/memory.js";
import { Ports } from "#transport/ports.js";

/** Two transducers on one RS-485 pair: each hears everything. */
function twoGauges() {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const pressuresPa: Record<string, number> = { chamber: 120, foreline: 30 };
	const dead = new Set<string>();
	const gauges = Object.keys(pressuresPa).map((name, i) => {
		const settings = { address: i + 1, signal: name, reading: "PR4" as const };
		const port = { pressurePa: () => pressuresPa[name]! };
		const simulator = new Mks900Simulator({ name, settings, port, seed: 1, unit: 1 }, { noise: 0 });
		return { name, settings, simulator };
	});
	const ports = new Ports(clock, () => async () => {
		const [near, far] = memoryPair("gauges");
		const connections = gauges.map(({ name }) => ({
			state: undefined as unknown,
			send: (reply: Uint8Array) => {
				if (!dead.has(name)) far.write(reply);
			},
		}));
		far.onBytes((bytes) => {
			gauges.forEach(({ simulator }, i) => {
				simulator.receive(bytes, connections[i]!);
			});
		});
		return near;
	});
	const devices = gauges.map(({ name, settings }) => {
		const { counters, ...wire } = ports.connect({
			name,
			address: parseAddress("simulated:gauges"),
			schemes: mks900.addressSchemes,
			timing: mks900.timing,
		});
		return mks900.create({ name, settings, clock, ...wire } as never);
	});
	return { clock, dead, pressuresPa, devices };
}

it("two transducers on one line keep apart", async () => {
	const { clock, devices, pressuresPa } = twoGauges();
	const connected = Promise.all(devices.map((device) => device.connect()));
	await clock.advance(1_000);
	await connected;
	for (let i = 0; i < 20; i += 1) {
		pressuresPa.chamber = 120 + i;
		const polls = Promise.all(devices.map((device) => device.poll()));
		await clock.advance(250);
		const [chamber, foreline] = await polls;
		expect(chamber?.chamber?.value).toBeCloseTo(120 + i, 0);
		expect(foreline?.foreline?.value).toBeCloseTo(30, 1);
	}
});

it("a dead transducer does not stop the other, nor lends it a value", async () => {
	const { clock, dead, devices, pressuresPa } = twoGauges();
	const connected = Promise.all(devices.map((device) => device.connect()));
	await clock.advance(1_000);
	await connected;
	dead.add("chamber");
	pressuresPa.foreline = 31;
	const polls = Promise.allSettled(devices.map((device) => device.poll()));
	await clock.advance(20_000);
	const [chamber, foreline] = await polls;
	expect(chamber).toMatchObject({ status: "rejected", reason: { code: "DEVICE_SILENT" } });
	expect(foreline?.status === "fulfilled" && foreline.value.foreline?.value).toBeCloseTo(31, 1);
});
