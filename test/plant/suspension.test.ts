import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseLabFile } from "#src/config.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => {
	vi.restoreAllMocks();
	return story.stop();
});

/** The measured flow becomes this share of what flows. */
function flowShare(share: () => number): void {
	const { twin } = story.lab;
	const real = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), "carrierSccm")!.get!;
	vi.spyOn(twin, "carrierSccm", "get").mockImplementation(() => share() * real.call(twin));
}

const suspensions = () => story.records("suspension").map(({ state }) => state);

describe("before a dose", () => {
	it("waits for the flow with nothing armed, shows why, and goes on by itself", async () => {
		story = await Story.at("purge", 2);
		let share = 0.85;
		flowShare(() => share);
		await story.forS(60);
		expect(story.runState).toBe("running");
		expect(story.run.suspension?.conditions).toMatchObject([
			{ condition: "carrier", threshold: 95, unit: "sccm", reason: expect.stringContaining("100 sccm are ordered") },
		]);
		expect(story.openPrecursors).toEqual([]);
		expect(story.latched).toEqual([]);
		// Better, but not yet within the band that ends it.
		share = 0.93;
		await story.forS(30);
		expect(story.run.suspension).not.toBeNull();
		share = 1;
		await story.state("complete");
		expect(suspensions()).toEqual(["began", "ended"]);
		expect(story.run.suspension).toBeNull();
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 0, unknown: 0 });
		expect(story.records("alarm").map(({ alarm }) => alarm)).not.toContain("run.held");
	});

	it("goes on only after the dwell without a relapse", async () => {
		story = await Story.at("purge", 2);
		let share = 0.85;
		flowShare(() => share);
		await story.forS(40);
		share = 1;
		await story.forS(3);
		share = 0.85;
		await story.forS(3);
		expect(story.run.suspension).not.toBeNull();
		share = 1;
		await story.forS(12);
		expect(suspensions()).toEqual(["began", "ended"]);
	});

	it("waits for a proven zone that has strayed", async () => {
		story = await Story.at("purge", 2);
		const { twin } = story.lab;
		const zoneC = twin.zoneC.bind(twin);
		let shiftC = 5;
		vi.spyOn(twin, "zoneC").mockImplementation((zone) => zoneC(zone) + (zone === "wall" ? shiftC : 0));
		await story.forS(30);
		expect(story.run.suspension?.conditions).toMatchObject([{ condition: "zone", unit: "degC" }]);
		shiftC = 0;
		await story.forS(400);
		expect(suspensions().slice(0, 2)).toEqual(["began", "ended"]);
		expect(story.runState).not.toBe("held");
	});

	it("is held for a person after the longest wait, with the reason", async () => {
		story = await Story.at("purge", 2);
		flowShare(() => 0.85);
		await story.state("held", 700);
		expect(story.run.cause).toMatch(/Carrier flow is .* sccm, 100 sccm are ordered.*waited for 600 s/);
		expect(suspensions()).toEqual(["began", "expired"]);
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("run.held");
		// The carrier is the reason: no heater stays on.
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
	});

	/** The gauge sees a pressure that still comes down to its level, as from wet walls. */
	function settlesFrom(share: number, tauS: number): void {
		const { twin } = story.lab;
		const startMs = story.clock.nowMs();
		const real = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), "chamberPa")!.get!;
		const sinceS = () => (story.clock.nowMs() - startMs) / 1_000;
		vi.spyOn(twin, "chamberPa", "get").mockImplementation(
			() => real.call(twin) * (1 + (share - 1) * Math.exp(-sinceS() / tauS)),
		);
	}

	it("waits for the level that a first dose takes its baseline from, so that none of the next looks like a leak", async () => {
		story = new Story({});
		await story.ready();
		// The flow of the doses is set last: the first one is due while the pressure still comes down from the higher flow.
		const recipeText = SHORT_RECIPE.replace("flow: { sccm: 100 }", "flow: { sccm: 200 }").replace(
			"  - phase: deposit\n    steps:\n",
			"  - phase: deposit\n    steps:\n      - flow: { sccm: 100 }\n",
		);
		await story.launch("short.recipe.yaml", { recipeText });
		await story.step("pulse");
		settlesFrom(1.5, 8);
		await story.forS(4);
		expect(story.openPrecursors).toEqual([]);
		expect(story.run.suspension?.conditions).toMatchObject([
			{ condition: "settling", unit: "Pa", reason: expect.stringMatching(/does not stand still within 5 %/) },
		]);
		expect(story.run.suspension!.conditions[0]!.value).toBeGreaterThan(0);
		await story.state("complete");
		expect(suspensions()).toEqual(["began", "ended"]);
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
		expect(story.status.alarms).toEqual([]);
	});

	it("takes a lower level for one once it stands still, and never for a valve that leaks", async () => {
		story = await Story.at("purge", 2);
		const { twin } = story.lab;
		const real = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), "chamberPa")!.get!;
		vi.spyOn(twin, "chamberPa", "get").mockImplementation(() => 0.9 * real.call(twin));
		await story.forS(17);
		await story.state("complete");
		expect(story.records("alarm").map(({ alarm }) => alarm)).toEqual([]);
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
	});

	it("is told of a level that sinks on and on, and held for a person after the longest wait", async () => {
		story = await Story.at("purge", 2);
		const { twin } = story.lab;
		const startMs = story.clock.nowMs();
		const real = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(twin), "chamberPa")!.get!;
		// Up and down by a third: it never stands still, and never above its level.
		vi.spyOn(twin, "chamberPa", "get").mockImplementation(
			() => real.call(twin) * (0.8 + 0.15 * Math.sin((story.clock.nowMs() - startMs) / 1_500)),
		);
		await story.state("held", 800);
		expect(story.run.cause).toMatch(/below its .* Pa before the last dose; a new level counts .*waited for 600 s/);
		expect(suspensions()).toEqual(["began", "expired"]);
		expect(story.records("alarm").map(({ alarm }) => alarm)).toEqual(["run.held"]);
	});

	it("does not wait for a chamber that may have a leaking valve", async () => {
		story = await Story.at("purge", 2);
		vi.spyOn(story.lab.twin, "chamberPa", "get").mockReturnValue(300);
		await story.state("held", 60);
		expect(suspensions()).toEqual([]);
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("valve-leaking.H2O");
	});

	it("can be held and aborted while it waits", async () => {
		story = await Story.at("purge", 2);
		flowShare(() => 0.85);
		await story.forS(60);
		await story.command("hold");
		await story.state("held", 10);
		expect(suspensions()).toEqual(["began", "interrupted"]);
		expect(story.run.suspension).toBeNull();
	});

	it("is held at once where the lab file lets nothing wait", async () => {
		const path = new URL("../../recipes/labs/simulated.lab.yaml", import.meta.url).pathname;
		const text = readFileSync(path, "utf8").replace(/^ {2}suspension: .*\n/m, "");
		story = new Story({ lab: parseLabFile(text, path) });
		await story.ready();
		await story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE });
		await story.step("purge", 2);
		flowShare(() => 0.85);
		await story.state("held", 60);
		expect(suspensions()).toEqual([]);
	});
});
