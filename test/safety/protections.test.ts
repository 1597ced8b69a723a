/** What each small protection of supervisor, latch, safe state and actuators is there for. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SafetyView } from "#safety/interlock.js";
import { Latch } from "#safety/latch.js";
import { BEAT_MS } from "#safety/supervisor.js";
import { blind, fakeReactor, flowing } from "./fake-plant.js";
import { DECLARATION } from "./support.js";

let reactor: ReturnType<typeof fakeReactor>;

beforeEach(async () => {
	reactor = fakeReactor();
	await reactor.clock.advance(1_000);
});
afterEach(async () => {
	vi.restoreAllMocks();
	await reactor.stop();
});

async function press(isPressed: boolean): Promise<void> {
	reactor.devices.io.values.stop_button = isPressed ? 1 : 0;
	await reactor.clock.advance(1_000);
}

/** A foreline above the chamber lets no stop valve open. */
const gas = (chamber: number, foreline: number) => Object.assign(reactor.devices.gauge.values, { chamber, foreline });

describe("a latch", () => {
	const at = (nowMs: number) => ({ nowMs }) as SafetyView;
	const finding = { cause: "It is there.", value: null, limit: null, unit: null };
	const latch = (judge: () => typeof finding | undefined) =>
		new Latch({
			...{ id: "x", title: "X", effect: "trip", response: "", delayMs: 1_000, consecutiveReadings: 1 },
			judge,
		});

	it("counts its delay from the last time that the cause came, not from the first", () => {
		let isThere = true;
		const of = latch(() => (isThere ? finding : undefined));
		of.judge(at(0));
		isThere = false;
		of.judge(at(500));
		isThere = true;
		of.judge(at(900));
		expect(of.judge(at(1_500))).toBeUndefined();
		expect(of.judge(at(1_900))).toBe("tripped");
	});

	it("waits for no delay when it cannot judge", () => {
		const of = latch(() => {
			throw new Error("broken");
		});
		expect(of.judge(at(0))).toBe("tripped");
	});
});

describe("a reset", () => {
	it("is refused before the alarm is acknowledged", async () => {
		await press(true);
		await press(false);
		expect(() => reactor.supervisor.reset("emergency-stop", "Ada")).toThrowError(
			expect.objectContaining({ code: "INTERLOCK_TRIPPED", message: expect.stringMatching(/not yet acknowledged/) }),
		);
	});

	it("of an alarm that is shelved is refused too, and says what to do first", async () => {
		const { supervisor } = reactor;
		await press(true);
		await press(false);
		supervisor.alarms.shelve("interlock.emergency-stop", { by: "Ada", reason: "noise", for: 60 });
		expect(() => supervisor.reset("emergency-stop", "Ada")).toThrowError(
			expect.objectContaining({
				message: expect.stringMatching(/is shelved/),
				hint: expect.stringMatching(/unshelve.*acknowledge/i),
			}),
		);
	});

	it("judges this moment, not the last sample", async () => {
		const { supervisor, plant } = reactor;
		await press(true);
		await press(false);
		supervisor.alarms.acknowledge("interlock.emergency-stop", "Ada");
		vi.spyOn(plant, "reading").mockReturnValue({ value: null, unit: "bool", quality: "stale", atMs: 0 });
		expect(() => supervisor.reset("emergency-stop", "Ada")).toThrowError(/still there/);
	});
});

describe("a run that is declared", () => {
	it.each([
		["after another that was pumped", 90, 700],
		["that has only come near its dose pressure", 400, 700],
	])("%s is not tripped by its vented chamber", async (_, formerPa, ventedPa) => {
		const { supervisor, clock } = reactor;
		gas(formerPa, 20);
		await clock.advance(2_000);
		supervisor.declare(DECLARATION);
		await clock.advance(2_000);
		// The same run goes on where it was never pumped.
		if (formerPa === 90) supervisor.declare(null);
		gas(ventedPa, 20);
		await clock.advance(2_000);
		if (formerPa === 90) supervisor.declare(DECLARATION);
		await clock.advance(3_000);
		expect(supervisor.latched).not.toContain("pressure-high");
	});
});

describe("a valve that may leak", () => {
	it("is not cleared by a low working pressure, only below base pressure", async () => {
		await flowing(reactor);
		const { supervisor, clock } = reactor;
		supervisor.doses.leak = { precursor: "TMA", baselinePa: undefined, carrierSccm: Number.NaN };
		gas(20, 10);
		await clock.advance(2_000);
		expect(supervisor.doses.leak).toBeDefined();
		gas(5, 1);
		await clock.advance(2_000);
		expect(supervisor.doses.leak).toBeUndefined();
	});
});

describe("the valve I/O", () => {
	it("that has come back leaves no dose open, and everything as just dosed", async () => {
		await flowing(reactor);
		const { supervisor, guarded, devices, clock } = reactor;
		reactor.pulseCompletes = false;
		await guarded.fireDose("TMA", 15);
		devices.io.silence = reactor.silent("io");
		devices.io.failure = devices.io.silence;
		await clock.advance(5_000);
		expect(supervisor.commanded.stopValve).toBe("unknown");
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
		devices.io.silence = undefined;
		devices.io.failure = undefined;
		await clock.advance(5_000);
		expect(supervisor.doses.isOpen("TMA")).toBe(false);
		expect(supervisor.doses.purgedS("H2O", clock.nowMs())).toBeLessThan(6);
	});

	it("that has come back gets the carrier of the standing safe state anew", async () => {
		await flowing(reactor);
		await press(true);
		const { devices, clock } = reactor;
		devices.io.silence = reactor.silent("io");
		await clock.advance(5_000);
		devices.mfc.told.length = 0;
		devices.io.silence = undefined;
		await clock.advance(5_000);
		expect(devices.mfc.told).toContain("setpoint=100");
	});
});

describe("the watchdogs", () => {
	it("are not fed while the course of the signals cannot be followed", async () => {
		vi.spyOn(reactor.supervisor.view.history, "push").mockImplementation(() => {
			throw new Error("broken");
		});
		await reactor.clock.advance(BEAT_MS);
		const before = reactor.feeds;
		await reactor.clock.advance(5_000);
		expect(reactor.feeds).toBe(before);
	});

	it("are not fed while the stop valve alone is not where the safe state wants it", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		vi.spyOn(devices.io, "set").mockRejectedValue(reactor.silent("io"));
		void supervisor.makeSafe("trip", "test");
		await clock.advance(2_000);
		const before = reactor.feeds;
		await clock.advance(5_000);
		expect(reactor.feeds).toBe(before);
	});

	it("are not fed for long over a dose that does not end", async () => {
		await flowing(reactor);
		reactor.pulseCompletes = false;
		await reactor.guarded.fireDose("TMA", 15);
		const before = reactor.feeds;
		await reactor.clock.advance(20_000);
		expect(reactor.feeds - before).toBeLessThanOrEqual(3);
	});
});

describe("the safe state", () => {
	it("opens the stop valve only after the precursors of the same instrument are proven shut", async () => {
		const { devices, supervisor, clock } = reactor;
		let shut = () => {};
		vi.spyOn(devices.io, "makeSafe").mockImplementation(
			() =>
				new Promise((resolve) => {
					shut = resolve;
				}),
		);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(900);
		expect(devices.io.told).not.toContain("stop=1");
		shut();
		await clock.advance(1);
		expect(devices.io.told).toContain("stop=1");
	});

	it("lets purge gas in only after the stop valve is open", async () => {
		const { devices, supervisor, clock } = reactor;
		let open = () => {};
		vi.spyOn(devices.io, "set").mockImplementation(
			(_signal, value) =>
				new Promise((resolve) => {
					open = () => resolve(value);
				}),
		);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(900);
		expect(devices.mfc.told).toEqual([]);
		open();
		await clock.advance(1);
		expect(devices.mfc.told).toEqual(["setpoint=100"]);
	});

	it("shuts an open stop valve when the pump has stopped, whatever the cause", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		blind();
		devices.io.values.pump = 0;
		await clock.advance(1_000);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(500);
		expect(devices.io.told).toContain("stop=0");
	});

	it("leaves an open stop valve open when only the foreline gauge is lost", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		devices.gauge.silence = reactor.silent("gauge");
		await clock.advance(5_000);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(2_000);
		expect(devices.io.told).toContain("stop=1");
		expect(devices.io.told).not.toContain("stop=0");
	});

	it("shuts a stop valve of which nobody knows where it is, when it may not be opened", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		blind();
		supervisor.commanded.stopValve = "unknown";
		gas(20, 500);
		await clock.advance(1_000);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(1_000);
		expect(devices.io.told).toContain("stop=0");
	});

	it("stops a purge that fills the chamber: the stop valve is told to be open, and is not", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		gas(300, 20);
		await clock.advance(1_000);
		void supervisor.makeSafe("trip", "test");
		await clock.advance(2_000);
		expect(devices.mfc.told.at(-1)).toBe("setpoint=0");
	});

	it("says of an actuator that failed although another order came meanwhile and is still on its way", async () => {
		await flowing(reactor);
		const { devices, supervisor, clock } = reactor;
		let fail = () => {};
		const set = vi.spyOn(devices.mfc, "set").mockImplementationOnce(
			() =>
				new Promise((_, reject) => {
					fail = () => reject(reactor.silent("mfc"));
				}),
		);
		void supervisor.makeSafe("pump-lost", "first");
		await clock.advance(500);
		set.mockImplementation(() => new Promise(() => {}));
		void supervisor.makeSafe("pump-lost", "second");
		fail();
		await clock.advance(1);
		expect(supervisor.alarms.isActive("safe-state.carrier")).toBe(true);
	});
});

describe("what was commanded", () => {
	it("counts as more flow before it flows, so that a full shut chamber is seen", async () => {
		await flowing(reactor);
		const { guarded, devices, supervisor } = reactor;
		devices.mfc.failure = reactor.silent("mfc");
		await guarded.setCarrier(150, "test").catch(() => {});
		expect(supervisor.commanded.carrierSccm).toBe(150);
		await guarded.setCarrier(50, "test").catch(() => {});
		expect(supervisor.commanded.carrierSccm).toBe(150);
	});

	it("of a stop valve that did not answer is not known", async () => {
		await flowing(reactor);
		const { guarded, devices, supervisor } = reactor;
		devices.mfc.values.flow = 0;
		await guarded.setCarrier(0, "test");
		devices.io.failure = reactor.silent("io");
		await guarded.setStopValve(false, "test").catch(() => {});
		expect(supervisor.commanded.stopValve).toBe("unknown");
	});

	it("of a zone whose controller did not answer counts as heated", async () => {
		await flowing(reactor);
		const { guarded, devices, supervisor } = reactor;
		devices.wall.failure = reactor.silent("wall");
		await guarded.setZone("wall", 100, "test").catch(() => {});
		expect(supervisor.commanded.targetsC.get("wall")).toBe(100);
	});

	it("ends the purpose for which the chamber was shut", async () => {
		await flowing(reactor);
		const { guarded, supervisor, devices } = reactor;
		await guarded.setCarrier(0, "test");
		devices.mfc.values.flow = 0;
		await guarded.shutOff("exposure", "test");
		expect(supervisor.commanded.shutFor).toBe("exposure");
		await guarded.setStopValve(true, "test");
		expect(supervisor.commanded.shutFor).toBeUndefined();
	});

	it("is moved although the journal refuses to be told", async () => {
		await flowing(reactor);
		const { guarded, journal, devices } = reactor;
		vi.spyOn(journal, "append").mockImplementation(() => {
			throw new Error("disk full");
		});
		await guarded.setCarrier(50, "test");
		expect(devices.mfc.told).toEqual(["setpoint=50"]);
		vi.restoreAllMocks();
	});
});

describe("a trip whose listener fails", () => {
	it("is latched and made safe all the same, and the failure is recorded", async () => {
		await flowing(reactor);
		reactor.trips.push = () => {
			throw new Error("no run");
		};
		await press(true);
		expect(reactor.supervisor.latched).toContain("emergency-stop");
		expect(reactor.journal.records).toContainEqual(
			expect.objectContaining({ kind: "note", code: "INTERNAL", message: "The run could not be held: no run" }),
		);
	});
});

describe("the chamber", () => {
	it("counts as above its level only at the flow of the last dose, and by a pressure that is known", async () => {
		await flowing(reactor);
		const { supervisor, guarded, devices, clock } = reactor;
		supervisor.doses.last = { precursor: "TMA", baselinePa: 45, carrierSccm: 50 };
		expect(guarded.isAboveBaseline).toBe(false);
		supervisor.doses.last = { precursor: "TMA", baselinePa: 85, carrierSccm: 100 };
		expect(guarded.isAboveBaseline).toBe(true);
		devices.gauge.silence = reactor.silent("gauge");
		await clock.advance(5_000);
		expect(guarded.isAboveBaseline).toBe(false);
	});
});

describe("a dose", () => {
	it("whose line still reads high has not ended, whatever the timer says", async () => {
		await flowing(reactor);
		const { guarded, devices, supervisor, clock } = reactor;
		await guarded.fireDose("TMA", 15);
		devices.io.pulses!.confirm = async () => ({ completed: true, widthMs: 15, lineLow: false });
		await expect(guarded.confirmDose("TMA", clock.nowMs())).resolves.toMatchObject({ completed: false });
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
	});

	it("that was disarmed is over", async () => {
		await flowing(reactor);
		const { guarded, supervisor } = reactor;
		await guarded.fireDose("TMA", 15);
		await guarded.disarm("TMA");
		expect(supervisor.doses.isOpen("TMA")).toBe(false);
	});
});
