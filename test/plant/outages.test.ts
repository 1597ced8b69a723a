import { afterEach, describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { DISK_NO_NEW_RUNS_FRACTION } from "#journal/disk.js";
import type { JournalHealth } from "#src/housekeeping.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());
const alarms = () => story.records("alarm").map(({ alarm, state }) => `${alarm} ${state}`);
const durations = () => story.records("step-ended").map(({ type, actualS }) => `${type} ${actualS.toFixed(1)}`);
const COMPLETE = { ordered: 4, complete: 4, repeated: 0, unknown: 0 };

describe("the wall clock jumping in a run", () => {
	it.each([
		["back", -86_400_000],
		["ahead", 3_600_000],
	])("%s moves no purge and no anneal minute, and raises an alarm", async (way, jumpMs) => {
		story = await Story.launched();
		await story.state("complete");
		const plain = { durations: durations(), anneal: story.records("run-finished")[0]!.anneal };
		await story.stop();

		story = await Story.at("purge", 3);
		story.wallShiftMs += jumpMs;
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 30, 10_000_000);
		story.wallShiftMs += jumpMs;
		await story.state("complete");
		const [finished] = story.records("run-finished");
		expect(finished!.cycles).toEqual(COMPLETE);
		expect(durations()).toEqual(plain.durations);
		expect(finished!.anneal).toEqual(plain.anneal);
		expect(alarms().filter((said) => said === "clock.jumped unacknowledged")).toHaveLength(2);
		expect(story.records("alarm")[0]!.message).toContain(`jumped ${way} by ${Math.abs(jumpMs) / 1_000}.0 s`);
		expect(story.records("interlock")).toEqual([]);
		expect(story.journal.records.map(({ seq }) => seq)).toEqual(story.journal.records.map((_, index) => index + 1));
	});

	it("while control is away shows in the gap, and takes no dose back", async () => {
		story = await Story.at("purge", 4);
		story.kill();
		await story.forS(30);
		story.wallShiftMs -= 86_400_000;
		story.comeBack();
		await story.forS(20);
		expect(story.run.interruption).toMatchObject({ gapS: 0, lastDoses: { TMA: { sinceS: 0 } } });
		expect(story.run.elapsedS).toBeGreaterThan(0);
		await story.command("restart");
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toMatchObject({ ordered: 4, complete: 4 });
		expect(story.violations).toEqual([]);
	});
});

describe("the journal's disk filling up in a run", () => {
	it("raises an alarm at 70 %, refuses new runs at 85 %, and lets the run end with every event", async () => {
		let usedFraction = 0.5;
		const level = () => (usedFraction >= 0.95 ? "samples-thinned" : usedFraction >= 0.85 ? "no-new-runs" : "ok");
		story = await Story.launched({ disk: () => ({ usedFraction, level: level() }) as never });
		await story.step("purge", 2);
		usedFraction = 0.71;
		await story.forS(15);
		expect(alarms()).toEqual(["disk.filling unacknowledged"]);
		usedFraction = 0.96;
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual(COMPLETE);
		await expect(story.launch("li-two-step.recipe.yaml")).rejects.toMatchObject({ code: "DISK_FULL" });
		usedFraction = DISK_NO_NEW_RUNS_FRACTION - 0.2;
		await story.forS(15);
		expect(alarms().at(-1)).toBe("disk.filling returned-unacknowledged");
	});
});

describe("a journal that its disk fails", () => {
	it("raises the alarm when a sync does not end, and when nothing can be written any more", async () => {
		let health: JournalHealth = { failure: undefined, syncingMs: 4_999 };
		story = await Story.launched({ journalHealth: () => health });
		await story.forS(5);
		expect(alarms()).toEqual([]);
		health = { failure: undefined, syncingMs: 5_000 };
		await story.forS(5);
		expect(alarms()).toEqual(["journal.failed unacknowledged"]);
		expect(story.records("alarm")[0]!.message).toContain("under way for 5 s");
		health = { failure: new AdlayerError("JOURNAL_FAILED", "The disk is gone."), syncingMs: 0 };
		await story.forS(5);
		expect(story.status.alarms.map(({ alarm, message }) => [alarm, message])).toEqual([
			["journal.failed", "The disk is gone."],
		]);
	});
});
