import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { FAULT_KINDS } from "#lab/fault-kinds.js";
import type { FaultRequest } from "#lab/faults.js";
import { clientOf, newLab, PLAN } from "./support.js";

const UNIT_1 = [0x75, 1] as const;
const ASK_FLOW = [50] as const;
const PUMPED = { pumped: true };

function problemsOf(act: () => unknown): string[] {
	try {
		act();
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(AdlayerError);
		expect((thrown as AdlayerError).code).toBe("USAGE");
		return (thrown as AdlayerError).problems.map(({ path }) => path!);
	}
	throw new Error("Nothing was refused.");
}

/** A request for every kind that this lab has a target for, on the first; it has no cells. */
const REQUESTS: FaultRequest[] = newLab()
	.faults.offers.filter(({ of }) => of !== "cell")
	.map(({ kind, targets, value }) => ({
		kind,
		...(targets.length === 0 ? {} : { target: targets[0]! }),
		...(value === null ? {} : { value: value.max === 1 ? 0.5 : value.max / 2 }),
	}));

describe("the table of faults", () => {
	it("offers every kind with targets of this lab by the names of its lab file", () => {
		const { offers } = newLab().faults;
		expect(offers.map(({ kind }) => kind)).toEqual(Object.keys(FAULT_KINDS));
		const targets = Object.fromEntries(offers.map((offer) => [offer.kind, offer.targets]));
		expect(targets["valve-leak"]).toEqual(["TMA", "H2O", "stop"]);
		expect(targets["gauge-dead"]).toEqual(["gauge.chamber", "gauge.foreline"]);
		expect(targets["sensor-break"]).toEqual(["stage", "wall"]);
		expect(targets.unplugged).toEqual(["stage", "wall", "io", "gauge", "carrier"]);
		expect(targets["input-open"]).toEqual(["io.pump_running", "io.lid_closed"]);
		expect(targets["pump-off"]).toEqual([]);
	});

	it("has a contact for every digital input that the lab file names, with or without a role", () => {
		const instruments = PLAN.instruments.map((each) => {
			const inputs = { ...(each.settings as { inputs?: object }).inputs, door: "DIO5" };
			return each.name === "io" ? { ...each, settings: { ...each.settings, inputs } } : each;
		});
		const lab = newLab({ plan: { ...PLAN, instruments } });
		const io = clientOf(lab, "io");
		expect(io.ask(200)).toBe("\u0001\u0001\u0001");
		lab.faults.begin({ kind: "input-open", target: "io.door" });
		expect(io.ask(200)).toBe("\u0001\u0001\u0000");
		lab.twin.setPump(false);
		lab.faults.begin({ kind: "input-made", target: "io.pump_running" });
		expect(io.ask(200)).toBe("\u0001\u0001\u0000");
		lab.faults.clear();
		expect(io.ask(200)).toBe("\u0000\u0001\u0001");
	});

	it.each(REQUESTS)("begins, lists, ends in time and clears $kind", (request) => {
		const lab = newLab(PUMPED);
		lab.advanceTo(1_000);
		const { kind, target = null } = request;
		expect(lab.faults.begin({ ...request, forS: 5 })).toMatchObject({ kind, target, sinceS: 1, untilS: 6 });
		expect(lab.faults.active).toHaveLength(1);
		lab.advanceTo(5_999);
		expect(lab.faults.active).toHaveLength(1);
		lab.advanceTo(6_000);
		expect(lab.faults.active).toEqual([]);
		lab.faults.begin({ ...request, forS: 5 });
		expect(lab.faults.clear({ kind })).toHaveLength(1);
		expect(() => lab.faults.clear({ kind })).toThrowError(/not active/);
		expect(lab.faults.clear()).toEqual([]);
	});

	it.each(REQUESTS)("refuses $kind with wrong arguments, all at once, and does nothing", (request) => {
		const lab = newLab(PUMPED);
		const { value: wanted, of } = FAULT_KINDS[request.kind]!;
		const wrong = { ...request, target: "nothing", value: 1e9, forS: 0, seed: 0.5 };
		expect(problemsOf(() => lab.faults.begin(wrong))).toEqual(["target", "value", "forS", "seed"]);
		const bare = [
			...(of === "reactor" ? [] : ["target"]),
			...(wanted && wanted.otherwise === undefined ? ["value"] : []),
		];
		if (bare.length > 0) expect(problemsOf(() => lab.faults.begin({ kind: request.kind }))).toEqual(bare);
		expect(lab.faults.active).toEqual([]);
	});

	it("refuses a kind that there is none of, naming those there are", () => {
		for (const kind of ["valve", "toString", "", 5 as never]) {
			expect(() => newLab().faults.begin({ kind })).toThrowError(/valve-stuck-open, .*input-made/);
		}
		expect(problemsOf(() => newLab().faults.clear({ target: "TMA" }))).toEqual(["kind"]);
	});

	it("lets one of two that exclude each other take the other's place", () => {
		const lab = newLab(PUMPED);
		lab.faults.begin({ kind: "valve-stuck-open", target: "TMA" });
		lab.faults.begin({ kind: "valve-stuck-shut", target: "TMA" });
		expect(lab.faults.active.map(({ kind }) => kind)).toEqual(["valve-stuck-shut"]);
		expect(lab.twin.isValveOpen("TMA")).toBe(false);
	});
});

describe("a broken valve", () => {
	it("stands as it is stuck, and does again what it was told last once it is mended", () => {
		const lab = newLab(PUMPED);
		lab.faults.begin({ kind: "valve-stuck-shut", target: "stop" });
		lab.twin.setValve("stop", true, 0);
		expect(lab.twin.isValveOpen("stop")).toBe(false);
		lab.faults.clear();
		expect(lab.twin.isValveOpen("stop")).toBe(true);
		lab.faults.begin({ kind: "valve-stuck-open", target: "TMA" });
		expect(lab.twin.isValveOpen("TMA")).toBe(true);
		lab.faults.clear();
		expect(lab.twin.isValveOpen("TMA")).toBe(false);
	});

	it("leaks precursor while it is shut", () => {
		const lab = newLab(PUMPED);
		lab.advanceTo(1_000);
		expect(lab.truth().deliveredMg.TMA).toBe(0);
		lab.faults.begin({ kind: "valve-leak", target: "TMA", value: 0.01 });
		lab.advanceTo(2_000);
		expect(lab.truth().deliveredMg.TMA).toBeGreaterThan(0);
		expect(lab.twin.isValveOpen("TMA")).toBe(false);
	});

	it("lets the chamber be pumped through a leaking stop valve", () => {
		const tight = newLab(PUMPED);
		const leaking = newLab(PUMPED);
		leaking.faults.begin({ kind: "valve-leak", target: "stop", value: 0.5 });
		for (const lab of [tight, leaking]) lab.advanceTo(3_600_000);
		expect(leaking.twin.chamberPa).toBeLessThan(0.1 * tight.twin.chamberPa);
	});
});

describe("a broken gauge", () => {
	const chamber = (lab: ReturnType<typeof newLab>) => clientOf(lab, "gauge").ask(1).split(" ")[0];

	it("is dead, frozen, drifting or noisy, while the other channel is well", () => {
		const lab = newLab({ pumped: true });
		const foreline = () => clientOf(lab, "gauge").ask(1).split(" ")[1];
		lab.faults.begin({ kind: "gauge-frozen", target: "gauge.chamber" });
		const shown = chamber(lab);
		lab.advanceTo(60_000);
		expect(chamber(lab)).toBe(shown);
		expect(lab.twin.chamberPa).toBeGreaterThan(2 * Number(shown));
		lab.faults.begin({ kind: "gauge-dead", target: "gauge.chamber" });
		expect(chamber(lab)).toBe("null");
		expect(foreline()).toBe(String(lab.twin.forelinePa));
		lab.faults.clear();
		lab.faults.begin({ kind: "gauge-drift", target: "gauge.chamber", value: 10 });
		lab.advanceTo(120_000);
		expect(Number(chamber(lab))).toBeCloseTo(1.1 * lab.twin.chamberPa, 6);
		lab.faults.clear();
		expect(Number(chamber(lab))).toBe(lab.twin.chamberPa);
	});

	it("is noisy by its seed", () => {
		const noisy = (seed: number) => {
			const lab = newLab(PUMPED);
			lab.faults.begin({ kind: "gauge-noise", target: "gauge.chamber", value: 10, seed });
			return Array.from({ length: 200 }, () => Number(chamber(lab)) / lab.twin.chamberPa - 1);
		};
		const errors = noisy(1);
		expect(noisy(1)).toEqual(errors);
		expect(noisy(2)).not.toEqual(errors);
		const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
		expect(rms).toBeGreaterThan(0.07);
		expect(rms).toBeLessThan(0.13);
	});
});

describe("a broken zone", () => {
	it("has a sensor that is broken, slipped or drifting", () => {
		const lab = newLab();
		const heaters = clientOf(lab, "heaters");
		lab.faults.begin({ kind: "sensor-offset", target: "stage", value: -5 });
		expect(heaters.ask(...UNIT_1)).toBe("stage 17.0");
		lab.faults.begin({ kind: "sensor-drift", target: "stage", value: 2 });
		lab.advanceTo(60_000);
		expect(heaters.ask(...UNIT_1)).toBe("stage 19.0");
		lab.faults.begin({ kind: "sensor-break", target: "stage" });
		expect(heaters.ask(...UNIT_1)).toBe("stage undefined");
	});

	it("has a heater that is dead, weak or stuck on, and heats as it is told again when mended", () => {
		const after = (request?: Omit<FaultRequest, "target">) => {
			const lab = newLab();
			clientOf(lab, "heaters").ask(0x68, 1, 40);
			if (request !== undefined) lab.faults.begin({ ...request, target: "stage" });
			lab.advanceTo(600_000);
			const hotC = lab.twin.zoneC("stage");
			lab.faults.clear();
			lab.advanceTo(12_000_000);
			return [hotC, lab.twin.zoneC("stage")] as const;
		};
		const [wellC, settledC] = after();
		expect(after({ kind: "heater-dead" })[0]).toBe(22);
		expect(after({ kind: "heater-weak", value: 0.5 })[0]).toBeCloseTo(22 + (wellC - 22) / 2, 6);
		expect(after({ kind: "heater-stuck-on" })[0]).toBeGreaterThan(2 * wellC);
		for (const kind of ["heater-dead", "heater-stuck-on"]) expect(after({ kind })[1]).toBeCloseTo(settledC, 3);
	});
});

describe("a broken instrument", () => {
	it("is slow: replies come later, in their order, exactly when due", () => {
		const lab = newLab();
		const heaters = clientOf(lab, "heaters");
		lab.faults.begin({ kind: "slow", target: "stage", value: 700 });
		expect(heaters.ask(...UNIT_1)).toBe("");
		lab.advanceTo(699);
		expect(heaters.raw).toHaveLength(0);
		expect(heaters.ask(0x75, 2)).toBe("wall 22.0");
		lab.advanceTo(700);
		expect(heaters.raw).toHaveLength(2);
	});

	it("answers twice, or late by chance", () => {
		const lab = newLab();
		const flow = clientOf(lab, "carrier");
		lab.faults.begin({ kind: "doubled", target: "carrier" });
		flow.ask(...ASK_FLOW);
		lab.advanceTo(10);
		expect(flow.raw).toHaveLength(2);
		lab.faults.clear();
		lab.faults.begin({ kind: "late", target: "carrier", value: 500 });
		let late = 0;
		for (let asked = 0; asked < 60; asked += 1) {
			if (flow.ask(...ASK_FLOW) === "") late += 1;
			lab.advanceTo(lab.nowMs + 1_000);
			expect(flow.raw).toHaveLength(1);
		}
		expect(late).toBeGreaterThan(8);
		expect(late).toBeLessThan(40);
	});

	it("garbles by its seed", () => {
		const garbled = (seed: number) => {
			const lab = newLab();
			lab.faults.begin({ kind: "garbling", target: "carrier", value: 0.3, seed });
			const flow = clientOf(lab, "carrier");
			return Array.from({ length: 40 }, () => flow.ask(...ASK_FLOW));
		};
		expect(garbled(7)).toEqual(garbled(7));
		expect(garbled(7)).not.toEqual(garbled(8));
		expect(new Set(garbled(7)).size).toBeGreaterThan(5);
	});

	it("is off for a while, and comes back as after power-up", () => {
		const lab = newLab();
		const io = lab.lines.find(({ name }) => name === "io")!.members[0]!;
		const client = clientOf(lab, "io");
		lab.faults.begin({ kind: "power-cycle", target: "io", forS: 3 });
		expect(client.ask(200)).toBe("");
		lab.advanceTo(3_000);
		expect(client.ask(200)).not.toBe("");
		expect(io.isPowered).toBe(true);
		lab.silence("io", true);
		lab.faults.begin({ kind: "power-cycle", target: "io" });
		expect(client.ask(200)).toBe("");
		expect(lab.faults.active).toEqual([]);
	});
});

describe("a broken reactor", () => {
	it("has an empty bottle until it is changed", () => {
		const lab = newLab(PUMPED);
		const full = lab.twin.bottleGrams("H2O");
		lab.faults.begin({ kind: "bottle-empty", target: "H2O" });
		lab.advanceTo(30_000);
		lab.twin.setValve("H2O", true, 30_000);
		lab.advanceTo(30_015);
		lab.twin.setValve("H2O", false, 30_015);
		expect(lab.truth().deliveredMg.H2O).toBeLessThan(1e-6);
		lab.faults.clear();
		expect(lab.twin.bottleGrams("H2O")).toBe(full);
	});

	it("has a weak pump, a leak, a carrier that is stuck: the pressures show it", () => {
		const settled = (request?: FaultRequest) => {
			const lab = newLab(PUMPED);
			lab.twin.setValve("stop", true, 0);
			lab.twin.setCarrierTarget(100);
			lab.advanceTo(30_000);
			if (request !== undefined) lab.faults.begin(request);
			lab.twin.setCarrierTarget(50);
			lab.advanceTo(90_000);
			return lab.twin;
		};
		const well = settled();
		expect(settled({ kind: "pump-weak", value: 0.25 }).forelinePa).toBeGreaterThan(3 * well.forelinePa);
		expect(settled({ kind: "chamber-leak", value: 100 }).chamberPa).toBeGreaterThan(1.5 * well.chamberPa);
		expect(settled({ kind: "carrier-stuck" }).carrierSccm).toBeCloseTo(100, 3);
		expect(settled({ kind: "carrier-lost" }).carrierSccm).toBeCloseTo(0, 3);
	});
});
