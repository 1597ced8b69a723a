import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Effect } from "#safety/interlock.js";
import { worseEffect } from "#safety/safe-state.js";
import { BEAT_MS, STALL_MS } from "#safety/supervisor.js";
import { blind, fakeReactor, flowing } from "./fake-plant.js";
import { REACTOR } from "./support.js";

let reactor: ReturnType<typeof fakeReactor>;

beforeEach(async () => {
	reactor = fakeReactor();
	await reactor.clock.advance(1_000);
});
afterEach(async () => {
	vi.restoreAllMocks();
	await reactor.stop();
});

/** A run in deposition. */
const deposit = () => flowing(reactor, ["stage", "wall"]);

describe("the alarms that a reactor can have", () => {
	it.each(["instrument.io", "heater.stage", "safe-state.zone-stage", "safe-state.stop-valve", "disk.filling"])(
		"%s can be shelved before it comes",
		(alarm) => {
			const { alarms } = reactor.supervisor;
			expect(alarms.shelve(alarm, { by: "Ada", reason: "known", for: 60 })).toBe("shelved");
		},
	);

	it.each(["instrument.none", "heater.none", "heater", "safe-state.none", "disk.filling.more", "interlock.none"])(
		"%s is none of them",
		(alarm) => {
			const { alarms } = reactor.supervisor;
			expect(() => alarms.shelve(alarm, { by: "Ada", reason: "known", for: 60 })).toThrowError(
				expect.objectContaining({ code: "NOT_FOUND" }),
			);
		},
	);
});

describe("a carrier that has been lost", () => {
	it("is missed, however often the same flow is commanded again", async () => {
		await deposit();
		const { guarded, supervisor, devices, clock } = reactor;
		devices.mfc.values.flow = 0;
		for (let times = 0; times < 8; times += 1) {
			await guarded.setCarrier(100, "again").catch(() => {});
			await clock.advance(1_500);
		}
		expect(supervisor.latched).toEqual(["carrier-lost"]);
	});

	it("takes nothing from a dose that may be open", async () => {
		await deposit();
		const { guarded, supervisor, devices, clock } = reactor;
		reactor.pulseCompletes = false;
		await guarded.armDose("TMA", 15);
		await guarded.fireDose("TMA", 15);
		devices.io.failure = reactor.silent("io");
		devices.mfc.values.flow = 0;
		await clock.advance(10_000);
		expect(supervisor.latched).toContain("carrier-lost");
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
		expect(supervisor.doses.purgedS("H2O", clock.nowMs())).toBeLessThan(1);
	});
});

describe("valves whose instrument was away", () => {
	it("are nowhere that is known meanwhile, and all count as just dosed when it has come back", async () => {
		await deposit();
		const { supervisor, devices, clock } = reactor;
		await clock.advance(60_000);
		expect(supervisor.doses.purgedS("TMA", clock.nowMs())).toBeGreaterThan(60);
		devices.io.silence = reactor.silent("io");
		await clock.advance(2_000);
		expect(supervisor.commanded.stopValve).toBe("unknown");
		devices.io.silence = undefined;
		await clock.advance(4_000);
		expect(supervisor.commanded.stopValve).toBe("open");
		for (const precursor of ["TMA", "H2O"]) expect(supervisor.doses.purgedS(precursor, clock.nowMs())).toBeLessThan(5);
	});
});

describe("an instrument that has come back", () => {
	/** Everything that instruments were told since. */
	const told = () => Object.values(reactor.devices).flatMap((device) => device.told);
	const back = async (name: string) => {
		reactor.supervisor.instrumentChanged(name, true);
		await reactor.clock.advance(1_000);
	};

	it("moves nothing while carrier flows to the pump, by whatever instrument it is", async () => {
		await deposit();
		for (const name of ["stage", "wall", "gauge", "mfc", "glovebox"]) await back(name);
		expect(told()).toEqual([]);
	});

	it.each([
		["by command", 50, {}],
		["by the flow controller's setpoint", 0, { setpoint: 10 }],
		["by its flow", 0, { flow: 10 }],
	])(
		"brings gas and valves to rest, not the heaters, when carrier flows behind the shut stop valve %s",
		async (_by, sccm, says) => {
			await deposit();
			const { supervisor, devices } = reactor;
			blind();
			Object.assign(supervisor.commanded, { stopValve: "shut", carrierSccm: sccm });
			Object.assign(devices.mfc.values, { flow: 0, setpoint: 0 }, says);
			await reactor.clock.advance(1_000);
			await back("mfc");
			expect(devices.io.told).toContain("safe");
			expect([...devices.stage.told, ...devices.wall.told]).toEqual([]);
		},
	);

	it("moves nothing when less flows than a flow controller tells from nothing", async () => {
		await deposit();
		const { supervisor, devices } = reactor;
		blind();
		Object.assign(supervisor.commanded, { stopValve: "shut", carrierSccm: 0 });
		Object.assign(devices.mfc.values, { flow: REACTOR.carrier.sccmMin - 0.1, setpoint: 0 });
		await reactor.clock.advance(1_000);
		await back("mfc");
		expect(told()).toEqual([]);
	});

	it.each([
		[1, "open"],
		[0, "shut"],
	] as const)(
		"says by its level %s that the stop valve is %s, which nobody knew while it was away",
		async (level, where) => {
			await deposit();
			const { supervisor, devices, clock } = reactor;
			blind();
			devices.io.silence = reactor.silent("io");
			await clock.advance(2_000);
			expect(supervisor.commanded.stopValve).toBe("unknown");
			devices.io.values.stop = level;
			devices.mfc.values.flow = 0;
			supervisor.commanded.carrierSccm = 0;
			devices.mfc.values.setpoint = 0;
			devices.io.silence = undefined;
			await clock.advance(2_000);
			expect(supervisor.commanded.stopValve).toBe(where);
		},
	);
});

describe("a dose that may be open when its instrument goes away", () => {
	it("stays open until the instrument has come back and has proven its valves shut", async () => {
		await deposit();
		const { supervisor, guarded, devices, clock } = reactor;
		reactor.pulseCompletes = false;
		await guarded.armDose("TMA", 15);
		await guarded.fireDose("TMA", 15);
		devices.io.silence = reactor.silent("io");
		devices.io.failure = reactor.silent("io");
		await clock.advance(5_000);
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
		devices.io.silence = undefined;
		devices.io.failure = undefined;
		await clock.advance(5_000);
		expect(supervisor.doses.isOpen("TMA")).toBe(false);
		expect(supervisor.doses.purgedS("TMA", clock.nowMs())).toBeLessThan(6);
	});
});

describe("the watchdogs", () => {
	it("are fed on every beat while all is well", async () => {
		const before = reactor.feeds;
		await reactor.clock.advance(10 * BEAT_MS);
		expect(reactor.feeds - before).toBe(10);
	});

	it("are not fed after a stall of control's own loop, which is told, and are again after a beat in time", async () => {
		await reactor.clock.advance(BEAT_MS / 2);
		const [before, ofHeater] = [reactor.feeds, reactor.heaterFeeds];
		reactor.clock.stalledMs += 1_001;
		// Samples that are handled before the late beat are no sign of health.
		reactor.supervisor.sampled();
		await reactor.clock.advance(BEAT_MS / 2);
		expect(reactor.feeds).toBe(before);
		expect(reactor.heaterFeeds).toBe(ofHeater);
		expect(reactor.supervisor.alarms.state("control.stalled")).toBe("unacknowledged");
		expect(reactor.journal.records.filter((record) => record.kind === "note")).toMatchObject([
			{
				code: "CONTROL_STALLED",
				message: expect.stringContaining("stood still for 1.0 s; the watchdogs were not fed"),
			},
		]);
		await reactor.clock.advance(BEAT_MS);
		expect(reactor.feeds).toBe(before + 1);
		expect(reactor.supervisor.alarms.state("control.stalled")).toBe("returned-unacknowledged");
	});

	it("are fed after a beat that is no more than a second late, and no alarm tells of it", async () => {
		await reactor.clock.advance(BEAT_MS / 2);
		const before = reactor.feeds;
		reactor.clock.stalledMs += 1_000;
		await reactor.clock.advance(BEAT_MS / 2);
		expect(reactor.feeds).toBe(before + 1);
		expect(reactor.supervisor.alarms.state("control.stalled")).toBe("normal");
	});

	it("wait after a stall as long as the instrument's own time-out at least", () => {
		expect(STALL_MS + 2 * BEAT_MS).toBeGreaterThanOrEqual(reactor.devices.io.watchdog!.timeoutMs);
	});

	it("are not fed while a dose is not proven over", async () => {
		await deposit();
		reactor.pulseCompletes = false;
		await reactor.guarded.armDose("TMA", 15);
		await reactor.guarded.fireDose("TMA", 15);
		await reactor.clock.advance(2_000);
		const [before, ofHeater] = [reactor.feeds, reactor.heaterFeeds];
		await reactor.clock.advance(5_000);
		expect(reactor.feeds).toBe(before);
		// A heater is let go of for what heats it, not for a valve.
		expect(reactor.heaterFeeds - ofHeater).toBe(10);
	});

	it("are not fed while the safe state cannot bring a valve to its place", async () => {
		reactor.devices.io.failure = reactor.silent("io");
		void reactor.supervisor.makeSafe("trip", "test");
		await reactor.clock.advance(2_000);
		const [before, ofHeater] = [reactor.feeds, reactor.heaterFeeds];
		await reactor.clock.advance(5_000);
		expect(reactor.feeds).toBe(before);
		expect(reactor.heaterFeeds - ofHeater).toBe(10);
		reactor.devices.io.failure = undefined;
		await reactor.clock.advance(3_000);
		expect(reactor.feeds).toBeGreaterThan(before);
	});

	it("are not fed while an interlock cannot be judged, which trips", async () => {
		vi.spyOn(reactor.plant, "reading").mockImplementation(() => {
			throw new Error("broken");
		});
		const [before, ofHeater] = [reactor.feeds, reactor.heaterFeeds];
		await reactor.clock.advance(3_000);
		expect([reactor.feeds, reactor.heaterFeeds]).toEqual([before, ofHeater]);
		expect(reactor.trips.length).toBeGreaterThan(0);
	});

	it("are not fed while their instrument is away, and again when it has come back", async () => {
		const { devices, clock } = reactor;
		devices.io.silence = reactor.silent("io");
		await clock.advance(2_000);
		const before = reactor.feeds;
		await clock.advance(3_000);
		expect(reactor.feeds).toBe(before);
		devices.io.silence = undefined;
		await clock.advance(5_000);
		expect(reactor.feeds).toBeGreaterThan(before);
	});

	it("are not fed while the course of what is read cannot be followed", async () => {
		const follow = vi.spyOn(reactor.supervisor.view.history, "push").mockImplementation(() => {
			throw new Error("no room");
		});
		await reactor.clock.advance(BEAT_MS);
		const [before, ofHeater] = [reactor.feeds, reactor.heaterFeeds];
		await reactor.clock.advance(10 * BEAT_MS);
		expect([reactor.feeds, reactor.heaterFeeds]).toEqual([before, ofHeater]);
		follow.mockRestore();
		await reactor.clock.advance(10 * BEAT_MS);
		expect(reactor.feeds).toBeGreaterThan(before);
		expect(reactor.heaterFeeds).toBeGreaterThan(ofHeater);
	});

	it("do not keep the supervisor waiting when feeding hangs, and are not asked twice meanwhile", async () => {
		let asked = 0;
		const feed = () => {
			asked += 1;
			return new Promise<void>(() => {});
		};
		reactor.devices.io.watchdog = { timeoutMs: 2_000, feed };
		await deposit();
		await reactor.clock.advance(1_000);
		reactor.devices.stage.values.temperature = 195;
		await reactor.clock.advance(1_000);
		expect(reactor.supervisor.latched).toContain("over-temperature.stage");
		expect(asked).toBe(1);
	});
});

describe("the safe state", () => {
	const ROWS: readonly { effect: Effect; io: string[]; mfc: string[] }[] = [
		{ effect: "trip", io: ["safe", "stop=1"], mfc: ["setpoint=100"] },
		{ effect: "carrier-lost", io: ["safe", "stop=1"], mfc: ["setpoint=0"] },
		{ effect: "pump-lost", io: ["safe", "stop=0"], mfc: ["setpoint=0"] },
	];

	it.each(ROWS)(
		"of $effect: precursors first, then stop valve and carrier, heaters off",
		async ({ effect, io, mfc }) => {
			await deposit();
			void reactor.supervisor.makeSafe(effect, "test");
			await reactor.clock.advance(500);
			expect(reactor.devices.io.told).toEqual(io);
			expect(reactor.devices.mfc.told).toEqual(mfc);
			expect(reactor.devices.stage.told).toEqual(["safe"]);
			expect(reactor.devices.wall.told).toEqual(["safe"]);
			expect(reactor.supervisor.commanded.targetsC.size).toBe(0);
		},
	);

	it("leaves the heaters to a hold", async () => {
		await deposit();
		void reactor.supervisor.makeSafe("trip", "hold", { keepHeaters: true });
		await reactor.clock.advance(500);
		expect(reactor.devices.stage.told).toEqual([]);
		expect(reactor.devices.io.told).toEqual(["safe", "stop=1"]);
	});

	it("switches heaters off at once although the valve I/O does not answer", async () => {
		await deposit();
		vi.spyOn(reactor.devices.io, "makeSafe").mockImplementation(() => new Promise(() => {}));
		void reactor.supervisor.makeSafe("trip", "test");
		await reactor.clock.advance(1);
		expect(reactor.devices.stage.told).toEqual(["safe"]);
	});

	it("stops the carrier at once when the pump is lost, whatever the valve I/O does", async () => {
		await deposit();
		vi.spyOn(reactor.devices.io, "makeSafe").mockImplementation(() => new Promise(() => {}));
		void reactor.supervisor.makeSafe("pump-lost", "test");
		await reactor.clock.advance(1);
		expect(reactor.devices.mfc.told).toEqual(["setpoint=0"]);
	});

	it("tries every failed action again, once a second, until it succeeds, and says so once", async () => {
		await deposit();
		const { mfc } = reactor.devices;
		mfc.failure = reactor.silent("mfc");
		void reactor.supervisor.makeSafe("pump-lost", "test");
		await reactor.clock.advance(10_000);
		expect(mfc.told.length).toBeGreaterThanOrEqual(6);
		expect(mfc.told.length).toBeLessThanOrEqual(11);
		expect(reactor.journal.records.filter((record) => record.kind === "note")).toHaveLength(1);
		expect(reactor.supervisor.alarms.state("safe-state.carrier")).toBe("unacknowledged");
		mfc.failure = undefined;
		await reactor.clock.advance(2_000);
		const { length } = mfc.told;
		expect(reactor.supervisor.commanded.carrierSccm).toBe(0);
		expect(reactor.supervisor.alarms.state("safe-state.carrier")).toBe("returned-unacknowledged");
		await reactor.clock.advance(10_000);
		expect(mfc.told).toHaveLength(length);
	});

	it("stops trying when a permitted command takes the actuator over", async () => {
		await deposit();
		const { mfc } = reactor.devices;
		mfc.failure = reactor.silent("mfc");
		void reactor.supervisor.makeSafe("trip", "hold", { keepHeaters: true });
		await reactor.clock.advance(5_000);
		mfc.failure = undefined;
		await reactor.guarded.setCarrier(50, "test");
		mfc.told.length = 0;
		await reactor.clock.advance(10_000);
		expect(mfc.told).toEqual([]);
		expect(reactor.supervisor.commanded.carrierSccm).toBe(50);
	});

	it("writes nothing to what came back as another model", async () => {
		await deposit();
		const { stage } = reactor.devices;
		stage.silence = reactor.silent("stage");
		stage.model = "M2";
		await reactor.clock.advance(3_000);
		stage.silence = undefined;
		stage.told.length = 0;
		await reactor.clock.advance(10_000);
		expect(reactor.plant.instrument("stage")).toMatchObject({ state: "fault", error: { code: "IDENTITY_MISMATCH" } });
		expect(stage.told).toEqual([]);
		expect(reactor.supervisor.latched).toContain("over-temperature.stage");
	});

	it("opens the stop valve only once the pump is proven", async () => {
		reactor.devices.io.values.pump = 0;
		await reactor.clock.advance(1_000);
		void reactor.supervisor.makeSafe("trip", "test");
		await reactor.clock.advance(5_000);
		expect(reactor.devices.io.told).not.toContain("stop=1");
		expect(reactor.devices.mfc.told).toEqual(["setpoint=0"]);
		reactor.devices.io.values.pump = 1;
		await reactor.clock.advance(3_000);
		expect(reactor.devices.io.told).toContain("stop=1");
		expect(reactor.devices.mfc.told.at(-1)).toBe("setpoint=100");
	});

	it.each<[Effect, Effect, Effect]>([
		["trip", "trip", "trip"],
		["trip", "carrier-lost", "carrier-lost"],
		["trip", "pump-lost", "pump-lost"],
		["carrier-lost", "pump-lost", "pump-lost"],
		["pump-lost", "pump-lost", "pump-lost"],
	])("of %s with %s is that of %s", (a, b, worse) => {
		expect(worseEffect(a, b)).toBe(worse);
		expect(worseEffect(b, a)).toBe(worse);
		expect(worseEffect(a, undefined)).toBe(a);
	});

	it("stays the worse of two causes until nothing is latched any more", async () => {
		await deposit();
		reactor.devices.io.values.pump = 0;
		await reactor.clock.advance(1_000);
		reactor.devices.io.values.lid = 0;
		await reactor.clock.advance(1_000);
		expect(reactor.trips).toEqual(["pump-lost: pump-lost", "lid-open: trip"]);
		expect(reactor.devices.io.values.stop).toBe(0);
		reactor.devices.io.values.pump = 1;
		await reactor.clock.advance(1_000);
		reactor.supervisor.alarms.acknowledge("interlock.pump-lost", "test");
		reactor.supervisor.reset("pump-lost", "test");
		void reactor.supervisor.makeSafe("trip", "again");
		await reactor.clock.advance(3_000);
		expect(reactor.devices.io.values.stop).toBe(0);
		reactor.devices.io.values.lid = 1;
		await reactor.clock.advance(1_000);
		reactor.supervisor.alarms.acknowledge("interlock.lid-open", "test");
		reactor.supervisor.reset("lid-open", "test");
		void reactor.supervisor.makeSafe("trip", "abort");
		await reactor.clock.advance(3_000);
		expect(reactor.devices.io.values.stop).toBe(1);
	});
});

describe("a trip", () => {
	it("comes before anything that could fail in telling of it", async () => {
		await deposit();
		vi.spyOn(reactor.journal, "append").mockImplementation(() => {
			throw new Error("disk full");
		});
		reactor.devices.io.values.lid = 0;
		await reactor.plant.device("io").poll();
		expect(() => {
			vi.spyOn(reactor.plant, "reading").mockReturnValue({ value: null, unit: "1", quality: "fault", atMs: 0 });
			reactor.supervisor.sampled();
		}).toThrow("disk full");
		await Promise.resolve();
		expect(reactor.devices.io.told[0]).toBe("safe");
		vi.restoreAllMocks();
	});

	it("is told once, with its effect", async () => {
		await deposit();
		reactor.devices.stage.values.temperature = 195;
		await reactor.clock.advance(5_000);
		expect(reactor.trips).toEqual(["over-temperature.stage: trip", "melt-guard.stage: trip"]);
		expect(reactor.journal.records.filter((record) => record.kind === "interlock")).toHaveLength(2);
	});
});
