import { describe, expect, it } from "vitest";
import { Twin } from "#twin/twin.js";
import { benchConstants, cycle, GOOD_CYCLE, readyTwin } from "./support.js";

function grown(options: { foil: string; degC: number; cycles?: number }, times = GOOD_CYCLE) {
	const twin = readyTwin(options);
	for (let n = 0; n < (options.cycles ?? 200); n += 1) cycle(twin, times);
	return twin.truth();
}

describe("surface", () => {
	it("grows 50 nm and 60 nm of interlayer in 200 cycles on lithium at 120 degC (Jin et al.)", () => {
		const truth = grown({ foil: "Li", degC: 120 });
		expect(truth.thicknessNm).toBeGreaterThan(48);
		expect(truth.thicknessNm).toBeLessThan(52);
		expect(truth.interlayerNm).toBeGreaterThan(56);
		expect(truth.interlayerNm).toBeLessThan(64);
		expect(truth.lithiatedFraction).toBeLessThan(0.05);
		expect(truth.violations).toEqual([]);
	});

	it("grows about 80 and 100 nm in 300 and 500 cycles on lithium", () => {
		expect(Math.abs(grown({ foil: "Li", degC: 120, cycles: 300 }).thicknessNm - 80)).toBeLessThan(8);
		expect(Math.abs(grown({ foil: "Li", degC: 120, cycles: 500 }).thicknessNm - 100)).toBeLessThan(5);
	});

	it("grows a thick layer when water meets lithium at 180 degC", () => {
		const truth = grown({ foil: "Li", degC: 180 });
		expect(truth.thicknessNm).toBeGreaterThan(220);
		expect(truth.interlayerNm).toBeGreaterThan(170);
	});

	it("grows 40 nm in 200 cycles on sodium at 65 degC", () => {
		const truth = grown({ foil: "Na", degC: 65 }, { ...GOOD_CYCLE, tmaPurgeS: 10, h2oPurgeS: 30 });
		expect(truth.thicknessNm).toBeGreaterThan(38);
		expect(truth.thicknessNm).toBeLessThan(42);
		expect(truth.violations).toEqual([]);
	});

	it.each([
		[58, 10, 30, 0.12],
		[102, 5, 20, 0.133],
		[125, 5, 10, 0.134],
		[177, 5, 5, 0.125],
	])(
		"grows by Groner's table on ordinary surfaces at %d degC with purges of %d and %d s",
		(degC, tmaPurgeS, h2oPurgeS, nm) => {
			const truth = grown({ foil: "Si", degC, cycles: 50 }, { ...GOOD_CYCLE, tmaPurgeS, h2oPurgeS });
			expect(truth.meanGrowthPerCycleNm! / nm).toBeGreaterThan(0.97);
			expect(truth.meanGrowthPerCycleNm! / nm).toBeLessThan(1.03);
			expect(truth.violations).toEqual([]);
		},
	);

	it("saturates: double doses do not double the growth, short ones lower it", () => {
		const perCycle = (ms: number) => {
			const times = { tmaMs: ms, h2oMs: ms, tmaPurgeS: 10, h2oPurgeS: 20 };
			return grown({ foil: "Si", degC: 120, cycles: 30 }, times).meanGrowthPerCycleNm!;
		};
		const nominal = perCycle(15);
		expect(perCycle(30) / nominal).toBeLessThan(1.03);
		expect(perCycle(2) / nominal).toBeLessThan(0.8);
	});

	it("needs both precursors", () => {
		const truth = grown({ foil: "Si", degC: 120, cycles: 30 }, { ...GOOD_CYCLE, h2oMs: 0 });
		expect(truth.thicknessNm).toBeLessThan(0.2);
	});

	it.each([
		["TMA", { ...GOOD_CYCLE, tmaPurgeS: 2 }],
		["H2O", { ...GOOD_CYCLE, h2oPurgeS: 2 }],
	])("grows from the gas when the purge after %s is too short, and says so", (_precursor, times) => {
		const good = grown({ foil: "Si", degC: 120, cycles: 20 });
		const short = grown({ foil: "Si", degC: 120, cycles: 20 }, times);
		expect(short.thicknessNm).toBeGreaterThan(1.05 * good.thicknessNm);
		expect(short.vapourGrownNm).toBeGreaterThan(10 * good.vapourGrownNm);
		expect(short.violations[0]?.kind).toBe("precursors-met");
	});

	it("keeps water on cold walls: a purge that does at 125 degC is too short at 58 degC", () => {
		const times = { ...GOOD_CYCLE, tmaPurgeS: 10, h2oPurgeS: 8 };
		const cold = grown({ foil: "Si", degC: 58, cycles: 20 }, times);
		const warm = grown({ foil: "Si", degC: 125, cycles: 20 }, times);
		expect(cold.vapourGrownNm).toBeGreaterThan(2 * warm.vapourGrownNm);
	});

	it("lithiates the film in 30 min at 180 degC and thickens the interlayer from 60 to 100 nm", () => {
		const twin = readyTwin({ foil: "Li", degC: 120 });
		for (let n = 0; n < 200; n += 1) cycle(twin, GOOD_CYCLE);
		// 2 degC/% above surroundings of 120 degC, and a little for what leaks to the wall.
		twin.setHeaterPercent("stage", 30.6);
		twin.setHeaterPercent("wall", 30);
		twin.advance(twin.nowMs + 2.5 * 3_600_000);
		const { lithiatedFraction, interlayerNm, thicknessNm } = twin.truth();
		expect(lithiatedFraction).toBeGreaterThan(0.97);
		expect(interlayerNm).toBeGreaterThan(93);
		expect(interlayerNm).toBeLessThan(107);
		expect(thicknessNm).toBeLessThan(52);
	});

	it.each([
		["Li", 180, 0.985],
		["Na", 98, 0.985],
	])("has converted the film on %s after 30 min at %d degC to %f", (foil, degC, least) => {
		const twin = readyTwin({ foil, degC });
		cycle(twin, { ...GOOD_CYCLE, h2oPurgeS: 20 });
		twin.advance(twin.nowMs + 30 * 60_000);
		expect(twin.truth().lithiatedFraction).toBeGreaterThan(least);
	});

	it("gives the same numbers for the same seed and calls", () => {
		const run = () => JSON.stringify(grown({ foil: "Li", degC: 120, cycles: 20 }));
		expect(run()).toBe(run());
	});

	it("hardly depends on how often it is looked at", () => {
		const looked = readyTwin({ foil: "Li", degC: 120 });
		for (let n = 0; n < 5; n += 1) {
			cycle(looked, GOOD_CYCLE);
		}
		const watched = readyTwin({ foil: "Li", degC: 120 });
		for (let n = 0; n < 5; n += 1) {
			for (const [valve, widthMs, purgeS] of [["TMA", 15, 6] as const, ["H2O", 15, 12] as const]) {
				const startMs = watched.nowMs;
				watched.setValve(valve, true, startMs);
				watched.setValve(valve, false, startMs + widthMs);
				for (let ms = 0.7; ms < purgeS * 1000; ms += 0.7) watched.advance(startMs + widthMs + ms);
				watched.advance(startMs + widthMs + purgeS * 1000);
			}
		}
		expect(watched.truth().thicknessNm / looked.truth().thicknessNm).toBeCloseTo(1, 2);
	});
});

describe("violations", () => {
	const kinds = (twin: Twin) => twin.truth().violations.map(({ kind }) => kind);

	it("has none in an ideal run", () => {
		const twin = readyTwin({ degC: 120 });
		for (let n = 0; n < 3; n += 1) cycle(twin, GOOD_CYCLE);
		expect(kinds(twin)).toEqual([]);
	});

	it("notes both precursor valves open at once", () => {
		const twin = readyTwin({ degC: 120 });
		twin.setValve("TMA", true, twin.nowMs);
		twin.setValve("H2O", true, twin.nowMs + 5);
		twin.advance(twin.nowMs + 20);
		expect(kinds(twin)).toEqual(["both-precursor-valves-open", "precursors-met"]);
	});

	it("notes a dose without flow", () => {
		const twin = readyTwin({ degC: 120, sccm: 0 });
		twin.setValve("TMA", true, twin.nowMs);
		expect(kinds(twin)).toEqual(["dose-without-flow"]);
	});

	it("notes a dose into an unpumped, open chamber", () => {
		const twin = new Twin({ constants: benchConstants(), foil: "Li", seed: 1 });
		twin.setLid(false);
		twin.setCarrierTarget(100);
		twin.advance(10_000);
		twin.setValve("TMA", true, 10_000);
		expect(kinds(twin)).toEqual(["dose-with-lid-open", "dose-without-vacuum", "backflow-into-bottle"]);
	});

	it("notes a stop valve that opens while the pump stands", () => {
		const twin = new Twin({ constants: benchConstants(), foil: "Li", seed: 1, pumped: true });
		twin.setPump(false);
		twin.advance(5_000);
		twin.setValve("stop", true, 5_000);
		expect(kinds(twin)).toEqual(["backstream-from-foreline"]);
	});
});
