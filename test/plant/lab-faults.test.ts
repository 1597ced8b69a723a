import { afterEach, describe, expect, it } from "vitest";
import type { FaultRequest } from "#lab/faults.js";
import type { AlarmState } from "#record/records.js";
import type { Effect } from "#safety/interlock.js";
import { Story } from "./stories.js";

let story: Story;
afterEach(() => story.stop());

const ZONES = ["stage", "wall", "tma_line"];

/** The row of the safe-state table for each effect, from the document. */
const TABLE: Record<Effect, { readonly precursors: string[]; readonly stopOpen: boolean; readonly sccm: number }> = {
	trip: { precursors: [], stopOpen: true, sccm: 100 },
	"carrier-lost": { precursors: [], stopOpen: true, sccm: 0 },
	"pump-lost": { precursors: [], stopOpen: false, sccm: 0 },
};

/** Faults that a run must not survive, begun in a purge: the row that they lead to, and the alarms that tell of them. */
const TRIPS: readonly (readonly [FaultRequest, Effect, readonly string[]])[] = [
	[{ kind: "gauge-dead", target: "gauge.chamber" }, "trip", ["interlock.gauge-lost", "sensor.gauge.chamber"]],
	[{ kind: "sensor-break", target: "wall" }, "trip", ["interlock.over-temperature.wall", "sensor.wall.temperature"]],
	[{ kind: "silent", target: "io" }, "trip", ["interlock.valve-io-lost", "instrument.io"]],
	[{ kind: "silent", target: "gauge" }, "trip", ["interlock.gauge-lost", "instrument.gauge"]],
	[{ kind: "silent", target: "carrier" }, "carrier-lost", ["interlock.carrier-lost", "instrument.carrier"]],
	[{ kind: "silent", target: "stage" }, "trip", ["interlock.over-temperature.stage", "instrument.stage"]],
	[{ kind: "slow", target: "io", value: 3_000 }, "trip", ["interlock.valve-io-lost", "instrument.io"]],
	[{ kind: "slow", target: "gauge", value: 3_000 }, "trip", ["interlock.gauge-lost", "instrument.gauge"]],
	[{ kind: "garbling", target: "carrier", value: 0.05 }, "carrier-lost", ["interlock.carrier-lost"]],
	[{ kind: "garbling", target: "stage", value: 0.3 }, "trip", ["interlock.over-temperature.stage", "instrument.stage"]],
	[{ kind: "unplugged", target: "io" }, "trip", ["interlock.valve-io-lost", "instrument.io"]],
	[{ kind: "unplugged", target: "gauge" }, "trip", ["interlock.gauge-lost", "instrument.gauge"]],
	[{ kind: "unplugged", target: "carrier" }, "carrier-lost", ["interlock.carrier-lost", "instrument.carrier"]],
	[
		{ kind: "unplugged", target: "wall" },
		"trip",
		["interlock.over-temperature.wall", "interlock.over-temperature.stage", "instrument.wall", "instrument.stage"],
	],
	[{ kind: "power-cycle", target: "io", forS: 10 }, "trip", ["interlock.valve-io-lost", "instrument.io"]],
	[{ kind: "power-cycle", target: "gauge", forS: 10 }, "trip", ["interlock.gauge-lost", "instrument.gauge"]],
	[
		{ kind: "power-cycle", target: "stage", forS: 10 },
		"trip",
		["interlock.over-temperature.stage", "instrument.stage"],
	],
	// A level that falls counts as another level; below the foreline it cannot be.
	[{ kind: "gauge-drift", target: "gauge.chamber", value: -50 }, "pump-lost", ["interlock.foreline-above-chamber"]],
	[{ kind: "pump-off" }, "pump-lost", ["interlock.pump-lost"]],
	[{ kind: "carrier-lost" }, "carrier-lost", ["interlock.carrier-lost"]],
	[{ kind: "lid-open" }, "trip", ["interlock.lid-open"]],
	[{ kind: "input-open", target: "io.lid_closed" }, "trip", ["interlock.lid-open"]],
	[{ kind: "input-open", target: "io.pump_running" }, "pump-lost", ["interlock.pump-lost"]],
];

/** Faults after which the next dose is not given, because the chamber does not come back from the last one. */
const HOLDS: readonly (readonly [FaultRequest, RegExp])[] = [
	[
		{ kind: "valve-leak", target: "TMA", value: 1 },
		/that valve or that of (TMA|H2O) may be stuck open or leak, the chamber leak air or the pump be weaker: the foreline was at .* Shut the hand valve of/,
	],
	[
		{ kind: "gauge-drift", target: "gauge.chamber", value: 1000 },
		/its gauge may drift or its way to the pump be narrower, for the foreline .* that valve or that of (TMA|H2O) may leak all the same\. Shut the hand valve of/,
	],
];

/** Air that a person lets in meets what the chamber holds. */
const OPENED = ["lid-opened-under-vacuum", "precursors-met"];

/** What nobody needs a run to see. */
const WITHOUT_A_RUN: readonly (readonly [FaultRequest, string])[] = [
	[{ kind: "gauge-dead", target: "gauge.chamber" }, "sensor.gauge.chamber"],
	[{ kind: "gauge-dead", target: "gauge.foreline" }, "sensor.gauge.foreline"],
	...ZONES.map((zone) => [{ kind: "sensor-break", target: zone }, `sensor.${zone}.temperature`] as const),
	...["io", "gauge", "carrier", ...ZONES].flatMap((instrument) =>
		["silent", "unplugged", "power-cycle"].map(
			(kind) => [{ kind, target: instrument, forS: 30 }, `instrument.${instrument}`] as const,
		),
	),
	[{ kind: "slow", target: "gauge", value: 3_000 }, "instrument.gauge"],
	[{ kind: "garbling", target: "stage", value: 0.5 }, "instrument.stage"],
];

const alarms = (): Record<string, AlarmState> =>
	Object.fromEntries(story.status.alarms.map(({ alarm, state }) => [alarm, state]));

const isThere = (state: AlarmState | undefined) => state === "unacknowledged" || state === "acknowledged";

/** Zones that get power. */
function heating(watched: Story): () => string[] {
	const percent = new Map<string, number>();
	const { twin } = watched.lab;
	const set = twin.setHeaterPercent.bind(twin);
	twin.setHeaterPercent = (zone, to) => {
		percent.set(zone, to);
		set(zone, to);
	};
	return () => [...percent].filter(([, to]) => to > 0).map(([zone]) => zone);
}

describe("a run in the simulated lab", () => {
	it.each(TRIPS)("is held by %j in the row of %s, with %j, and goes on after it", async (fault, effect, expected) => {
		story = await Story.at("purge", 3);
		const heated = heating(story);
		story.lab.faults.begin(fault);
		await story.state("held", 120);
		await story.forS(5);
		expect(Object.keys(alarms())).toEqual(expect.arrayContaining([...expected]));
		expect(story.openPrecursors).toEqual([]);
		await story.forS(30);
		story.lab.faults.clear();
		await story.forS(30);
		expect({ ...story.reactor, heated: heated() }).toEqual({ ...TABLE[effect], heated: [] });
		expect(Object.entries(alarms()).filter(([, state]) => isThere(state))).toEqual(
			effect === "carrier-lost" ? [["chamber.unpurged", "unacknowledged"]] : [],
		);
		await story.resetAll();
		await story.command("restart");
		await story.state("running", 3_000);
		expect(story.violations.filter((kind) => fault.kind !== "lid-open" || !OPENED.includes(kind))).toEqual([]);
	});

	it.each(HOLDS)(
		"is held by %j without another dose, says what it may be, and goes on after it",
		async (fault, may) => {
			story = await Story.at("purge", 3);
			story.lab.faults.begin(fault);
			await story.state("held", 120);
			const before = story.truth().doses;
			await story.forS(5);
			expect(Object.keys(alarms())).toEqual([expect.stringMatching(/^valve-leaking\./), "run.held"]);
			expect(story.status.alarms.find(({ alarm }) => alarm.startsWith("valve-leaking."))!.message).toMatch(may);
			expect(story.truth().doses).toEqual(before);
			story.lab.faults.clear();
			await story.forS(60);
			expect(story.reactor).toEqual(TABLE.trip);
			await story.command("restart");
			await story.state("running", 3_000);
			await story.step("pulse", story.records("step-started").filter(({ type }) => type === "pulse").length + 2);
			expect(Object.values(alarms()).filter(isThere)).toEqual([]);
			expect(story.violations).toEqual([]);
		},
	);

	it("finds out a gauge that stands still by the next dose", async () => {
		story = await Story.at("purge", 4);
		await story.forS(10);
		story.lab.faults.begin({ kind: "gauge-frozen", target: "gauge.chamber" });
		await story.state("held", 120);
		expect(story.latched).toEqual(["gauge-frozen"]);
		await story.forS(10);
		expect(story.reactor).toEqual(TABLE.trip);
		story.lab.faults.clear();
		await story.forS(10);
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

	it.each([
		[{ kind: "valve-stuck-shut", target: "H2O" }, "valve-sticking.H2O"],
		[{ kind: "bottle-empty", target: "TMA" }, "valve-sticking.TMA"],
	])(
		"is held by %j after two doses that left nothing, %s, and repeats the last when it is mended",
		async (fault, alarm) => {
			story = await Story.launched({ set: { cycles: 40 } });
			await story.step("pulse", 25);
			story.lab.faults.begin(fault);
			const { length } = story.records("pulse");
			await story.state("held", 600);
			const pulses = story.records("pulse").slice(length);
			expect(pulses.at(-1)).toMatchObject({ precursor: fault.target, fate: "delivered" });
			expect(pulses.filter(({ precursor }) => precursor === fault.target).length).toBeLessThanOrEqual(3);
			expect(isThere(alarms()[alarm])).toBe(true);
			expect(story.records("run-state").at(-2)!.cause).toMatch(/left .* Pa s/);
			story.lab.faults.clear();
			await story.command("restart");
			await story.state("complete");
			expect(alarms()[alarm]).toBe("returned-unacknowledged");
			expect(story.records("run-finished")[0]!.cycles).toMatchObject({
				ordered: 40,
				complete: 39,
				repeated: 1,
				unknown: 0,
			});
			// Into an empty bottle the carrier flows, which nobody can know before.
			expect(story.violations.filter((kind) => kind !== "backflow-into-bottle")).toEqual([]);
		},
	);

	it.each([
		["held by a person before its purge is over", "hold", "held"],
		["stopped in its purge", "stop", "stopped"],
	] as const)("leaves no dose out when a run is %s", async (_when, command, state) => {
		story = await Story.launched({ set: { cycles: 14 } });
		await story.step("pulse", 22);
		story.lab.faults.begin({ kind: "valve-stuck-shut", target: "H2O" });
		await story.clock.advanceUntil(() => story.records("pulse").at(-1)?.trend?.repeat === true, 600_000);
		story.lab.faults.clear();
		await story.command(command);
		await story.state(state);
		const { cycle } = story.records("pulse").at(-1)!;
		expect(story.run.cycles).toMatchObject({ complete: cycle! - 2, repeated: 0 });
		if (state === "stopped") return;
		await story.command("restart");
		await story.state("complete");
		expect(story.run.cycles).toMatchObject({ complete: 13, repeated: 1 });
		expect(story.truth().doses.H2O).toBe(13);
	});

	it("gives no dose while a valve is stuck open, says whose hand valve to shut, and goes on when it shuts again", async () => {
		story = await Story.at("pulse", 3);
		story.lab.faults.begin({ kind: "valve-stuck-open", target: "TMA" });
		await story.state("held", 120);
		const { H2O: before } = story.truth().doses;
		const told = story.status.alarms.map(({ message, response }) => `${message} ${response}`).join(" ");
		expect(told).toMatch(/hand valve/);
		await story.forS(60);
		expect(story.truth().doses.H2O).toBe(before);
		story.lab.faults.clear();
		await story.forS(30);
		await story.resetAll();
		await story.command("restart");
		await story.state("running", 3_000);
	});
});

describe("a lab without a run", () => {
	it.each(WITHOUT_A_RUN)(
		"has %j as the alarm %s, trips nothing, and forgets it when it is over and was seen",
		async (fault, alarm) => {
			story = new Story();
			await story.ready();
			await story.forS(10);
			expect(alarms()).toEqual({});
			story.lab.faults.begin(fault);
			await story.forS(20);
			expect(alarms()[alarm]).toBe("unacknowledged");
			expect(story.latched).toEqual([]);
			story.lab.faults.clear();
			await story.forS(40);
			expect(alarms()[alarm]).toBe("returned-unacknowledged");
			for (const id of Object.keys(alarms())) await story.ask("acknowledge-alarm", { alarm: id, by: "test" });
			expect(alarms()).toEqual({});
		},
	);

	it("does not call a gauge broken that is above its range in a vented chamber", async () => {
		story = new Story();
		await story.ready();
		expect(story.status.signals["gauge.chamber"]).toMatchObject({ quality: "fault" });
		await story.forS(60);
		expect(alarms()).toEqual({});
	});
});
