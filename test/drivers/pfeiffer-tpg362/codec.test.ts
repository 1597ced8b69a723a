import { describe, expect, it } from "vitest";
import {
	decodeErrorWord,
	encodeMnemonic,
	isGaugeList,
	PRESSURE_UNITS,
	parseAcknowledgement,
	parseAreYouThere,
	parseData,
	parseMeasurements,
} from "#drivers/pfeiffer-tpg362/codec.js";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("TPG 36x codec", () => {
	it("sends a mnemonic with CR LF", () => {
		expect(Buffer.from(encodeMnemonic("PR1"))).toEqual(Buffer.from("PR1\r\n"));
	});

	it("reads the ACK and NAK of the golden exchange", () => {
		expect(parseAcknowledgement(hex("06 0D 0A"))).toEqual({ reply: { taken: true, bare: false }, taken: 3 });
		expect(parseAcknowledgement(hex("15 0D 0A"))).toEqual({ reply: { taken: false, bare: false }, taken: 3 });
	});

	it("reads the data lines of the golden exchange", () => {
		expect(parseData(bytes("0,7.8800E-05\r\n"))).toEqual({ reply: "0,7.8800E-05", taken: 14 });
		expect(parseMeasurements("0,7.8800E-05")).toEqual([{ status: 0, value: 7.88e-5, decimals: 4, exponentDigits: 2 }]);
		expect(parseData(bytes("0001\r\n"))).toEqual({ reply: "0001", taken: 6 });
		expect(decodeErrorWord("0001")).toBe("syntax error");
	});

	it("waits for the whole line at every split", () => {
		const line = bytes("0,7.8800E-05\r\n");
		for (let length = 0; length < line.length - 1; length += 1) {
			expect(parseData(line.subarray(0, length)), `after ${length} bytes`).toBeUndefined();
		}
		expect(parseData(line.subarray(0, line.length - 1))?.reply).toBe("0,7.8800E-05");
		expect(parseData(bytes("\n0,7.8800E-05\r"))?.reply).toBe("0,7.8800E-05");
		expect(parseAcknowledgement(hex(""))).toBeUndefined();
		expect(parseAcknowledgement(bytes("0,1.0000E+01,0"))).toBeUndefined();
	});

	it("skips measurements that were streamed before the controller heard us", () => {
		const streamed = `0,1.0000E+01,0,2.0000E+00\r\n0,1.0000E+01,0,2.0000E+00\r\n${String.fromCharCode(6)}\r\n`;
		expect(parseAcknowledgement(bytes(streamed))).toEqual({
			reply: { taken: true, bare: false },
			taken: streamed.length,
		});
	});

	it("takes an ACK without a line's end, and one behind the rest of a streamed line", () => {
		expect(parseAcknowledgement(hex("06"))).toEqual({ reply: { taken: true, bare: true }, taken: 1 });
		expect(parseAcknowledgement(hex("0D 0A 15"))).toEqual({ reply: { taken: false, bare: true }, taken: 3 });
		expect(parseAcknowledgement(bytes("0E+01,0,2.0000E+00\r\n\x06\r"))?.reply).toEqual({ taken: true, bare: false });
		expect(parseData(bytes("\x060,7.8800E-05\r\n"))?.reply).toBe("0,7.8800E-05");
	});

	it("reads the forms of numbers that the family sends", () => {
		expect(parseMeasurements("0,+1.0130E+03,5, 2.0000E-02")).toEqual([
			{ status: 0, value: 1013, decimals: 4, exponentDigits: 2 },
			{ status: 5, value: 0.02, decimals: 4, exponentDigits: 2 },
		]);
		expect(parseMeasurements("0,-1.2000E-02")).toEqual([{ status: 0, value: -0.012, decimals: 4, exponentDigits: 2 }]);
		expect(parseMeasurements("0, 8.3E-03")).toEqual([{ status: 0, value: 8.3e-3, decimals: 1, exponentDigits: 2 }]);
		expect(parseMeasurements("0,7.88E-5")).toEqual([{ status: 0, value: 7.88e-5, decimals: 2, exponentDigits: 1 }]);
		expect(parseMeasurements("0, +1.0000E+03")).toEqual([{ status: 0, value: 1000, decimals: 4, exponentDigits: 2 }]);
	});

	it.each([
		"",
		"0000",
		"0,1.0000E+",
		"0,1.0000E05",
		"0,11.000E+00",
		"8,1.0000E+00",
		"00,1.0000E+00",
		"0,1.0000E+00,",
		"0,1.0000E+00,0",
		"1.0000E+00,0",
		"0,1,0000E+00",
		"0,NaN",
		"0;1.0000E+00",
	])("takes %j for no measurement", (text) => {
		expect(parseMeasurements(text)).toBeUndefined();
	});

	it("refuses what is neither ACK nor NAK, unprintable data and endless lines", () => {
		expect(() => parseAcknowledgement(bytes("hello\r\n"))).toThrow(/instead of ACK or NAK/);
		expect(() => parseAcknowledgement(hex("FF 00 06 0D 0A"))).toThrow('"<ff><00><06>" came instead of ACK or NAK.');
		expect(() => parseData(hex("30 2C FF 0D 0A"))).toThrow(/instead of data/);
		expect(() => parseData(new Uint8Array(500).fill(0x30))).toThrow(/more than 160 bytes/);
	});

	it("decodes every bit of the ERROR word", () => {
		expect(decodeErrorWord("0000")).toBe("no error");
		expect(decodeErrorWord("1000")).toBe("controller error");
		expect(decodeErrorWord("0110")).toBe("hardware not installed, inadmissible parameter");
		expect(decodeErrorWord("4")).toBeUndefined();
	});

	it("reads the identity of the 36x", () => {
		expect(parseAreYouThere("TPG362,PTG28290,44990000,010400,010100")).toEqual({
			type: "TPG362",
			part: "PTG28290",
			serial: "44990000",
			firmware: "010400",
			hardware: "010100",
		});
		expect(parseAreYouThere("TPG 366, PTG28770")).toMatchObject({ type: "TPG366", serial: null, firmware: null });
		expect(parseAreYouThere("0,7.8800E-05")).toBeUndefined();
	});

	it("knows a list of gauges from other text", () => {
		for (const text of ["TPR,noSEn", "CMR, PKR", "IKR9,IKR11", "TPR/PCR,CMR/APR,noid"]) {
			expect(isGaugeList(text), text).toBe(true);
		}
		for (const text of ["0000", "TPR,hello", "0,7.8800E-05", ""]) expect(isGaugeList(text), text).toBe(false);
	});

	it("converts each unit to Pa", () => {
		const pascal = (code: string) => PRESSURE_UNITS[code]?.toPascal(1);
		expect([pascal("0"), pascal("2"), pascal("4"), pascal("5")]).toEqual([100, 1, 100, undefined]);
		expect(pascal("1")).toBeCloseTo(133.322_368, 6);
		expect(pascal("3")).toBeCloseTo(0.133_322_368, 9);
	});

	it("skips the echo of a two-wire adapter, of a mnemonic and of ENQ", () => {
		expect(parseAcknowledgement(bytes("AYT\r\n"), "AYT")).toBeUndefined();
		expect(parseAcknowledgement(bytes("AYT\r\n\x06\r\n"), "AYT")).toEqual({
			reply: { taken: true, bare: false },
			taken: 8,
		});
		expect(() => parseAcknowledgement(bytes("PRX\r\n"), "AYT")).toThrow('"PRX" came instead of ACK or NAK.');
		expect(parseData(bytes("\x05"))).toBeUndefined();
		expect(parseData(bytes("\x050,7.8800E-05\r\n"))?.reply).toBe("0,7.8800E-05");
		expect(parseData(bytes("\x05\r\n0,7.8800E-05\r\n"))?.reply).toBe("0,7.8800E-05");
	});
});
