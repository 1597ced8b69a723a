import { describe, expect, it } from "vitest";
import {
	checksum,
	decodeNumber,
	encodeReply,
	encodeRequest,
	parseReply,
	parseRequest,
	type Status,
} from "#drivers/inficon-sqm160/codec.js";

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const latin = (sent: Uint8Array): string => Buffer.from(sent).toString("latin1");

/** Exchanges of the public pymeasure driver's tests. */
const EXCHANGES: readonly [message: string, request: string, reply: string, data: string][] = [
	["@", "!#@O7", "!0AMON Ver 4.13Uw", "MON Ver 4.13"],
	["J", "!#JO8", "!%A6v\x86", "6"],
	["M", "!#M\x8e\x8a", "!*A 0.01 i?", " 0.01 "],
	["O", "!#O\x8f9", "!+A 0.000 Jo", " 0.000 "],
	["L1?", "!%L1?\x85{", "!*A 0.00 [d", " 0.00 "],
	["P1", "!$P1Z\x91", "!/A5875830.230:X", "5875830.230"],
];

describe("SQM-160 codec", () => {
	it("has the checksums that the manual shows", () => {
		expect(latin(Uint8Array.from(checksum(bytes("#@"))))).toBe("O7");
		expect(latin(Uint8Array.from(checksum(bytes("$C?"))))).toBe("g/");
	});

	it.each(EXCHANGES)("asks %s with the golden bytes and reads the golden reply", (message, request, reply, data) => {
		expect(latin(encodeRequest(message))).toBe(request);
		expect(parseRequest(bytes(request))).toEqual({ reply: message, taken: request.length });
		expect(parseReply(bytes(reply))).toEqual({ reply: { status: "A", data }, taken: reply.length });
		expect(latin(encodeReply("A", data))).toBe(reply);
	});

	it("reads every status, and refuses any other", () => {
		for (const status of ["A", "B", "C", "D", "E"] as const) {
			expect(parseReply(encodeReply(status, ""))?.reply).toEqual({ status, data: "" });
		}
		expect(() => parseReply(encodeReply("F" as Status, ""))).toThrow(/no status/);
	});

	it("waits for the whole message, and passes over what stands before it", () => {
		const reply = bytes("!*A 0.01 i?");
		for (let length = 0; length < reply.length; length += 1)
			expect(parseReply(reply.subarray(0, length))).toBeUndefined();
		expect(parseReply(bytes(`\xff\x00!*A 0.01 i?`))).toMatchObject({ taken: 13 });
	});

	it("refuses a message with any byte lost or changed", () => {
		const reply = "!/A5875830.230:X";
		for (let at = 1; at < reply.length; at += 1) {
			const short = bytes(`${reply.slice(0, at)}${reply.slice(at + 1)}${reply}`);
			expect(() => parseReply(short), `without ${at}`).toThrow();
			const changed = bytes(`${reply.slice(0, at)}8${reply.slice(at + 1)}${" ".repeat(40)}`);
			if (reply[at] !== "8") expect(() => parseReply(changed), `changed at ${at}`).toThrow();
		}
		expect(() => parseReply(new Uint8Array(300).fill(0x40))).toThrow(/without the start/);
	});

	it("reads numbers and nothing else", () => {
		expect(decodeNumber(" -0.012 ")).toBe(-0.012);
		expect(decodeNumber("5875830.230")).toBe(5875830.23);
		for (const text of ["", " ", "e5", "1e", "0x10", "1.2.3", "NaN", "-"])
			expect(decodeNumber(text), text).toBeUndefined();
	});

	it("skips the echo of a two-wire adapter, at every split", () => {
		for (const [message, request, reply, data] of EXCHANGES) {
			const asked = encodeRequest(message);
			const both = bytes(request + reply);
			for (let length = 0; length < both.length; length += 1)
				expect(parseReply(both.subarray(0, length), asked), `${message} after ${length} bytes`).toBeUndefined();
			expect(parseReply(both, asked)?.reply.data).toBe(data);
			expect(parseReply(bytes(reply), asked)?.reply.data).toBe(data);
		}
	});
});
