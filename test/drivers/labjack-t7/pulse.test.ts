import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { edgesFromRegisters } from "#drivers/labjack-t7/index.js";
import { pulseRegisters, ROLL_TICKS, WIDTH_MS_MAX, WIDTH_MS_MIN, widthMsOf } from "#drivers/labjack-t7/pulse.js";
import { CLOCK_DIVISORS } from "#drivers/labjack-t7/registers.js";

const divisors = fc.constantFrom(...CLOCK_DIVISORS);

describe("a pulse as registers", () => {
	it("is within half a tick of what was asked, at every divisor, from 5 to 200 ms in steps of 0.1 ms", () => {
		let worstMs = 0;
		for (const divisor of CLOCK_DIVISORS) {
			for (let tenths = 50; tenths <= 2_000; tenths += 1) {
				const widthMs = tenths / 10;
				const [pulse, ...more] = edgesFromRegisters(pulseRegisters(widthMs, divisor));
				expect(more).toEqual([]);
				worstMs = Math.max(worstMs, Math.abs(pulse!.fallMs - pulse!.riseMs - widthMs));
			}
		}
		expect(worstMs).toBeLessThanOrEqual(0.0016 + 1e-9);
	});

	it("is one pulse of the width asked, within 0.1 ms, for any width the limits allow", () => {
		fc.assert(
			fc.property(divisors, fc.double({ min: WIDTH_MS_MIN, max: WIDTH_MS_MAX, noNaN: true }), (divisor, widthMs) => {
				const registers = pulseRegisters(widthMs, divisor);
				const edges = edgesFromRegisters(registers);
				expect(edges).toHaveLength(1);
				expect(Math.abs(edges[0]!.fallMs - edges[0]!.riseMs - widthMs)).toBeLessThan(0.1);
				expect(widthMsOf(registers)).toBeCloseTo(edges[0]!.fallMs - edges[0]!.riseMs, 9);
			}),
		);
	});

	it("does not depend on whether the timer takes notice of a match with 0 at its start", () => {
		fc.assert(
			fc.property(divisors, fc.double({ min: WIDTH_MS_MIN, max: WIDTH_MS_MAX, noNaN: true }), (divisor, widthMs) => {
				const registers = pulseRegisters(widthMs, divisor);
				expect(edgesFromRegisters(registers, { firstCountMatches: true })).toEqual(edgesFromRegisters(registers));
			}),
		);
	});

	it("keeps 0 < B < A < ROLL, so that the timer accepts it (error 2565) and passes B first", () => {
		fc.assert(
			fc.property(divisors, fc.double({ min: WIDTH_MS_MIN, max: WIDTH_MS_MAX, noNaN: true }), (divisor, widthMs) => {
				const { configA, configB, configC, rollValue } = pulseRegisters(widthMs, divisor);
				expect([0 < configB, configB < configA, configA < rollValue, rollValue <= ROLL_TICKS]).not.toContain(false);
				expect(configC).toBe(1);
			}),
		);
	});

	it("begins within 0.1 ms of the start of the clock", () => {
		for (const divisor of CLOCK_DIVISORS) {
			expect(edgesFromRegisters(pulseRegisters(15, divisor))[0]!.riseMs).toBeLessThan(0.1);
		}
	});
});

describe("the timer behind the registers", () => {
	const base = { divisor: 8, rollValue: 300_000, configA: 150_000, configB: 0, configC: 1 };

	it("makes LabJack's 15 ms example at once or one roll later, by how a match with 0 is read", () => {
		expect(edgesFromRegisters(base, { firstCountMatches: true })).toEqual([{ riseMs: 0, fallMs: 15 }]);
		expect(edgesFromRegisters(base)).toEqual([{ riseMs: 30, fallMs: 45 }]);
	});

	it("repeats with the roll until the pulses ordered are made", () => {
		expect(edgesFromRegisters({ ...base, configB: 50_000, configC: 3 })).toEqual([
			{ riseMs: 5, fallMs: 15 },
			{ riseMs: 35, fallMs: 45 },
			{ riseMs: 65, fallMs: 75 },
		]);
	});

	it("stays high across the roll when A lies before B", () => {
		expect(edgesFromRegisters({ ...base, configA: 100_000, configB: 200_000 })).toEqual([{ riseMs: 20, fallMs: 40 }]);
	});

	it("reads roll 0 as 2^32", () => {
		expect(edgesFromRegisters({ ...base, rollValue: 0, configB: 10 })).toHaveLength(1);
	});

	it("makes nothing of A equal to B or beyond the roll", () => {
		expect(edgesFromRegisters({ ...base, configA: 0 })).toEqual([]);
		expect(edgesFromRegisters({ ...base, configA: 300_000 })).toEqual([]);
		expect(widthMsOf({ ...base, configC: 0 })).toBe(0);
	});
});
