import { describe, expect, it } from "vitest";
import {
	encodeRead,
	encodeWriteInt,
	type Parameter,
	readReply,
	signedCounts,
	statusReply,
	statusText,
} from "#drivers/bronkhorst-propar/codec.js";
import { binary, decodeFrame } from "#drivers/bronkhorst-propar/frames.js";
import { PARAMETERS, sccmPerUnit } from "#drivers/bronkhorst-propar/parameters.js";

const { measure, setpoint, capacity, capacityUnit, fluidName, serial } = PARAMETERS;
const counter: Parameter = { name: "counter value", process: 104, number: 1, type: "float" };
const userTag: Parameter = { name: "user tag", process: 113, number: 6, type: "string" };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (line: string): Uint8Array => Buffer.from(`${line}\r\n`, "latin1");

describe("ProPar codec", () => {
	// 9.17.027 pp 22 to 26; the first and the counter also as sent to a real FG-201CV.
	it("asks with the manual's bytes", () => {
		expect(text(encodeRead(3, [measure]))).toBe(":06030401210120\r\n");
		expect(text(encodeRead(3, [setpoint]))).toBe(":06030401210121\r\n");
		expect(text(encodeRead(3, [counter]))).toBe(":06030468416841\r\n");
	});

	const chain = [serial, userTag, measure, capacity, capacityUnit, fluidName];
	it("asks for chained parameters of two processes with the manual's bytes", () => {
		expect(text(encodeRead(3, chain, { firstIndex: 12 }))).toBe(
			":1A0304F1EC7163006D71660001AE0120CF014DF0017F077101710A\r\n",
		);
	});

	it("reads the manual's answer to them", () => {
		const reply =
			":370302F1EC004D3632313233343541006D00555345525441470001AE1CD8CF3F800000F0076D6C6E2F6D696E710A4E322020202020202020";
		expect(readReply(3, chain, { firstIndex: 12 })(bytes(reply))?.reply).toEqual({
			values: ["M6212345A", "USERTAG", 7384, 1, "mln/min", "N2"],
		});
	});

	it("reads the manual's single answers", () => {
		expect(readReply(3, [measure])(bytes(":06030201213E80"))).toEqual({ reply: { values: [16_000] }, taken: 17 });
		const values = readReply(3, [counter])(bytes(":0803026841459CFFAE"))?.reply;
		expect(values).toEqual({ values: [expect.closeTo(5023.96, 2)] });
	});

	// Exchanged with a real FG-201CV: setpoint 0 written, acknowledged, read back; before, it held 100 %.
	it("writes and reads a setpoint as a real instrument did", () => {
		expect(text(encodeWriteInt(3, setpoint, 0))).toBe(":06030101210000\r\n");
		expect(text(encodeWriteInt(3, setpoint, 16_000))).toBe(":06030101213E80\r\n");
		expect(statusReply(3)(bytes(":0403000005"))?.reply).toEqual({ refused: 0 });
		expect(statusReply(3)(bytes(":040300001C"))?.reply).toEqual({ refused: 0 });
		expect(readReply(3, [setpoint])(bytes(":06030201217D00"))?.reply).toEqual({ values: [32_000] });
	});

	it("reads the serial number as a real instrument gave it, NUL-terminated, from node 128", () => {
		const reply = ":1080027163004D31353231303633344100";
		expect(text(encodeRead(128, [serial], { firstIndex: 3 }))).toBe(":0780047163716300\r\n");
		expect(readReply(128, [serial], { firstIndex: 3 })(bytes(reply))?.reply).toEqual({ values: ["M15210634A"] });
	});

	it("waits for the whole line at every split", () => {
		const line = ":06030201213E80\r\n";
		for (let length = 0; length < line.length - 1; length += 1) {
			expect(readReply(3, [measure])(Buffer.from(line.slice(0, length)))).toBeUndefined();
		}
	});

	it("passes over what a two-wire line gives as it turns around, and nothing else before a reply", () => {
		expect(readReply(3, [measure])(Buffer.from("\xff\x00:06030201213E80\r\n", "latin1"))?.reply).toEqual({
			values: [16_000],
		});
		expect(() => readReply(3, [measure])(Buffer.from("\x7f:06030201213E80\r\n", "latin1"))).toThrow(/came/);
	});

	it("skips the late reply of another node and takes the refusal of its own", () => {
		const late = Buffer.from(":06040201217D00\r\n:0403000404\r\n");
		expect(readReply(3, [measure])(late)).toEqual({ reply: { refused: 4 }, taken: late.length });
		expect(statusText(4)).toBe("status 4, parameter error");
	});

	it.each([
		[":0104", /error message 4, protocol error/],
		[":0105", /node address rejected/],
		[":06030201213E8", /came/],
		[":060302012113E80", /came/],
		[":05030201213E80", /another length/],
		[":06030201203E80", /where measure was asked/],
		[":06030202213E80", /process of measure/],
		[":06030201413E80", /where measure was asked/],
		[":07030201213E8000", /too many/],
		[":050302012100", /too early/],
		[":0403000000", /command 0/],
		["hello", /came/],
	])("refuses %s", (line, message) => {
		expect(() => readReply(3, [measure])(bytes(line))).toThrow(message);
	});

	it("refuses every reply that lost one character", () => {
		const reply = ":06030201213E80";
		for (let at = 0; at < reply.length; at += 1) {
			const damaged = reply.slice(0, at) + reply.slice(at + 1);
			expect(() => decodeFrame(damaged), damaged).toThrow();
		}
	});

	// 9.17.116 p 33: 41943 to 65535 are -73.73 to -0.003 %.
	it("gives negative flow the sign that Bronkhorst documents, not two's complement at 32768", () => {
		expect(signedCounts(0)).toBe(0);
		expect(signedCounts(32_768)).toBe(32_768);
		expect(signedCounts(41_942)).toBe(41_942);
		expect((signedCounts(41_943) / 32_000) * 100).toBeCloseTo(-73.73, 2);
		expect((signedCounts(65_535) / 32_000) * 100).toBeCloseTo(-0.003, 3);
	});

	it("knows the flow units at stated conditions and no volume or mass", () => {
		expect(sccmPerUnit("mln/min")).toBe(1);
		expect(sccmPerUnit("ln/min")).toBe(1000);
		expect(sccmPerUnit("ln/h")).toBeCloseTo(16.667, 3);
		expect(sccmPerUnit("mls/min")).toBeCloseTo(0.931_776, 6);
		for (const unit of ["ml/min", "l/min", "g/h", "bar", "constructor"])
			expect(sccmPerUnit(unit), unit).toBeUndefined();
	});

	it("skips the echo of a two-wire adapter", () => {
		const [asked, came] = [":06030401210120\r\n", ":06030201213E80\r\n"].map((line) => Buffer.from(line, "latin1"));
		const parse = readReply(3, [measure]);
		expect(parse(asked!)).toBeUndefined();
		expect(parse(Buffer.concat([asked!, came!]))?.reply).toEqual({ values: [16_000] });
		const set = Buffer.from(encodeWriteInt(3, setpoint, 16_000));
		expect(statusReply(3)(set)).toBeUndefined();
		expect(statusReply(3)(Buffer.concat([set, bytes(":0403000005")]))?.reply).toEqual({ refused: 0 });
	});
});

describe("the binary form", () => {
	const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
	const came = (text: string): Uint8Array => Buffer.from(text.replace(/ /g, ""), "hex");

	// By the rules of Bronkhorst's own package (bronkhorst-propar, _propar_builder and _propar_provider): DLE STX, sequence, node,
	// length of the data, data, DLE ETX, every DLE between doubled.
	it("asks and writes as Bronkhorst's own program does", () => {
		expect(hex(encodeRead(3, [measure], { framing: binary(1) }))).toBe("100201030504012101201003");
		expect(hex(encodeWriteInt(3, setpoint, 16_000, binary(2)))).toBe("1002020305010121" + "3e801003");
		expect(hex(encodeWriteInt(3, setpoint, 0x1010, binary(16)))).toBe("100210100305010121" + "101010101003");
	});

	// A public description of that program gives this frame for the message 01 03 10 02.
	it("doubles a DLE in the message and takes one away again", () => {
		expect(hex(binary(1).encode(3, [0x10]))).toContain("1010");
		const reply = came("10 02 01 03 05 02 01 21 10 10 02 10 03");
		expect(readReply(3, [measure], { framing: binary(1) })(reply)).toEqual({ reply: { values: [0x1002] }, taken: 13 });
	});

	const answer = came("10 02 07 03 05 02 01 21 3E 80 10 03");
	const read = readReply(3, [measure], { framing: binary(7) });

	it("waits for the whole reply at every split", () => {
		for (let length = 0; length < answer.length; length += 1) expect(read(answer.subarray(0, length))).toBeUndefined();
		expect(read(answer)).toEqual({ reply: { values: [16_000] }, taken: 12 });
	});

	it("passes over the reply to an earlier request", () => {
		const late = came("10 02 06 03 05 02 01 21 7D 00 10 03");
		expect(read(late)).toBeUndefined();
		expect(read(Buffer.concat([late, answer]))).toEqual({ reply: { values: [16_000] }, taken: 24 });
	});

	it("never gives another value when any one byte of a reply is lost", () => {
		for (let at = 0; at < answer.length; at += 1) {
			const damaged = Buffer.concat([answer.subarray(0, at), answer.subarray(at + 1)]);
			let value: unknown;
			try {
				value = read(damaged)?.reply;
			} catch {
				continue;
			}
			expect(value, `byte ${at}`).toBeUndefined();
		}
	});

	it("takes a refusal, a status and an error message", () => {
		expect(read(came("10 02 07 03 03 00 04 05 10 03"))?.reply).toEqual({ refused: 4 });
		expect(statusReply(3, binary(7))(came("10 02 07 03 03 00 00 05 10 03"))?.reply).toEqual({ refused: 0 });
		expect(() => read(came("10 02 07 03 01 04 10 03"))).toThrow(/error message 4/);
	});
});
