import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CarryTracker } from "#journal/carry.js";
import { fakeReactor } from "./fake-plant.js";
import { DECLARATION, REACTOR } from "./support.js";

type Reactor = ReturnType<typeof fakeReactor>;
let reactor: Reactor;
const reactors: Reactor[] = [];

async function come(options: Parameters<typeof fakeReactor>[0] = {}): Promise<void> {
	reactor = fakeReactor(options);
	reactors.push(reactor);
	await reactor.clock.advance(1_000);
}
beforeEach(() => come());
afterEach(async () => {
	for (const each of reactors.splice(0)) await each.stop();
});

async function flow(sccm = 100): Promise<void> {
	const { guarded, supervisor, devices } = reactor;
	if (supervisor.commanded.stopValve !== "open") await guarded.setStopValve(true, "test");
	await guarded.setCarrier(sccm, "test");
	devices.mfc.values.flow = sccm;
}

/** Both purged, then a dose of TMA at this moment. */
async function doseTma(): Promise<void> {
	const { guarded, supervisor, clock } = reactor;
	supervisor.declare(DECLARATION);
	await flow();
	await clock.advance(30_000);
	await guarded.armDose("TMA", 15);
	const { acknowledgedMs } = await guarded.fireDose("TMA", 15);
	await clock.advance(18);
	await guarded.confirmDose("TMA", acknowledgedMs + 15);
}

const purgedS = (precursor: string) => reactor.supervisor.doses.purgedS(precursor, reactor.clock.nowMs());
const water = () => reactor.guarded.permitDose("H2O", 15);

async function loseCarrier(): Promise<void> {
	reactor.devices.mfc.values.flow = 0;
	await reactor.clock.advance(10_000);
	expect(reactor.supervisor.latched).toContain("carrier-lost");
}

async function carrierReset(): Promise<void> {
	const { supervisor } = reactor;
	supervisor.alarms.acknowledge("interlock.carrier-lost", "Ada");
	supervisor.reset("carrier-lost", "Ada");
	await flow();
}

describe("the purge since a dose", () => {
	it("counts while carrier flows to the pump", async () => {
		await doseTma();
		await reactor.clock.advance(6_000);
		expect(purgedS("TMA")).toBeCloseTo(6, 0);
		expect(water).not.toThrow();
	});

	it("stands still while the chamber is shut off, however long that lasts", async () => {
		await doseTma();
		const { guarded, devices, clock } = reactor;
		await guarded.setCarrier(0, "test");
		devices.mfc.values.flow = 0;
		await guarded.setStopValve(false, "test");
		await clock.advance(600_000);
		await flow();
		await clock.advance(3_000);
		expect(purgedS("TMA")).toBeLessThan(3.1);
		expect(water).toThrowError(/Only [23]\.\d s of purge since TMA; 5 s are needed/);
		await clock.advance(3_000);
		expect(water).not.toThrow();
	});

	it("stands still without carrier until the pump has emptied the chamber", async () => {
		await doseTma();
		const { guarded, devices, clock } = reactor;
		await guarded.setCarrier(0, "test");
		devices.mfc.values.flow = 0;
		await clock.advance(60_000);
		expect(purgedS("TMA")).toBeLessThan(1);
		Object.assign(devices.gauge.values, { chamber: 1, foreline: 0.5 });
		await clock.advance(6_000);
		expect(purgedS("TMA")).toBeGreaterThan(4);
	});

	it("stands still while the pump stands", async () => {
		await doseTma();
		const { devices, clock } = reactor;
		devices.io.values.pump = 0;
		await clock.advance(120_000);
		expect(purgedS("TMA")).toBeLessThan(1);
		expect(purgedS("TMA")).toBeGreaterThanOrEqual(0);
	});

	it("of an exposure begins when a trip opens the chamber, as when the run does", async () => {
		const { guarded, supervisor, devices, clock } = reactor;
		supervisor.declare(DECLARATION);
		await flow();
		await clock.advance(30_000);
		await guarded.setCarrier(0, "test");
		devices.mfc.values.flow = 0;
		await guarded.shutOff("exposure", "test");
		await guarded.armDose("TMA", 15);
		const { acknowledgedMs } = await guarded.fireDose("TMA", 15);
		await clock.advance(18);
		await guarded.confirmDose("TMA", acknowledgedMs + 15);
		await clock.advance(60_000);
		devices.io.values.stop_button = 1;
		await clock.advance(2_000);
		expect(supervisor.commanded.stopValve).toBe("open");
		expect(purgedS("TMA")).toBeLessThan(2.1);
	});

	it("of another precursor is not taken back by it", async () => {
		await doseTma();
		const before = purgedS("H2O");
		await reactor.guarded.setCarrier(0, "test");
		reactor.devices.mfc.values.flow = 0;
		await reactor.clock.advance(60_000);
		expect(purgedS("H2O")).toBeGreaterThan(before - 1);
		expect(purgedS("H2O")).toBeLessThan(before + 1);
	});
});

describe("a chamber that has lost its carrier", () => {
	it.each([
		["weak flow", 70],
		["flow that nobody knows", Number.NaN],
	])("gets no dose before flow has lasted for the longest purge without a gap of %s", async (_, gapSccm) => {
		await doseTma();
		await loseCarrier();
		await carrierReset();
		const { clock, supervisor, devices } = reactor;
		await clock.advance(8_000);
		expect(() => reactor.guarded.permitDose("TMA", 15)).toThrowError(
			/carrier was lost: a purge of 10 s without a gap is needed; [78]\.\d s are done/,
		);
		devices.mfc.values.flow = gapSccm;
		await clock.advance(1_000);
		devices.mfc.values.flow = 100;
		await clock.advance(8_000);
		expect(() => reactor.guarded.permitDose("TMA", 15)).toThrowError(/carrier was lost/);
		expect(supervisor.alarms.isActive("chamber.unpurged")).toBe(true);
		await clock.advance(3_000);
		expect(supervisor.alarms.isActive("chamber.unpurged")).toBe(false);
		expect(() => reactor.guarded.permitDose("TMA", 15)).not.toThrow();
	});

	it("is not purged by being pumped empty without flow", async () => {
		await doseTma();
		await loseCarrier();
		await carrierReset();
		await flow(0);
		Object.assign(reactor.devices.gauge.values, { chamber: 1, foreline: 0.5 });
		await reactor.clock.advance(60_000);
		expect(reactor.supervisor.doses.isUnpurged).toBe(true);
	});

	it("is still told of a valve that is driven open without a dose", async () => {
		await doseTma();
		await loseCarrier();
		reactor.devices.io.values.TMA = 1;
		await reactor.clock.advance(2_000);
		expect(reactor.supervisor.latched).toContain("precursor-line-high");
	});

	it("stays unpurged over a restart of control", async () => {
		await doseTma();
		await loseCarrier();
		const carry = new CarryTracker();
		for (const record of reactor.journal.records) carry.follow(record);
		await come({ carry });
		const { supervisor, clock } = reactor;
		expect(supervisor.doses.isUnpurged).toBe(true);
		expect(supervisor.alarms.state("chamber.unpurged")).toBe("unacknowledged");
		await clock.advance(60_000);
		expect(purgedS("TMA")).toBe(0);
		supervisor.declare(DECLARATION);
		await carrierReset();
		await clock.advance(12_000);
		expect(supervisor.doses.isUnpurged).toBe(false);
	});

	it("and was purged before control restarted is not unpurged anew", async () => {
		await doseTma();
		await loseCarrier();
		await carrierReset();
		await reactor.clock.advance(20_000);
		const carry = new CarryTracker();
		for (const record of reactor.journal.records) carry.follow(record);
		await come({ carry });
		expect(reactor.supervisor.doses.isUnpurged).toBe(false);
	});

	it.each([
		["as long as the lab file says for doses by hand", { TMA: 20, H2O: 40 }, 35, 45],
		["until somebody declares how long, where the lab file says nothing", undefined, 3_600, undefined],
	])("while no run declares anything stays so %s", async (_, purgeS, stillAtS, overAtS) => {
		const manual = purgeS === undefined ? {} : { manual: { idleS: 600, purgeS } };
		await come({ spec: { ...REACTOR, ...manual } });
		await doseTma();
		await loseCarrier();
		reactor.supervisor.declare(null);
		await carrierReset();
		await reactor.clock.advance(stillAtS * 1_000);
		expect(reactor.supervisor.doses.isUnpurged).toBe(true);
		if (overAtS !== undefined) await reactor.clock.advance((overAtS - stillAtS) * 1_000);
		else reactor.supervisor.declare(DECLARATION);
		await reactor.clock.advance(1_000);
		expect(reactor.supervisor.doses.isUnpurged).toBe(false);
	});
});
