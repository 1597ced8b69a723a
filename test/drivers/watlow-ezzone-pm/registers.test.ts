import { describe, expect, it } from "vitest";
import {
	celsiusFromFahrenheit,
	fahrenheitFromCelsius,
	floatFromWords,
	int32FromWords,
	REGISTERS,
	wordsFromFloat,
	wordsFromInt32,
} from "#drivers/watlow-ezzone-pm/registers.js";
import { ModbusCodec } from "#transport/modbus-codec.js";
import { RtuSlave } from "#transport/modbus-slave.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("values of a PM on the wire", () => {
	it("writes 75.0 to the set point as in Watlow's own example, low word first", () => {
		expect(wordsFromFloat(75, "low-first")).toEqual([0x0000, 0x4296]);
		const frame = new ModbusCodec(1).writeRegisters(REGISTERS[1].setpoint, wordsFromFloat(75, "low-first"));
		expect(hex(frame.frame)).toBe("0110087000020400004296" + "2385");
	});

	it("reads a process value of 150.5 from a reply that two independent programs understand alike", () => {
		const frame = new ModbusCodec(1).read(3, 360, 2);
		expect(hex(frame.frame)).toBe("010301680002442b");
		let reply = "";
		new RtuSlave(1, { readHolding: () => wordsFromFloat(150.5, "low-first") }).receive(
			bytes("01 03 01 68 00 02 44 2B"),
			{
				send: (sent) => {
					reply = hex(sent);
				},
				state: undefined,
			},
		);
		expect(reply).toBe("010304800043" + "16630d");
		expect(floatFromWords([0x8000, 0x4316], "low-first")).toBe(150.5);
	});

	it("decodes the same words otherwise in the other order", () => {
		expect(floatFromWords([0x4316, 0x8000], "high-first")).toBe(150.5);
		expect(Math.abs(floatFromWords([0x4316, 0x8000], "low-first"))).toBeLessThan(1e-30);
		// 392.0 as in a recorded frame: 43 C4 00 00.
		expect(wordsFromFloat(392, "high-first")).toEqual([0x43c4, 0x0000]);
	});

	it("keeps 32-bit numbers, negative ones too", () => {
		for (const order of ["low-first", "high-first"] as const) {
			for (const value of [0, 28, 70_000, -5]) expect(int32FromWords(wordsFromInt32(value, order), order)).toBe(value);
		}
		expect(wordsFromInt32(28, "low-first")).toEqual([28, 0]);
	});

	it("converts Fahrenheit exactly", () => {
		expect(celsiusFromFahrenheit(32)).toBe(0);
		expect(celsiusFromFahrenheit(212)).toBe(100);
		expect(celsiusFromFahrenheit(-40)).toBe(-40);
		expect(fahrenheitFromCelsius(180)).toBe(356);
	});

	it("has the addresses of Map 2 that are known", () => {
		expect(REGISTERS[2]).toMatchObject({ setpoint: 2640, controlMode: 2360, outputPower: 2388, heatPower: 2384 });
	});
});
