/** A zone that was found not to be its model: nothing heats it until somebody has looked, and what has been mended goes on at once. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { knownZoneAt, misread, power } from "./heating-support.js";
import type { Story } from "./stories.js";

const ALARM = { alarm: "heater.stage", by: "test" };
const IN_DOUBT = /Zone stage was not its model.* acknowledge the alarm heater\.stage/;

let story: Story;
afterEach(async () => {
	vi.restoreAllMocks();
	await story.stop();
});

/** What is wrong with the stage; gives what mends it. */
const FAULTS: Record<string, (story: Story) => () => void> = {
	"a thermocouple that read too little": (of) => misread(of, "stage", (degC) => degC - 5),
	"a thermocouple that read too much": (of) => misread(of, "stage", (degC) => degC + 8),
	"a thermocouple that drifted": (of) => {
		const sinceMs = of.clock.nowMs();
		return misread(of, "stage", (degC) => degC - (4 * (of.clock.nowMs() - sinceMs)) / 60_000);
	},
	"a broken thermocouple": (of) => misread(of, "stage", () => null),
	"a heater without power": (of) => power(of, "stage", 0),
};

async function heldBy(fault: (story: Story) => () => void, aboveC = 150): Promise<() => void> {
	story = await knownZoneAt(aboveC);
	const mend = fault(story);
	await story.state("held", 600);
	return mend;
}

const slip = FAULTS["a thermocouple that read too little"]!;

describe("a zone in doubt", () => {
	it("is not heated again by a restart before somebody has acknowledged it", async () => {
		await heldBy(slip);
		await expect(story.command("restart")).rejects.toThrow(IN_DOUBT);
		await story.ask("acknowledge-alarm", ALARM);
		await story.command("restart");
		await story.state("running");
	});

	it("lets no new run begin", async () => {
		await heldBy(slip);
		await story.command("abort");
		await story.state("aborted", 600);
		await story.command("reset");
		await story.state("idle", 600);
		await expect(story.launch("pump-down.recipe.yaml")).rejects.toThrow(IN_DOUBT);
	});

	it("stays in doubt when its alarm is silenced", async () => {
		await heldBy(slip);
		await story.ask("shelve-alarm", { ...ALARM, reason: "noisy", for: 3_600 });
		await expect(story.command("restart")).rejects.toThrow(IN_DOUBT);
	});
});

describe.each(Object.entries(FAULTS))("a run held by %s", (_what, fault) => {
	it.each([
		[150, 5, 10],
		[150, 60, 5],
		[150, 60, 30],
		[178, 20, 10],
	])("above %i °C, mended after %i s, goes on after %i s more, and never too hot", async (aboveC, mendedS, waitedS) => {
		const mend = await heldBy(fault, aboveC);
		await story.forS(mendedS);
		mend();
		await story.forS(waitedS);
		await story.resetAll();
		await story.command("restart");
		const isOver = () => story.runState === "complete" || story.runState === "held";
		await story.clock.advanceUntil(isOver, 9_000_000);
		expect(story.runState, story.run.cause ?? "").toBe("complete");
		expect(story.truth().peakFoilC).toBeLessThan(180.3);
	});
});
