import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { type LabjackT7Settings, readWiring, settingsSchema } from "#drivers/labjack-t7/config.js";
import { SETTINGS } from "./bench.js";

const problemsOf = (settings: LabjackT7Settings): string[] => {
	try {
		readWiring(settings);
	} catch (error) {
		if (error instanceof AdlayerError) return error.problems.map((problem) => problem.path ?? "");
	}
	return [];
};

describe("settings of a T7", () => {
	const validate = new Ajv({ strict: true, strictRequired: false }).compile(settingsSchema);

	it("accepts the simulated lab", () => {
		expect(validate(SETTINGS)).toBe(true);
		expect(problemsOf(SETTINGS)).toEqual([]);
		const wiring = readWiring(SETTINGS);
		expect(wiring.drivenMask).toBe((1 << 2) | (1 << 3) | (1 << 8));
		expect(wiring.watchdogHighMask).toBe(1 << 8);
		expect(wiring.divisor).toBe(8);
	});

	it.each([
		["an unknown key", { ...SETTINGS, watchdog: 2 }],
		["a missing watchdog", { pulse_outputs: {} }],
		["a watchdog that is no whole number of seconds", { ...SETTINGS, watchdog_s: 1.5 }],
		["a pulse output on a line without a timer", { ...SETTINGS, pulse_outputs: { TMA: "DIO1" } }],
		["a line that does not exist", { ...SETTINGS, inputs: { lid: "DIO23" } }],
		["a divisor that the clock does not have", { ...SETTINGS, clock_divisor: 128 }],
	])("refuses %s by schema", (_, settings) => {
		expect(validate(settings)).toBe(false);
	});

	it("names every line and name that is used twice, all at once", () => {
		expect(
			problemsOf({
				...SETTINGS,
				outputs: { stop: "DIO2", TMA: "DIO9" },
				inputs: { lid: "DIO9" },
				watchdog_high: ["stop"],
			}),
		).toEqual(["outputs.stop", "outputs.TMA", "inputs.lid"]);
	});

	it("never lets the watchdog drive a precursor line high", () => {
		expect(problemsOf({ ...SETTINGS, watchdog_high: ["stop", "TMA"] })).toEqual(["watchdog_high[1]"]);
	});

	it("checks pulse lines itself too", () => {
		expect(problemsOf({ ...SETTINGS, pulse_outputs: { TMA: "DIO7" } })).toEqual(["pulse_outputs.TMA"]);
	});
});
