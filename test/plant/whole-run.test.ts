import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Story } from "./stories.js";

let story: Story;
beforeAll(async () => {
	story = await Story.launched();
	await story.state("complete");
});
afterAll(() => story.stop());

describe("a run that nothing disturbs", () => {
	it("delivers every cycle, records each pulse once and trips nothing", () => {
		const finished = story.records("run-finished");
		expect(finished).toHaveLength(1);
		expect(finished[0]).toMatchObject({
			state: "complete",
			cycles: { ordered: 4, complete: 4, repeated: 0, unknown: 0 },
		});
		expect(finished[0]!.anneal!.inBandS).toBeGreaterThanOrEqual(120);
		const pulses = story.records("pulse");
		expect(pulses.map((pulse) => pulse.pulse)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
		expect(story.records("pulse-intended").map((pulse) => pulse.pulse)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
		expect(pulses.every((pulse) => pulse.fate === "delivered" && pulse.confirmedMs === 15)).toBe(true);
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
		expect(story.violations).toEqual([]);
		expect(story.records("interlock")).toEqual([]);
		expect(story.records("alarm")).toEqual([]);
	});

	it("sees every dose in the chamber's pressure", () => {
		for (const { effective, precursor } of story.records("pulse")) {
			expect(effective, precursor).not.toBeNull();
			expect(effective!.peakPa).toBeGreaterThan(1);
			expect(effective!.areaPaS).toBeGreaterThan(1);
			expect(effective!.baselinePa).toBeGreaterThan(50);
		}
	});

	it("keeps each purge at least as long as ordered, measured between the valves", () => {
		const pulses = story.records("pulse");
		for (let i = 1; i < pulses.length; i += 1) {
			const gapS = (pulses[i]!.issuedT! - pulses[i - 1]!.issuedT! - 15) / 1_000;
			const orderedS = pulses[i - 1]!.precursor === "TMA" ? 5 : 20;
			expect(gapS).toBeGreaterThanOrEqual(orderedS);
			expect(gapS).toBeLessThan(orderedS + 0.1);
		}
	});

	it("writes the intent of each pulse and arms it during the purge before, not when it is due", () => {
		const pulses = story.records("pulse");
		for (const intent of story.records("pulse-intended").slice(1)) {
			const pulse = pulses[intent.pulse - 1]!;
			expect(pulse.dueT - intent.t).toBeGreaterThan(1_000);
			expect(pulse.issuedT! - pulse.dueT).toBeLessThan(1);
		}
	});

	it("keeps purging when it is over, with the heaters off", async () => {
		await story.forS(60);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
	});

	it("writes the same journal for the same seed, and another for another", async () => {
		const journal = async (seed: number) => {
			const run = await Story.launched({ seed });
			await run.state("complete");
			const bytes = run.journal.bytes();
			await run.stop();
			return bytes;
		};
		const first = await journal(7);
		expect((await journal(7)).equals(first)).toBe(true);
		expect((await journal(8)).equals(first)).toBe(false);
	});
});
