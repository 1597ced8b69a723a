import { afterEach, describe, expect, it } from "vitest";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());

const HELD_STATE = { precursors: [], stopOpen: true, sccm: 100 };

describe("pause", () => {
	it("waits for the end of the half-cycle and its purge", async () => {
		story = await Story.at("pulse", 3);
		await story.command("pause");
		expect(story.runState).toBe("pausing");
		await story.state("paused");
		expect(story.records("step-ended").at(-1)).toMatchObject({ type: "purge", outcome: "done", cycle: 2 });
		expect(story.records("step-started").filter(({ type }) => type === "pulse")).toHaveLength(3);
	});

	it("leaves nothing armed, carrier flowing and the temperature held", async () => {
		story = await Story.at("purge", 2);
		// In the last second of the purge the next dose is armed already.
		await story.forS(19);
		await story.command("pause");
		await story.state("paused");
		await story.forS(300);
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 3, fate: "not-delivered", issuedT: null });
		expect(story.reactor).toEqual(HELD_STATE);
		expect(story.setpointsC).toEqual({ stage: 80, wall: 80, tma_line: 50 });
		await story.command("resume");
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 0, unknown: 0 });
		expect(story.truth().doses).toEqual({ TMA: 4, H2O: 4 });
	});

	it("interrupts a wait for temperature at once and executes it anew on resume", async () => {
		story = await Story.at("stabilise");
		await story.forS(30);
		await story.command("pause");
		await story.state("paused", 5);
		expect(story.records("step-ended").at(-1)).toMatchObject({ type: "stabilise", outcome: "interrupted" });
		await story.command("resume");
		await story.state("complete");
		expect(story.records("step-started").filter(({ type }) => type === "stabilise")).toHaveLength(2);
	});

	it("is refused during an anneal, and changes nothing", async () => {
		story = await Story.at("anneal");
		await expect(story.command("pause")).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
		expect(story.runState).toBe("running");
		await story.state("complete");
	});

	it("ends in an orderly stop when it lasts longer than max_pause", async () => {
		story = await Story.at("purge", 2);
		await story.command("pause");
		await story.state("paused");
		await story.forS(29 * 60);
		expect(story.runState).toBe("paused");
		await story.state("stopped");
		expect(story.run.cause).toContain("paused for longer than 30 min");
		expect(story.states).toEqual(["running", "pausing", "paused", "stopping", "stopped"]);
	});

	it("counts max_pause anew for each pause", async () => {
		story = await Story.at("purge", 2);
		for (let times = 0; times < 2; times += 1) {
			await story.command("pause");
			await story.state("paused");
			await story.forS(20 * 60);
			await story.command("resume");
			await story.forS(30);
		}
		expect(story.runState).toBe("running");
	});

	it("gives way to a stop that comes while the purge goes on", async () => {
		story = await Story.at("purge", 2);
		await story.command("pause");
		await story.command("stop");
		expect(story.runState).toBe("stopping");
		await story.state("stopped");
		expect(story.records("step-ended").at(-1)).toMatchObject({ type: "purge", outcome: "done" });
	});
});

describe("hold", () => {
	it("in the middle of a pulse shuts the valve at once and records that its fate is unknown", async () => {
		story = await Story.launched();
		await story.pulse(3);
		expect(story.openPrecursors).toEqual(["TMA"]);
		await story.command("hold");
		await story.forS(0.005);
		expect(story.openPrecursors).toEqual([]);
		await story.state("held");
		expect(story.reactor).toEqual(HELD_STATE);
		expect(story.records("pulse").at(-1)).toMatchObject({
			pulse: 3,
			precursor: "TMA",
			cycle: 2,
			fate: "unknown",
			confirmedMs: null,
		});
		expect(story.run.cycles).toEqual({ ordered: 4, complete: 1, repeated: 0, unknown: 1 });
	});

	it("in the middle of a pulse is followed by a restart that repeats this half-cycle after stable temperature and a full purge", async () => {
		story = await Story.launched();
		await story.pulse(3);
		await story.command("hold");
		await story.state("held");
		const restartedMs = story.clock.nowMs();
		await story.command("restart");
		await story.state("complete");
		const again = story.records("pulse")[3]!;
		expect(again).toMatchObject({ pulse: 4, precursor: "TMA", cycle: 2, fate: "delivered" });
		// A minute in band and the longest purge of the recipe.
		expect(again.issuedT! - restartedMs).toBeGreaterThanOrEqual(60_000 + 20_000);
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 1, unknown: 1 });
		expect(story.truth().doses).toEqual({ TMA: 5, H2O: 4 });
		expect(story.violations).toEqual([]);
	});

	it("counts one repetition however often the restart itself is held", async () => {
		story = await Story.launched();
		await story.pulse(3);
		for (let times = 0; times < 3; times += 1) {
			await story.command("hold");
			await story.state("held");
			await story.command("restart");
			await story.forS(20);
		}
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 1, unknown: 1 });
	});

	it("during a purge is followed by that purge in full, and repeats nothing", async () => {
		story = await Story.at("purge", 2);
		await story.forS(15);
		await story.command("hold");
		await story.state("held");
		const doses = story.truth().doses;
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 2, precursor: "H2O", fate: "delivered" });
		await story.command("restart");
		await story.step("purge", 3);
		const purge = story.records("step-started").findLast(({ type }) => type === "purge")!;
		expect(purge.cycle).toBe(1);
		await story.step("pulse", 3);
		expect(story.clock.nowMs() - purge.t).toBeGreaterThanOrEqual(20_000);
		expect(story.truth().doses).toEqual(doses);
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles).toEqual({ ordered: 4, complete: 4, repeated: 0, unknown: 0 });
	});

	it("while the next dose is armed leaves it unfired and disarmed", async () => {
		story = await Story.at("purge", 2);
		await story.forS(19);
		await story.command("hold");
		await story.state("held");
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 3, fate: "not-delivered" });
		await story.forS(60);
		expect(story.truth().doses).toEqual({ TMA: 1, H2O: 1 });
	});

	it("on the way to temperature leaves the zones where they are and ramps on after the restart", async () => {
		story = await Story.at("stabilise");
		await story.forS(90);
		await story.command("hold");
		await story.state("held");
		await story.forS(3);
		const held = story.setpointsC.stage!;
		expect(held).toBeGreaterThan(30);
		expect(held).toBeLessThan(60);
		await story.forS(300);
		expect(story.setpointsC.stage).toBe(held);
		const stageC = story.control.plant.reading("stage.temperature").value!;
		await story.command("restart");
		await story.forS(6);
		// From where the zone is: the setpoint leads by what the power for the recipe's 15 °C/min asks of the controller.
		expect(story.setpointsC.stage! - stageC).toBeLessThan(12);
		await story.state("complete");
		expect(story.records("run-finished")[0]!.cycles.complete).toBe(4);
	});

	it("during the anneal goes 20 °C below melting at most, and in-band minutes go on counting after a restart", async () => {
		story = await Story.at("anneal");
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 60, 20_000_000);
		await story.command("hold");
		await story.state("held");
		const { inBandS } = story.run.anneal!;
		await story.forS(3);
		expect(story.setpointsC.stage).toBe(100);
		await story.command("restart");
		await story.state("complete");
		const { anneal } = story.records("run-finished")[0]!;
		expect(anneal!.inBandS).toBeGreaterThanOrEqual(120);
		expect(inBandS).toBeGreaterThanOrEqual(60);
		expect(story.records("step-started").filter(({ type }) => type === "anneal")).toHaveLength(2);
	});

	it("counts anneal minutes in band while it holds", async () => {
		story = await Story.at("anneal");
		await story.clock.advanceUntil(() => story.run.anneal!.inBandS > 30, 20_000_000);
		await story.command("hold");
		const before = story.run.anneal!.inBandS;
		await story.forS(20);
		expect(story.run.anneal!.inBandS - before).toBeGreaterThan(15);
		expect(story.runState).toBe("held");
	});

	it("never resumes an anneal by itself", async () => {
		story = await Story.at("anneal");
		await story.forS(60);
		await story.command("hold");
		await story.forS(3_600);
		expect(story.runState).toBe("held");
	});

	it("during the cooling is followed by cooling", async () => {
		story = await Story.at("cool");
		await story.forS(30);
		await story.command("hold");
		await story.state("held");
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
		await story.command("restart");
		await story.state("complete");
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
	});

	it("during the pump-down is followed by the pump-down from its beginning", async () => {
		story = await Story.at("pump-down");
		await story.forS(1);
		await story.command("hold");
		await story.state("held");
		await story.forS(3);
		// The gauge cannot yet say that gas gets out: no purge flow into what may be a shut chamber.
		expect(story.reactor).toEqual({ ...HELD_STATE, sccm: 0 });
		await story.command("restart");
		await story.state("complete");
	});
});

describe("stop", () => {
	it("finishes the half-cycle and its purge, then cools as the recipe does", async () => {
		story = await Story.launched();
		await story.pulse(3);
		await story.command("stop");
		await story.clock.advanceUntil(() => story.records("pulse").length === 3, 60_000);
		expect(story.records("pulse").at(-1)).toMatchObject({ pulse: 3, fate: "delivered" });
		await story.state("stopped");
		expect(story.records("step-ended").at(-1)).toMatchObject({ type: "purge", outcome: "done" });
		expect(story.truth().doses).toEqual({ TMA: 2, H2O: 1 });
		expect(story.control.plant.reading("stage.temperature").value).toBeLessThan(60);
		expect(story.reactor).toEqual(HELD_STATE);
		expect(story.records("run-finished")[0]).toMatchObject({ state: "stopped", cycles: { complete: 1 } });
	});

	it("while restarting cools down without another dose", async () => {
		story = await Story.launched();
		await story.pulse(3);
		await story.command("hold");
		await story.state("held");
		const doses = story.truth().doses;
		await story.command("restart");
		await story.forS(10);
		await story.command("stop");
		await story.state("stopped");
		expect(story.truth().doses).toEqual(doses);
		expect(story.states.slice(-3)).toEqual(["restarting", "stopping", "stopped"]);
	});

	it("of a held run switches the heaters off", async () => {
		story = await Story.at("purge", 1);
		await story.command("hold");
		await story.state("held");
		await story.command("stop");
		await story.forS(5);
		expect(story.setpointsC.stage).toBe(0);
		await story.state("stopped");
	});
});

describe("abort", () => {
	it.each(["pump-down", "stabilise", "purge", "anneal", "cool"])(
		"during %s brings the safe state at once",
		async (type) => {
			story = await Story.at(type);
			await story.forS(2);
			await story.command("abort");
			await story.state("aborted", 5);
			expect(story.reactor.precursors).toEqual([]);
			await story.forS(5);
			expect(story.reactor).toEqual(HELD_STATE);
			expect(story.setpointsC).toEqual({ stage: 0, wall: 0, tma_line: 0 });
			expect(story.records("run-finished")[0]).toMatchObject({ state: "aborted" });
			expect(story.status.signals["stage.output"]!.value).toBe(0);
		},
	);

	it("in the middle of a pulse shuts the valve within the next milliseconds", async () => {
		story = await Story.launched();
		await story.pulse(1);
		await story.command("abort");
		await story.forS(0.005);
		expect(story.openPrecursors).toEqual([]);
		await story.state("aborted", 5);
		expect(story.records("pulse").at(-1)).toMatchObject({ fate: "unknown" });
	});

	it("directly after a hold wins, and the run ends once", async () => {
		story = await Story.launched();
		await story.pulse(2);
		await Promise.all([story.command("hold"), story.command("abort")]);
		await story.state("aborted", 10);
		await story.forS(60);
		expect(story.states).toEqual(["running", "holding", "aborting", "aborted"]);
		expect(story.records("run-finished")).toHaveLength(1);
		expect(story.setpointsC.stage).toBe(0);
	});

	it("is refused a second time", async () => {
		story = await Story.at("purge");
		await story.command("abort");
		await expect(story.command("abort")).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
		await story.state("aborted", 5);
		await expect(story.command("abort")).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
	});

	it("directly after a restart leaves nothing heating", async () => {
		story = await Story.at("purge", 2);
		await story.command("hold");
		await story.state("held");
		await Promise.all([story.command("restart"), story.command("abort")]);
		await story.state("aborted", 10);
		await story.forS(120);
		expect(story.setpointsC).toEqual({ stage: 0, wall: 0, tma_line: 0 });
		expect(story.records("step-started").at(-1)!.type).toBe("purge");
	});
});

describe("commands that come at once after each other", () => {
	it("hold directly after restart ends held, with nothing executed", async () => {
		story = await Story.at("purge", 2);
		await story.command("hold");
		await story.state("held");
		const steps = story.records("step-started").length;
		await Promise.all([story.command("restart"), story.command("hold")]);
		await story.state("held", 30);
		await story.forS(120);
		expect(story.runState).toBe("held");
		expect(story.records("step-started")).toHaveLength(steps);
	});

	it("stop directly after pause in a wait ends stopped", async () => {
		story = await Story.at("stabilise");
		await Promise.all([story.command("pause"), story.command("stop")]);
		await story.state("stopped");
	});

	it("pause, then stop at the very end of the purge ends stopped", async () => {
		story = await Story.at("purge", 2);
		await story.forS(19);
		await story.command("pause");
		await story.clock.advanceUntil(
			() => story.records("step-ended").at(-1)?.type === "purge" && story.records("step-ended").at(-1)?.cycle === 1,
			5_000,
		);
		if (story.runState === "pausing" || story.runState === "paused") await story.command("stop");
		await story.state("stopped");
	});

	it("takes none in a transient state that the table does not allow", async () => {
		story = await Story.at("purge", 2);
		await story.command("stop");
		for (const command of ["start", "pause", "resume", "hold", "restart", "stop", "reset"] as const) {
			await expect(story.command(command), command).rejects.toMatchObject({ code: "COMMAND_NOT_ALLOWED" });
		}
		expect(story.runState).toBe("stopping");
	});
});
