import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { Alarms } from "#safety/alarms.js";
import { PulseTrends } from "#safety/pulse-trends.js";

const sink = { append: () => 1, synced: async () => {} };

function arrange() {
	const alarms = new Alarms(new SteppedClock({ wallStartMs: 0 }), sink);
	const trends = new PulseTrends(alarms);
	const dose = (precursor: string, areaPaS: number, baselinePa = 80, widthMs = 15) =>
		trends.seen({ precursor, widthMs, carrierSccm: 100, effective: { baselinePa, peakPa: 5, areaPaS } });
	const healthy = (precursor: string) => {
		for (let count = 0; count < 12; count += 1) dose(precursor, 4);
	};
	/** Of an alarm whose cause is there. */
	const message = (alarm: string) =>
		alarms.isActive(alarm) ? alarms.status.find((each) => each.alarm === alarm)?.message : undefined;
	return { trends, dose, healthy, message };
}

describe("doses that leave nothing", () => {
	it("are told as of one valve when those of the other precursor are well", () => {
		const { dose, healthy } = arrange();
		healthy("TMA");
		healthy("H2O");
		dose("TMA", 0.1);
		expect(dose("TMA", 0.1)).toEqual({
			leftNothing: 2,
			said: "The last doses of TMA left 0.10 and 0.10 Pa s; 4.00 Pa s are usual.",
			usualPaS: 4,
			lowPaS: 2.8,
		});
	});

	it("are told as of gauge, air or supply when those of the other precursor leave nothing too", () => {
		const { dose, healthy } = arrange();
		healthy("TMA");
		healthy("H2O");
		dose("TMA", 0.1);
		dose("H2O", 0.1);
		expect(dose("TMA", 0.1).said).toContain("Nor did the last of H2O leave anything: it may be the gauge, the air");
	});

	it("of a former process are told again by the last of them", () => {
		const { trends, message } = arrange();
		const of = (areaPaS: number) => ({
			...{ precursor: "TMA", widthMs: 15, carrierSccm: 100 },
			effective: { baselinePa: 80, peakPa: 5, areaPaS },
		});
		trends.recall([...Array.from({ length: 10 }, () => of(4)), of(0.1), of(0.1)]);
		expect(message("valve-sticking.TMA")).toContain("4.00 Pa s are usual");
		expect(trends.seen(of(0.1)).leftNothing).toBe(3);
	});
});

describe("doses that leave nothing from the first on", () => {
	/** What a gauge shows where nothing comes. */
	const noise = (count: number) => [0.11, -0.2, 0.05, -0.08, 0.17, -0.13, 0.02, -0.04, 0.09, -0.06][count % 10]!;

	it("are an alarm, never what is usual, until they show themselves", () => {
		const { dose, message } = arrange();
		for (let count = 0; count < 9; count += 1) dose("TMA", noise(count));
		expect(message("valve-sticking.TMA")).toBeUndefined();
		for (let count = 9; count < 40; count += 1) dose("TMA", noise(count));
		expect(message("valve-sticking.TMA")).toMatch(/nothing that the chamber's gauge can see/);
		for (let count = 0; count < 10; count += 1) dose("TMA", 4 + noise(count));
		expect(message("valve-sticking.TMA")).toBe(undefined);
		dose("TMA", 0.1);
		expect(dose("TMA", 0.1).leftNothing).toBe(2);
	});

	it("are no alarm where doses are small but stand out from their scatter", () => {
		const { dose, message } = arrange();
		for (let count = 0; count < 40; count += 1) dose("TMA", 0.3 + noise(count));
		expect(message("valve-sticking.TMA")).toBeUndefined();
	});
});

describe("doses that become smaller", () => {
	it.each([
		[
			"as of the bottle when the pressure before them stands",
			80,
			/^The doses of TMA have become 50 % of what they were\.$/,
		],
		[
			"as of a gauge that may read low when that has shrunk too",
			50,
			/The pressure before them has become 63 %: the gauge may read low/,
		],
	])("are told %s", (_as, baselinePa, said) => {
		const { dose, healthy, message } = arrange();
		healthy("TMA");
		for (let count = 0; count < 5; count += 1) dose("TMA", 2, baselinePa);
		expect(message("bottle-low.TMA")).toMatch(said);
	});
});

describe("doses of two widths in turn", () => {
	const alternating = () => {
		const arranged = arrange();
		for (let count = 0; count < 12; count += 1) {
			arranged.dose("TMA", 4, 80, 15);
			arranged.dose("TMA", 8, 80, 30);
		}
		return arranged;
	};

	it("are each compared with their own: nothing is told of them", () => {
		const { dose, message } = alternating();
		expect(dose("TMA", 4, 80, 15).leftNothing).toBe(0);
		for (const alarm of ["valve-sticking", "bottle-low", "purge-insufficient"])
			expect(message(`${alarm}.TMA`)).toBeUndefined();
	});

	it("that leave nothing one after the other are a valve that does not open, whatever their width", () => {
		const { dose } = alternating();
		expect(dose("TMA", 0.1, 80, 15)).toMatchObject({ leftNothing: 1, said: undefined, usualPaS: 4 });
		expect(dose("TMA", 0.2, 80, 30)).toEqual({
			leftNothing: 2,
			said: "The last doses of TMA left 0.10 and 0.20 Pa s; 4.00 and 8.00 Pa s are usual.",
			usualPaS: 8,
			lowPaS: 5.6,
		});
	});

	it("are not excused by a dose of a third, with which nothing can be compared", () => {
		const { dose } = alternating();
		dose("TMA", 0.1, 80, 15);
		expect(dose("TMA", 0.1, 80, 45)).toMatchObject({ leftNothing: 0, said: undefined, usualPaS: null });
		expect(dose("TMA", 0.1, 80, 15).leftNothing).toBe(2);
	});

	it("show a bottle that runs low by one of them, and go on showing it until that is well or long past", () => {
		const { dose, message } = alternating();
		for (let count = 0; count < 5; count += 1) {
			dose("TMA", 2, 80, 15);
			dose("TMA", 8, 80, 30);
		}
		expect(message("bottle-low.TMA")).toBe("The doses of TMA have become 50 % of what they were.");
		for (let count = 0; count < 8; count += 1) dose("TMA", 8, 80, 30);
		expect(message("bottle-low.TMA")).toBeDefined();
		dose("TMA", 8, 80, 30);
		expect(message("bottle-low.TMA")).toBeUndefined();
	});

	it("are recalled by a new process as they were given", () => {
		const { trends, dose } = arrange();
		const of = (widthMs: number, areaPaS: number) => ({
			...{ precursor: "TMA", widthMs, carrierSccm: 100 },
			effective: { baselinePa: 80, peakPa: 5, areaPaS },
		});
		const given = Array.from({ length: 12 }, () => [of(15, 4), of(30, 8)]).flat();
		trends.recall([...given, of(15, 0.1)]);
		expect(dose("TMA", 0.1, 80, 30).leftNothing).toBe(2);
	});
});
