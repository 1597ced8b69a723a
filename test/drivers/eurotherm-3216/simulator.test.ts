import { describe, expect, it } from "vitest";
import { Eurotherm3216Simulator } from "#drivers/eurotherm-3216/simulator.js";
import { sealWithCrc } from "#transport/crc16.js";

const settings = { decimals: 1, setpoint_degC_min: 0, setpoint_degC_max: 200 };
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));

const setUp = (more: object = {}) => {
	const world = { celsius: 22.04 as number | null, percent: -1 };
	const simulator = new Eurotherm3216Simulator({
		name: "stage",
		settings: { ...settings, ...more },
		port: {
			temperatureC: () => world.celsius,
			setHeaterPercent: (percent) => {
				world.percent = percent;
			},
		},
		seed: 1,
		unit: 1,
	});
	const sent: string[] = [];
	const connection = {
		state: undefined as unknown,
		send: (reply: Uint8Array) => sent.push(Buffer.from(reply).toString("hex")),
	};
	const exchange = (frame: Uint8Array) => {
		simulator.receive(frame, connection);
		return sent.pop();
	};
	const read = (address: number) => {
		const reply = exchange(sealWithCrc(new Uint8Array([1, 3, address >> 8, address, 0, 1, 0, 0])));
		return reply?.slice(2, 4) === "03" ? Number.parseInt(reply.slice(6, 10), 16) : reply?.slice(2, 6);
	};
	const write = (address: number, word: number) =>
		exchange(sealWithCrc(new Uint8Array([1, 6, address >> 8, address, word >> 8, word, 0, 0])))?.slice(2, 6);
	return { world, simulator, exchange, read, write };
};

describe("a simulated 3216", () => {
	it("answers the published frames", () => {
		const { exchange, simulator, world } = setUp();
		world.celsius = 0;
		simulator.advance(250);
		expect(exchange(bytes("01 03 00 01 00 01 D5 CA"))).toBe("0103020000b844");
		expect(exchange(bytes("01 06 00 02 00 FA A8 49"))).toBe("0106000200faa849");
		// Sent by mbpoll.
		expect(exchange(bytes("01 06 00 02 05 DC 2A C3"))).toBe("0106000205dc2ac3");
		expect(exchange(bytes("01 06 00 02 00 FA A8 49"))).toBe("0106000200faa849");
		expect(exchange(bytes("01 03 00 02 00 01 25 CA"))).toBe("01030200fa3807");
		expect(exchange(bytes("01 06 00 1A 05 DC AA C4"))).toBe("0106001a05dcaac4");
		expect(exchange(bytes("01 03 00 01 00 05 D4 09"))?.slice(0, 6)).toBe("01030a");
		expect(exchange(bytes("01 03 00 4B 00 01 F4 1C"))).toBe("0103020000b844");
		expect(exchange(sealWithCrc(bytes("01 03 7F 00 00 01 00 00")))).toBe("018302c0f1");
	});

	it("gives the process value with the decimals of its display, negative ones in two's complement", () => {
		const { world, simulator, read } = setUp();
		expect(read(1)).toBe(220);
		world.celsius = -12.34;
		simulator.advance(250);
		expect(read(1)).toBe(0x1_0000 - 123);
		expect(setUp({ decimals: 2 }).read(1)).toBe(2204);
		expect(setUp({ decimals: 0 }).read(1)).toBe(22);
	});

	it("pegs the process value, says so and stops heating while the sensor is broken", () => {
		const { world, simulator, read, write } = setUp();
		simulator.advance(250);
		write(24, 1000);
		simulator.advance(1000);
		expect(world.percent).toBeGreaterThan(50);
		world.celsius = null;
		simulator.advance(1250);
		expect(world.percent).toBe(0);
		expect([read(75), read(76), read(258)]).toEqual([1 << 5, 0xffff ^ (1 << 5), 1]);
		expect(read(1)).toBeGreaterThan(13_720);
		world.celsius = 22;
		simulator.advance(1500);
		expect([read(75), read(258)]).toEqual([0, 0]);
		simulator.advance(61_500);
		expect(world.percent).toBeGreaterThan(0);
	});

	it("works to the remote setpoint only while it is refreshed", () => {
		const { simulator, read, write } = setUp();
		write(276, 1);
		write(26, 1500);
		simulator.advance(250);
		expect([read(5), read(75)]).toEqual([1500, 0]);
		simulator.advance(5000);
		expect(read(5)).toBe(1500);
		simulator.advance(5250);
		expect([read(5), read(75)]).toEqual([0, 1 << 14]);
		write(26, 1400);
		simulator.advance(5500);
		expect([read(5), read(75)]).toEqual([1400, 0]);
	});

	it("counts writes to EEPROM cells, and none for the remote setpoint", () => {
		const { simulator, write } = setUp();
		for (const address of [2, 24, 25]) write(address, 300);
		for (let i = 0; i < 100; i += 1) write(26, i);
		expect(simulator.eepromWrites).toBe(3);
	});

	it("refuses setpoints outside its limits, read-only registers and unknown ones", () => {
		const { write, read } = setUp();
		expect(write(26, 2001)).toBe("8603");
		expect(write(5, 1)).toBe("8602");
		expect(read(1000)).toBe("8302");
	});

	it("moves the working setpoint at its rate limit", () => {
		const { simulator, read, write } = setUp();
		write(35, 600);
		write(24, 1000);
		simulator.advance(10_000);
		expect(read(5)).toBe(100);
	});

	it("is back at its local setpoint after the power failed, with nothing heating and the failure on record", () => {
		const { world, simulator, read, write } = setUp();
		simulator.advance(250);
		write(276, 1);
		write(26, 1500);
		simulator.advance(1000);
		expect(world.percent).toBe(100);
		simulator.powerCycle();
		expect([world.percent, read(5), read(87), read(276)]).toEqual([0, 0, 1 << 7, 0]);
		write(26, 1500);
		simulator.advance(2000);
		expect([world.percent, read(5)]).toEqual([0, 0]);
	});

	it("goes to manual and back without a jump of its output", () => {
		const { world, simulator, write, read } = setUp();
		world.celsius = 100;
		write(24, 1020);
		simulator.advance(60_000);
		const before = world.percent;
		expect(before).toBeGreaterThan(1);
		write(273, 1);
		simulator.advance(60_250);
		expect(read(75)).toBe(1 << 4);
		expect(world.percent).toBeCloseTo(before, 6);
		write(3, 500);
		simulator.advance(60_500);
		expect(world.percent).toBe(50);
		write(273, 0);
		simulator.advance(60_750);
		expect(Math.abs(world.percent - 50)).toBeLessThan(1);
	});
});
