import { describe, expect, it } from "vitest";
import {
	encodeRequest,
	Handwriting,
	parseNumber,
	pressureUnit,
	refusalText,
	replyOf,
	sensorFault,
	type WrittenNumber,
} from "#drivers/mks-900/codec.js";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const parse = (text: string, query = "PR4?", address = 253) =>
	replyOf(address, encodeRequest(address, query))(bytes(text));
const written = (text: string): WrittenNumber => parseNumber(text) as WrittenNumber;

describe("MKS 900 codec", () => {
	it("asks as the manuals and an independent driver do, with three digits of address and no line ending", () => {
		expect(Buffer.from(encodeRequest(253, "PR4?")).toString()).toBe("@253PR4?;FF");
		expect(Buffer.from(encodeRequest(7, "U?")).toString()).toBe("@007U?;FF");
	});

	// Manuals 902B p 46, 910 pp 24 and 46, 971 p 26; the tests of pymeasure's MKS 974B.
	it.each([
		["PR4?", "@253ACK1.234E-3;FF", "1.234E-3"],
		["PR1?", "@253ACK1.23E-3;FF", "1.23E-3"],
		["U?", "@253ACKTORR;FF", "TORR"],
		["T?", "@253ACKO;FF", "O"],
		["DT?", "@253ACKQUADMAG;FF", "QUADMAG"],
		["MD?", "@253ACK902B;FF", "902B"],
		["SN?", "@253ACK11350123456;FF", "11350123456"],
		["TEM?", "@253ACK2.50E+1;FF", "2.50E+1"],
	])("reads the reply to %s: %s", (query, reply, data) => {
		expect(parse(reply, query)).toEqual({ reply: { data, from: 253 }, taken: reply.length });
	});

	it("reads a refusal", () => {
		expect(parse("@253NAK160;FF")?.reply).toEqual({ refused: 160, from: 253 });
		expect(refusalText(160)).toBe("NAK 160, unrecognised message");
		expect(refusalText(8)).toBe("NAK 8");
	});

	it("waits for the whole reply at every split", () => {
		const reply = "@253ACK1.234E-3;FF";
		for (let length = 0; length < reply.length; length += 1) {
			expect(parse(reply.slice(0, length)), `after ${length} bytes`).toBeUndefined();
		}
	});

	// 910 manual p 21: what came of a reply with the turn-around delay off.
	it.each(["64;FF", "K1.234E-3;FF", "53ACK1.234E-3;FF", "1.234E-3;FF", ";FF"])(
		"takes %j, which has lost its beginning, for no reply",
		(text) => {
			expect(() => parse(text)).toThrow(/came/);
		},
	);

	it.each(["@253ACK", "garbage", "@253OK1.2;FF", "@25ACK1.2;FF", "@253NAKxyz;FF", "@253ACK1.2@253ACK1.2;FF"])(
		"refuses %j",
		(text) => {
			expect(() => parse(text.padEnd(text.endsWith(";FF") ? 0 : 100))).toThrow();
		},
	);

	it("skips the echo of a two-wire adapter and the late reply of another transducer", () => {
		const text = "@253PR4?;FF@001ACK9.999E+2;FF@253ACK1.234E-3;FF";
		expect(parse(text)).toEqual({ reply: { data: "1.234E-3", from: 253 }, taken: text.length });
	});

	it("passes over what a two-wire line gives as it turns around, and nothing else before a reply", () => {
		expect(parse("\xff\x00@253ACK1.234E-3;FF")?.reply).toEqual({ data: "1.234E-3", from: 253 });
		expect(() => parse("\x7f@253ACK1.234E-3;FF")).toThrow(/came/);
	});

	it("reads the forms of numbers that the family sends, and words where there is no number", () => {
		expect(written("1.234E-3").value).toBe(1.234e-3);
		expect(written("2.00E+1").value).toBe(20);
		expect(written("1.234E0").value).toBe(1.234);
		expect(written("1.23")).toEqual({ value: 1.23, scientific: null });
		expect(written("-1.20E-1").value).toBe(-0.12);
		expect(written("+1.234E-3").value).toBe(1.234e-3);
		expect(written("+1.23").value).toBe(1.23);
		expect(parseNumber("OVER")).toEqual({ words: "OVER" });
		expect(parseNumber(">ATM")).toEqual({ words: ">ATM" });
		expect(parseNumber("LO<E-11")).toEqual({ words: "LO<E-11" });
	});

	it.each(["", ".234E-3", "1.234E-", "1.234-3", "1234E-3", "1..2", "1.2.3", "01.2", "1,2", "1.23456E-3", "NaN1 "])(
		"takes %j for no pressure",
		(text) => {
			const number = () => parseNumber(text);
			if (/^[A-Z]/.test(text)) expect(number()).toHaveProperty("words");
			else expect(number).toThrow(/no pressure/);
		},
	);

	it("knows a transducer's handwriting: digits, sign and padding of the exponent", () => {
		const fits = (...texts: string[]) => {
			const hand = new Handwriting();
			return texts.map((text) => hand.fits(written(text)));
		};
		expect(fits("1.234E-3", "9.999E+2", "1.23E-3")).toEqual([true, true, false]);
		expect(fits("1.23E+2", "1.23E-3", "1.23E3")).toEqual([true, true, false]);
		expect(fits("1.23E-03", "1.23E-3", "1.23E-10")).toEqual([true, false, true]);
		expect(fits("1.234E0", "1.234E2", "1.234E-2")).toEqual([true, true, true]);
		expect(fits("1.23", "12.3", "1.23E0")).toEqual([true, true, false]);
		expect(fits("1.23E-0")).toEqual([false]);
		const taught = new Handwriting();
		taught.learnExponent("2.50E+1");
		expect(taught.fits(written("9.000E1"))).toBe(false);
	});

	it("converts each unit to Pa, and no other", () => {
		expect(pressureUnit("TORR")?.(1)).toBeCloseTo(133.322_368, 6);
		expect(pressureUnit("mbar")?.(1)).toBe(100);
		expect(pressureUnit("PASCAL")?.(1)).toBe(1);
		expect(pressureUnit("TOR")).toBeUndefined();
	});

	it("takes only the letter O for a sound sensor", () => {
		expect(sensorFault("O")).toBeNull();
		expect(sensorFault("M")).toMatch(/Pirani/);
		expect(sensorFault("Z")).toMatch(/piezo/);
		expect(sensorFault("C")).toMatch(/cold cathode/);
		expect(sensorFault("")).not.toBeNull();
		expect(sensorFault("X")).not.toBeNull();
	});
});
