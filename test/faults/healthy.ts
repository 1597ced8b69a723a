/** Shipped recipes without a fault: nothing trips and nothing alarms. */
import { resolve } from "node:path";
import { checkRecipe } from "#recipe/check.js";
import { loadLibrary } from "#recipe/library-files.js";
import { labFacts } from "#src/config/lab-facts.js";
import { loadLabFile, parseLabFile } from "#src/config.js";
import { Story } from "../plant/stories.js";
import { RECIPE_NAMES, RECIPES, recipeText } from "../recipe/support.js";
import type { Outcome } from "./drive.js";

const LAB = resolve(RECIPES, "labs/simulated.lab.yaml");
const library = loadLibrary(RECIPES);
/** Enough cycles for the trends of the doses to be judged, few enough for hundreds of runs. */
const CYCLES = 40;
/** An idle night is kept for as long as it ships with once; then two hours do. */
const IDLE_S = 7_200;

/** The recipes in turn, each time with another seed: other noise, another spread of the heaters. */
export async function healthy(seed: number): Promise<Outcome> {
	const name = RECIPE_NAMES[seed % RECIPE_NAMES.length]!;
	const text = recipeText(name);
	const material = /^material: (\w+)$/m.exec(text)![1]!;
	const { text: labText } = loadLabFile(LAB);
	const lab = parseLabFile(labText.replace("foil: Li", `foil: ${material === "none" ? "Si" : material}`), LAB);
	const set: Record<string, number> = {};
	if (/^ {2}cycles:/m.test(text)) set.cycles = CYCLES;
	if (/^ {2}for_s:/m.test(text) && seed > RECIPE_NAMES.length) set.for_s = IDLE_S;
	const { plan, acknowledgements } = checkRecipe({ text, fileName: name, set, library, lab: labFacts(lab) });
	const story = await new Story({ lab, seed }).ready();
	await story.launch(`${name}.recipe.yaml`, { set, acknowledge: acknowledgements.map(({ code }) => code) });
	const limitMs = story.clock.nowMs() + plan!.totalS * 1_500 + 600_000;
	const broken: string[] = [];
	while (story.runState !== "complete") {
		if (story.clock.nowMs() > limitMs || story.runState === "held") {
			broken.push(`The run is ${story.runState}: ${story.run.cause}`);
			break;
		}
		const { prompt } = story.run;
		if (prompt) await obey(story, prompt.prompt);
		else await story.forS(5);
	}
	for (const record of story.records("interlock"))
		broken.push(`Interlock ${record.interlock} ${record.state}: ${record.cause}`);
	for (const record of story.records("alarm")) broken.push(`Alarm ${record.alarm} ${record.state}: ${record.message}`);
	const isMeantToMelt =
		plan!.neverAboveC !== null && plan!.neverAboveC > (story.truth().meltingC ?? Number.POSITIVE_INFINITY);
	for (const { kind, detail } of story.truth().violations)
		if (!(kind === "foil-melted" && isMeantToMelt)) broken.push(`${kind}: ${detail}`);
	const labS = story.clock.nowMs() / 1_000;
	const state = story.runState ?? "none";
	await story.stop();
	return { seed, plan: `${name} without faults`, kinds: [], state, broken, labS };
}

/** Does what a question asks, as a person at the reactor would, and confirms it. */
async function obey(story: Story, prompt: string): Promise<void> {
	const { twin } = story.lab;
	story.truth();
	if (prompt.startsWith("hand-valves")) for (const bottle of ["TMA", "H2O"]) twin.setHandValve(bottle, false);
	if (prompt.startsWith("foil-")) {
		twin.setLid(false);
		await story.forS(30);
		story.truth();
		twin.setLid(true);
		await story.forS(2);
	}
	await story.confirm(prompt, "Mira Keller");
}
