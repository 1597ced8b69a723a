/** What the safe state does at its edges: two causes at once, orders that overtake each other, pressures that nobody knows. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DoseHistory } from "#safety/dose-history.js";
import { worseEffect } from "#safety/safe-state.js";
import { blind, fakeReactor, flowing } from "./fake-plant.js";

let reactor: ReturnType<typeof fakeReactor>;

beforeEach(async () => {
	reactor = fakeReactor();
	await reactor.clock.advance(1_000);
});
afterEach(async () => {
	vi.restoreAllMocks();
	await reactor.stop();
});

async function comesBack(name: "io" | "mfc"): Promise<void> {
	const device = reactor.devices[name];
	device.silence = reactor.silent(name);
	await reactor.clock.advance(5_000);
	for (const each of Object.values(reactor.devices)) each.told.length = 0;
	device.silence = undefined;
	await reactor.clock.advance(5_000);
}

describe("of two causes", () => {
	it.each([
		["trip", "carrier-lost", "carrier-lost"],
		["trip", "pump-lost", "pump-lost"],
		["carrier-lost", "pump-lost", "pump-lost"],
	] as const)("%s and %s make %s, whichever came first", (a, b, worse) => {
		expect(worseEffect(a, b)).toBe(worse);
		expect(worseEffect(b, a)).toBe(worse);
	});
});

describe("the precursor valves", () => {
	it("are not proven shut by a former order while a newer one is on its way", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		const shut: (() => void)[] = [];
		vi.spyOn(devices.io, "makeSafe").mockImplementation(() => new Promise((resolve) => shut.push(resolve)));
		void supervisor.makeSafe("trip", "first");
		await clock.advance(1);
		void supervisor.makeSafe("pump-lost", "second");
		shut[0]!();
		await clock.advance(1);
		expect(supervisor.isShuttingPrecursors).toBe(true);
		shut[1]!();
		await clock.advance(1);
		expect(supervisor.isShuttingPrecursors).toBe(false);
	});
});

describe("purge gas", () => {
	it("does not flow on into a chamber that is beyond its gauge, though the stop valve is told to be open", async () => {
		await flowing(reactor);
		const { devices, supervisor, plant, clock } = reactor;
		blind();
		const reading = plant.reading.bind(plant);
		vi.spyOn(plant, "reading").mockImplementation((signal) =>
			signal === "gauge.chamber" ? { value: null, unit: "Pa", quality: "fault", atMs: clock.nowMs() } : reading(signal),
		);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(2_000);
		expect(devices.mfc.told.at(-1)).toBe("setpoint=0");
	});

	it("flows past a stop valve that nobody knows only as long as the pressure shows that it gets out", async () => {
		await flowing(reactor);
		const { devices, clock } = reactor;
		devices.io.silence = reactor.silent("io");
		await clock.advance(5_000);
		expect(reactor.supervisor.commanded.stopValve).toBe("unknown");
		expect(devices.mfc.values.setpoint).toBe(100);
		devices.gauge.values.chamber = 300;
		await clock.advance(3_000);
		expect(devices.mfc.values.setpoint).toBe(0);
	});
});

describe("an instrument that comes back", () => {
	it("with a flow of its own into the shut chamber finds the stop valve opened", async () => {
		const { devices } = reactor;
		Object.assign(devices.mfc.values, { flow: 100, setpoint: 100 });
		await comesBack("mfc");
		expect(devices.io.told).toContain("stop=1");
	});

	it("without a flow leaves the chamber shut", async () => {
		await comesBack("mfc");
		expect(reactor.devices.io.told).toEqual([]);
	});

	it("does not undo what a person has commanded since the safe state", async () => {
		const { devices, supervisor, guarded } = reactor;
		await supervisor.makeSafe("carrier-lost", "test");
		expect(devices.io.told).toContain("stop=1");
		await guarded.setStopValve(false, "test");
		await comesBack("io");
		expect(devices.io.told).not.toContain("stop=1");
	});
});

describe("a valve that may leak", () => {
	it("is not cleared by a pressure that is not known, but by one that is back", async () => {
		await flowing(reactor);
		const { supervisor, guarded, devices, clock } = reactor;
		const last = { precursor: "TMA", baselinePa: 90, carrierSccm: 100 };
		Object.assign(supervisor.doses, { last, leak: last });
		blind();
		devices.gauge.silence = reactor.silent("gauge");
		await clock.advance(5_000);
		expect(() => guarded.permitDose("H2O", 15)).toThrowError();
		expect(supervisor.doses.leak).toBe(last);
		devices.gauge.silence = undefined;
		await clock.advance(10_000);
		guarded.permitDose("H2O", 15);
		expect(supervisor.doses.leak).toBeUndefined();
	});
});

describe("a zone that is given back to its instrument", () => {
	it("counts as heated until that has succeeded", async () => {
		await flowing(reactor);
		const { guarded, devices, supervisor, clock } = reactor;
		let giveBack = () => {};
		const letGo = () => new Promise<void>((resolve) => (giveBack = resolve));
		Object.assign(devices.wall, { loop: { remember: async () => letGo } });
		const giveZoneBack = await guarded.rememberZone("wall");
		await guarded.setZone("wall", 121, "test");
		const given = giveZoneBack("test");
		await clock.advance(1);
		expect(supervisor.commanded.targetsC.has("wall")).toBe(true);
		giveBack();
		await given;
		expect(supervisor.commanded.targetsC.has("wall")).toBe(false);
	});
});

describe("the purge since a dose", () => {
	const purgedS = () => reactor.supervisor.doses.purgedS("TMA", reactor.clock.nowMs());

	it.each([
		["the pump is not proven to run", () => (reactor.devices.io.values.pump = 0)],
		["nobody knows where the stop valve is", () => (reactor.supervisor.commanded.stopValve = "unknown")],
	])("stands still while %s", async (_, lose) => {
		await flowing(reactor);
		blind();
		lose();
		await reactor.clock.advance(1_000);
		const before = purgedS();
		await reactor.clock.advance(30_000);
		expect(purgedS() - before).toBeLessThan(1.1);
	});

	it("never falls below nothing", () => {
		const doses = new DoseHistory(["TMA"], 1_000);
		doses.notPurged(60_000, 2_000);
		expect(doses.purgedS("TMA", 2_000)).toBe(0);
		expect(doses.purgedS("TMA", 3_000)).toBe(1);
	});
});
