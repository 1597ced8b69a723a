import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkRecipe } from "#recipe/check.js";
import { loadLibrary } from "#recipe/library-files.js";
import { labFacts } from "#src/config/lab-facts.js";
import { loadLabFile } from "#src/config.js";
import { Story } from "./stories.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
const RECIPE = "li-two-step.recipe.yaml";
const lab = loadLabFile(resolve(RECIPES, "labs/second-sources.lab.yaml"));
const FIRST_SOURCES = ["eurotherm-3216", "labjack-t7", "pfeiffer-tpg362", "alicat-mc"];

describe("the shipped lab of second sources", () => {
	let story: Story;
	beforeAll(async () => {
		story = await new Story({ lab }).ready();
		await story.launch(RECIPE, { set: { cycles: 3 } });
		await story.state("complete", 100_000);
	});
	afterAll(() => story.stop());

	it("has none of the instruments of the simulated lab, and asks no acknowledgement of the recipe", () => {
		const drivers = Object.values(lab.content.instruments).map(({ driver }) => driver);
		expect(drivers.filter((driver) => FIRST_SOURCES.includes(driver))).toEqual([]);
		const text = readFileSync(resolve(RECIPES, RECIPE), "utf8");
		const library = loadLibrary(RECIPES);
		const report = checkRecipe({ text, fileName: RECIPE, set: {}, library, lab: labFacts(lab) });
		expect(report.problems.filter(({ severity }) => severity === "error")).toEqual([]);
		expect(report.acknowledgements).toEqual([]);
	});

	it("completes the shipped lithium recipe, every pulse delivered once and nothing tripped", () => {
		expect(story.records("run-finished")).toMatchObject([
			{ state: "complete", cycles: { ordered: 3, complete: 3, repeated: 0, unknown: 0 } },
		]);
		expect(story.truth().doses).toEqual({ TMA: 3, H2O: 3 });
		expect(story.records("pulse").map(({ fate }) => fate)).toEqual(new Array(6).fill("delivered"));
		expect(story.records("interlock")).toEqual([]);
		expect(story.violations).toEqual([]);
	});
});
