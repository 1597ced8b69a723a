import { describe, expect, it } from "vitest";
import { Bench, connectedBench, H2O, SETTINGS, STOP, TMA } from "./bench.js";

describe("the watchdog", () => {
	it("shuts the precursor valves and opens the stop valve when control stops feeding", async () => {
		const bench = await connectedBench();
		await bench.device.set("TMA", 1);
		await bench.device.set("H2O", 1);
		await bench.clock.advance(1_990);
		expect([bench.valve(TMA), bench.valve(H2O), bench.valve(STOP)]).toEqual([1, 1, 0]);
		await bench.clock.advance(20);
		expect([bench.valve(TMA), bench.valve(H2O), bench.valve(STOP)]).toEqual([0, 0, 1]);
	});

	it("is not fed by other traffic", async () => {
		const bench = await connectedBench();
		await bench.device.set("TMA", 1);
		for (let i = 0; i < 15; i += 1) {
			await bench.clock.advance(100);
			await bench.device.poll();
		}
		await bench.clock.advance(510);
		expect(bench.valve(TMA)).toBe(0);
	});

	it("stays quiet while it is fed", async () => {
		const bench = await connectedBench();
		await bench.device.set("TMA", 1);
		await bench.feedFor(30_000);
		expect(bench.valve(TMA)).toBe(1);
		expect(bench.simulator.watchdog.timeouts).toBe(0);
	});

	it("is told apart by the poll after it has acted", async () => {
		const bench = await connectedBench();
		await bench.clock.advance(3_000);
		await expect(bench.device.poll()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("stop (high)"),
		});
	});

	it("is fed by the key alone, with one exchange", async () => {
		const bench = await connectedBench();
		await bench.device.watchdog.feed();
		// 61614, the key "ADLY"
		expect(bench.sent.map((request) => request.slice(14))).toEqual(["10f0ae00020441444c59"]);
		await bench.device.set("TMA", 1);
		await bench.clock.advance(1_500);
		bench.simulator.writeHolding(61_614, [0, 1]);
		await bench.clock.advance(600);
		expect(bench.valve(TMA)).toBe(0);
	});

	it("gives its time-out in ms", () => {
		expect(new Bench({ ...SETTINGS, watchdog_s: 3 }).device.watchdog.timeoutMs).toBe(3_000);
	});

	it("writes its flash once, and again only for other settings", async () => {
		const bench = await connectedBench();
		const writes = bench.simulator.watchdog.flashWrites;
		const { warnings } = await bench.device.connect();
		expect(warnings).toEqual([]);
		expect(bench.simulator.watchdog.flashWrites).toBe(writes);
		bench.simulator.writeHolding(61_600, [0, 0]);
		bench.simulator.writeHolding(61_604, [0, 30]);
		await bench.device.connect();
		expect(bench.simulator.readHolding(61_600, 8)).toEqual([0, 1, 0, 0, 0, 2, 1, 20_864]);
	});

	it("is in strict mode, resets nothing, and touches only the lines of the lab", async () => {
		const bench = await connectedBench();
		expect(bench.simulator.readHolding(61_610, 4)).toEqual([0, 1, 0x4144, 0x4c59]);
		expect(bench.simulator.readHolding(61_620, 2)).toEqual([0, 0]);
		// DIO_ENABLE, STATE (stop high), DIRECTION (DIO2, 3, 8), INHIBIT (all others)
		expect(bench.simulator.readHolding(61_630, 8)).toEqual([0, 1, 0, 0x0100, 0, 0x010c, 0x007f, 0xfef3]);
	});

	it("refuses an instrument that does not take its settings over", async () => {
		const bench = new Bench();
		const write = bench.simulator.writeHolding.bind(bench.simulator);
		bench.simulator.writeHolding = (address, words) => {
			if (address !== 61_610) write(address, words);
		};
		await expect(bench.device.connect()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			context: { address: 61_610 },
		});
	});

	it("is not kept quiet by connections that never come as far as a poll", async () => {
		const bench = await connectedBench();
		for (let attempt = 0; attempt < 4; attempt += 1) {
			await bench.clock.advance(600);
			await bench.device.connect();
		}
		expect(bench.simulator.watchdog.timeouts).toBeGreaterThan(0);
	});

	it("moves nothing after a power cut until the instrument has been fed again", async () => {
		const bench = await connectedBench();
		await bench.device.poll();
		await bench.device.set("stop", 1);
		bench.simulator.powerCycle();
		await bench.clock.advance(3_600_000);
		expect([bench.valve(TMA), bench.valve(STOP)]).toEqual(["floating", "floating"]);
		await bench.device.connect();
		await bench.clock.advance(2_100);
		expect([bench.valve(TMA), bench.valve(STOP)]).toEqual([0, 1]);
	});

	it("shuts valves again from a watchdog that another program left unstrict", async () => {
		const bench = new Bench();
		bench.simulator.writeHolding(61_604, [0, 1]);
		bench.simulator.writeHolding(61_630, [0, 1, 0, 0, 0, 0x010c]);
		bench.simulator.writeHolding(61_600, [0, 1]);
		await bench.device.connect();
		await bench.device.set("TMA", 1);
		await bench.clock.advance(1_500);
		expect(bench.valve(TMA)).toBe(1);
		await bench.clock.advance(600);
		expect(bench.valve(TMA)).toBe(0);
	});
});
