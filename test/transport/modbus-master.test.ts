import { describe, expect, it } from "vitest";
import { settled } from "#core/clock.js";
import { crc16, sealWithCrc } from "#transport/crc16.js";
import { Line } from "#transport/line.js";
import { type ModbusFraming, ModbusUnit } from "#transport/modbus-master.js";
import { bytes, FarEnd, outcome } from "./scripted-far-end.js";

const timing = { timeoutMs: 100, retries: 2 };
const setUp = (framing: ModbusFraming, retries = timing.retries) => {
	const far = new FarEnd();
	const line = new Line("line", far.open, far.clock);
	const unit = new ModbusUnit(line, { name: "stage", unit: 1, framing, timing: { ...timing, retries } });
	return { far, line, unit };
};
const sealed = (body: string) => sealWithCrc(new Uint8Array([...bytes(body), 0, 0]));
const hexOf = (frame: Uint8Array | undefined) => Buffer.from(frame ?? []).toString("hex");

/** A Modbus TCP frame that carries the id of `request`. */
const answering = (request: Uint8Array, unitAndPdu: string, id?: number) => {
	const body = bytes(unitAndPdu);
	const transaction = id ?? (request[0]! << 8) | request[1]!;
	return new Uint8Array([transaction >> 8, transaction & 255, 0, 0, 0, body.length, ...body]);
};

describe("the CRC", () => {
	it("is that of the published frames", () => {
		for (const frame of [
			"01030001 0001D5CA",
			"010300010005D409",
			"0103004B0001F41C",
			"0106001A05DCAAC4",
			"018302C0F1",
			"01820181 60",
			"018602C3A1",
			"0186030261",
		]) {
			const all = bytes(frame);
			expect(crc16(all, 0, all.length - 2)).toBe(all[all.length - 2]! | (all[all.length - 1]! << 8));
		}
	});
});

describe("a Modbus RTU unit", () => {
	it("speaks the published frames of a Eurotherm 3216", async () => {
		const { far, unit } = setUp("rtu");
		const replies = ["01030200 00B844", "01060002 00FAA849", "01030200FA3807", "0106001A05DCAAC4"].map(bytes);
		far.answer = (_request, index) => far.send(replies[index]!);
		expect(await unit.readHolding(1, 1)).toEqual([0]);
		await unit.writeRegister(2, 250);
		expect(await unit.readHolding(2, 1)).toEqual([250]);
		await unit.writeRegister(26, 1500);
		expect(far.requests.map(hexOf)).toEqual([
			"010300010001d5ca",
			"0106000200faa849",
			"01030002000125ca",
			"0106001a05dcaac4",
		]);
	});

	it("takes a reply split at every byte", async () => {
		const reply = sealed("01 03 0A 0001 0002 0003 8000 FFFF");
		for (let cut = 1; cut < reply.length; cut += 1) {
			const { far, unit } = setUp("rtu");
			far.answer = () => {
				far.send(reply.slice(0, cut));
				far.send(reply.slice(cut));
			};
			expect(await unit.readHolding(1, 5)).toEqual([1, 2, 3, 0x8000, 0xffff]);
			expect(unit.counters).toEqual({ exchanges: 1, retries: 0, timeouts: 0 });
		}
	});

	it("finds its reply behind noise", async () => {
		for (const noise of ["00", "FF FF", "01", "01 03", "01 03 02", "01 83 00", "00 01 03 02 00"]) {
			const { far, unit } = setUp("rtu");
			far.answer = () => far.send(new Uint8Array([...bytes(noise), ...bytes("0103020000B844")]));
			expect(await unit.readHolding(1, 1)).toEqual([0]);
		}
	});

	it("asks again after a reply with a bad CRC, and says REPLY_INVALID when none is good", async () => {
		const { far, unit } = setUp("rtu");
		far.answer = (request, index) => {
			if (index === 0) far.send(bytes("01 03 04 0007 0008 FFFF"));
			else far.send(sealed(request[5] === 1 ? "01 03 02 0007" : "01 03 04 0007 0008"));
		};
		const value = outcome(unit.readHolding(1, 2));
		await far.clock.advance(1000);
		expect(value.value).toEqual([7, 8]);
		expect(unit.counters).toEqual({ exchanges: 1, retries: 1, timeouts: 1 });
		far.answer = () => far.send(bytes("01 03 04 0007 0008 FFFF"));
		const bad = outcome(unit.readHolding(1, 2));
		await far.clock.advance(1000);
		expect(bad.code).toBe("REPLY_INVALID");
		expect(bad.message).toContain("9 bytes came without a frame whose CRC holds");
	});

	it("never takes a late reply of another length, function or write for its answer", async () => {
		const { far, unit } = setUp("rtu", 0);
		far.answer = () => {
			far.send(sealed("01 03 02 0063"));
			far.send(sealed("01 04 04 0001 0002"));
			far.send(sealed("01 06 0001 0005"));
			far.send(sealed("01 03 04 0007 0008"));
		};
		expect(await unit.readHolding(1, 2)).toEqual([7, 8]);
		const far2 = setUp("rtu", 0);
		far2.far.answer = () => {
			far2.far.send(sealed("01 06 001A 0001"));
			far2.far.send(sealed("01 06 001B 0002"));
		};
		const write = outcome(far2.unit.writeRegister(26, 2));
		await far2.far.clock.advance(100);
		expect(write.code).toBe("REPLY_INVALID");
	});

	it("gets the right answers although every reply comes 1.5 time-outs late", async () => {
		const { far, unit } = setUp("rtu");
		let delays = 2;
		far.answer = (request) => {
			const count = request[5]!;
			const reply = sealed(
				`01 03 ${(2 * count).toString(16).padStart(2, "0")} ${"000A".repeat(count - 1)} 00${request[3]!.toString(16).padStart(2, "0")}`,
			);
			delays -= 1;
			far.sendLater(delays >= 0 ? 150 : 1, reply);
		};
		const a = outcome(unit.readHolding(0x11, 3));
		const b = outcome(unit.readHolding(0x22, 3));
		await far.clock.advance(5000);
		expect([a.value, b.value]).toEqual([
			[10, 10, 0x11],
			[10, 10, 0x22],
		]);
	});

	it("names another unit or function that answers", async () => {
		const { far, unit } = setUp("rtu", 0);
		far.answer = () => far.send(sealed("02 03 02 0001"));
		const value = outcome(unit.readHolding(1, 1));
		await far.clock.advance(100);
		expect(value.code).toBe("REPLY_INVALID");
		expect(value.message).toContain("unit 2 answered function 3 where unit 1 was asked function 3");
	});

	it("gives an exception at once, with code, function and register", async () => {
		const { far, unit } = setUp("rtu");
		far.answer = () => far.send(bytes("01 83 02 C0F1"));
		await expect(unit.readHolding(700, 2)).rejects.toMatchObject({
			code: "MODBUS_EXCEPTION",
			message: "stage (unit 1) refused to read registers 700..701: illegal data address (exception 02).",
			context: { exception: 2, function: 3, register: 700, count: 2, unit: 1 },
		});
		expect(far.requests).toHaveLength(1);
	});

	it("comes back in step with a read of another length after a time-out", async () => {
		const { far, unit } = setUp("rtu");
		far.answer = (_request, index) => {
			if (index === 1) far.send(sealed("01 03 02 0009"));
			if (index === 2) far.send(sealed("01 03 04 0001 0002"));
		};
		const value = outcome(unit.readHolding(1, 2));
		await far.clock.advance(1000);
		expect(value.value).toEqual([1, 2]);
		expect(far.requests.map((request) => request[5])).toEqual([2, 1, 2]);
	});

	it("reads and writes bits", async () => {
		const { far, unit } = setUp("rtu");
		const replies = [
			sealed("01 01 02 CD 01"),
			sealed("01 02 01 05"),
			sealed("01 05 0003 FF00"),
			sealed("01 10 0001 0002"),
		];
		far.answer = (_request, index) => far.send(replies[index]!);
		expect(await unit.readCoils(0, 10)).toEqual([true, false, true, true, false, false, true, true, true, false]);
		expect(await unit.readDiscrete(0, 3)).toEqual([true, false, true]);
		await unit.writeCoil(3, true);
		await unit.writeRegisters(1, [0x1234, 0xffff]);
		expect(hexOf(far.requests[3]?.slice(0, 11))).toBe("01100001000204" + "1234ffff");
	});
});

describe("a Modbus TCP unit", () => {
	it("speaks the published frame of a LabJack T7", async () => {
		const { far, unit } = setUp("tcp");
		far.answer = (request) => far.send(answering(request, "01 03 04 00112233"));
		expect(await unit.readHolding(55_100, 2)).toEqual([0x0011, 0x2233]);
		expect(hexOf(far.requests[0])).toBe("000100000006" + "0103d73c0002");
	});

	it("takes a reply split at every byte", async () => {
		for (let cut = 1; cut < 13; cut += 1) {
			const { far, unit } = setUp("tcp");
			far.answer = (request) => {
				const reply = answering(request, "01 03 04 0011 2233");
				far.send(reply.slice(0, cut));
				far.send(reply.slice(cut));
			};
			expect(await unit.readHolding(1, 2)).toEqual([0x11, 0x2233]);
		}
	});

	it("passes over replies with other ids, whole or in part, and goes on waiting", async () => {
		const { far, unit } = setUp("tcp");
		far.answer = (request) => {
			far.send(answering(request, "01 03 02 0063", 7777).slice(5));
			far.send(answering(request, "01 03 02 0063", 7778));
			far.sendLater(60, answering(request, "01 03 02 0001"));
		};
		const value = outcome(unit.readHolding(1, 1));
		await far.clock.advance(60);
		expect(value.value).toEqual([1]);
		expect(unit.counters.timeouts).toBe(0);
	});

	it("takes a new id for every attempt, so that a late reply is never taken", async () => {
		const { far, unit } = setUp("tcp");
		far.answer = (request, index) => {
			if (index === 0) far.sendLater(101, answering(request, "01 03 02 0063"));
			else far.sendLater(20, answering(request, "01 03 02 0001"));
		};
		const value = outcome(unit.readHolding(1, 1));
		await far.clock.advance(120);
		expect(value.value).toEqual([1]);
		// No silence is needed: the retry went out at the time-out.
		expect(far.atMs).toEqual([0, 100]);
	});

	it("calls a reply of another unit, function or length REPLY_INVALID", async () => {
		for (const body of ["02 03 02 0001", "01 04 02 0001", "01 03 04 0001 0002"]) {
			const { far, unit } = setUp("tcp", 0);
			far.answer = (request) => far.send(answering(request, body));
			await expect(unit.readHolding(1, 1)).rejects.toMatchObject({ code: "REPLY_INVALID" });
		}
	});

	it("gives an exception at once", async () => {
		const { far, unit } = setUp("tcp");
		far.answer = (request) => far.send(answering(request, "01 86 03"));
		await expect(unit.writeRegister(5, 1)).rejects.toMatchObject({
			code: "MODBUS_EXCEPTION",
			context: { exception: 3, register: 5 },
		});
	});

	it("refuses a write whose echo differs", async () => {
		const { far, unit } = setUp("tcp", 0);
		far.answer = (request) => far.send(answering(request, "01 06 0005 0002"));
		await expect(unit.writeRegister(5, 1)).rejects.toMatchObject({ code: "REPLY_INVALID" });
		await settled();
	});

	it("treats a programmer's mistake as one", () => {
		const { unit } = setUp("tcp");
		expect(() => unit.writeRegister(5, -1)).toThrowError("Assertion");
		expect(() => unit.readHolding(0, 126)).toThrowError("Assertion");
	});
});
