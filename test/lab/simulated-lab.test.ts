import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { serveMemory } from "#lab/serve-memory.js";
import { clientOf, type IoSimulator, newLab, PLAN } from "./support.js";

const UNIT_1 = [0x75, 1] as const;

function ioOf(lab: ReturnType<typeof newLab>): IoSimulator {
	return lab.lines.find(({ name }) => name === "io")!.members[0]!.simulator as IoSimulator;
}

describe("the simulated lab", () => {
	it("lets every unit on a shared line hear, and the addressed one answer", () => {
		const lab = newLab();
		const heaters = clientOf(lab, "heaters");
		expect(heaters.ask(...UNIT_1)).toBe("stage 22.0");
		expect(heaters.ask(0x75, 2)).toBe("wall 22.0");
		expect(heaters.ask(0x75, 9)).toBe("");
	});

	it("joins each temperature controller to its zone", () => {
		const lab = newLab();
		const heaters = clientOf(lab, "heaters");
		heaters.ask(0x68, 1, 50);
		lab.advanceTo(600_000);
		expect(lab.twin.zoneC("stage")).toBeGreaterThan(70);
		expect(lab.twin.zoneC("wall")).toBeLessThan(30);
		expect(heaters.ask(...UNIT_1)).toBe(`stage ${lab.twin.zoneC("stage").toFixed(1)}`);
	});

	it("joins gauges by role and leaves unused channels without a sensor", () => {
		const lab = newLab();
		const [chamber, foreline, third] = clientOf(lab, "gauge").ask(0).split(" ");
		expect(Number(chamber)).toBe(101_325);
		expect(Number(foreline)).toBeLessThan(1);
		expect(third).toBe("null");
	});

	it("joins the flow controller and the contacts", () => {
		const lab = newLab();
		clientOf(lab, "carrier").ask(100);
		const io = clientOf(lab, "io");
		io.ask(200);
		expect([...io.raw[0]!]).toEqual([1, 1, 1]);
		lab.twin.setPump(false);
		io.ask(200);
		expect([...io.raw[0]!]).toEqual([0, 1, 1]);
		lab.advanceTo(3_000);
		expect(lab.twin.carrierSccm).toBeCloseTo(100, 1);
	});

	it("steps exactly to the edges of a pulse, wherever the grid is", () => {
		const lab = newLab();
		const io = clientOf(lab, "io");
		lab.advanceTo(1_003.25);
		io.ask(108);
		clientOf(lab, "carrier").ask(100);
		// Long enough for the water of the room's air to leave the cold walls.
		lab.advanceTo(300_000);
		io.ask(2);
		lab.advanceTo(300_015.4);
		expect(lab.twin.isValveOpen("TMA")).toBe(true);
		lab.advanceTo(301_000);
		expect(lab.twin.isValveOpen("TMA")).toBe(false);
		expect(ioOf(lab).advances).toContain(300_015.5);
		expect(lab.truth().doses).toEqual({ TMA: 1, H2O: 0 });
		expect(lab.truth().violations).toEqual([]);
	});

	it("never steps further than the grid", () => {
		const lab = newLab();
		lab.advanceTo(10_000);
		const { advances } = ioOf(lab);
		for (let i = 1; i < advances.length; i += 1) expect(advances[i]! - advances[i - 1]!).toBeLessThanOrEqual(250);
	});

	it("shuts normally-closed valves while their lines float", () => {
		const lab = newLab({ pumped: true });
		clientOf(lab, "io").ask(108);
		expect(lab.twin.isValveOpen("stop")).toBe(true);
		lab.powerCycle("io");
		expect(ioOf(lab).cycles).toBe(1);
		expect(lab.twin.isValveOpen("stop")).toBe(false);
	});

	it("silences one instrument of a line and leaves the others", () => {
		const lab = newLab();
		const heaters = clientOf(lab, "heaters");
		lab.silence("stage", true);
		expect(heaters.ask(...UNIT_1)).toBe("");
		expect(heaters.ask(0x75, 2)).toBe("wall 22.0");
		lab.silence("stage", false);
		expect(heaters.ask(...UNIT_1)).toBe("stage 22.0");
		expect(() => lab.silence("nothing", true)).toThrow(AdlayerError);
	});

	it("refuses a plan that does not fit the reactor, all problems at once", () => {
		const { reactor } = PLAN;
		const plan = { ...PLAN, foil: "Au", reactor: { ...reactor, zones: { roof: { instrument: "stage" } } } };
		try {
			newLab({ plan });
			expect.unreachable();
		} catch (thrown) {
			expect((thrown as AdlayerError).code).toBe("LAB_FILE_INVALID");
			expect((thrown as AdlayerError).problems.map(({ path }) => path)).toEqual([
				"simulation.foil",
				"reactor.zones.roof",
			]);
		}
	});

	it("refuses addresses of real instruments and of no sense", () => {
		for (const address of ["serial:/dev/ttyUSB0", "mqtt://host:1883/x", "simulated:a?unit=0", "tcp://host:99999"]) {
			const instruments = [{ ...PLAN.instruments[0]!, address }];
			expect(() => newLab({ plan: { ...PLAN, instruments } })).toThrow(
				expect.objectContaining({ code: "ADDRESS_INVALID" }),
			);
		}
	});
});

describe("the simulated lab in memory", () => {
	it("answers within microtasks, at the clock's time", async () => {
		const clock = new SteppedClock({ startMs: 5_000, wallStartMs: 0 });
		const lab = newLab();
		const memory = serveMemory(lab, clock);
		const stream = await memory.opener("heaters")();
		const answers: string[] = [];
		stream.onBytes((bytes) => answers.push(new TextDecoder().decode(bytes)));
		stream.write(Uint8Array.of(0x68, 1, 100));
		await clock.advance(60_000);
		stream.write(Uint8Array.from(UNIT_1));
		for (let i = 0; i < 10; i += 1) await Promise.resolve();
		expect(answers).toHaveLength(2);
		expect(lab.nowMs).toBe(60_000);
		expect(answers[1]).toBe(`stage ${lab.twin.zoneC("stage").toFixed(1)}`);
		memory.close();
		expect(clock.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
	});

	it("names its lines when asked for another", () => {
		const memory = serveMemory(newLab(), new SteppedClock({ wallStartMs: 0 }));
		expect(() => memory.opener("nowhere")).toThrow("heaters, io, gauge, carrier");
	});
});
