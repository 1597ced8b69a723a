import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { lastKnownFrom } from "#journal/recover.js";
import { loadLabFile } from "#src/config.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { Story } from "./stories.js";

const LAB_FILE = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");

let story: Story;
afterEach(() => story.stop());

/** Control dies now; the lab lives on for `goneS`, then another control process comes up on its journal. */
async function loseControl(goneS = 10, changed: Parameters<Story["comeBack"]>[0] = {}): Promise<void> {
	story.kill();
	await story.forS(goneS);
	story.comeBack(changed);
	await story.forS(20);
}

const fates = () => story.records("pulse").map(({ pulse, fate }) => `${pulse} ${fate}`);
const finished = () => story.records("run-finished");

/** What holds after any number of crashes: every announced pulse has one fate, every cycle is counted once. */
function expectWhole(): void {
	const pulses = story.records("pulse").map(({ pulse }) => pulse);
	expect(pulses).toEqual(story.records("pulse-intended").map(({ pulse }) => pulse));
	expect(new Set(pulses).size).toBe(pulses.length);
	expect(story.violations).toEqual([]);
	expect(finished()).toHaveLength(1);
	const known = lastKnownFrom(story.journal.records);
	expect(known.openRun).toBeNull();
	expect(known.intended).toEqual([]);
}

describe("control that dies and comes back", () => {
	it("finds its run by the journal, holds it, and goes on by a restart", async () => {
		story = await Story.at("purge", 4);
		await story.forS(8);
		const { run } = story.run;
		await loseControl();
		expect(story.runState).toBe("held");
		expect(story.run).toMatchObject({ run, cycles: { ordered: 4, complete: 1, repeated: 0, unknown: 0 } });
		expect(story.run.cause).toBe("Control restarted while the run was running.");
		expect(story.run.interruption).toMatchObject({ cycle: 2, halfCycle: "H2O", annealMinutes: null, differences: [] });
		expect(story.latched).toEqual([]);
		await story.command("restart");
		await story.state("complete");
		expect(finished()).toMatchObject([{ run, cycles: { ordered: 4, complete: 4, repeated: 0, unknown: 0 } }]);
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
		expectWhole();
	});

	it("says how long the last doses are ago, and where the temperatures were meanwhile", async () => {
		story = await Story.at("purge", 4);
		await story.forS(8);
		await loseControl(60);
		const { lastDoses, temperatures, gapS } = story.run.interruption!;
		expect(gapS).toBeGreaterThanOrEqual(60);
		expect(gapS).toBeLessThan(61);
		expect(lastDoses.H2O).toMatchObject({ fate: "delivered" });
		expect(lastDoses.H2O!.sinceS).toBeGreaterThan(80);
		expect(lastDoses.TMA!.sinceS).toBeGreaterThan(lastDoses.H2O!.sinceS);
		const { beforeC, afterC, lowestC, highestC } = temperatures.stage!;
		expect(beforeC).toBeCloseTo(80, 0);
		expect(afterC).toBeLessThan(80);
		expect([lowestC, highestC]).toEqual([afterC, Math.max(beforeC!, 80)]);
	});

	it("in a pulse records its fate as unknown, and repeats that half-cycle after base pressure and a full purge are proven", async () => {
		story = await Story.launched();
		await story.pulse(3);
		await loseControl();
		expect(story.records("pulse").at(-1)).toMatchObject({
			pulse: 3,
			precursor: "TMA",
			cycle: 2,
			commandedMs: 15,
			issuedT: null,
			confirmedMs: null,
			effective: null,
			fate: "unknown",
		});
		expect(story.run.cycles).toEqual({ ordered: 4, complete: 1, repeated: 0, unknown: 1 });
		const heldMs = story.clock.nowMs();
		await story.command("restart");
		await story.clock.advanceUntil(() => story.run.state === "restarting" && story.lab.twin.carrierSccm < 1, 60_000);
		expect(story.run.interruption).not.toBeNull();
		await story.state("running");
		expect(story.run.interruption).toBeNull();
		await story.state("complete");
		expect(finished()[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 1, unknown: 1 });
		const again = story.records("pulse-intended").find(({ pulse }) => pulse === 4)!;
		expect(again).toMatchObject({ precursor: "TMA", cycle: 2 });
		expect(again.wall - story.journal.records[0]!.wall).toBeGreaterThan(heldMs + 80_000);
		expectWhole();
	});

	it("in a purge before the pressure evidence is in knows that the pulse was delivered", async () => {
		story = await Story.at("purge", 3);
		await story.forS(1);
		await loseControl();
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 3, fate: "delivered", confirmedMs: null });
		await story.command("restart");
		await story.state("complete");
		expect(finished()[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 0, unknown: 0 });
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
		expectWhole();
	});

	it("again and again, also in the restart itself, counts nothing twice and loses nothing", async () => {
		story = await Story.launched();
		await story.pulse(4);
		await loseControl();
		await loseControl();
		await story.command("restart");
		await story.forS(45);
		expect(story.runState).toBe("restarting");
		await loseControl(3);
		await story.command("restart");
		await story.pulse(5);
		await story.forS(2);
		await loseControl(100);
		await story.command("restart");
		await story.state("complete");
		expect(finished()[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 1, unknown: 1 });
		expect(fates().filter((fate) => fate.endsWith("delivered"))).toHaveLength(8);
		expectWhole();
	});

	it("in an anneal goes on only by a restart that names the minutes done", async () => {
		story = await Story.at("anneal");
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS >= 65, 4_000_000);
		await loseControl(20);
		const { annealMinutes } = story.run.interruption!;
		expect(annealMinutes).toBe(1);
		await expect(story.command("restart")).rejects.toMatchObject({ code: "ANNEAL_INTERRUPTED" });
		await expect(story.command("restart", { annealMinutes: 2 })).rejects.toMatchObject({ code: "ANNEAL_INTERRUPTED" });
		expect(story.runState).toBe("held");
		await story.forS(7_200);
		expect(story.runState).toBe("held");
		await story.command("restart", { annealMinutes: annealMinutes! });
		await story.state("complete");
		expect(finished()[0]!.anneal!.inBandS).toBeCloseTo(120, 0);
		expectWhole();
	});

	it("has the reactor driven safe by the instruments meanwhile, and keeps it so", async () => {
		story = await Story.at("purge", 3);
		story.kill();
		await story.forS(10);
		// The valve I/O's watchdog opened the stop valve; the flow controller went on.
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		story.comeBack();
		await story.forS(20);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		expect(story.control.plant.reading("stage.setpoint").value).toBe(0);
		expect(story.control.plant.reading("stage.output").value).toBe(0);
		expect(story.violations).toEqual([]);
	});

	it("purges again although no run was open: its connection has shut the stop valve against the flowing carrier", async () => {
		story = await Story.launched({ set: { cycles: 1 } });
		await story.state("complete");
		await loseControl();
		expect(finished()).toHaveLength(1);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
	});

	it("counts both precursors as just dosed", async () => {
		story = await Story.at("purge", 4);
		await loseControl();
		const { doses } = story.control.supervisor;
		const nowMs = story.control.status.t;
		expect(doses.purgedS("TMA", nowMs)).toBeLessThanOrEqual(20);
		expect(doses.purgedS("H2O", nowMs)).toBeLessThanOrEqual(20);
	});

	it("lets go of the run by stop or abort, and then launches the next one", async () => {
		story = await Story.at("purge", 4);
		await loseControl();
		await expect(story.launch("li-two-step.recipe.yaml")).rejects.toMatchObject({ code: "RUN_ACTIVE" });
		await story.command("abort");
		await story.state("aborted", 10);
		expectWhole();
		await story.launch("li-two-step.recipe.yaml");
		expect(story.runState).toBe("running");
	});

	it("stops a found run by its own cooling", async () => {
		story = await Story.at("purge", 4);
		await loseControl();
		await story.command("stop");
		await story.state("stopped");
		expect(story.control.plant.reading("stage.temperature").value).toBeLessThan(60);
		expectWhole();
	});

	it.each<["hold" | "pause", string]>([
		["hold", "held"],
		["pause", "paused"],
	])("after a %s holds the run that was %s", async (command, state) => {
		story = await Story.at("purge", 2);
		await story.command(command);
		await story.state(state as "held");
		await loseControl();
		expect(story.runState).toBe("held");
		await story.command("restart");
		await story.state("complete");
		expect(finished()[0]!.cycles).toMatchObject({ ordered: 4, complete: 4 });
		expectWhole();
	});

	it.each<"stop" | "abort">(["stop", "abort"])("in a %s ends the run that was on its way out", async (command) => {
		story = await Story.at("purge", 2);
		await story.command(command);
		if (command === "stop") await story.forS(60);
		await loseControl();
		expect(story.control.status.run).toBeNull();
		expect(finished()).toMatchObject([{ state: "aborted" }]);
		expectWhole();
	});
});

describe("a run that is not as it was", () => {
	const refusal = { code: "PLAN_CHANGED" };

	async function changed(how: Parameters<Story["comeBack"]>[0]): Promise<readonly string[]> {
		story = await Story.at("purge", 3);
		await loseControl(10, how);
		expect(story.runState).toBe("held");
		await expect(story.command("restart")).rejects.toMatchObject(refusal);
		expect(story.runState).toBe("held");
		const { differences } = story.run.interruption!;
		await story.command("stop");
		await story.state("stopped");
		expectWhole();
		return differences;
	}

	it("by its lab file is only stopped or aborted", async () => {
		const lab = loadLabFile(LAB_FILE);
		const differences = await changed({ lab: { ...lab, sha256: "0".repeat(64) } });
		expect(differences).toEqual([expect.stringMatching(/^The lab file has changed \(SHA-256 \w{12}, now 0{12}\)\.$/)]);
	});

	it("by the plan that the software makes of it says which step is another", async () => {
		const lab = loadLabFile(LAB_FILE);
		const { zones } = lab.content.reactor;
		const slower = { ...zones, stage: { ...zones.stage!, prediction: { ...zones.stage!.prediction, settle_s: 500 } } };
		const content = { ...lab.content, reactor: { ...lab.content.reactor, zones: slower } };
		const differences = await changed({ lab: { ...lab, content: content as never }, version: "later" });
		expect(differences).toHaveLength(1);
		expect(differences[0]).toMatch(/The plan is another by version later; version test began the run: .*step \d+ was/);
	});
});

describe("the record of a run that was interrupted", () => {
	it("says where and for how long, before anything is decided", async () => {
		story = await Story.at("purge", 4);
		await story.forS(8);
		await loseControl(30);
		expect(story.records("run-interrupted")).toMatchObject([
			{
				state: "running",
				step: { type: "purge", cycle: 2, turns: [2] },
				cycles: { complete: 1, repeated: 0, unknown: 0 },
				annealInBandS: 0,
				differences: [],
			},
		]);
		expect(story.records("run-interrupted")[0]!.gapS).toBeGreaterThan(29);
		expect(story.records("run-state").map(({ from, to }) => `${from} > ${to}`)).toEqual([
			"idle > running",
			"running > holding",
			"holding > held",
		]);
	});

	it("tells the same plan by the same recipe text and parameters", async () => {
		story = await Story.launched({ set: { cycles: 2 } });
		await story.step("pulse");
		const created = story.records("run-created")[0]!;
		expect(created.recipeText).toBe(SHORT_RECIPE);
		expect(created.plan.sha256).toMatch(/^[0-9a-f]{64}$/);
		expect(readFileSync(LAB_FILE, "utf8")).toBe(created.labFileText);
	});
});

describe("control that dies after doses that left nothing", () => {
	const SHUT = { kind: "valve-stuck-shut", target: "H2O" };

	/** In the cycle in which the second H2O in a row leaves nothing: the run is held, or soon will be. */
	async function secondMissing(): Promise<number> {
		story = await Story.launched({ set: { cycles: 14 } });
		await story.step("pulse", 22);
		story.lab.faults.begin(SHUT);
		await story.clock.advanceUntil(() => story.records("pulse").at(-1)?.trend?.repeat === true, 600_000);
		return story.records("pulse").at(-1)!.cycle!;
	}

	const pulsesBegun = () => story.records("step-started").filter(({ type }) => type === "pulse").length;

	/** The counts as they are now, and the openings of the valve in the twin. */
	const counts = () => ({ ...story.run.cycles, opened: story.truth().doses.H2O });

	it.each([
		["while the run is held for it", async () => story.state("held", 60)],
		["before the hold, in the rest of the purge", async () => story.forS(1)],
	])("%s repeats that half-cycle after the restart, and counts what the film has", async (_when, until) => {
		const cycle = await secondMissing();
		await until();
		await loseControl();
		expect(story.runState).toBe("held");
		expect(story.run.interruption).toMatchObject({ cycle, halfCycle: "H2O", repeat: "left-nothing" });
		expect(story.run.step).toMatchObject({ type: "pulse", cycle });
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("valve-sticking.H2O");
		const complete = cycle - 2;
		expect(counts()).toEqual({ ordered: 14, complete, repeated: 0, unknown: 0, opened: complete });
		story.lab.faults.clear();
		await story.command("restart");
		await story.pulse(pulsesBegun() + 1);
		await story.forS(10);
		expect(story.records("pulse").at(-1)).toMatchObject({ precursor: "H2O", cycle, fate: "delivered" });
		expect(counts()).toMatchObject({ repeated: 1, opened: complete + 1 });
		await story.state("complete");
		// The cycle of the first one had already gone on without it.
		expect(finished()[0]!.cycles).toEqual({ ordered: 14, complete: 13, repeated: 1, unknown: 0 });
		expect(story.truth().doses.H2O).toBe(13);
		expectWhole();
	});

	it("still knows what doses usually leave, and holds again for a valve that nobody has mended", async () => {
		const cycle = await secondMissing();
		await story.state("held", 60);
		await loseControl();
		await story.command("restart");
		await story.state("running", 3_000);
		await story.state("held", 300);
		expect(story.records("pulse").at(-1)).toMatchObject({ cycle, trend: { leftNothing: 3, repeat: true } });
		expect(story.truth().doses).toEqual({ TMA: cycle, H2O: cycle - 2 });
		story.lab.faults.clear();
		await story.command("restart");
		await story.state("complete");
		expect(finished()[0]!.cycles).toEqual({ ordered: 14, complete: 13, repeated: 2, unknown: 0 });
		expectWhole();
	});

	it("in the repetition itself does not know its fate, and repeats it once more", async () => {
		const cycle = await secondMissing();
		await story.state("held", 60);
		story.lab.faults.clear();
		await story.command("restart");
		await story.pulse(pulsesBegun() + 1);
		await loseControl();
		expect(story.records("pulse").at(-1)).toMatchObject({ cycle, fate: "unknown" });
		expect(story.run.interruption).toMatchObject({ cycle, halfCycle: "H2O", repeat: "unknown" });
		await story.command("restart");
		await story.state("complete");
		expect(finished()[0]!.cycles).toMatchObject({ complete: 13, repeated: 1, unknown: 1 });
		expectWhole();
	});
});
