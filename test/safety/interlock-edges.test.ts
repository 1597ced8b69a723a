/** Each interlock's limits beside the one at which it trips: where its cause ends, and in what situations it still looks. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Reactor } from "#device/reactor.js";
import { interlocksOf } from "#safety/interlocks/index.js";
import { Latch } from "#safety/latch.js";
import { REACTOR, Scene } from "./support.js";

type Set = (scene: Scene) => unknown;

let scene: Scene;

beforeEach(() => {
	scene = new Scene();
});

const latchOf = (id: string, reactor: Reactor = REACTOR) =>
	new Latch(interlocksOf(reactor).find((interlock) => interlock.id === id)!);

/** Judged with new readings, four a second, for longer than any delay. */
function after(latch: Latch, set: Set, times = 40) {
	for (let i = 0; i < times; i += 1) {
		scene.after(250);
		set(scene);
		latch.judge(scene);
	}
	return latch.state;
}

function tripped(id: string, set: Set, reactor?: Reactor): Latch {
	const latch = latchOf(id, reactor);
	expect(after(latch, set)).toBe("tripped");
	return latch;
}

describe("a cause that has come near its limit", () => {
	const asItIs: Set = () => {};
	it.each<[string, string, number, number, number, Set]>([
		["over-temperature.wall", "wall.temperature", 150, 148, 147.9, asItIs],
		["melt-guard.stage", "stage.temperature", 180, 179.4, 179.2, asItIs],
		["pressure-high", "gauge.chamber", 600, 541, 539, asItIs],
		["static-pressure", "gauge.chamber", 1_300, 1_171, 1_169, ({ commanded }) => (commanded.stopValve = "shut")],
		["atmosphere", "glovebox.oxygen", 1, 0.91, 0.89, (of) => of.reads("io.lid", 0)],
	])("of %s has not ended before it is clearly below", (id, signal, at, near, gone, set) => {
		set(scene);
		const latch = tripped(id, (of) => of.reads(signal, at));
		expect(after(latch, (of) => of.reads(signal, near))).toBe("tripped");
		expect(after(latch, (of) => of.reads(signal, gone))).toBe("cleared");
	});
});

describe("what a trip has changed is no end of its cause", () => {
	it("a pump contact that goes with the valve I/O does not show a running pump", () => {
		const latch = tripped("pump-lost", (of) => of.reads("io.pump", 0));
		scene.away.add("io");
		expect(after(latch, (of) => of.goesStale("io.pump"))).toBe("tripped");
	});

	it("a carrier that is just commanded anew is not yet there", () => {
		const latch = tripped("carrier-lost", (of) => of.reads("mfc.flow", 0));
		const anew: Set = ({ commanded, nowMs }) => (commanded.carrierSinceMs = nowMs);
		expect(after(latch, (of) => anew(of.reads("mfc.flow", 0)))).toBe("tripped");
	});

	it.each<[string, Set]>([
		["lid-open", (of) => of.reads("io.lid", 0)],
		["valve-io-lost", (of) => of.away.add("io")],
		["gauge-lost", (of) => of.fails("gauge.chamber", "broken")],
		["nitrogen-lost", (of) => of.reads("io.nitrogen", 1)],
		["air-lost", (of) => of.reads("io.air", 1)],
		["over-temperature.wall", (of) => of.fails("wall.temperature", "broken")],
		["exhaust-lost", (of) => of.goesStale("io.exhaust")],
		["emergency-stop", (of) => of.goesStale("io.stop_button")],
	])("%s stays tripped when the run has ended and nothing is in use any more", (id, set) => {
		const latch = tripped(id, set);
		scene.declaration = null;
		scene.commanded.targetsC.clear();
		scene.commanded.carrierSccm = 0;
		expect(after(latch, set)).toBe("tripped");
	});

	it("exposure-pressure stays tripped when the chamber is not shut off any more and is still full", () => {
		scene.commanded.shutFor = "exposure";
		const latch = tripped("exposure-pressure", (of) => of.reads("gauge.chamber", 1_900));
		scene.commanded.shutFor = undefined;
		expect(after(latch, (of) => of.reads("gauge.chamber", 1_900))).toBe("tripped");
	});

	it("atmosphere stays tripped when the lid is closed over it", () => {
		const latch = tripped("atmosphere", (of) => of.reads("io.lid", 0).reads("glovebox.oxygen", 5));
		expect(after(latch, (of) => of.reads("io.lid", 1).reads("glovebox.oxygen", 5))).toBe("tripped");
	});

	it("pressure-high stays tripped when another run is declared that has not pumped yet", () => {
		const latch = tripped("pressure-high", (of) => of.reads("gauge.chamber", 900));
		scene.wasPumped = false;
		expect(after(latch, (of) => of.reads("gauge.chamber", 900))).toBe("tripped");
	});

	it("precursor-line-high: a line that is not known any more is not low", () => {
		const latch = tripped("precursor-line-high", (of) => of.reads("io.TMA", 1));
		expect(after(latch, (of) => of.goesStale("io.TMA"))).toBe("tripped");
		expect(after(latch, (of) => of.reads("io.TMA", 0))).toBe("cleared");
	});

	it.each(["foreline-above-chamber", "pump-lost"])("%s stays tripped behind the shut stop valve", (id) => {
		const set: Set = (of) => of.reads("gauge.foreline", 1_000).reads("io.pump", 0);
		const latch = tripped(id, set);
		scene.commanded.stopValve = "shut";
		expect(after(latch, set)).toBe("tripped");
	});
});

describe("an interlock looks wherever its hazard is", () => {
	it("melt-guard: trips on the second reading, not later", () => {
		const latch = latchOf("melt-guard.stage");
		expect(after(latch, (of) => of.reads("stage.temperature", 180), 2)).toBe("tripped");
	});

	it("gauge-lost: one heated zone is enough", () => {
		scene.commanded.targetsC.delete("wall");
		tripped("gauge-lost", (of) => of.fails("gauge.chamber", "broken"));
	});

	it("valve-io-lost: one of two instruments is enough", () => {
		const { TMA, H2O } = REACTOR.precursors as Record<"TMA" | "H2O", Reactor["precursors"][string]>;
		const two: Reactor = { ...REACTOR, precursors: { TMA, H2O: { ...H2O, instrument: "other" } } };
		tripped("valve-io-lost", (of) => of.away.add("other"), two);
	});

	it("runaway: half a minute is long enough", () => {
		const latch = latchOf("runaway.wall");
		expect(after(latch, (of) => of.ran("wall.temperature", (agoS) => 60 - (20 / 30) * Math.min(30, agoS)))).toBe(
			"tripped",
		);
	});

	it("over-temperature: what is no number is not known", () => {
		tripped("over-temperature.wall", (of) => of.reads("wall.temperature", Number.NaN));
	});

	it("emergency-stop: a contact that went with its own instrument is danger", () => {
		const inputs = { ...REACTOR.inputs, emergencyStop: { signal: "panel.stop", safeLevel: 0 as const } };
		scene.reads("panel.stop", 0).away.add("panel");
		tripped("emergency-stop", (of) => of.goesStale("panel.stop"), { ...REACTOR, inputs });
	});

	it.each([
		["static-pressure", "gauge.chamber", 1_300],
		["foreline-above-chamber", "gauge.foreline", 1_000],
	])("%s: a stop valve of which nobody knows where it is", (id, signal, pa) => {
		scene.commanded.stopValve = "unknown";
		tripped(id, (of) => of.reads(signal, pa));
	});

	it.each([
		["air-lost", "io.air"],
		["nitrogen-lost", "io.nitrogen"],
	])("%s: carrier that flows without a run is enough", (id, signal) => {
		scene.declaration = null;
		scene.commanded.targetsC.clear();
		tripped(id, (of) => of.reads(signal, 1));
	});

	it("zone-astray: a zone that is too cold because its controller gives no power", () => {
		tripped("zone-astray.wall", (of) => of.reads("wall.temperature", 60).reads("wall.output", 0));
	});

	it("zone-astray: another setpoint than commanded, also while the zone leads", () => {
		Object.assign(scene.commanded, { leading: new Set(["wall"]) });
		tripped("zone-astray.wall", (of) => of.reads("wall.temperature", 120).reads("wall.setpoint", 130));
	});

	it("runaway: not a zone whose heater was on for a part of the time", () => {
		const risen: Set = (of) =>
			of.ran("wall.output", (agoS) => (agoS > 60 ? 50 : 0)).ran("wall.temperature", (agoS) => 60 - agoS / 8);
		expect(after(latchOf("runaway.wall"), risen)).toBe("clear");
	});

	it("static-pressure: the least flow fills the chamber too", () => {
		scene.commanded.stopValve = "shut";
		scene.commanded.carrierSccm = 5;
		tripped("static-pressure", (of) => of.reads("gauge.chamber", 1_300));
	});

	it.each(["TMA", "H2O"])("precursor-line-high: the other line during a dose of %s", (dosed) => {
		tripped("precursor-line-high", (of) => {
			of.doses.started(dosed, of.nowMs, 15);
			of.reads("io.TMA", 1).reads("io.H2O", 1);
		});
	});

	it("zone-astray: a zone that is too hot while nobody knows whether its heater is off", () => {
		tripped("zone-astray.wall", (of) =>
			of.reads("wall.temperature", 145).reads("wall.output", 0).goesStale("wall.output"),
		);
	});

	it.each([110, 130])("zone-astray: a controller that works with %d °C in place of 120 °C", (setpointC) => {
		tripped("zone-astray.wall", (of) => of.reads("wall.temperature", 120).reads("wall.setpoint", setpointC));
	});
});
