import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CheckResult, checkRecipe } from "#recipe/check.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import { loadLibrary } from "#recipe/library-files.js";

export const RECIPES = fileURLToPath(new URL("../../recipes/", import.meta.url));
export const library = loadLibrary(RECIPES);
/** Every recipe that ships, by its name. */
export const RECIPE_NAMES: readonly string[] = readdirSync(RECIPES)
	.filter((file) => file.endsWith(".recipe.yaml"))
	.map((file) => file.replace(".recipe.yaml", ""));

/** A small reactor like the simulated lab, with argon as its carrier and round numbers. */
export const lab: LabFacts = {
	station: "sim1",
	carrier: { gas: "Ar", sccmMin: 5, sccmMax: 200 },
	zones: {
		stage: zone({ heatsFoil: true, setpointCMax: 200, limitC: 190, sensorUncertaintyC: 0.3 }),
		wall: zone({ setpointCMax: 150, limitC: 150, coolTimeConstantS: 900 }),
		tma_line: zone({ setpointCMax: 120, limitC: 120, coolTimeConstantS: 300, settleS: 60 }),
	},
	precursors: {
		TMA: {
			valve: "io.TMA",
			shortestPulseMs: 5,
			longestPulseMs: 200,
			mgPerMs: 0.01,
			lineZone: "tma_line",
			bottleC: 22,
			fullLine: { ms: 15, areaPaS: 4, pulsesToEmpty: 18 },
		},
		H2O: {
			valve: "io.H2O",
			shortestPulseMs: 5,
			longestPulseMs: 200,
			mgPerMs: 0.005,
			lineZone: null,
			bottleC: 22,
			fullLine: { ms: 15, areaPaS: 10, pulsesToEmpty: 18 },
		},
	},
	basePressurePa: (0.1 * 101_325) / 760,
	pumpTimeConstantS: 1,
	chamberM3: 0.0015,
	leakLimitPaPerS: 0.02,
	signals: { "gauge.chamber": "Pa", "box.o2": "ppm" },
};

function zone(over: Partial<LabFacts["zones"][string]>): LabFacts["zones"][string] {
	return {
		heatsFoil: false,
		setpointCMin: 0,
		setpointCMax: 200,
		limitC: 190,
		sensorUncertaintyC: 1,
		rampCPerMinMax: 15,
		ambientC: 22,
		coolTimeConstantS: 600,
		settleS: 120,
		...over,
	};
}

export const recipeText = (name: string): string => readFileSync(`${RECIPES}${name}.recipe.yaml`, "utf8");

export interface CheckOptions {
	set?: Record<string, number | string>;
	lab?: LabFacts;
}

export const check = (text: string, options: CheckOptions = {}): CheckResult =>
	checkRecipe({ text, fileName: "test.recipe.yaml", set: options.set ?? {}, library, lab: options.lab ?? lab });

/** The text with one passage replaced, which must be there. */
export function edit(text: string, ...edits: readonly (readonly [from: string, to: string])[]): string {
	let edited = text;
	for (const [from, to] of edits) {
		if (!edited.includes(from)) throw new Error(`The recipe has no passage ${JSON.stringify(from)}.`);
		edited = edited.replace(from, () => to);
	}
	return edited;
}

export const codes = (result: CheckResult): string[] => result.problems.map(({ code }) => code);
export const errors = (result: CheckResult): string[] =>
	result.problems.filter(({ severity }) => severity === "error").map(({ code }) => code);
