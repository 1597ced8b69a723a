import { describe, expect, it } from "vitest";
import { AnnealRecord, type AnnealRecordOptions } from "#heating/anneal-record.js";

const OPTIONS: AnnealRecordOptions = {
	targetC: 180,
	withinC: 0.5,
	uncertaintyC: 0.3,
	meltingC: 180.5,
	thresholdsC: [179, 180.2],
	gapSMax: 5,
	plannedSeconds: 580,
	plannedC: (atS) => Math.min(180, 120 + atS / 10),
};

/** Ramp of 0.1 °C/s to 180, then a half hour that swings by `swingC`. */
function record(
	swingC: number,
	options: Partial<AnnealRecordOptions> = {},
	lose: (atS: number) => boolean = () => false,
) {
	const anneal = new AnnealRecord({ ...OPTIONS, ...options });
	for (let atS = 0; atS <= 2400; atS += 1) {
		const foilC = atS < 600 ? 120 + atS / 10 : 180 + swingC * Math.sin((2 * Math.PI * (atS - 600)) / 300);
		anneal.add(atS, lose(atS) ? null : foilC);
	}
	return anneal.figures();
}

describe("the record of an anneal", () => {
	it("has time in band, mean, spread, maximum and minutes above each threshold", () => {
		const figures = record(0.1);
		expect(figures.inBandS).toBeCloseTo(1805, 0);
		expect(figures.meanC).toBeCloseTo(180, 2);
		expect(figures.spreadC).toBeGreaterThan(0.06);
		expect(figures.spreadC).toBeLessThan(0.08);
		expect(figures.maxC).toBeCloseTo(180.1, 6);
		const [high, never] = figures.minutesAbove;
		expect(high!.minutes).toBeCloseTo(1810 / 60, 2);
		expect(never!).toMatchObject({ minutes: 0, atLeast: 0 });
		// With 0.3 °C of uncertainty every minute at 180 may have been above 180.2.
		expect(never!.atMost).toBeCloseTo(1801 / 60, 1);
		expect(figures.ramp).toMatchObject({ plannedS: 580, actualS: 595 });
		expect(figures.ramp.farthestFromPlanC).toBeCloseTo(0, 6);
	});

	it("never excludes melting where the uncertainty does not carry it", () => {
		expect(record(0.1).melting).toBe("below");
		const near = record(0.25);
		expect(near.melting).toBe("not-excluded");
		expect(near.words).toMatch(/180.25 ± 0.3 °C.*melting at 180.5 °C cannot be excluded/);
		expect(record(0.9).melting).toBe("reached");
		expect(record(0.1, { meltingC: null }).melting).toBe("no-melting-point");
		for (const swing of [0.1, 0.25, 0.9]) expect(record(swing).words).not.toMatch(/not melt/i);
	});

	it("counts time without readings as unknown, and excludes nothing then", () => {
		const figures = record(0.1, {}, (atS) => atS >= 1000 && atS < 1060);
		expect(figures.unknownS).toBeCloseTo(61, 6);
		expect(figures.melting).toBe("not-excluded");
		expect(figures.words).toMatch(/For 61 s no temperature is known/);
		expect(figures.minutesAbove[1]!.atMost).toBeCloseTo(1801 / 60, 1);
		expect(figures.inBandS).toBeCloseTo(1744, 0);
	});

	it("says nothing before it knows anything", () => {
		const empty = new AnnealRecord(OPTIONS);
		empty.add(0, null);
		expect(empty.figures()).toMatchObject({ meanC: null, maxC: null, melting: "not-excluded" });
		expect(empty.figures().words).toMatch(/No temperature/);
	});
});
