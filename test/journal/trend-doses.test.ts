import { describe, expect, it } from "vitest";
import { TrendDoses } from "#journal/trend-doses.js";
import { DOSE_KINDS_MAX } from "#record/dose-kind.js";
import type { PulseRecord } from "#record/records.js";

const pulse = (number: number, commandedMs: number): PulseRecord => ({
	kind: "pulse",
	run: "r1",
	pulse: number,
	precursor: "TMA",
	valve: "TMA",
	commandedMs,
	dueT: 0,
	issuedT: 0,
	confirmedMs: commandedMs,
	effective: { baselinePa: 80, peakPa: 5, areaPaS: 4 },
	fate: "delivered",
	trend: { carrierSccm: 100, leftNothing: 0, repeat: false },
});

describe("the doses that make a trend", () => {
	it("are the first and the newest of each width, in the order in which they were given", () => {
		const doses = new TrendDoses();
		for (let number = 1; number <= 60; number += 1) doses.follow(pulse(number, number % 2 === 0 ? 30 : 15));
		const numbers = doses.all.map((dose) => dose.pulse);
		const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
		expect(numbers).toEqual([...range(1, 20), ...range(41, 60)]);
	});

	it("are bounded, however many widths a recipe has: those dosed longest ago are forgotten", () => {
		const doses = new TrendDoses();
		for (let number = 1; number <= DOSE_KINDS_MAX + 1; number += 1) doses.follow(pulse(number, 10 + number));
		expect(doses.all.map((dose) => dose.pulse)).not.toContain(1);
		expect(doses.all).toHaveLength(DOSE_KINDS_MAX);
	});
});
