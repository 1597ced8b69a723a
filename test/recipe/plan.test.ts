import { describe, expect, it } from "vitest";
import { toCheckJson } from "#recipe/check-json.js";
import type { Step } from "#recipe/plan.js";
import { check, edit, RECIPE_NAMES, recipeText } from "./support.js";

const LI = recipeText("li-two-step");
const plan = (text: string, cycles = 3) => check(text, { set: { cycles } }).plan!;

describe("shipped recipes", () => {
	for (const name of RECIPE_NAMES) {
		it(`${name}: the dry run`, () => {
			const result = check(recipeText(name));
			const { product, neverAboveC, purgeMinimumS } = result.plan!;
			expect({ product, neverAboveC, purgeMinimumS, ...toCheckJson(result).dryRun }).toMatchSnapshot();
		});
	}
});

describe("expansion", () => {
	it("writes repeats out, with index, path, phase and cycle", () => {
		const { steps } = plan(LI);
		expect(steps.map(({ index }) => index)).toEqual(steps.map((_, index) => index));
		const table = steps.map(({ phase, type, cycle, path }: Step) => `${phase} ${type} ${cycle ?? "-"} ${path}`);
		expect(table).toMatchSnapshot();
	});

	it("ends a cycle with its last purge, and names what a purge clears", () => {
		const purges = plan(LI).steps.flatMap((step) =>
			step.type === "purge" ? [`${step.cycle} ${step.after} ${step.cycleEnds}`] : [],
		);
		expect(purges).toEqual(["1 TMA false", "1 H2O true", "2 TMA false", "2 H2O true", "3 TMA false", "3 H2O true"]);
	});

	it("counts the turns of the inner repeat when the outer one only repeats it", () => {
		const inner = LI.slice(LI.indexOf("      - repeat:"), LI.indexOf("  - phase: anneal")).trimEnd();
		const nested = `      - repeat:\n          times: 4\n          steps:\n${inner.replaceAll(/^/gm, "      ")}\n            - wait: { for_s: 1 }\n\n`;
		const { cyclesOrdered, steps, product } = plan(edit(LI, [`${inner}\n\n`, nested]));
		expect([cyclesOrdered, product]).toEqual([12, "Li@12LiAlOx-ex"]);
		expect(steps.filter(({ type }) => type === "pulse")).toHaveLength(24);
		expect(steps.findLast(({ type }) => type === "pulse")?.cycle).toBe(12);
	});

	it("counts a supercycle once", () => {
		const text = edit(LI, [
			"            - pulse: { precursor: TMA, ms: 15 }\n",
			"            - repeat:\n                times: 2\n                steps:\n                  - pulse: { precursor: TMA, ms: 15 }\n                  - purge: { for_s: 5 }\n            - pulse: { precursor: TMA, ms: 15 }\n",
		]);
		const { cyclesOrdered, pulses } = plan(text);
		expect([cyclesOrdered, pulses]).toEqual([3, { TMA: 9, H2O: 3 }]);
	});

	it("gives titles that a person understands, or the recipe's own", () => {
		const text = edit(LI, ["- pump_down:", "- title: Prove the vacuum\n        pump_down:"]);
		expect(plan(text, 1).steps.map(({ title }) => title)).toEqual([
			"Carrier flow 0 sccm",
			"Prove the vacuum",
			"Carrier flow 100 sccm",
			"Heat tma_line to 60 °C, wall to 120 °C, stage to 120 °C",
			"Stabilise tma_line, wall, stage within ±1 °C for 300 s",
			"Pulse TMA 15 ms",
			"Purge 5 s after TMA",
			"Pulse H2O 15 ms",
			"Purge 12.5 s after H2O",
			"Anneal stage at 180 °C for 1800 s, never above 180.3 °C",
			"Cool stage below 60 °C",
		]);
	});

	it("puts steps outside any phase into one of their own", () => {
		const text = edit(LI, ["  - phase: cool\n    steps:\n      - cool:", "  - cool:"]);
		expect(plan(text).steps.at(-1)).toMatchObject({ phase: "run", path: "steps[3]" });
	});
});

describe("prediction", () => {
	it("takes ramps, settling, free cooling and pump-down from the reactor's facts", () => {
		const { steps, totalS, phases } = plan(LI);
		const planned = (type: string): number => steps.find((step) => step.type === type)!.plannedS;
		expect(planned("pump-down")).toBeCloseTo(Math.log(1_013_25 / 13.332), 2);
		// 98 °C at 10 °C/min, 120 s to settle, 300 s in band.
		expect(planned("stabilise")).toBeCloseTo((98 / 10) * 60 + 120 + 300, 6);
		// 52 °C at 5 °C/min, 8 °C at 1 °C/min, 120 s to settle, 1800 s in band.
		expect(planned("anneal")).toBeCloseTo((52 / 5) * 60 + 8 * 60 + 120 + 1800, 6);
		expect(planned("cool")).toBeCloseTo(600 * Math.log((180 - 22) / (60 - 22)), 6);
		expect(planned("pulse")).toBe(0.015);
		expect(phases.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(totalS, 2);
	});

	it("does not wait again for what has happened meanwhile", () => {
		const text = edit(LI, ["      - stabilise:", "      - wait: { for_s: 600 }\n      - stabilise:"]);
		expect(plan(text).steps.find(({ type }) => type === "stabilise")!.plannedS).toBeCloseTo(108 + 300, 6);
	});

	it("counts precursor and thickness", () => {
		expect(plan(LI, 200)).toMatchObject({ tmaMg: 30, thicknessNm: 50 });
		expect(plan(recipeText("na-two-step"), 200)).toMatchObject({ thicknessNm: 40 });
		const none = edit(recipeText("li-al2o3"), ["material: Li", "material: none"]);
		expect(plan(none, 100)).toMatchObject({ product: "none@100Al2O3", neverAboveC: 140 });
		expect(plan(none, 100).thicknessNm).toBeCloseTo(13.38, 1);
	});

	it("pauses for half an hour at most unless the recipe says otherwise", () => {
		expect(plan(LI).maxPauseS).toBe(1800);
		expect(plan(edit(LI, ["material: Li\n", "material: Li\nmax_pause_s: 60\n"])).maxPauseS).toBe(60);
		expect(plan(LI).holdC).toBeNull();
	});
});
