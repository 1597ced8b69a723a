import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseLabFile } from "#src/config.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { labTextAnywhere } from "../support/lab-text.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());

const launchShort = () => story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: { cycles: 1 } });

describe("launching", () => {
	it("is refused while a run is under way, and changes nothing", async () => {
		story = await Story.at("purge");
		const created = story.records("run-created").length;
		await expect(launchShort()).rejects.toMatchObject({ code: "RUN_ACTIVE" });
		expect(story.records("run-created")).toHaveLength(created);
		expect(story.runState).toBe("running");
	});

	it("after a complete run needs no reset", async () => {
		story = await Story.launched({ set: { cycles: 1 } });
		await story.state("complete");
		const first = story.run.run;
		await launchShort();
		expect(story.run.run).not.toBe(first);
		await story.state("complete");
		expect(story.records("run-finished").map(({ state }) => state)).toEqual(["complete", "complete"]);
		expect(story.records("run-created").map(({ run }) => run)).toEqual([first, story.run.run]);
	});

	it("after an aborted or stopped run needs none either", async () => {
		story = await Story.at("stabilise");
		await story.command("abort");
		await story.state("aborted", 10);
		await launchShort();
		await story.step("purge", 1);
		await story.command("stop");
		await story.state("stopped");
		await launchShort();
		await story.state("complete");
	});

	it("is refused while an instrument is away", async () => {
		story = await new Story().ready();
		story.lab.silence("wall", true);
		await story.forS(10);
		await expect(launchShort()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect(story.records("run-created")).toEqual([]);
	});

	it("is refused while an instrument is set otherwise than the lab file says, whose alarm tells what to correct", async () => {
		story = await new Story().ready();
		const path = join(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
		const text = labTextAnywhere(path).replace("gas: Ar, full_scale_sccm: 200", "gas: Ar, full_scale_sccm: 500");
		story.comeBack({ lab: parseLabFile(text, path) });
		await story.forS(10);
		await expect(launchShort()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect(story.status.alarms).toContainEqual(
			expect.objectContaining({
				alarm: "instrument.carrier",
				message: expect.stringContaining("has a full scale of 200 SCCM, the lab file says 500 SCCM"),
				response: "Correct full_scale_sccm in the lab file. It is tried again every second.",
			}),
		);
	});

	it("is refused for a recipe with problems", async () => {
		story = await new Story().ready();
		const recipeText = SHORT_RECIPE.replace("ms: 15", "ms: 1500");
		await expect(story.launch("short", { recipeText })).rejects.toMatchObject({ code: "RECIPE_INVALID" });
	});
});

describe("reset", () => {
	it("returns to idle, where the ended run cannot be started again", async () => {
		story = await Story.launched({ set: { cycles: 1 } });
		await story.state("complete");
		await story.command("reset");
		expect(story.runState).toBe("idle");
		await expect(story.command("start")).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
		await launchShort();
		expect(story.runState).toBe("running");
	});
});

describe("commands to control", () => {
	it.each([
		["command", { command: "hold", by: "x" }, "RUN_NOT_FOUND"],
		["command", { run: "other", command: "hold", by: "x" }, "RUN_NOT_FOUND"],
		["acknowledge-alarm", { alarm: "none", by: "x" }, "NOT_FOUND"],
		["reset-interlock", { interlock: "none", by: "x" }, "NOT_FOUND"],
		["nonsense", {}, "USAGE"],
	])("%s %j without a run is refused with %s", async (command, args, code) => {
		story = await new Story().ready();
		await expect(story.ask(command, args)).rejects.toMatchObject({ code });
	});

	it.each(["done", "constructor", "toString", ""])("%j is no command of a run", async (command) => {
		story = await Story.at("purge");
		const written = story.records("run-command").length;
		await expect(story.ask("command", { command, by: "x" })).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
		expect(story.records("run-command")).toHaveLength(written);
	});

	it("that were meant for another state are refused", async () => {
		story = await Story.at("purge");
		await expect(story.ask("command", { command: "hold", by: "x" }, "paused")).rejects.toMatchObject({
			code: "STATE_CHANGED",
		});
		expect(story.runState).toBe("running");
	});

	it("are in the journal with who gave them before their effect is", async () => {
		story = await Story.at("purge");
		await story.ask("command", { command: "hold", by: "Ada" });
		const command = story.records("run-command").at(-1)!;
		expect(command).toMatchObject({ command: "hold", by: "Ada" });
		expect(story.records("run-state").at(-1)!.seq).toBe(command.seq + 1);
	});

	it("reset of an interlock that is not latched changes nothing", async () => {
		story = await new Story().ready();
		await expect(story.ask("reset-interlock", { interlock: "lid-open", by: "x" })).resolves.toEqual({
			interlock: "lid-open",
			state: "clear",
		});
		expect(story.records("interlock")).toEqual([]);
	});
});

describe("control that is told to stop in a run", () => {
	it("aborts it, records its end and leaves the reactor safe", async () => {
		story = await Story.at("purge", 2);
		const { control } = story;
		const stopped = control.stop();
		await story.forS(5);
		await stopped;
		expect(story.records("run-finished")).toMatchObject([{ state: "aborted" }]);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		expect(story.openPrecursors).toEqual([]);
	});
});
