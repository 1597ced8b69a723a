import { afterEach, describe, expect, it, vi } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(async () => {
	vi.restoreAllMocks();
	await story.stop();
});

const OFF = { stage: 0, wall: 0, tma_line: 0 };
const HEATED = { stage: 80, wall: 80, tma_line: 50 };

/** A plant that runs the short recipe with a change in its text. */
async function launchedWith(change: (text: string) => string): Promise<Story> {
	const changed = await new Story().ready();
	await changed.launch("short.recipe.yaml", { recipeText: change(SHORT_RECIPE) });
	return changed;
}

describe("a hold that control itself decides on", () => {
	it("for a carrier that is too weak to dose, but not lost, switches the heaters off", async () => {
		story = await Story.at("purge", 2);
		const { twin } = story.lab;
		const flow = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), "carrierSccm")!.get!;
		vi.spyOn(twin, "carrierSccm", "get").mockImplementation(() => 0.85 * flow.call(twin));
		// First it waits by itself, as long as the lab file lets it.
		await story.state("held", 700);
		await story.forS(5);
		expect(story.run.cause).toContain("Carrier flow is");
		expect(story.setpointsC).toEqual(OFF);
		expect(story.latched).toEqual([]);
		expect(story.records("pulse-intended")).toHaveLength(2);
		vi.restoreAllMocks();
		await story.forS(5);
		await story.command("restart");
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 0, unknown: 0 });
	});

	it("for a chamber pressure outside the range of a dose keeps the heaters at their hold temperature", async () => {
		story = await Story.at("purge", 2);
		vi.spyOn(story.lab.twin, "chamberPa", "get").mockReturnValue(300);
		await story.state("held", 60);
		await story.forS(5);
		expect(story.run.cause).toContain("outside 13.3 to 266.6 Pa");
		expect(story.setpointsC).toEqual(HEATED);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 0 });
	});

	it("for temperatures that do not become stable in time switches the heaters off", async () => {
		story = await launchedWith((text) => text.replace("for_s: 60, timeout_s: 1800", "for_s: 60, timeout_s: 600"));
		const { twin } = story.lab;
		const zoneC = twin.zoneC.bind(twin);
		vi.spyOn(twin, "zoneC").mockImplementation((zone) => Math.min(zone === "wall" ? 96 : 200, zoneC(zone)));
		await story.state("held", 1_000);
		await story.forS(5);
		expect(story.records("step-ended").at(-1)).toMatchObject({ type: "stabilise", outcome: "timed-out" });
		expect(story.setpointsC).toEqual(OFF);
	});

	it("for a setpoint that cannot be moved switches the heaters off, those of the silent one when it is back", async () => {
		story = await Story.at("stabilise");
		await story.forS(30);
		story.lab.silence("wall", true);
		await story.state("held", 60);
		await story.forS(30);
		expect(story.setpointsC.stage).toBe(0);
		story.lab.silence("wall", false);
		await story.forS(20);
		expect(story.setpointsC).toEqual(OFF);
	});

	it("for a pulse that the instrument does not prove to have ended shuts the valve and repeats the half-cycle", async () => {
		story = await Story.at("purge", 2);
		const { pulses } = story.control.plant.device("io");
		vi.spyOn(pulses!, "confirm").mockResolvedValue({ completed: false, widthMs: 15, lineLow: false });
		await story.state("held", 60);
		expect(story.run.cause).toContain("not proven to have ended");
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 3, fate: "unknown" });
		expect(story.openPrecursors).toEqual([]);
		expect(story.setpointsC).toEqual(HEATED);
		vi.restoreAllMocks();
		await story.command("restart");
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 1, unknown: 1 });
	});

	it("for a start that the instrument refuses records that nothing was delivered", async () => {
		story = await Story.at("purge", 2);
		const { pulses } = story.control.plant.device("io");
		vi.spyOn(pulses!, "fire").mockRejectedValue(new AdlayerError("OUTPUT_BUSY", "No armed pulse."));
		await story.state("held", 60);
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 3, fate: "not-delivered" });
		vi.restoreAllMocks();
		await story.command("restart");
		await story.state("complete");
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
	});
});

describe("a hold by a person", () => {
	it("brings a zone that is nearer than 20 °C to the metal's melting point down to there", async () => {
		story = await new Story().ready();
		await story.launch("li-two-step.recipe.yaml", { set: { cycles: 1 } });
		await story.step("anneal");
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 300, 20_000_000);
		await story.command("hold");
		await story.state("held");
		await story.forS(2);
		expect(story.setpointsC).toEqual({ stage: 160.5, wall: 120, tma_line: 60 });
		const before = story.run.anneal!.inBandS;
		await story.forS(1_800);
		// Out of band nothing counts; the restart takes the recipe's own slow approach.
		expect(story.run.anneal!.inBandS - before).toBeLessThan(120);
		await story.command("restart");
		await story.state("complete");
		expect(story.truth().melted).toBe(false);
		expect(story.latched).toEqual([]);
		expect(story.records("run-finished")[0]!.anneal!.inBandS).toBeGreaterThanOrEqual(1_800);
		expect(story.records("run-finished")[0]!.peakFoilC).toBeLessThan(180.3);
	});

	it("that finds a zone's controller silent switches that zone off, and is held all the same", async () => {
		story = await Story.at("purge", 2);
		story.lab.silence("tma_line", true);
		await story.command("hold");
		await story.state("held", 30);
		story.lab.silence("tma_line", false);
		await story.forS(20);
		expect(story.setpointsC.tma_line).toBe(0);
	});
});
