import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { type Adam6052Settings, readWiring, settingsSchema } from "#drivers/adam-6052/config.js";
import { adam6052 } from "#drivers/adam-6052/index.js";
import { u32FromWords, wordsFromU32 } from "#drivers/adam-6052/registers.js";
import { SETTINGS } from "./bench.js";

const problemsOf = (settings: Adam6052Settings): string[] => {
	try {
		readWiring(settings);
	} catch (error) {
		if (error instanceof AdlayerError) return error.problems.map((problem) => problem.path ?? "");
	}
	return [];
};

describe("settings of an ADAM-6052", () => {
	const validate = new Ajv({ strict: true, strictRequired: false }).compile(settingsSchema);

	it("accept valves and contacts, and what a probe takes", () => {
		expect(validate(SETTINGS)).toBe(true);
		expect(validate(adam6052.probeSettings)).toBe(true);
		expect(problemsOf(SETTINGS)).toEqual([]);
	});

	it.each([
		["no word on the watchdog", { pulse_timing: "none", pulse_outputs: {} }],
		["no word on the pulse unit", { watchdog: "none", pulse_outputs: {} }],
		["a watchdog that nobody has seen act", { ...SETTINGS, watchdog: { timeout_s: 2 } }],
		["a ninth output", { ...SETTINGS, outputs: { stop: "DO8" } }],
		["a line of another instrument", { ...SETTINGS, outputs: { stop: "DIO2" } }],
		["an input as an output", { ...SETTINGS, outputs: { stop: "DI2" } }],
	])("refuse %s", (_, settings) => {
		expect(validate(settings)).toBe(false);
	});

	it("name every line and name that is used twice, all at once", () => {
		expect(
			problemsOf({
				...SETTINGS,
				outputs: { stop: "DO0", TMA: "DO3" },
				watchdog_high: ["stop", "H2O"],
				pulse_counters: { H2O: "DI1", stop: "DI4" },
				watchdog: { timeout_s: 2, verified: "2026-02-31", by: "x" },
			}),
		).toEqual([
			"outputs.stop",
			"outputs.TMA",
			"pulse_counters.H2O",
			"pulse_counters.stop",
			"watchdog_high[1]",
			"watchdog.verified",
		]);
	});

	it("count inputs and outputs apart", () => {
		expect(problemsOf({ ...SETTINGS, inputs: { a: "DI0", b: "DI2" } })).toEqual([]);
	});
});

describe("numbers of an ADAM-6052", () => {
	it("stand low word first", () => {
		expect(wordsFromU32(0x0001_86a0)).toEqual([0x86a0, 0x0001]);
		expect(u32FromWords([0x86a0, 0x0001])).toBe(100_000);
	});
});
