import { describe, expect, it } from "vitest";
import { decodePayload, encodePayload, keysOf, PAYLOAD_BYTES_MAX } from "#drivers/mqtt-atmosphere/codec.js";
import type { GasSettings } from "#drivers/mqtt-atmosphere/config.js";

const PLAIN: GasSettings = { gas: "O2", topic: "o2", payload: "number", ppm_per_unit: 1, ppm_min: 0, ppm_max: 1_000 };
const JSON_FORM: GasSettings = {
	...PLAIN,
	payload: "json",
	value: "/o2/value",
	time: "ts",
	time_form: "iso",
	unit: "/o2/unit",
	unit_is: "ppb",
	ppm_per_unit: 0.001,
};
const bytes = (text: string): Uint8Array => Buffer.from(text);
/** 2026-01-01T00:00:00Z. */
const NEW_YEAR_MS = 1_767_225_600_000;

describe("payloads of a glovebox monitor", () => {
	it.each([
		["0.43", 0.43],
		[" 12 \n", 12],
		["1.5e-1", 0.15],
		["-0.1", -0.1],
		["+0.2", 0.2],
		[".5", 0.5],
		["\uFEFF0.43", 0.43],
		["0.43\0", 0.43],
		['"0.43"', 0.43],
	])("reads the plain number %j", (text, ppm) => {
		expect(decodePayload(bytes(text), PLAIN)).toEqual({ ppm, stampMs: null });
	});

	it.each([
		"",
		"n/a",
		"0,43",
		"NaN",
		"Infinity",
		"1e999",
		"0x10",
		"1 2",
		"\xff\xfe",
		"null",
		"0.43 ppm",
		"0.4\0 3",
		'""',
		"true",
		"[0.43]",
		"1.2.3",
		"--1",
	])("reads no number in %j", (text) => {
		expect(decodePayload(bytes(text), PLAIN)).toEqual({ wrong: expect.stringContaining("is no number") });
	});

	it("finds value, unit and time stamp in JSON, by pointer or by names with dots", () => {
		const text = '{"o2":{"value":430,"unit":"ppb"},"ts":"2026-01-01T01:00:00+01:00"}';
		expect(decodePayload(bytes(text), JSON_FORM)).toEqual({ ppm: expect.closeTo(0.43, 9), stampMs: NEW_YEAR_MS });
		const dotted = { ...JSON_FORM, value: "o2.value", unit: "o2.unit" };
		expect(decodePayload(bytes(text), dotted)).toMatchObject({ stampMs: NEW_YEAR_MS });
		expect(keysOf("/a~1b/~0c/0")).toEqual(["a/b", "~c", "0"]);
	});

	it.each([
		["iso", "2026-01-01T00:00:00.000Z"],
		["unix_s", 1_767_225_600],
		["unix_ms", NEW_YEAR_MS],
		["unix_s", "1767225600"],
		["unix_s", 1_767_225_600.0],
		["iso", "2026-01-01 00:00:00Z"],
		["iso", "2026-01-01t00:00:00z"],
		["iso", "2026-01-01T01:00:00.000000+0100"],
		["iso", "2025-12-31T19:00-05:00"],
	] as const)("takes a time stamp of the form %s", (time_form, ts) => {
		const { unit: _, unit_is: __, ...settings } = JSON_FORM;
		const payload = bytes(JSON.stringify({ o2: { value: "430" }, ts }));
		expect(decodePayload(payload, { ...settings, time_form })).toMatchObject({ stampMs: NEW_YEAR_MS });
	});

	it.each([
		["{", /not JSON/],
		["3", /value is missing/],
		["null", /missing/],
		["[]", /missing/],
		['{"o2":{"value":null,"unit":"ppb"},"ts":0}', /is null, not a number/],
		['{"o2":{"value":{"value":1}},"ts":0}', /not a number/],
		['{"o2":{"value":430,"unit":"ppm"},"ts":"2026-01-01T00:00:00Z"}', /unit is "ppm", not "ppb"/],
		['{"o2":{"value":430,"unit":"ppb"},"ts":"2026-01-01T00:00:00"}', /not a time/],
		['{"o2":{"value":430,"unit":"ppb"},"ts":"yesterday"}', /not a time/],
		['{"o2":{"value":430,"unit":"ppb"}}', /ts is missing, not a time/],
		['{"__proto__":{"o2":{"value":1}}}', /missing/],
	])("says what is wrong with %s", (text, wrong) => {
		expect(decodePayload(bytes(text), JSON_FORM)).toEqual({ wrong: expect.stringMatching(wrong) });
	});

	it.each(["ppb", "PPB", " ppb "])("knows its unit as %j", (unit) => {
		const text = JSON.stringify({ o2: { value: "430", unit }, ts: "2026-01-01T00:00:00Z" });
		expect(decodePayload(bytes(text), JSON_FORM)).toEqual({ ppm: expect.closeTo(0.43, 9), stampMs: NEW_YEAR_MS });
	});

	it.each([
		['"value":""', /is "", not a number/],
		['"value":"NaN"', /is "NaN", not a number/],
		['"value":NaN', /not JSON/],
		['"value":true', /is true, not a number/],
		['"value":[430]', /not a number/],
		['"value":"430 ppb"', /not a number/],
		['"value":"4,3"', /not a number/],
		['"value":1e999', /not a number/],
		['"value":430,"unit":null', /unit is null, not "ppb"/],
		['"value":430,"unit":1', /unit is 1, not "ppb"/],
		['"value":430,"unit":"pp"', /unit is "pp", not "ppb"/],
	])("refuses %s", (members, wrong) => {
		const unit = members.includes("unit") ? "" : ',"unit":"ppb"';
		const text = `{"o2":{${members}${unit}},"ts":"2026-01-01T00:00:00Z"}`;
		expect(decodePayload(bytes(text), JSON_FORM)).toEqual({ wrong: expect.stringMatching(wrong) });
	});

	it("finds a value in a list, and none behind a path that does not fit", () => {
		const { unit: _, unit_is: __, time: ___, time_form: ____, ...settings } = JSON_FORM;
		const at = (value: string) => decodePayload(bytes('{"gases":[{"v":1},{"v":430}]}'), { ...settings, value });
		expect(at("/gases/1/v")).toMatchObject({ ppm: 0.43 });
		for (const path of ["/gases/2/v", "/gases/length", "/gases", "gases.1", "/Gases/1/v"])
			expect(at(path), path).toHaveProperty("wrong");
	});

	it("does not look at a payload without end", () => {
		expect(decodePayload(new Uint8Array(PAYLOAD_BYTES_MAX + 1), PLAIN)).toEqual({
			wrong: expect.stringContaining("65537"),
		});
	});

	it("writes what it reads", () => {
		const payload = encodePayload([{ settings: JSON_FORM, ppm: 0.43 }], NEW_YEAR_MS);
		expect(Buffer.from(payload).toString()).toBe('{"o2":{"value":430,"unit":"ppb"},"ts":"2026-01-01T00:00:00.000Z"}');
		expect(Buffer.from(encodePayload([{ settings: PLAIN, ppm: 0.43 }], 0)).toString()).toBe("0.43");
	});
});
