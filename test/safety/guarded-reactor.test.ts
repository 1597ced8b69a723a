import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeReactor, flowing } from "./fake-plant.js";
import { REACTOR } from "./support.js";

type Guarded = ReturnType<typeof fakeReactor>["guarded"];

let reactor: ReturnType<typeof fakeReactor>;

beforeEach(async () => {
	reactor = fakeReactor();
	await reactor.clock.advance(1_000);
});
afterEach(() => reactor.stop());

/** A run in deposition. */
const deposit = () => flowing(reactor, ["stage", "wall"]);

describe("the guarded reactor", () => {
	it("lets nothing through that its permit refuses, and sends not a byte", async () => {
		const { guarded, devices, pulses } = reactor;
		const refused = { code: "PERMIT_REFUSED" };
		await expect(guarded.armDose("TMA", 15)).rejects.toMatchObject(refused);
		await expect(guarded.fireDose("TMA", 15)).rejects.toMatchObject(refused);
		await expect(guarded.setCarrier(100, "test")).rejects.toMatchObject(refused);
		await expect(guarded.setZone("stage", 300, "test")).rejects.toMatchObject(refused);
		devices.io.values.pump = 0;
		await reactor.clock.advance(1_000);
		await expect(guarded.setStopValve(true, "test")).rejects.toMatchObject(refused);
		expect(Object.values(devices).flatMap(({ told }) => told)).toEqual([]);
		expect(pulses).toEqual([]);
	});

	it("asks at the moment of the act: an armed dose is not fired after a trip", async () => {
		await deposit();
		await reactor.guarded.armDose("TMA", 15);
		reactor.devices.io.values.lid = 0;
		await reactor.clock.advance(1_000);
		await expect(reactor.guarded.fireDose("TMA", 15)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(reactor.pulses).toEqual(["arm TMA 15"]);
	});

	it("counts a precursor as open from the permit until its line is proven low", async () => {
		await deposit();
		reactor.pulseCompletes = false;
		await reactor.guarded.fireDose("TMA", 15);
		await reactor.guarded.confirmDose("TMA", 0);
		expect(reactor.supervisor.doses.isOpen("TMA")).toBe(true);
		await expect(reactor.guarded.fireDose("H2O", 15)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		reactor.pulseCompletes = true;
		await reactor.guarded.confirmDose("TMA", reactor.clock.nowMs());
		expect(reactor.supervisor.doses.isOpen("TMA")).toBe(false);
	});

	it("takes a movement whose command fails for one that may have happened", async () => {
		await deposit();
		const { guarded, supervisor, devices, clock } = reactor;
		for (const device of [devices.io, devices.wall]) device.failure = reactor.silent("it");
		await guarded.setCarrier(0, "test");
		await clock.advance(1_000);
		await expect(guarded.setStopValve(false, "test")).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(supervisor.commanded.stopValve).toBe("unknown");
		supervisor.commanded.targetsC.delete("wall");
		await expect(guarded.setZone("wall", 110)).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(supervisor.commanded.targetsC.get("wall")).toBe(110);
	});

	it("takes a dose for open whose start was not acknowledged, until it is disarmed at its instrument", async () => {
		await deposit();
		const { guarded, supervisor, devices, pulses } = reactor;
		await guarded.armDose("TMA", 15);
		const fire = () => Promise.reject(reactor.silent("io"));
		devices.io.pulses = { ...devices.io.pulses!, fire };
		await expect(guarded.fireDose("TMA", 15)).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
		await guarded.disarm("TMA");
		expect(pulses).toEqual(["arm TMA 15", "disarm"]);
		expect(supervisor.doses.isOpen("TMA")).toBe(false);
	});

	it("takes no dose for over whose line reads high, though its pulse is said to be complete", async () => {
		await deposit();
		const { guarded, supervisor, devices, clock } = reactor;
		await guarded.armDose("TMA", 15);
		await guarded.fireDose("TMA", 15);
		const { pulses } = devices.io;
		devices.io.pulses = { ...pulses!, confirm: async () => ({ completed: true, widthMs: 15, lineLow: false }) };
		await expect(guarded.confirmDose("TMA", clock.nowMs())).resolves.toMatchObject({ completed: false });
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
		expect(supervisor.doses.purgedS("TMA", clock.nowMs() + 60_000)).toBe(0);
	});

	it("takes no dose for over whose pulse is not complete, though its line reads low between two edges", async () => {
		await deposit();
		const { guarded, supervisor, devices, clock } = reactor;
		await guarded.armDose("TMA", 15);
		await guarded.fireDose("TMA", 15);
		const { pulses } = devices.io;
		devices.io.pulses = { ...pulses!, confirm: async () => ({ completed: false, widthMs: 15, lineLow: true }) };
		await expect(guarded.confirmDose("TMA", clock.nowMs())).resolves.toMatchObject({ completed: false });
		expect(supervisor.doses.isOpen("TMA")).toBe(true);
	});

	it("knows the hottest zone that can heat the foil, corrected, by what is read for sure", async () => {
		await reactor.stop();
		const { stage, ...others } = REACTOR.zones;
		const second = { ...stage!, instrument: "wall", offsetC: -1, uncertaintyC: 3 };
		reactor = fakeReactor({ spec: { ...REACTOR, zones: { stage: stage!, ...others, wall: second } } });
		const { guarded, devices, clock } = reactor;
		expect(guarded.hottestFoilZone()).toBeUndefined();
		const reads = async (stageC: number, wallC: number) => {
			devices.stage.values.temperature = stageC;
			devices.wall.values.temperature = wallC;
			await clock.advance(1_000);
			return guarded.hottestFoilZone();
		};
		expect(await reads(50, 50)).toEqual({ celsius: 50.5, uncertaintyC: stage!.uncertaintyC });
		expect(await reads(50, 52)).toEqual({ celsius: 51, uncertaintyC: 3 });
		devices.wall.silence = reactor.silent("wall");
		expect(await reads(50, 90)).toEqual({ celsius: 50.5, uncertaintyC: stage!.uncertaintyC });
	});

	it("keeps a precursor open in its books when the safe state could not shut it", async () => {
		await deposit();
		await reactor.guarded.fireDose("TMA", 15);
		reactor.devices.io.failure = reactor.silent("io");
		void reactor.supervisor.makeSafe("trip", "test");
		await reactor.clock.advance(1_000);
		expect(reactor.supervisor.doses.isOpen("TMA")).toBe(true);
		reactor.devices.io.failure = undefined;
		await reactor.clock.advance(2_000);
		expect(reactor.supervisor.doses.isOpen("TMA")).toBe(false);
	});

	it("heats in the sensor's own degrees: the offset is taken off the target", async () => {
		await reactor.guarded.setZone("stage", 120, "test");
		expect(reactor.devices.stage.told).toEqual(["setpoint=119.5"]);
		expect(reactor.guarded.zone("stage").value).toBe(120);
	});

	it("does not shut the stop valve while carrier flows, and knows for what the chamber was shut off", async () => {
		await deposit();
		const { guarded, supervisor, devices } = reactor;
		await expect(guarded.setStopValve(false, "test")).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		await expect(guarded.shutOff("exposure", "test")).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(devices.io.told).toEqual([]);
		expect(supervisor.commanded).toMatchObject({ stopValve: "open", shutFor: undefined });
		await guarded.setCarrier(0, "test");
		devices.mfc.values.flow = 0;
		await reactor.clock.advance(1_000);
		await guarded.shutOff("exposure", "test");
		expect(devices.io.told).toEqual(["stop=0"]);
		expect(supervisor.commanded).toMatchObject({ stopValve: "shut", shutFor: "exposure" });
	});

	it("fills no chamber that is open to the pump, and doses by no instrument that cannot time a pulse", async () => {
		await deposit();
		const { guarded, devices } = reactor;
		await expect(guarded.fill(50, "test")).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		expect(devices.mfc.told).toEqual([]);
		delete devices.io.pulses;
		await expect(guarded.armDose("TMA", 15)).rejects.toMatchObject({
			code: "PERMIT_REFUSED",
			message: "Instrument io cannot time pulses by hardware; TMA is not dosed by it.",
		});
	});

	it("says beforehand whether a temperature may be gone to", async () => {
		expect(() => reactor.guarded.permitZone("wall", 110)).not.toThrow();
		expect(() => reactor.guarded.permitZone("wall", 300)).toThrowError(
			expect.objectContaining({ code: "PERMIT_REFUSED" }),
		);
	});

	it("records what is moved on whose behalf, but for the points of a ramp", async () => {
		const { guarded, journal } = reactor;
		const moved = () => journal.records.filter(({ kind }) => kind === "actuation");
		await guarded.setZone("wall", 100);
		expect(moved()).toEqual([]);
		guarded.run = "run-1";
		await guarded.setZone("wall", 110, "step 3");
		guarded.run = null;
		guarded.by = "mk";
		await guarded.setZone("wall", 120, "by hand");
		expect(moved().filter((record) => record.kind === "actuation" && record.outcome === "done")).toMatchObject([
			{ signal: "wall.setpoint", requested: 110, readBack: 110, run: "run-1", reason: "step 3" },
			{ signal: "wall.setpoint", requested: 120, readBack: 120, run: null, reason: "by hand", by: "mk" },
		]);
		expect(moved()[0]).not.toHaveProperty("by");
	});

	it("brings a zone that was ordered back to its order, and one that was not back to rest", async () => {
		const { guarded, devices, supervisor } = reactor;
		await guarded.setZone("wall", 110, "test");
		const backs = [await guarded.rememberZone("wall"), await guarded.rememberZone("stage")];
		for (const zone of ["wall", "stage"]) await guarded.setZone(zone, 120, "test");
		for (const device of [devices.wall, devices.stage]) device.told.length = 0;
		for (const back of backs) await back("test");
		expect(devices.wall.told).toEqual(["setpoint=110"]);
		expect(devices.stage.told).toEqual(["safe"]);
		expect([...supervisor.commanded.targetsC]).toEqual([["wall", 110]]);
	});

	it.each([
		["zone wall", "wall", "safe", (guarded: Guarded) => guarded.setZone("wall", 110, "test")],
		["the carrier", "mfc", "setpoint=100", (guarded: Guarded) => guarded.setCarrier(50, "test")],
		["the stop valve", "io", "stop=1", (guarded: Guarded) => guarded.setStopValve(true, "test")],
	] as const)(
		"takes %s over from a safe state, which does not order it any more",
		async (_what, name, undone, move) => {
			await deposit();
			const { guarded, supervisor, devices, clock } = reactor;
			await supervisor.makeSafe("trip", "test");
			await clock.advance(1_000);
			await move(guarded);
			const device = devices[name];
			device.told.length = 0;
			supervisor.instrumentChanged(name, true);
			await clock.advance(1_000);
			expect(device.told).not.toContain(undone);
		},
	);
});
