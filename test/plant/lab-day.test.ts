/** Questions, conditions, exposures, leak checks and an open chamber, as an operator lives through them. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLabFile } from "#src/config.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { RECIPES, recipeText } from "../recipe/support.js";
import { Story } from "./stories.js";

const LAB = resolve(RECIPES, "labs/simulated.lab.yaml");
const LAB_TEXT = readFileSync(LAB, "utf8");
const NOT_REQUIRED = /not_required: [^}]*[^ }]/;

let story: Story;
afterEach(() => story.stop());

/** A recipe that coats nothing, with these steps after a pump-down. */
const recipe = (steps: string) => `adlayer: recipe/1
name: day
title: A piece of the day
version: "1"
material: none
product: none
steps:
  - flow: { sccm: 0 }
  - pump_down: { below_torr: 0.1, timeout_s: 900 }
${steps}`;

const prompt = (onTimeout: string) =>
	`  - prompt: { id: look, text: Look., confirm: Seen, timeout_s: 60, on_timeout: ${onTimeout} }\n`;

async function launched(text: string, lab?: string): Promise<Story> {
	const plant = new Story(lab === undefined ? {} : { lab: parseLabFile(lab, LAB) });
	await plant.ready();
	await plant.launch("day.recipe.yaml", { recipeText: text });
	return plant;
}

describe("a question", () => {
	it("waits for a person, keeps who answered what, and takes no other answer", async () => {
		story = await launched(recipe(prompt("hold")));
		await story.step("prompt");
		await story.forS(10);
		expect(story.run.prompt).toMatchObject({ prompt: "look", text: "Look.", confirm: "Seen" });
		await expect(story.confirm("other")).rejects.toMatchObject({ code: "PROMPT_NOT_OPEN" });
		await story.confirm("look", "Mira");
		await story.state("complete");
		expect(story.records("prompt-answered")).toMatchObject([{ prompt: "look", confirmed: "Seen", by: "Mira" }]);
		expect(story.run.prompt).toBeNull();
		await expect(story.confirm("look")).rejects.toMatchObject({ code: "PROMPT_NOT_OPEN" });
	});

	it("unanswered holds, aborts or goes on with a record, as the recipe says", async () => {
		for (const [onTimeout, state] of [
			["hold", "held"],
			["abort", "aborted"],
			["continue", "complete"],
		] as const) {
			if (onTimeout !== "hold") await story.stop();
			story = await launched(recipe(prompt(onTimeout)));
			await story.state(state, 300);
			if (state === "complete")
				expect(story.records("note")).toContainEqual(expect.objectContaining({ code: "STEP_WENT_ON" }));
		}
	});

	it("is asked anew under another name after a hold", async () => {
		story = await launched(recipe(prompt("hold")));
		await story.step("prompt");
		await story.forS(2);
		await story.command("hold");
		await story.state("held");
		expect(story.run.prompt).toBeNull();
		await story.command("restart");
		await story.step("prompt", 2);
		await story.forS(1);
		await expect(story.confirm("look")).rejects.toMatchObject({ code: "PROMPT_NOT_OPEN" });
		await story.confirm("look-2");
		await story.state("complete");
	});
});

describe("a condition", () => {
	const wait = (value: number, onTimeout: string) =>
		`  - wait_until: { of: chamber, is: below, value: ${value}, unit: Torr, for_s: 20, timeout_s: 120, on_timeout: ${onTimeout} }\n`;

	it("ends the step when it has held for its time", async () => {
		story = await launched(recipe(wait(0.1, "hold")));
		await story.state("complete", 200);
		expect(story.records("step-ended").at(-1)!.actualS).toBeGreaterThanOrEqual(20);
	});

	it("that never comes true holds the run and says what was seen", async () => {
		story = await launched(recipe(wait(0.000_01, "hold")));
		await story.state("held", 300);
		expect(story.run.cause).toMatch(/chamber is .* Pa, wanted chamber below 0.00001 Torr after 120 s/);
	});
});

describe("an exposure", () => {
	const text = SHORT_RECIPE.replace(
		"pulse: { precursor: TMA, ms: 15 }",
		"exposure: { precursor: TMA, ms: 15, soak_s: 10 }",
	);

	it("doses into the shut chamber and purges in full from its opening on", async () => {
		story = await launched(text);
		await story.step("exposure");
		for (let ms = 0; story.openPrecursors.length === 0 && ms < 30_000; ms += 5) await story.clock.advance(5);
		expect(story.reactor).toMatchObject({ precursors: ["TMA"], stopOpen: false, sccm: 0 });
		await story.state("complete");
		expect(story.violations).toEqual([]);
		const opened = story
			.records("actuation")
			.filter(({ signal, requested }) => signal === "io.stop" && requested === 1);
		const water = story.records("pulse").find(({ precursor }) => precursor === "H2O")!;
		const reopened = opened.findLast(({ t }) => t < water.issuedT!)!;
		expect(water.issuedT! - reopened.t).toBeGreaterThanOrEqual(5_000);
		for (const { effective } of story.records("pulse")) expect(effective!.peakPa).toBeGreaterThan(1);
	});

	it("held in its soak opens the chamber, and is repeated after a full purge", async () => {
		story = await launched(text);
		await story.step("exposure");
		while (story.truth().doses.TMA === 0) await story.forS(0.5);
		await story.forS(3);
		expect(story.reactor.stopOpen).toBe(false);
		await story.command("hold");
		await story.state("held");
		await story.forS(3);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		await story.command("restart");
		await story.state("complete");
		expect(story.truth().doses).toEqual({ TMA: 5, H2O: 4 });
		expect(story.violations).toEqual([]);
	});

	it("that a leaking valve fills beyond the static limit is opened by the interlock", async () => {
		story = await launched(
			text,
			LAB_TEXT.replace("dose_torr_max: 2", "dose_torr_max: 0.7").replace("max_static_torr: 10", "max_static_torr: 0.8"),
		);
		await story.step("exposure");
		while (story.truth().doses.TMA === 0) await story.forS(0.5);
		await story.forS(1);
		story.lab.twin.setValve("TMA", true, story.lab.nowMs);
		await story.state("held", 60);
		expect(story.latched).toEqual(["exposure-pressure"]);
		await story.forS(5);
		expect(story.reactor.stopOpen).toBe(true);
	});
});

describe("a leak check", () => {
	it("that fails is on record and holds the run", async () => {
		story = await launched(recipeText("leak-check"), LAB_TEXT.replace("mtorr_per_min_max: 10", "mtorr_per_min_max: 1"));
		await story.state("held", 3_000);
		const [record] = story.records("leak-check");
		expect(record).toMatchObject({ passed: false, limitMtorrPerMin: expect.closeTo(1, 6) });
		// 0.013 Pa L/s in 1.5 L.
		expect(record!.mtorrPerMin).toBeCloseTo((0.013 / 1.5 / (101_325 / 760)) * 60_000, 1);
		expect(record!.torrLPerS).toBeCloseTo(0.013 / (101_325 / 760), 6);
		expect(story.run.cause).toContain("mTorr/min");
	});

	it("alone is launched, and nothing that doses, while commissioning tests are due", async () => {
		const due = ["io.watchdog", "reactor.emergency-stop"];
		story = new Story({ commissioningDue: () => due });
		await story.ready();
		const dose = () => story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });
		await expect(dose()).rejects.toMatchObject({
			code: "NOT_COMMISSIONED",
			message: expect.stringContaining("io.watchdog, reactor.emergency-stop"),
		});
		await story.launch("leak-check.recipe.yaml");
		await story.state("complete", 3_000);
		due.length = 0;
		await dose();
		expect(story.runState).toBe("running");
	});

	it("passed and not too old is required for a launch that doses, where the lab file says so", async () => {
		const lab = LAB_TEXT.replace(NOT_REQUIRED, "valid_hours: 1");
		story = new Story({ lab: parseLabFile(lab, LAB) });
		await story.ready();
		const dose = () => story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });
		await expect(dose()).rejects.toMatchObject({ code: "LEAK_CHECK_MISSING" });
		await story.launch("leak-check.recipe.yaml");
		await story.state("complete", 3_000);
		await story.forS(3_700);
		await expect(dose()).rejects.toMatchObject({ code: "LEAK_CHECK_MISSING" });
		await story.launch("leak-check.recipe.yaml");
		await story.state("running", 10);
		await story.state("complete", 3_000);
		// A clock that was set back makes no check younger.
		story.wallShiftMs -= 7_200_000;
		await expect(dose()).rejects.toMatchObject({
			code: "LEAK_CHECK_MISSING",
			message: expect.stringContaining("its age is not known"),
		});
		story.wallShiftMs += 7_200_000;
		await dose();
		expect(story.runState).toBe("running");
	});
});

describe("lines whose hand valve is open", () => {
	it("are not emptied, and the run is held", async () => {
		story = await launched(recipeText("line-evacuate").replace("pulses_max: 40", "pulses_max: 8"));
		await story.step("prompt");
		await story.forS(1);
		await story.confirm("hand-valves");
		await story.state("held", 2_000);
		expect(story.run.cause).toMatch(/line of TMA is not empty after 8 pulses/);
	});
});

describe("an open chamber", () => {
	it("counts its answer only with the lid closed, and minds an open lid before and after", async () => {
		story = await launched(recipeText("load"));
		await story.step("prompt");
		await story.forS(1);
		await story.confirm("lines-empty");
		await story.step("prompt", 2);
		await story.forS(2);
		expect(story.lab.twin.chamberPa).toBeGreaterThan(95_000);
		expect(story.lab.twin.chamberPa).toBeLessThan(106_000);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: false, sccm: 0 });
		story.truth();
		story.lab.twin.setLid(false);
		await story.forS(20);
		expect(story.latched).toEqual([]);
		await expect(story.confirm("foil-in")).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
		story.truth();
		story.lab.twin.setLid(true);
		await story.forS(2);
		await story.confirm("foil-in");
		await story.step("wait");
		story.truth();
		story.lab.twin.setLid(false);
		await story.forS(2);
		expect(story.latched).toContain("lid-open");
	});

	it("held while it is open is filled anew before anybody is asked again", async () => {
		story = await launched(recipeText("load"));
		await story.step("prompt");
		await story.forS(1);
		await story.confirm("lines-empty");
		await story.step("prompt", 2);
		await story.forS(2);
		await story.command("hold");
		await story.state("held");
		await story.forS(60);
		expect(story.lab.twin.chamberPa).toBeLessThan(1_000);
		await story.command("restart");
		await story.step("prompt", 3);
		expect(story.records("step-started").filter(({ type }) => type === "backfill")).toHaveLength(2);
		await story.forS(1);
		expect(story.lab.twin.chamberPa).toBeGreaterThan(95_000);
	});
});
