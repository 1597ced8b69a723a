import { describe, expect, it } from "vitest";
import {
	BOOLEAN_NEW,
	BOOLEAN_OLD,
	decodeErrorState,
	decodeTelegram,
	encodeQuery,
	encodeTelegram,
	parseAnswer,
	readLine,
	STRING,
	STRING_LONG,
	TEXT,
	U_EXPO,
	U_INTEGER,
	U_REAL,
	U_SHORT,
} from "#drivers/pfeiffer-pvp/codec.js";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const latin = (sent: Uint8Array): string => Buffer.from(sent).toString("latin1");

describe("Pfeiffer Vacuum Protocol telegrams", () => {
	// Queries and answers of the public py-pfeiffer-vacuum-protocol; checksums recomputed.
	it.each([
		[1, 740, "0010074002=?106"],
		[123, 309, "1230030902=?112"],
		[1, 739, "0010073902=?114"],
	])("asks address %i for parameter %i with the golden bytes", (address, parameter, telegram) => {
		expect(latin(encodeQuery(address, parameter))).toBe(`${telegram}\r`);
		expect(decodeTelegram(telegram)).toEqual({ address, isQuery: true, parameter, data: "=?" });
	});

	it.each([
		["0011074006100023025", 1, 740, "100023"],
		["1231030906000633037", 123, 309, "000633"],
		["0011073906NO_DEF198", 1, 739, "NO_DEF"],
		["0011074106_RANGE192", 1, 741, "_RANGE"],
	])("reads the golden telegram %s", (telegram, address, parameter, data) => {
		expect(decodeTelegram(telegram)).toMatchObject({ address, parameter, data });
	});

	it("switches the pump at address 42 on with the golden bytes", () => {
		const telegram = { address: 42, isQuery: false, parameter: 10, data: BOOLEAN_OLD.encode(true) };
		expect(latin(encodeTelegram(telegram))).toBe("0421001006111111020\r");
	});

	it("takes no telegram with a changed, lost or added character", () => {
		const sound = "0011074006100023025";
		for (let at = 0; at < sound.length; at += 1) {
			expect(decodeTelegram(sound.slice(0, at) + sound.slice(at + 1)), `without ${at}`).toBeUndefined();
			expect(decodeTelegram(`${sound.slice(0, at)}7${sound.slice(at)}`), `one more at ${at}`).toBeUndefined();
			if (sound[at] !== "9") {
				const changed = `${sound.slice(0, at)}9${sound.slice(at + 1)}`;
				expect(decodeTelegram(changed), `changed at ${at}`).toBeUndefined();
			}
		}
	});

	it("leaves out the FF bytes that older gauges put in front", () => {
		const received = Uint8Array.from([0xff, 0xff, 0x00, ...bytes("0011074006100023025\r")]);
		expect(parseAnswer(received, 1, 740)).toEqual({ reply: "100023", taken: received.length });
	});

	it("passes over our own query, other units and other parameters", () => {
		const others = [encodeQuery(1, 740)];
		for (const [address, parameter] of [
			[2, 740],
			[1, 303],
		] as const) {
			others.push(encodeTelegram({ address, isQuery: false, parameter, data: "000000" }));
		}
		const received = Buffer.concat([...others, bytes("0011074006100023025\r")]);
		expect(parseAnswer(received, 1, 740)?.reply).toBe("100023");
		expect(parseAnswer(received.subarray(0, received.length - 1), 1, 740)).toBeUndefined();
	});

	it("refuses a damaged telegram and an endless one", () => {
		expect(() => parseAnswer(bytes("0011074006100024025\r"), 1, 740)).toThrow(/checksum/);
		expect(readLine(new Uint8Array(100).fill(0x30))).toBeUndefined();
		expect(() => readLine(new Uint8Array(400).fill(0x30))).toThrow(/400 bytes/);
	});
});

describe("Pfeiffer Vacuum Protocol data", () => {
	it("reads and writes each type", () => {
		expect(U_EXPO.decode("100023")).toBe(1000);
		expect(U_EXPO.decode("123417")).toBe(1.234e-3);
		expect(U_EXPO.decode("000000")).toBe(0);
		expect(U_EXPO.encode(1000)).toBe("100023");
		expect(U_EXPO.encode(0.001234)).toBe("123417");
		expect(U_EXPO.encode(9.9996)).toBe("100021");
		expect(U_INTEGER.decode("000633")).toBe(633);
		expect(U_REAL.decode("000152")).toBe(1.52);
		expect(U_REAL.encode(1.52)).toBe("000152");
		expect(U_SHORT.decode("120")).toBe(120);
		expect(BOOLEAN_OLD.decode("111111")).toBe(true);
		expect(BOOLEAN_NEW.decode("0")).toBe(false);
		expect(STRING.decode("TC 400")).toBe("TC 400");
		expect(STRING.encode("PPT")).toBe("PPT   ");
		expect(TEXT.decode("PPT 100 ")).toBe("PPT 100");
		expect(STRING_LONG.decode("HiPace 300      ")).toBe("HiPace 300");
	});

	it("takes no text of another form, and writes no number that does not fit", () => {
		for (const [type, text] of [
			[U_EXPO, "10002"],
			[U_EXPO, "1000-3"],
			[U_INTEGER, "00063A"],
			[U_REAL, "0001.5"],
			[U_SHORT, "1200"],
		] as const) {
			expect(type.decode(text), text).toBeUndefined();
		}
		expect(BOOLEAN_OLD.decode("111110")).toBeUndefined();
		expect(STRING.decode("PPT")).toBeUndefined();
		expect(() => U_INTEGER.encode(1_000_000)).toThrow(RangeError);
		expect(() => U_SHORT.encode(-1)).toThrow(RangeError);
		expect(() => STRING.encode("too long")).toThrow(RangeError);
	});

	it("tells errors from warnings", () => {
		expect(decodeErrorState("000000")).toEqual({ error: 0, warning: 0 });
		expect(decodeErrorState("no Err")).toEqual({ error: 0, warning: 0 });
		expect(decodeErrorState("Err006")).toEqual({ error: 6, warning: 0 });
		expect(decodeErrorState("Wrn003")).toEqual({ error: 0, warning: 3 });
		expect(decodeErrorState("000007")).toBeUndefined();
	});
});
