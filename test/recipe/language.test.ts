/** Stacks, exposures, questions and the steps behind the shut stop valve, as check and dry run see them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkRecipe } from "#recipe/check.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import { buildLibrary, type LibraryFile } from "#recipe/library.js";
import { parseStackName, printStackName, repeatedLayers } from "#recipe/sample-name.js";
import { POTASSIUM, STACK, ZINC_OXIDE } from "./new-materials.js";
import { check, codes, edit, errors, lab, RECIPES, recipeText } from "./support.js";

const EXPOSURE = recipeText("li-exposure");
const UNLOAD = recipeText("unload");
const LEAK = recipeText("leak-check");
const PUMP = recipeText("pump-down");

const shipped = (folder: string): LibraryFile[] =>
	readdirSync(join(RECIPES, folder)).map((fileName) => ({
		fileName,
		text: readFileSync(join(RECIPES, folder, fileName), "utf8"),
	}));

const library = buildLibrary({
	materials: [...shipped("materials"), POTASSIUM],
	films: [...shipped("films"), ZINC_OXIDE],
});
const threeBottles: LabFacts = {
	...lab,
	precursors: { ...lab.precursors, DEZ: { ...lab.precursors.TMA!, valve: "io.DEZ" } },
};
const checkStack = (text: string) =>
	checkRecipe({ text, fileName: "stack.recipe.yaml", set: {}, library, lab: threeBottles });

describe("a stack of two films", () => {
	it("is named by what it repeats, and counts cycles and thickness by film", () => {
		const { plan, problems } = checkStack(STACK);
		expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
		expect(plan!.product).toBe("none@20(4Al2O3+1ZnO)");
		expect(plan!.cyclesOrdered).toBe(100);
		expect(plan!.cyclesOf).toEqual({ Al2O3: 80, ZnO: 20 });
		expect(plan!.thicknessOfNm.Al2O3).toBeCloseTo(80 * 0.134, 3);
		expect(plan!.thicknessOfNm.ZnO).toBeCloseTo(20 * 0.19, 3);
		expect(plan!.thicknessNm).toBeCloseTo(80 * 0.134 + 20 * 0.19, 3);
		expect(plan!.pulses).toEqual({ TMA: 80, H2O: 100, DEZ: 20 });
	});

	it("tells each step's place by path and turns of the repeats around it", () => {
		const steps = checkStack(STACK).plan!.steps.filter(({ type }) => type === "pulse");
		expect(steps[0]).toMatchObject({ cycle: 1, turns: [1, 1], film: "Al2O3" });
		expect(steps.at(-1)).toMatchObject({ cycle: 100, turns: [20, 1], film: "ZnO" });
		const places = new Set(steps.map(({ path, turns }) => `${path} ${turns}`));
		expect(places.size).toBe(steps.length);
	});

	it("judges each purge by the film of its loop, also where one loop borders on the other", () => {
		const short = checkStack(edit(STACK, ["for_s: 19", "for_s: 18.5"]));
		expect(short.problems).toContainEqual(
			expect.objectContaining({
				code: "PURGE_TOO_SHORT",
				path: "steps[5].repeat.steps[1].repeat.steps[3].purge.for_s",
				value: 18.5,
				limit: 18.57,
			}),
		);
	});

	it("refuses a loop without a film, with a foreign one, and a purge missing at the border", () => {
		const of = (text: string) => checkStack(text).problems.filter(({ severity }) => severity === "error");
		expect(of(edit(STACK, ["            film: ZnO\n", ""]))).toContainEqual(
			expect.objectContaining({ code: "PRODUCT_FILM", limit: ["Al2O3", "ZnO"] }),
		);
		expect(of(edit(STACK, ["film: ZnO", "film: LiAlOx"])).map(({ code }) => code)).toContain("PRODUCT_FILM");
		expect(of(edit(STACK, ["precursor: DEZ", "precursor: TMA"])).map(({ code }) => code)).toContain(
			"PRODUCT_PRECURSORS",
		);
		expect(of(edit(STACK, ["              - purge: { for_s: 12 }\n", ""]))[0]).toMatchObject({
			code: "PURGE_MISSING",
			value: "pulse TMA",
		});
		expect(of(edit(STACK, ["              - purge: { for_s: 19 }\n", ""]))[0]).toMatchObject({ code: "PURGE_MISSING" });
	});

	it("has a name that parses back", () => {
		for (const name of ["none@20(4Al2O3+1ZnO)", "Li@1(100Al2O3+50ZnO)-ex"])
			expect(printStackName(parseStackName(name)!)).toBe(name);
		for (const text of ["Li@20()", "Li@0(1ZnO)", "Li@2(0ZnO)", "Li@2(ZnO)", "Li@2(1zno)"])
			expect(parseStackName(text), text).toBeUndefined();
		const layers = [4, 1, 4, 1].map((cycles, index) => ({ cycles, film: index % 2 ? "ZnO" : "Al2O3" }));
		expect(repeatedLayers(layers)).toMatchObject({ cycles: 2, layers: layers.slice(0, 2) });
		expect(repeatedLayers(layers.slice(0, 3))).toMatchObject({ cycles: 1 });
	});
});

describe("a third metal", () => {
	it("is coated with data files alone, its melting point respected", () => {
		const text = edit(recipeText("na-al2o3"), ["material: Na", "material: K"]);
		const at = (stage: number) =>
			checkStack(
				text
					.replaceAll("to_degC: 65", `to_degC: ${stage}`)
					.replace(/foil_never_above_degC: \d+/, "foil_never_above_degC: 63"),
			);
		const { plan } = at(58);
		expect(plan).toMatchObject({ product: "K@200Al2O3", material: { meltingPointC: 63.5 } });
		expect(at(60).problems.map(({ code }) => code)).toContain("H2O_NEAR_MELTING");
		expect(at(64).problems.map(({ code }) => code)).toContain("H2O_ABOVE_MELTING");
	});
});

describe("500 cycles on lithium", () => {
	it("are foretold thinner than in proportion, as the paper found", () => {
		const nm = (cycles: number) => check(recipeText("li-al2o3"), { set: { cycles } }).plan!.thicknessNm;
		expect(nm(200)).toBe(50);
		expect(nm(300)).toBeGreaterThan(72);
		expect(nm(300)).toBeLessThan(82);
		expect(nm(500)).toBeGreaterThan(92);
		expect(nm(500)).toBeLessThan(105);
	});
});

interface Case {
	readonly code: string;
	readonly says: string;
	readonly bad: string;
	readonly at: object;
	readonly good: string;
	readonly lab?: LabFacts;
}

const { chamberM3: _volume, ...bare } = lab;
const PROMPT = "prompt: { id: look, text: Look., confirm: Seen, timeout_s: 60, on_timeout: hold }";

const CASES: Case[] = [
	{
		code: "PURGE_MISSING",
		says: "an exposure without its purge",
		bad: edit(EXPOSURE, ["            - purge: { for_s: 10 }\n", ""]),
		at: { value: "exposure H2O", limit: "purge" },
		good: EXPOSURE,
	},
	{
		code: "PULSE_TOO_SHORT",
		says: "an exposure shorter than the valve's shortest pulse",
		bad: edit(EXPOSURE, ["ms: 15", "ms: 4"]),
		at: { value: 4, limit: 5, path: "steps[1].steps[0].repeat.steps[0].exposure.ms" },
		good: EXPOSURE,
	},
	{
		code: "DOSE_BEFORE_STABILISE",
		says: "an exposure before the zones are stable",
		bad: edit(EXPOSURE, [/ {6}- stabilise.*\n/.exec(EXPOSURE)![0], ""]),
		at: { value: ["tma_line", "wall", "stage"] },
		good: EXPOSURE,
	},
	{
		code: "PRODUCT_PRECURSORS",
		says: "a dose in a recipe that coats nothing",
		bad: edit(EXPOSURE, ["product: { film: Al2O3, suffix: none }", "product: none"]),
		at: { path: "steps[1].steps[0].repeat.steps[0].exposure" },
		good: EXPOSURE,
	},
	{
		code: "LAB_FACT_MISSING",
		says: "a leak check where the lab file has no volume",
		bad: LEAK,
		at: { value: ["chamber_volume_l"] },
		good: LEAK,
		lab: bare,
	},
	{
		code: "LEAK_CHECK_BEFORE_PUMP_DOWN",
		says: "a leak check before any pump-down",
		bad: edit(LEAK, ["      - pump_down: { below_torr: 0.1, timeout_s: 1800 }\n", ""]),
		at: { path: "steps[1].steps[0].leak_check" },
		good: LEAK,
	},
	{
		code: "VALUE_OUT_OF_RANGE",
		says: "a leak check shorter than five minutes",
		bad: edit(LEAK, ["for_s: $measure_s", "for_s: 299"], [/ {2}measure_s.*\n/.exec(LEAK)![0], ""]),
		at: { value: 299, limit: 300 },
		good: LEAK,
	},
	{
		code: "SIGNAL_UNKNOWN",
		says: "a wait for what nothing measures",
		bad: edit(PUMP, ["of: chamber", "of: gauge.ion"]),
		at: { value: "gauge.ion", path: "steps[0].steps[3].wait_until.of" },
		good: edit(PUMP, ["of: chamber", "of: gauge.chamber"]),
	},
	{
		code: "UNIT_MISMATCH",
		says: "a limit in a unit that is not the signal's",
		bad: edit(PUMP, ["unit: Torr", "unit: degC"]),
		at: { value: "degC", limit: ["Pa", "Torr", "mTorr", "mbar", "hPa"] },
		good: edit(PUMP, ["of: chamber", "of: box.o2"], ["unit: Torr", "unit: ppm"]),
	},
	{
		code: "CONTINUE_NOT_HARMLESS",
		says: "going on without an answer before a line is pulsed",
		bad: edit(UNLOAD, ["on_timeout: hold", "on_timeout: continue"]),
		at: { value: "continue", path: "steps[1].steps[1].prompt.on_timeout" },
		good: edit(PUMP, ["on_timeout: hold", "on_timeout: continue"]),
	},
	{
		code: "PROMPT_ID_TWICE",
		says: "two prompts of one name",
		bad: edit(UNLOAD, ["id: foil-out", "id: hand-valves"]),
		at: { value: "hand-valves" },
		good: UNLOAD,
	},
	{
		code: "LID_NOT_READY",
		says: "a lid that may open onto vacuum",
		bad: edit(UNLOAD, [/ {6}- backfill.*\n/.exec(UNLOAD)![0], ""]),
		at: { path: "steps[3].steps[0].prompt.lid" },
		good: UNLOAD,
	},
	{
		code: "BACKFILL_HOT",
		says: "a backfill with a zone heated",
		bad: edit(UNLOAD, [
			"      - backfill",
			"      - heat: { wall: { to_degC: 60, ramp_degC_per_min: 5 } }\n      - backfill",
		]),
		at: { value: ["wall"] },
		good: UNLOAD,
	},
	{
		code: "PURGE_COLDER_THAN_TABLE",
		says: "lines evacuated cold without saying so",
		bad: edit(UNLOAD, [UNLOAD.slice(UNLOAD.indexOf("overrides:"), UNLOAD.indexOf("\nsteps:")), ""]),
		at: { value: 22, limit: 58 },
		good: UNLOAD,
	},
	{
		code: "DOSE_BEFORE_PUMP_DOWN",
		says: "lines evacuated before any pump-down",
		bad: edit(UNLOAD, ["      - pump_down: { below_torr: 0.1, timeout_s: 1800 }\n", ""]),
		at: { path: "steps[1].steps[2].line_evacuate" },
		good: UNLOAD,
	},
	{
		code: "FLOW_OUT_OF_RANGE",
		says: "a backfill faster than the flow controller",
		bad: edit(UNLOAD, ["sccm: 180", "sccm: 300"]),
		at: { value: 300, limit: 200, path: "steps[2].steps[3].backfill.sccm" },
		good: UNLOAD,
	},
	{
		code: "TIMEOUT_TOO_SHORT",
		says: "a backfill that cannot end in time",
		bad: edit(UNLOAD, ["foil_below_degC: 40, timeout_s: 1800", "foil_below_degC: 40, timeout_s: 60"]),
		at: { value: 60 },
		good: UNLOAD,
	},
	{
		code: "STEP_ACTION",
		says: "a step of two actions",
		bad: edit(PUMP, ["      - wait: {", `      - ${PROMPT}\n        wait: {`]),
		at: { path: "steps[0].steps[2]" },
		good: edit(PUMP, ["      - wait: {", `      - ${PROMPT}\n      - wait: {`]),
	},
];

describe("check refuses", () => {
	it.each(CASES.map((one) => [`${one.says} (${one.code})`, one] as const))(
		"%s, and accepts what is next to it",
		(_, one) => {
			const refused = check(one.bad, { lab: one.lab ?? lab });
			expect(refused.plan).toBeUndefined();
			expect(refused.problems).toContainEqual(
				expect.objectContaining({ severity: "error", code: one.code, ...one.at }),
			);
			const problem = refused.problems.find(({ code }) => code === one.code)!;
			expect(problem.line).toBeGreaterThan(1);
			expect(problem.column).toBeGreaterThan(0);
			expect(errors(check(one.good)), codes(check(one.good)).join()).toEqual([]);
		},
	);
});

describe("a recipe without a product", () => {
	it.each([
		["Pa", 1],
		["Torr", 133.322],
		["mTorr", 0.133322],
		["mbar", 100],
		["hPa", 100],
	])("waits for a pressure in %s", (unit, pascal) => {
		const { plan } = check(edit(PUMP, ["unit: Torr", `unit: ${unit}`]));
		const waits = plan!.steps.flatMap((step) => (step.type === "wait-until" ? step.conditions : []));
		const told = Number(/value: ([\d.]+)/.exec(PUMP)![1]);
		expect(waits[0]!.value / pascal).toBeCloseTo(told, 4);
	});

	it("names the signals that there are, and the first step that an unanswered question would harm", () => {
		const [unknown] = check(edit(PUMP, ["of: chamber", "of: chambre"])).problems;
		expect(unknown!.message).toContain("measures no chambre; it measures chamber, foreline");
		const early = check(edit(UNLOAD, ["on_timeout: hold", "on_timeout: continue"])).problems;
		expect(early.find(({ code }) => code === "CONTINUE_NOT_HARMLESS")!.message).not.toContain("Backfill");
	});

	it("says how long a text is that is too long", () => {
		const { problems } = check(edit(PUMP, ["title: ", `title: ${"x".repeat(9_000)}`]));
		expect(problems[0]!.message).toMatch(/title has \d+ characters, the most are \d+\./);
	});

	it("has no cycles, no film and no name of a sample", () => {
		const { plan } = check(recipeText("bake-out"));
		expect(plan).toMatchObject({ product: "none", cyclesOrdered: 0, thicknessNm: 0, pulses: {}, purgeMinimumS: {} });
	});

	it("declares purges for whatever was dosed before it, when it pulses lines", () => {
		expect(check(UNLOAD).plan!.purgeMinimumS).toEqual({ TMA: 60, H2O: 60 });
	});
});
