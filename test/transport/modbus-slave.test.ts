import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealWithCrc } from "#transport/crc16.js";
import { ModbusException, RtuSlave, type SlaveConnection, TcpSlave } from "#transport/modbus-slave.js";
import { bytes } from "./scripted-far-end.js";

const sealed = (body: string) => sealWithCrc(new Uint8Array([...bytes(body), 0, 0]));
const memoryMap = () => {
	const words = new Map<number, number>();
	const coils = new Map<number, boolean>();
	return {
		words,
		coils,
		readHolding(address: number, count: number) {
			if (address + count > 200) throw new ModbusException(2);
			return Array.from({ length: count }, (_, i) => words.get(address + i) ?? 0);
		},
		writeHolding(address: number, values: readonly number[]) {
			values.forEach((value, i) => {
				words.set(address + i, value);
			});
		},
		readCoils: (address: number, count: number) =>
			Array.from({ length: count }, (_, i) => coils.get(address + i) ?? false),
		writeCoils(address: number, bits: readonly boolean[]) {
			bits.forEach((bit, i) => {
				coils.set(address + i, bit);
			});
		},
	};
};
class Wire implements SlaveConnection {
	state: unknown;
	readonly sent: string[] = [];
	send(reply: Uint8Array): void {
		this.sent.push(Buffer.from(reply).toString("hex"));
	}
}

describe("a simulated RTU unit", () => {
	it("answers the published frames", () => {
		const slave = new RtuSlave(1, memoryMap());
		const wire = new Wire();
		for (const frame of ["010300010001D5CA", "0106000200FAA849", "01030002000125CA", "0106001A05DCAAC4"])
			slave.receive(bytes(frame), wire);
		expect(wire.sent).toEqual(["0103020000b844", "0106000200faa849", "010302" + "00fa3807", "0106001a05dcaac4"]);
	});

	it("answers requests that come split at every byte or joined", () => {
		const all = new Uint8Array([...sealed("01 10 0005 0002 04 0001 0002"), ...sealed("01 03 0005 0002")]);
		for (let cut = 0; cut <= all.length; cut += 1) {
			const slave = new RtuSlave(1, memoryMap());
			const wire = new Wire();
			slave.receive(all.slice(0, cut), wire);
			slave.receive(all.slice(cut), wire);
			expect(wire.sent).toHaveLength(2);
			expect(wire.sent[1]).toBe(Buffer.from(sealed("01 03 04 0001 0002")).toString("hex"));
			expect(wire.state).toBeUndefined();
		}
	});

	it("is silent on a bad CRC and to other units, and hears what follows", () => {
		const slave = new RtuSlave(1, memoryMap());
		const wire = new Wire();
		slave.receive(bytes("010300010001FFFF"), wire);
		slave.receive(sealed("02 03 0001 0001"), wire);
		expect(wire.sent).toEqual([]);
		slave.receive(sealed("01 03 0001 0001"), wire);
		expect(wire.sent).toHaveLength(1);
	});

	it("obeys a broadcast without answering", () => {
		const map = memoryMap();
		const wire = new Wire();
		new RtuSlave(1, map).receive(sealed("00 06 0002 0007"), wire);
		expect(map.words.get(2)).toBe(7);
		expect(wire.sent).toEqual([]);
	});

	it.each([
		["an unknown function", "01 2B 0E 01 00", "01 AB 01"],
		["a table it does not have", "01 04 0001 0001", "01 84 01"],
		["an address it does not have", "01 03 00C8 0001", "01 83 02"],
		["a span past the end of the table", "01 01 FFFF 0002", "01 81 02"],
		["too many registers", "01 03 0000 007E", "01 83 03"],
		["no registers", "01 03 0000 0000", "01 83 03"],
		["a coil value that is neither on nor off", "01 05 0000 1234", "01 85 03"],
		["a byte count that does not fit", "01 10 0000 0002 02 0001", "01 90 03"],
	])("answers %s with an exception", (_what, request, reply) => {
		const wire = new Wire();
		new RtuSlave(1, memoryMap()).receive(sealed(request), wire);
		expect(wire.sent).toEqual([Buffer.from(sealed(reply)).toString("hex")]);
	});

	it("keeps coils by functions 05, 15 and 01", () => {
		const slave = new RtuSlave(1, memoryMap());
		const wire = new Wire();
		slave.receive(sealed("01 0F 0000 000A 02 CD 01"), wire);
		slave.receive(sealed("01 05 0001 FF00"), wire);
		slave.receive(sealed("01 01 0000 000A"), wire);
		expect(wire.sent[2]).toBe(Buffer.from(sealed("01 01 02 CF 01")).toString("hex"));
	});

	it("survives any noise in any chunks, keeps a bounded rest, and hears a request after it", () => {
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (chunks) => {
				const slave = new RtuSlave(1, memoryMap());
				const wire = new Wire();
				for (const chunk of chunks) slave.receive(chunk, wire);
				expect((wire.state as Uint8Array | undefined)?.length ?? 0).toBeLessThanOrEqual(256);
				slave.receive(sealed("01 03 0001 0001"), wire);
				expect(wire.sent.at(-1)).toBe("0103020000b844");
			}),
			{ seed: 7, numRuns: 200 },
		);
	});
});

describe("a simulated Modbus TCP instrument", () => {
	it("answers requests that come split at every byte or joined, with their ids", () => {
		const all = bytes("0001 0000 0006 01 06 07D0 0001  0002 0000 0006 01 03 0001 0002");
		const map = { ...memoryMap(), readHolding: () => [0x0011, 0x2233] };
		for (let cut = 0; cut <= all.length; cut += 1) {
			const slave = new TcpSlave(map);
			const wire = new Wire();
			slave.receive(all.slice(0, cut), wire);
			slave.receive(all.slice(cut), wire);
			expect(wire.sent).toEqual(["000100000006" + "010607d00001", "000200000007" + "01030400112233"]);
		}
	});

	it("answers one unit or all, with exceptions where due", () => {
		const wire = new Wire();
		new TcpSlave(memoryMap()).receive(bytes("0005 0000 0006 FF 03 00C8 0001"), wire);
		new TcpSlave(memoryMap(), { unit: 1 }).receive(bytes("0006 0000 0006 02 03 0001 0001"), wire);
		expect(wire.sent).toEqual(["000500000003ff8302"]);
	});

	it("drops a stream that is out of step", () => {
		const wire = new Wire();
		const slave = new TcpSlave(memoryMap());
		slave.receive(bytes("0005 0001 0006 01 03 0001 0001"), wire);
		slave.receive(bytes("0005 0000 0001 01"), wire);
		expect(wire.sent).toEqual([]);
		expect(wire.state).toBeUndefined();
		slave.receive(bytes("0007 0000 0006 01 03 0001 0001"), wire);
		expect(wire.sent).toHaveLength(1);
	});
});
