import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { lastKnownFrom } from "#journal/recover.js";
import { parseLabFile } from "#src/config.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { asked as askedOf, flowing as flowingByHand } from "./by-hand.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());

const asked = (command: string, args: object) => askedOf(story, command, args);
const set = (actuator: string, value: number | string, more: object = {}) =>
	asked("manual-set", { actuator, value, ...more });
const dose = (precursor: string, ms = 15) => asked("manual-dose", { precursor, ms });

/** The shipped lab with one change. */
function labWith(what: string | RegExp, instead: string) {
	const path = new URL("../../recipes/labs/simulated.lab.yaml", import.meta.url).pathname;
	return parseLabFile(readFileSync(path, "utf8").replace(what, instead), path);
}

async function flowing(): Promise<void> {
	story = await flowingByHand();
}

describe("by hand", () => {
	it("moves the stop valve, the flow and a zone, and records who did it", async () => {
		await flowing();
		await set("wall", 60);
		await story.forS(300);
		expect(story.reactor).toEqual({ precursors: [], stopOpen: true, sccm: 100 });
		expect(story.setpointsC.wall).toBeCloseTo(60);
		const moved = story.records("actuation").filter(({ by, outcome }) => by === "mk" && outcome === "done");
		expect(moved.map(({ signal, run }) => [signal, run])).toEqual([
			["io.stop", null],
			["carrier.setpoint", null],
			["wall.setpoint", null],
		]);
		expect(story.status.manual).toMatchObject({ by: "mk", order: "wall = 60 °C", neverAboveC: null });
		expect(story.violations).toEqual([]);
	});

	it("ramps a zone as steeply as the lab file allows, and no steeper", async () => {
		await flowing();
		const from = story.control.plant.reading("wall.temperature").value!;
		await set("wall", 80);
		await story.forS(58);
		expect(story.setpointsC.wall! - from).toBeCloseTo(14.5, 1);
		expect(story.latched).toEqual([]);
	});

	it("doses by the hardware timer, with intent before and a record of its fate after", async () => {
		await flowing();
		expect(await dose("TMA")).toEqual({ order: "dose TMA 15 ms", pulse: 1, confirmedMs: expect.closeTo(15, 1) });
		await story.forS(6);
		const kinds = story.journal.records.map(({ kind }) => kind);
		expect(kinds.indexOf("pulse-intended")).toBeLessThan(kinds.indexOf("pulse"));
		expect(story.records("pulse")).toMatchObject([
			{ run: null, precursor: "TMA", commandedMs: 15, fate: "delivered", effective: { peakPa: expect.any(Number) } },
		]);
		expect(story.records("pulse")[0]!.confirmedMs).toBeCloseTo(15, 1);
		const told = story.records("manual-command").map(({ command, order, outcome }) => [command, order, outcome]);
		expect(told.slice(-4)).toEqual([
			["set", "carrier = 100 sccm", "ordered"],
			["set", "carrier = 100 sccm", "done"],
			["dose", "dose TMA 15 ms", "ordered"],
			["dose", "dose TMA 15 ms", "done"],
		]);
		expect(story.truth().doses).toEqual({ TMA: 1, H2O: 0 });
		expect(story.status.lastDoses!.TMA).toMatchObject({ fate: "delivered", at: expect.any(Number) });
	});

	it("keeps the precursors apart by the lab file's purge, also from the start of control", async () => {
		story = await new Story({ pumped: true }).ready();
		await set("stop_valve", "open");
		await set("carrier", 100);
		await expect(dose("TMA")).rejects.toMatchObject({
			code: "PERMIT_REFUSED",
			message: expect.stringMatching(/purge since H2O; 180 s are needed/),
		});
		await story.forS(200);
		await dose("TMA");
		await story.forS(60);
		await expect(dose("H2O")).rejects.toMatchObject({ message: expect.stringContaining("purge since TMA") });
		await story.forS(120);
		await dose("H2O");
		expect(story.truth().doses).toEqual({ TMA: 1, H2O: 1 });
		expect(story.violations).toEqual([]);
	});

	it("leaves a dose its time to show in the pressure when another one is refused meanwhile", async () => {
		await flowing();
		await dose("TMA");
		await expect(dose("H2O")).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(story.records("pulse")).toEqual([]);
		await story.forS(3);
		expect(story.records("pulse")).toMatchObject([{ precursor: "TMA", effective: { peakPa: expect.any(Number) } }]);
	});

	it("gives a dose that follows soon after another one the same time to show", async () => {
		story = await new Story({
			pumped: true,
			lab: labWith("manual: {", "manual: { idle_s: 900, purge_s: { TMA: 1, H2O: 1 } } #"),
		}).ready();
		await set("stop_valve", "open");
		await set("carrier", 100);
		await story.forS(60);
		await dose("TMA");
		await story.forS(2);
		const second = story.ask("manual-dose", { precursor: "TMA", ms: 15, by: "mk" });
		await story.forS(4);
		await second;
		expect(story.records("pulse")).toMatchObject([{ precursor: "TMA", pulse: 1 }]);
		await story.forS(2);
		expect(story.records("pulse")).toMatchObject([{ pulse: 1 }, { pulse: 2, fate: "delivered" }]);
	});

	it("refuses a width outside the valve's, and writes no intent for it", async () => {
		await flowing();
		await expect(dose("TMA", 201)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(story.records("pulse-intended")).toEqual([]);
		expect(story.records("manual-command").at(-1)).toMatchObject({ outcome: "refused", by: "mk" });
	});

	it("names what there is when asked for something else, and says how a precursor is dosed", async () => {
		await flowing();
		await expect(set("oven", 80)).rejects.toMatchObject({
			code: "USAGE",
			message: expect.stringContaining("carrier, stop_valve, stage, wall, tma_line"),
		});
		await expect(set("io.TMA", 1)).rejects.toMatchObject({
			code: "USAGE",
			hint: expect.stringContaining("adlayer dose"),
		});
		await expect(set("stop_valve", "ajar")).rejects.toMatchObject({ code: "USAGE" });
	});

	it("is refused where the lab file has no bounds for it", async () => {
		story = await new Story({ pumped: true, lab: labWith(/^ {2}manual: .*\n/m, "") }).ready();
		await expect(set("stop_valve", "open")).rejects.toMatchObject({ code: "MANUAL_NOT_ALLOWED" });
		expect(story.reactor.stopOpen).toBe(false);
	});

	it("is refused while the lid is not proven closed, and trips nothing by asking", async () => {
		story = await new Story({ pumped: true }).ready();
		vi.spyOn(story.lab.twin, "lidClosed", "get").mockReturnValue(false);
		await story.forS(2);
		await expect(set("stop_valve", "open")).rejects.toMatchObject({ code: "MANUAL_NOT_ALLOWED" });
		expect(story.latched).toEqual([]);
	});
});

describe("heating the foil by hand", () => {
	it("needs a bound, below which the target lies", async () => {
		await flowing();
		await expect(set("stage", 60)).rejects.toMatchObject({
			code: "USAGE",
			hint: expect.stringContaining("--never-above"),
		});
		await expect(set("stage", 60, { neverAboveC: 60 })).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(story.status.manual).toMatchObject({ neverAboveC: null });
		await set("stage", 60, { neverAboveC: 70 });
		expect(story.status.manual).toMatchObject({ neverAboveC: 70 });
		await expect(set("stage", 80, { neverAboveC: 90 })).rejects.toMatchObject({ code: "MANUAL_NOT_ALLOWED" });
	});

	it("trips at that bound when the zone overshoots, and no ramp goes on", async () => {
		await flowing();
		await set("wall", 140);
		await set("stage", 60, { neverAboveC: 61 });
		await story.forS(200);
		const { twin } = story.lab;
		const zoneC = twin.zoneC.bind(twin);
		vi.spyOn(twin, "zoneC").mockImplementation((zone) => (zone === "stage" ? 61.2 : zoneC(zone)));
		await story.forS(10);
		vi.restoreAllMocks();
		expect(story.latched).toContain("melt-guard.stage");
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
		await expect(set("wall", 60)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
	});

	it("takes no bound that the foil has reached already", async () => {
		await flowing();
		await set("stage", 60, { neverAboveC: 100 });
		await story.forS(400);
		await expect(set("stage", 40, { neverAboveC: 45 })).rejects.toMatchObject({
			code: "MANUAL_NOT_ALLOWED",
			message: expect.stringContaining("not below 45 °C"),
		});
		expect(story.status.manual).toMatchObject({ neverAboveC: 100 });
		expect(story.latched).toEqual([]);
	});
});

describe("manual operation and runs", () => {
	it("is refused while a run owns the reactor, naming it", async () => {
		story = await Story.at("stabilise");
		await expect(set("carrier", 50)).rejects.toMatchObject({
			code: "RUN_ACTIVE",
			message: expect.stringContaining(story.run.run),
		});
		await expect(dose("TMA")).rejects.toMatchObject({ code: "RUN_ACTIVE" });
		expect(story.reactor.sccm).toBe(100);
	});

	it("comes to rest by command, and the reactor is then free for a run", async () => {
		await flowing();
		await set("wall", 60);
		const launch = () => story.launch("short.recipe.yaml", { recipeText: SHORT_RECIPE, set: { cycles: 1 } });
		await expect(launch()).rejects.toMatchObject({ code: "MANUAL_ACTIVE" });
		await asked("make-safe", {});
		await story.forS(5);
		expect(story.status.manual).toBeNull();
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
		expect(story.records("manual-ended")).toMatchObject([{ cause: "made safe by mk" }]);
		await launch();
		await story.state("complete");
	});

	it("makes safe by aborting a run", async () => {
		story = await Story.at("purge", 2);
		const { run } = story.run;
		expect(await asked("make-safe", {})).toEqual({ safe: true, run });
		await story.state("aborted", 10);
		expect(story.reactor.precursors).toEqual([]);
	});

	it("comes to rest by itself when nobody commands for the lab's time", async () => {
		await flowing();
		await set("wall", 60);
		await story.forS(890);
		expect(story.status.manual).not.toBeNull();
		await story.forS(20);
		expect(story.status.manual).toBeNull();
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
		expect(story.records("manual-ended").at(-1)!.cause).toContain("900 s");
	});

	it("comes to rest at that time also when the wall clock was set back and an order was refused since", async () => {
		await flowing();
		await set("wall", 60);
		await story.forS(100);
		story.wallShiftMs -= 86_400_000;
		await expect(set("carrier", 10_000)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		await story.forS(820);
		expect(story.status.manual).toBeNull();
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
	});

	it("doses nothing on top of a valve that may leak: not at another flow, and not after control has died", async () => {
		await flowing();
		await dose("TMA");
		// It does not shut; the pressure is steady and within the range of doses.
		story.lab.faults.begin({ kind: "valve-leak", target: "TMA", value: 0.02 });
		await story.forS(185);
		await expect(dose("H2O")).rejects.toThrow(/before the last dose of TMA .* Shut the hand valve of TMA/);
		await set("carrier", 150);
		await story.forS(60);
		await expect(dose("H2O")).rejects.toThrow(/may be stuck open or leak; whether it is shut shows at the 100 sccm/);
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("valve-leaking.TMA");
		story.kill();
		await story.forS(5);
		story.comeBack();
		await story.forS(30);
		expect(story.status.alarms.map(({ alarm }) => alarm)).toContain("valve-leaking.TMA");
		await set("stop_valve", "open");
		await set("carrier", 100);
		await story.forS(200);
		await expect(dose("H2O")).rejects.toThrow(/whether it is shut shows below 13.3 Pa/);
		expect(story.violations).toEqual([]);

		story.lab.faults.clear({});
		await set("carrier", 0);
		await story.forS(60);
		expect(story.status.alarms.map(({ alarm, state }) => `${alarm} ${state}`)).toContain(
			"valve-leaking.TMA returned-unacknowledged",
		);
		await set("carrier", 100);
		await story.forS(190);
		await dose("H2O");
	});

	it("does nothing more after a trip until it is reset", async () => {
		await flowing();
		await set("wall", 100);
		story.lab.silence("io", true);
		await story.forS(10);
		expect(story.latched).toContain("valve-io-lost");
		expect(story.control.supervisor.commanded.targetsC.size).toBe(0);
		await expect(set("wall", 60)).rejects.toMatchObject({ code: expect.stringMatching(/PERMIT|MANUAL/) });
		story.lab.silence("io", false);
		await story.forS(30);
		await asked("make-safe", {});
		await story.forS(5);
		expect(story.status.manual).toBeNull();
	});

	it("is known from the journal after control has died, with the last doses", async () => {
		await flowing();
		await dose("TMA");
		await story.forS(6);
		const known = lastKnownFrom(story.journal.records);
		expect(known.manual).toEqual({ by: "mk", order: "dose TMA 15 ms" });
		const { at } = story.status.lastDoses!.TMA!;
		await story.stop();
		expect(lastKnownFrom(story.journal.records).manual).toBeUndefined();

		story = await new Story({ pumped: true, lastKnown: known }).ready();
		expect(story.records("manual-ended")).toEqual([
			expect.objectContaining({ cause: "control restarted after dose TMA 15 ms by mk" }),
		]);
		const { TMA } = story.status.lastDoses!;
		expect(TMA).toMatchObject({ fate: "delivered" });
		// The record is made when the evidence is there.
		expect(Math.abs(TMA!.at! - at!)).toBeLessThan(6_000);
		expect(TMA!.countedS).toBeLessThan(30);
		await set("stop_valve", "open");
		await set("carrier", 100);
		await expect(dose("H2O")).rejects.toMatchObject({ message: expect.stringContaining("purge since TMA") });
	});
});
