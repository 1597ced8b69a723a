/** A hold in the middle of a ramp or an anneal is an ordinary event: the restart shapes its way from where the zone is. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { ControlLoop } from "#drivers/eurotherm-3216/control-loop.js";
import { annealOnly, knownLab, plainLab } from "./heating-support.js";
import { Story } from "./stories.js";

const LABS = { guided: knownLab, ramped: plainLab } as const;
const LIMIT_C = 180.4;

let story: Story;
afterEach(async () => {
	vi.restoreAllMocks();
	await story.stop();
});

const stageC = () => story.control.plant.reading("stage.temperature").value!;

/** In the anneal step: on its way at a temperature, or `inAnnealS` after it has arrived. */
async function heated(how: keyof typeof LABS, { toC = 179.5, inAnnealS = 0 }): Promise<void> {
	story = new Story({ lab: LABS[how]() });
	await annealOnly(story);
	await story.step("anneal");
	await story.clock.advanceUntil(() => stageC() >= toC, 3_000_000);
	await story.forS(inAnnealS);
}

/** The highest reading from the restart to the end of the run. */
async function restarted(): Promise<number> {
	await story.command("restart");
	let highestC = 0;
	for (let s = 0; s < 9_000 && story.runState !== "complete"; s += 2) {
		await story.forS(2);
		if (stageC() > highestC) highestC = stageC();
		if (story.runState === "held") throw new Error(`Held: ${story.run.cause}`);
	}
	expect(story.runState).toBe("complete");
	return highestC;
}

describe.each(["guided", "ramped"] as const)("a %s zone", (how) => {
	it.each([
		["in mid-ramp", { toC: 150 }, 20],
		["short of its target", { toC: 178 }, 5],
		["on its arrival", { toC: 179.6 }, 120],
		["in the middle of the anneal", { inAnnealS: 600 }, 20],
		["in the anneal, for half an hour", { inAnnealS: 60 }, 1_800],
	])("held by a person %s comes back without overshoot", async (_when, where, heldS) => {
		await heated(how, where);
		await story.command("hold");
		await story.state("held", 600);
		await story.forS(heldS);
		expect(await restarted()).toBeLessThan(180.25);
		expect(story.truth().peakFoilC).toBeLessThan(180.3);
	});

	it.each([15, 300])("held by an opened lid comes back without overshoot after %i s", async (heldS) => {
		await heated(how, { inAnnealS: 300 });
		story.lab.twin.setLid(false);
		await story.state("held", 600);
		await story.forS(3);
		story.lab.twin.setLid(true);
		await story.forS(heldS);
		await story.resetAll();
		expect(await restarted()).toBeLessThan(180.25);
		expect(story.truth().peakFoilC).toBeLessThan(180.3);
	});

	it("keeps its limit when the controller's integral has run away meanwhile", async () => {
		await heated(how, { toC: 175 });
		await story.command("hold");
		await story.state("held", 600);
		await story.forS(10);
		runAway(300);
		expect(await restarted()).toBeLessThan(LIMIT_C);
		expect(story.truth().peakFoilC).toBeLessThan(180.3);
	});

	it("keeps its limit when the controller was without power in the middle of the hold", async () => {
		await heated(how, { toC: 175 });
		await story.command("hold");
		await story.state("held", 600);
		story.lab.powerCycle("stage");
		await story.forS(30);
		expect(await restarted()).toBeLessThan(180.25);
		expect(story.truth().peakFoilC).toBeLessThan(180.3);
	});
});

/** The stage's loop finds so much more in its integral, once its setpoint is that of a stage again. */
function runAway(percent: number): void {
	const { step } = ControlLoop.prototype;
	let isDone = false;
	vi.spyOn(ControlLoop.prototype, "step").mockImplementation(function (
		this: ControlLoop,
		...args: Parameters<typeof step>
	) {
		const result = step.apply(this, args);
		const [setpointC] = args;
		if (isDone || setpointC < 165) return result;
		isDone = true;
		(this as unknown as { integralPercent: number }).integralPercent += percent;
		return step.apply(this, args);
	});
}
