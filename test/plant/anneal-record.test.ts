import { afterEach, describe, expect, it } from "vitest";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());

describe("the record of an anneal", () => {
	it("says what the foil saw, with its uncertainty, and never that it did not melt where that does not carry it", async () => {
		story = await Story.launched();
		await story.state("complete");
		const [anneal, ...others] = story.records("anneal");
		expect(others).toEqual([]);
		expect(anneal).toMatchObject({ zone: "stage", unknownS: 0, uncertaintyC: 0.3 });
		const { targetC, withinC, orderedS, inBandS, meanC, spreadC, maxC, ramp, minutesAbove } = anneal!;
		expect(inBandS).toBeGreaterThanOrEqual(orderedS - 1);
		expect(Math.abs(meanC! - targetC)).toBeLessThan(withinC);
		expect(spreadC).toBeLessThan(withinC);
		expect(maxC).toBeGreaterThanOrEqual(meanC!);
		expect(Math.abs(ramp.actualS! - ramp.plannedS!)).toBeLessThan(300);
		expect(ramp.farthestFromPlanC).toBeGreaterThan(0);
		const below = minutesAbove.find(({ thresholdC }) => thresholdC === targetC - withinC)!;
		expect(below.atMost).toBeGreaterThanOrEqual(below.minutes);
		expect(below.minutes).toBeGreaterThanOrEqual(below.atLeast);
		const { meltingPointC } = story.records("run-created")[0]!;
		expect(anneal!.melting).toBe(maxC! + 0.3 < meltingPointC! ? "below" : "not-excluded");
		expect(anneal!.words).not.toMatch(/did not melt|not melted/);
		// The record is in the journal before the run's own end.
		expect(anneal!.seq).toBeLessThan(story.records("run-finished")[0]!.seq);
	});

	it("of an anneal that was cut short is there as far as it came, with the time of which nothing is known", async () => {
		story = await Story.at("anneal");
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 60, 20_000_000);
		story.lab.silence("stage", true);
		await story.state("held", 60);
		await story.forS(60);
		story.lab.silence("stage", false);
		await story.forS(10);
		await story.command("abort");
		await story.state("aborted", 60);
		const [anneal] = story.records("anneal");
		expect(anneal!.unknownS).toBeGreaterThan(50);
		expect(anneal!.melting).toBe("not-excluded");
		expect(anneal!.words).toContain("no temperature is known");
	});

	it("goes on over a hold, and is one", async () => {
		story = await Story.at("anneal");
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 60, 20_000_000);
		await story.command("hold");
		await story.state("held", 60);
		await story.command("restart");
		await story.state("complete");
		expect(story.records("anneal")).toHaveLength(1);
	});
});
