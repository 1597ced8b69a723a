import { describe, expect, it } from "vitest";
import { SteppedClock, settled } from "#core/clock.js";
import type { ByteStream } from "#core/wire.js";
import { parseAddress } from "#transport/address.js";
import { memoryPair } from "#transport/memory.js";
import { MemoryBroker } from "#transport/memory-mqtt.js";
import { RtuSlave } from "#transport/modbus-slave.js";
import { Ports, wireOf } from "#transport/ports.js";
import { outcome } from "./scripted-far-end.js";

const timing = { timeoutMs: 100, retries: 1 };
const schemes = ["modbus-rtu", "modbus-rtu+tcp"];

/** An RS-485 line in memory with three units that answer their number; `dead` ones are silent. */
const bus = () => {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const dead = new Set<number>();
	let streams = 0;
	let far: ByteStream | undefined;
	const asked: number[] = [];
	const ports = new Ports(clock, () => async () => {
		streams += 1;
		const [near, end] = memoryPair("bus");
		far = end;
		const units = [1, 2, 3].map((unit) => ({
			unit,
			slave: new RtuSlave(unit, { readHolding: (_address, count) => Array.from({ length: count }, () => unit) }),
			connection: { send: (reply: Uint8Array) => end.write(reply), state: undefined },
		}));
		end.onBytes((bytes) => {
			asked.push(bytes[0]!);
			for (const { unit, slave, connection } of units) if (!dead.has(unit)) slave.receive(bytes, connection);
		});
		return near;
	});
	const unit = (n: number) => {
		const { modbus } = ports.connect({
			name: `zone${n}`,
			address: parseAddress(`simulated:heaters?unit=${n}`),
			schemes,
			timing,
		});
		return modbus!;
	};
	/** Lets time pass, as frames on a line need it, and gives what came of it. */
	const run = async <Result>(promise: Promise<Result>): Promise<Result> => {
		await clock.advance(100);
		return promise;
	};
	return { run, clock, dead, asked, unit, ports, streams: () => streams, isOpen: () => far?.isOpen === true };
};

describe("a shared line", () => {
	it("is opened once for all its units, which take turns and count for themselves", async () => {
		const { run, unit, streams } = bus();
		const [a, b, c] = [unit(1), unit(2), unit(3)];
		expect(
			await run(Promise.all([a.readHolding(0, 1), b.readHolding(0, 2), c.readHolding(0, 1), a.readHolding(0, 1)])),
		).toEqual([[1], [2, 2], [3], [1]]);
		expect(streams()).toBe(1);
		expect([a.counters.exchanges, b.counters.exchanges, c.counters.exchanges]).toEqual([2, 1, 1]);
	});

	it("closes with its last user and opens again for the next", async () => {
		const { run, unit, isOpen, streams } = bus();
		const [a, b] = [unit(1), unit(2)];
		await Promise.all([a.open(), b.open()]);
		await a.close();
		await settled();
		expect(isOpen()).toBe(true);
		expect(await run(b.readHolding(0, 1))).toEqual([2]);
		await b.close();
		await settled();
		expect(isOpen()).toBe(false);
		expect(await run(a.readHolding(0, 1))).toEqual([1]);
		expect(streams()).toBe(2);
	});

	it("serves the others between the attempts of a dead unit", async () => {
		const { clock, dead, unit, asked } = bus();
		dead.add(1);
		const [a, b, c] = [unit(1), unit(2), unit(3)];
		const results = [a.readHolding(0, 1), b.readHolding(0, 1), c.readHolding(0, 1)].map(outcome);
		await clock.advance(250);
		expect(asked).toEqual([1, 2, 3, 1]);
		expect(results.map((result) => result.value)).toEqual([undefined, [2], [3]]);
		await clock.advance(300);
		expect(results[0]?.code).toBe("DEVICE_SILENT");
	});

	it("stays open while one unit is dead and closed by its owner", async () => {
		const { clock, dead, unit, streams } = bus();
		dead.add(1);
		const [a, b] = [unit(1), unit(2)];
		const alive: boolean[] = [];
		for (let round = 0; round < 5; round += 1) {
			const lost = outcome(a.readHolding(0, 1));
			const good = outcome(b.readHolding(0, 1));
			await clock.advance(1000);
			alive.push(lost.code === "DEVICE_SILENT" && good.value?.[0] === 2);
			await a.close();
		}
		expect(alive).toEqual([true, true, true, true, true]);
		expect(streams()).toBe(1);
	});
});

describe("the ports", () => {
	it("choose the wire by the address, and on simulated lines by the driver", () => {
		expect(wireOf(parseAddress("modbus-rtu+tcp://h:1?unit=1"), schemes)).toBe("modbus-rtu");
		expect(wireOf(parseAddress("simulated:x"), ["modbus-tcp"])).toBe("modbus-tcp");
		expect(wireOf(parseAddress("simulated:x"), ["serial", "tcp"])).toBe("bytes");
		expect(() => wireOf(parseAddress("serial:/dev/x"), schemes)).toThrowError("accepts modbus-rtu, modbus-rtu+tcp");
	});

	it("give an instrument at a broker a link of its own, and count the messages that come", async () => {
		const broker = new MemoryBroker();
		const ports = new Ports(new SteppedClock({ wallStartMs: 0 }), undefined, (address) =>
			address.scheme === "simulated" ? broker.link(address.line) : undefined,
		);
		const connect = (text: string) =>
			ports.connect({ name: "box", address: parseAddress(text), schemes: ["mqtt", "mqtts"], timing });
		expect(connect("mqtts://broker/box").mqtt?.isOpen).toBe(false);
		const { mqtt, counters } = connect("simulated:box");
		await mqtt!.open();
		await mqtt!.subscribe("o2", () => {});
		broker.publish("box/o2", Buffer.from("1"));
		broker.publish("other/o2", Buffer.from("1"));
		await Promise.resolve();
		expect(counters.exchanges).toBe(1);
	});

	it("refuse two instruments that disagree about their line, and simulated lines outside a simulated lab", () => {
		const ports = new Ports(new SteppedClock({ wallStartMs: 0 }));
		const connect = (name: string, text: string, accepted = schemes) =>
			ports.connect({ name, address: parseAddress(text), schemes: accepted, timing });
		connect("a", "modbus-rtu:/dev/ttyX?unit=1");
		connect("b", "modbus-rtu:/dev/ttyX?unit=2");
		expect(() => connect("c", "modbus-rtu:/dev/ttyX?unit=3&baud=19200")).toThrowError(
			"c uses serial:/dev/ttyX as modbus-rtu 19200 baud, parity none, 8 data bits, 1 stop bits, but a uses it as modbus-rtu 9600 baud",
		);
		expect(() => connect("d", "serial:/dev/ttyX", ["serial"])).toThrowError("but a uses it");
		expect(() => connect("e", "simulated:heaters")).toThrowError("simulated lab only");
		expect(() => connect("f", "simulated:box", ["mqtt"])).toThrowError("simulated lab only");
	});
});

describe("a Modbus RTU line", () => {
	it("takes no reply that comes twice for the answer to the next read", async () => {
		const clock = new SteppedClock({ wallStartMs: 0 });
		const ports = new Ports(clock, () => async () => {
			const [near, end] = memoryPair("bus");
			const slave = new RtuSlave(1, { readHolding: (address) => [address] });
			const connection = {
				send: (reply: Uint8Array) => {
					end.write(reply);
					clock.setTimer(1, () => end.write(reply));
				},
				state: undefined,
			};
			end.onBytes((bytes) => slave.receive(bytes, connection));
			return near;
		});
		const address = parseAddress("simulated:heaters?unit=1");
		const modbus = ports.connect({ name: "zone", address, schemes, timing }).modbus!;
		const reads = Promise.all([1, 2, 3].map((register) => modbus.readHolding(register, 1)));
		await clock.advance(200);
		expect(await reads).toEqual([[1], [2], [3]]);
	});
});
