import { afterEach, describe, expect, it } from "vitest";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());
const alarms = () => story.records("alarm").map(({ alarm, state }) => `${alarm} ${state}`);

describe("the trend of the doses", () => {
	it("raises nothing over forty healthy cycles", async () => {
		story = await Story.launched({ set: { cycles: 40 } });
		await story.state("complete");
		expect(alarms()).toEqual([]);
		expect(story.records("interlock")).toEqual([]);
	});

	it("tells of a bottle that gives less and less", async () => {
		story = await Story.launched({ set: { cycles: 30 } });
		await story.step("pulse", 30);
		// Half the vapour pressure: the bottle has cooled down or runs low.
		story.lab.twin.setBottleC("TMA", 10);
		await story.state("complete");
		expect(alarms()).toContain("bottle-low.TMA unacknowledged");
		expect(alarms().filter((said) => !said.startsWith("bottle-low.TMA"))).toEqual([]);
	});

	it("tells of a valve that has not opened since before the first dose", async () => {
		story = new Story();
		story.lab.faults.begin({ kind: "valve-stuck-shut", target: "TMA" });
		await story.ready();
		await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: { cycles: 12 } });
		await story.step("pulse", 22);
		expect(alarms()).toEqual(["valve-sticking.TMA unacknowledged"]);
	});

	it("holds the run for a hand valve that was shut, before the other precursor is dosed on top", async () => {
		story = await Story.launched({ set: { cycles: 30 } });
		await story.step("pulse", 30);
		const { twin } = story.lab;
		const setValve = twin.setValve.bind(twin);
		twin.setValve = (valve, open, atMs) => setValve(valve, open && valve !== "H2O", atMs);
		await story.state("held");
		expect(alarms()).toContain("valve-sticking.H2O unacknowledged");
		const last = story.records("pulse").at(-1)!;
		expect(last).toMatchObject({ precursor: "H2O" });
		expect(story.run.cause).toContain(
			`Cycle ${last.cycle! - 1} has gone on without H2O: that is not made up, and counts as not complete.`,
		);
	});
});
