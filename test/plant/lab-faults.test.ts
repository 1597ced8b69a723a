import { afterEach, describe, expect, it } from "vitest";
import type { FaultRequest } from "#lab/faults.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());

/** Faults that a run must not survive, begun in a purge, and what is latched then. */
const TRIPS: readonly (readonly [FaultRequest, string])[] = [
	[{ kind: "gauge-dead", target: "gauge.chamber" }, "gauge-lost"],
	[{ kind: "sensor-break", target: "wall" }, "over-temperature.wall"],
	[{ kind: "silent", target: "io" }, "valve-io-lost"],
	[{ kind: "slow", target: "gauge", value: 3_000 }, "gauge-lost"],
	[{ kind: "garbling", target: "carrier", value: 0.05 }, "carrier-lost"],
	[{ kind: "unplugged", target: "io" }, "valve-io-lost"],
	[{ kind: "unplugged", target: "gauge" }, "gauge-lost"],
	[{ kind: "power-cycle", target: "io", forS: 10 }, "valve-io-lost"],
	[{ kind: "pump-off" }, "pump-lost"],
	[{ kind: "carrier-lost" }, "carrier-lost"],
	[{ kind: "input-open", target: "io.lid_closed" }, "lid-open"],
	[{ kind: "input-open", target: "io.pump_running" }, "pump-lost"],
];

describe("a run in the simulated lab", () => {
	it.each(TRIPS)("is held by %j, with the precursors shut, and goes on after it", async (fault, interlock) => {
		story = await Story.at("purge", 3);
		story.lab.faults.begin(fault);
		await story.state("held", 120);
		await story.forS(30);
		expect(story.latched).toContain(interlock);
		expect(story.openPrecursors).toEqual([]);
		story.lab.faults.clear();
		await story.forS(20);
		await story.resetAll();
		await story.command("restart");
		await story.state("running", 3_000);
		expect(story.violations).toEqual([]);
	});

	it.each([
		{ kind: "doubled", target: "io" },
		{ kind: "doubled", target: "gauge" },
		{ kind: "doubled", target: "carrier" },
		{ kind: "doubled", target: "stage" },
		{ kind: "slow", target: "gauge", value: 100 },
		{ kind: "gauge-noise", target: "gauge.foreline", value: 2 },
		{ kind: "chamber-leak", value: 1 },
	])("goes on to its end with %j", async (fault) => {
		story = await Story.at("purge", 2);
		story.lab.faults.begin(fault);
		await story.state("complete");
		expect(story.violations).toEqual([]);
		expect(story.records("interlock")).toEqual([]);
	});

	it("shows a dose from an empty bottle, and one through a valve that stays shut, as a pulse without a pressure rise", async () => {
		story = await Story.at("purge", 2);
		story.lab.faults.begin({ kind: "bottle-empty", target: "TMA" });
		story.lab.faults.begin({ kind: "valve-stuck-shut", target: "H2O" });
		await story.state("complete");
		const peaks = story.records("pulse").map(({ effective }) => effective!.peakPa!);
		expect(Math.min(...peaks.slice(0, 1))).toBeGreaterThan(2);
		expect(Math.max(...peaks.slice(3))).toBeLessThan(2);
	});
});
