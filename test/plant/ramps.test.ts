import { afterEach, describe, expect, it } from "vitest";
import { Story } from "./stories.js";

/** The wall at the lab file's fastest ramp: above 40 °C its heater cannot keep up. */
const STEEP = `adlayer: recipe/1
name: steep
title: A ramp that full power does not follow
version: "1"
description: Heats the empty chamber's wall.
material: none
product: none
steps:
  - flow: { sccm: 0 }
  - pump_down: { below_torr: 0.1, timeout_s: 900 }
  - flow: { sccm: 100 }
  - heat: { wall: { to_degC: 125, ramp_degC_per_min: 15 } }
  - stabilise: { zones: [wall], within_degC: 1, for_s: 60, timeout_s: 5400 }
  - cool: { zone: stage, below_degC: 60, timeout_s: 14400 }
`;
const FOLLOW_C = 20;

let story: Story;
afterEach(() => story.stop());

async function steep(): Promise<void> {
	story = await new Story().ready();
	await story.launch("steep.recipe.yaml", { recipeText: STEEP });
	await story.step("stabilise");
}
const wallC = (): number => story.control.plant.reading("wall.temperature").value!;

describe("a ramp that full power does not follow", () => {
	it("waits for a zone that still rises, well within what may be astray, and brings it to its target", async () => {
		await steep();
		let behindC = 0;
		while (story.run.step?.type === "stabilise") {
			await story.forS(10);
			behindC = Math.max(behindC, (story.setpointsC.wall ?? 0) - wallC());
		}
		expect(behindC).toBeGreaterThan(10);
		expect(behindC).toBeLessThan(FOLLOW_C - 3);
		expect(story.latched).toEqual([]);
		await story.state("complete");
	});

	it("does not wait for one that rises no more: that is astray", async () => {
		await steep();
		await story.clock.advanceUntil(() => wallC() > 60, 3_600_000);
		story.lab.faults.begin({ kind: "heater-dead", target: "wall" });
		await story.forS(900);
		expect(story.latched.filter((interlock) => interlock.endsWith(".wall"))).not.toEqual([]);
		expect(story.run.state).toBe("held");
	});
});
