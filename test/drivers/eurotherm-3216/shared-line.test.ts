import { expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import type { ByteStream } from "#core/wire.js";
import { eurotherm3216 } from "#drivers/eurotherm-3216/index.js";
import { Eurotherm3216Simulator } from "#drivers/eurotherm-3216/simulator.js";
import { parseAddress } from "#transport/address.js";
import { memoryPair } from "#transport/memory.js";
import { Ports } from "#transport/ports.js";

const settings = { decimals: 1, setpoint_degC_min: 0, setpoint_degC_max: 200 };

/** Three controllers on one RS-485 line in memory, each at another temperature. */
function threeZones() {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const dead = new Set<number>();
	const simulators = [1, 2, 3].map((unit) => {
		const port = { temperatureC: () => 20 * unit, setHeaterPercent: () => {} };
		return new Eurotherm3216Simulator({ name: `zone${unit}`, settings, port, seed: 1, unit });
	});
	const serve = (far: ByteStream) => {
		const connections = simulators.map((_simulator, i) => ({
			state: undefined as unknown,
			send: (reply: Uint8Array) => {
				if (!dead.has(i + 1)) far.write(reply);
			},
		}));
		far.onBytes((bytes) => {
			simulators.forEach((simulator, i) => {
				simulator.advance(clock.nowMs());
				simulator.receive(bytes, connections[i]!);
			});
		});
	};
	const ports = new Ports(clock, () => async () => {
		const [near, far] = memoryPair("heaters");
		serve(far);
		return near;
	});
	const devices = [1, 2, 3].map((unit) => {
		const name = `zone${unit}`;
		const { counters, ...wire } = ports.connect({
			name,
			address: parseAddress(`simulated:heaters?unit=${unit}`),
			schemes: eurotherm3216.addressSchemes,
			timing: eurotherm3216.timing,
		});
		return eurotherm3216.create({ name, settings, clock, ...wire });
	});
	return { clock, dead, devices };
}

it("three controllers on one line keep apart", async () => {
	const { clock, devices } = threeZones();
	const connected = Promise.all(devices.map((device) => device.connect()));
	await clock.advance(1000);
	await connected;
	const set = Promise.all(devices.map((device, i) => device.set!("setpoint", 100 + i)));
	await clock.advance(1000);
	expect(await set).toEqual([100, 101, 102]);
	const polled = Promise.all(devices.map((device) => device.poll()));
	await clock.advance(1000);
	const polls = await polled;
	expect(polls.map((poll) => [poll.temperature?.value, poll.setpoint?.value])).toEqual([
		[20, 100],
		[40, 101],
		[60, 102],
	]);
});

it("two controllers stay at their setpoints, refreshed in time, while the third is dead and asked again and again", async () => {
	const { clock, dead, devices } = threeZones();
	const connected = Promise.all(devices.map((device) => device.connect()));
	await clock.advance(1000);
	await connected;
	const set = Promise.all(devices.map((device) => device.set!("setpoint", 100)));
	await clock.advance(1000);
	await set;
	dead.add(1);
	const faults: string[] = [];
	const serve = async (i: number) => {
		for (let poll = 0; poll < 60; poll += 1) {
			try {
				const { setpoint } = await devices[i]!.poll();
				await devices[i]!.watchdog!.feed();
				if (setpoint?.value !== 100) faults.push(`zone${i + 1} ${setpoint?.detail}`);
			} catch {
				faults.push(`zone${i + 1} silent`);
			}
			await clock.sleep(1000 - (clock.nowMs() % 1000));
		}
	};
	const all = Promise.all([serve(0), serve(1), serve(2)]);
	await clock.advance(400_000);
	await all;
	expect(new Set(faults)).toEqual(new Set(["zone1 silent"]));
});
