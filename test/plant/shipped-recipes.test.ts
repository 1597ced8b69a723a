/** Every recipe in the folder, run whole on the twin: what the dry run foretells comes true. */
import { resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkRecipe } from "#recipe/check.js";
import { loadLibrary } from "#recipe/library-files.js";
import { labFacts } from "#src/config/lab-facts.js";
import { loadLabFile, parseLabFile } from "#src/config.js";
import { RECIPE_NAMES, RECIPES, recipeText } from "../recipe/support.js";
import { Story } from "./stories.js";

const SHARE = 0.05;
/** Grams are counted by the width of the pulses, at the lab file's rate. */
const GRAMS_SHARE = 0.25;
const torr = (value: number): number => (value * 101_325) / 760;
/** Standing by for twelve hours is one wait: its last eleven show nothing that the first does not. */
const SHORTER: Readonly<Record<string, Record<string, number>>> = { idle: { for_s: 3_600 } };
const LAB = resolve(RECIPES, "labs/simulated.lab.yaml");
const library = loadLibrary(RECIPES);

/** The simulated lab with what the recipe coats on its stage; without metal a witness piece. */
function labFor(material: string) {
	const { text } = loadLabFile(LAB);
	const foil = material === "none" ? "Si" : material;
	return parseLabFile(text.replace("foil: Li", `foil: ${foil}`), LAB);
}

/** Does what a question asks, as a person at the reactor would, and confirms it. */
async function obey(story: Story, prompt: string, person: { opened: number }): Promise<void> {
	const { twin } = story.lab;
	story.truth();
	if (prompt.startsWith("hand-valves")) for (const bottle of ["TMA", "H2O"]) twin.setHandValve(bottle, false);
	if (prompt.startsWith("foil-")) {
		twin.setLid(false);
		await story.forS(30);
		story.truth();
		twin.setLid(true);
		person.opened += 1;
		await story.forS(2);
	}
	await story.confirm(prompt, "Mira Keller");
}

async function run(name: string, set: Record<string, number> = {}) {
	const text = recipeText(name);
	const material = /^material: (\w+)$/m.exec(text)![1]!;
	const lab = labFor(material);
	const { plan, acknowledgements } = checkRecipe({ text, fileName: name, set, library, lab: labFacts(lab) });
	const story = await new Story({ lab }).ready();
	const person = { opened: 0 };
	await story.launch(`${name}.recipe.yaml`, { set, acknowledge: acknowledgements.map(({ code }) => code) });
	const limitMs = story.clock.nowMs() + plan!.totalS * 1_300 + 600_000;
	while (story.runState !== "complete") {
		if (story.clock.nowMs() > limitMs || story.runState === "held") {
			throw new Error(`${name} is ${story.runState}: ${story.run.cause}; at ${JSON.stringify(story.run.step)}`);
		}
		const { prompt } = story.run;
		if (prompt) await obey(story, prompt.prompt, person);
		else await story.forS(5);
	}
	return { story, plan: plan!, person };
}

/** What was foretold and what came, for whoever reads the output. */
const figures: Record<string, string | number>[] = [];
const percent = (came: number, foretold: number): string => `${((came / foretold - 1) * 100).toFixed(2)} %`;

/** Pulses, grams and hours as control has counted them, against what the twin did. */
function expectCounted(story: Story): void {
	const { doses, deliveredMg } = story.truth();
	const { valves, bottles, hours, basePressures } = story.control.status.maintenance!;
	const lines = story.records("step-started").some(({ type }) => type === "line-evacuate");
	for (const [precursor, dosed] of Object.entries(doses)) {
		expect(valves[precursor]!.pulses).toBe(dosed);
		// The lab file's figure is one for a full bottle; a line that is emptied gives less and less.
		if (dosed > 0 && !lines)
			expect(Math.abs(bottles[precursor]!.usedG / (deliveredMg[precursor]! / 1_000) - 1)).toBeLessThan(GRAMS_SHARE);
	}
	const ranH = story.clock.nowMs() / 3_600_000;
	expect(Math.abs(hours.pump - ranH)).toBeLessThan(0.01);
	for (const zone of Object.keys(hours.heaters)) expect(hours.heaters[zone]).toBeLessThanOrEqual(ranH);
	const done = story.records("step-ended").filter(({ type, outcome }) => type === "pump-down" && outcome === "done");
	// One that ends at once, in vacuum already, may have had no reading.
	expect(basePressures.length).toBeLessThanOrEqual(done.length);
	if (done.length > 0) expect(basePressures.length).toBeGreaterThan(0);
	for (const { pa } of basePressures) expect(pa).toBeLessThan(torr(0.1));
}

describe("each shipped recipe", () => {
	afterAll(() => console.table(figures));

	it("is found in the folder", () => {
		expect(RECIPE_NAMES.length).toBeGreaterThan(10);
	});

	it.each(RECIPE_NAMES)("%s takes the time and grows the film of its dry run", async (name) => {
		const { story, plan, person } = await run(name, SHORTER[name] ?? {});
		const [finished] = story.records("run-finished");
		expect(finished).toMatchObject({ state: "complete", product: plan.product });
		expect(finished!.cycles).toEqual({
			ordered: plan.cyclesOrdered,
			complete: plan.cyclesOrdered,
			repeated: 0,
			unknown: 0,
		});
		// A person at an open lid takes the time that it takes.
		const durationS = finished!.durationS - person.opened * 32;
		expect(Math.abs(durationS / plan.totalS - 1), `${durationS} s, planned ${plan.totalS} s`).toBeLessThan(SHARE);
		const truth = story.truth();
		figures.push({
			recipe: name,
			"foretold s": Math.round(plan.totalS),
			"ran s": Math.round(durationS),
			time: percent(durationS, plan.totalS),
			"foretold nm": plan.thicknessNm,
			"twin nm": Number(truth.thicknessNm.toFixed(2)),
			thickness: plan.thicknessNm > 0 ? percent(truth.thicknessNm, plan.thicknessNm) : "-",
		});
		if (plan.thicknessNm > 0)
			expect(
				Math.abs(truth.thicknessNm / plan.thicknessNm - 1),
				`${truth.thicknessNm} nm, foretold ${plan.thicknessNm} nm`,
			).toBeLessThan(SHARE);
		else expect(truth.thicknessNm).toBeLessThan(1);
		const expected =
			plan.neverAboveC !== null && truth.meltingC !== null && plan.neverAboveC > truth.meltingC ? ["foil-melted"] : [];
		expect(truth.violations.map(({ kind }) => kind)).toEqual(expected);
		expect(story.records("interlock")).toEqual([]);
		expectCounted(story);
		await story.stop();
	});

	it("foretells 500 cycles on lithium as the twin grows them", async () => {
		const { story, plan } = await run("li-al2o3", { cycles: 500 });
		expect(Math.abs(story.truth().thicknessNm / plan.thicknessNm - 1)).toBeLessThan(SHARE);
		await story.stop();
	});
});
