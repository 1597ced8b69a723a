/** A third metal, another oxide and a third bottle, as anybody would add them: files alone, run from end to end. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { loadLibrary } from "#recipe/library-files.js";
import { loadLabFile } from "#src/config.js";
import { POTASSIUM, STACK, ZINC_OXIDE } from "../recipe/new-materials.js";
import { edit, recipeText } from "../recipe/support.js";
import { Story } from "./stories.js";

const SHIPPED = resolve(import.meta.dirname, "../../recipes");
const folder = mkdtempSync(join(tmpdir(), "adlayer-materials-"));
cpSync(SHIPPED, folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// biome-ignore lint/suspicious/noExplicitAny: YAML of any shape
type Content = any;
const add = (path: string, text: string): void => writeFileSync(join(folder, path), text);
/** Reads a YAML file of the folder, lets it be changed, and writes it back. */
function change(path: string, by: (content: Content) => void): void {
	const content = parse(readFileSync(join(folder, path), "utf8")) as Content;
	by(content);
	add(path, stringify(content, { aliasDuplicateObjects: false }));
}

for (const [of, { fileName, text }] of [
	["materials", POTASSIUM],
	["films", ZINC_OXIDE],
] as const)
	add(join(of, fileName), text);
const LAB = "labs/simulated.lab.yaml";
const TWIN = "twins/bench-reactor.twin.yaml";
change(LAB, ({ instruments, reactor }) => {
	instruments.io.settings.pulse_outputs.DEZ = "DIO4";
	reactor.precursors.DEZ = { ...reactor.precursors.TMA, output: "io.DEZ" };
	reactor.manual.purge_s.DEZ = 180;
});
change(TWIN, ({ precursors }) => {
	precursors.DEZ = { ...precursors.TMA };
});

let story: Story | undefined;
afterEach(() => story?.stop());

/** Runs a recipe to its end. */
async function complete(recipeText: string): Promise<Story> {
	story = await new Story({ lab: loadLabFile(join(folder, LAB)), library: loadLibrary(folder) }).ready();
	await story.launch("new.recipe.yaml", { recipeText });
	await story.clock.advanceUntil(() => story!.run.state !== "running", 30_000_000);
	expect([story.run.state, story.records("run-state").at(-1)!.cause]).toEqual(["complete", "all steps done"]);
	expect(story.violations).toEqual([]);
	expect(story.records("interlock")).toEqual([]);
	return story;
}

describe("supercycles of two films from three bottles", () => {
	it("dose each bottle as often as ordered, with the purges of the film whose turn it is", async () => {
		const { plan, doses, pulses } = await complete(
			edit(STACK, ["times: 20", "times: 2"], ["times: 4", "times: 3"]),
		).then((ended) => ({
			plan: ended.records("run-created")[0]!.plan,
			doses: ended.truth().doses,
			pulses: ended.records("pulse"),
		}));
		expect(doses).toEqual({ TMA: 6, DEZ: 2, H2O: 8 });
		expect(plan.pulses).toEqual({ TMA: 6, DEZ: 2, H2O: 8 });
		expect(pulses.map(({ precursor }) => precursor).join(" ")).toBe(
			Array(2).fill("TMA H2O TMA H2O TMA H2O DEZ H2O").join(" "),
		);
		expect(story!.records("run-created")[0]).toMatchObject({ material: "none" });
		expect(story!.records("run-finished")[0]!.cycles).toMatchObject({ ordered: 8, complete: 8, unknown: 0 });
	});
});

describe("a third metal", () => {
	it("is coated below its melting point, which guards the run", async () => {
		change(LAB, ({ simulation }) => {
			simulation.foil = "K";
		});
		change(TWIN, ({ foils }) => {
			foils.K = { ...foils.Na, melting_degC: 63.5, growth_nm_per_cycle: [{ at_degC: 58, nm: 0.2 }] };
		});
		const text = edit(
			recipeText("na-al2o3")
				.replaceAll("to_degC: 65", "to_degC: 58")
				.replace(/never_above_degC: \d+/, "never_above_degC: 63"),
			["material: Na", "material: K"],
			["default: 200", "default: 3"],
		);
		const ended = await complete(text);
		const created = ended.records("run-created")[0]!;
		expect(created).toMatchObject({ product: "K@3Al2O3", material: "K", meltingPointC: 63.5, neverAboveC: 63 });
		const truth = ended.truth();
		expect(truth).toMatchObject({ foilMaterial: "K", melted: false, doses: { TMA: 3, H2O: 3 } });
		expect(truth.peakFoilC).toBeLessThan(60);
	});
});
