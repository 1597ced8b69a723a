import { describe, expect, it } from "vitest";
import { Bench, connectedBench, SETTINGS, STOP, TMA } from "./bench.js";

/** The instrument's registers from `address` on read so, whatever was written. */
function reads(bench: Bench, address: number, ...words: number[]): void {
	const read = bench.simulator.readHolding.bind(bench.simulator);
	bench.simulator.readHolding = (from, count) =>
		read(from, count).map((word, index) => words[from + index - address] ?? word);
}

const FIRMWARE = 60_004;
const WATCHDOG_ENABLE = 61_600;
const DIO_STATE = 2_800;
const DIO_DIRECTION = 2_850;
/** Of DIO0; two registers a line. */
const FEATURE_ENABLE = 44_000;
const FEATURE_INDEX = 44_100;
const CONFIG_A = 44_300;
const CONFIG_C = 44_500;
const CLOCK0_ENABLE = 44_900;
const CLOCK0_ROLL = 44_904;

describe("what a T7 must prove before it is used", () => {
	it("is a firmware whose watchdog can be relied on", async () => {
		const bench = new Bench();
		// 1.0015 as a 32-bit float.
		reads(bench, FIRMWARE, 0x3f80, 0x3127);
		await expect(bench.device.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringMatching(/firmware 1\.0015; its watchdog needs 1\.0016/),
		});
	});

	it("is not asked of it without a time for its watchdog: then nothing is sent", async () => {
		const { watchdog_s: _, ...settings } = SETTINGS;
		const bench = new Bench(settings);
		await expect(bench.device.connect()).rejects.toThrow(/is controlled with a watchdog/);
		expect(bench.sent).toEqual([]);
	});

	it("is a watchdog that is in force, not only configured", async () => {
		const bench = new Bench();
		reads(bench, WATCHDOG_ENABLE, 0, 0);
		await expect(bench.device.connect()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			context: { address: WATCHDOG_ENABLE },
		});
	});

	it("is a watchdog that leaves the analog outputs alone", async () => {
		const bench = new Bench();
		bench.simulator.writeHolding(61_640, [0, 1]);
		bench.simulator.writeHolding(61_650, [0, 1]);
		await bench.device.connect();
		expect([61_640, 61_650].map((address) => bench.simulator.readHolding(address, 2))).toEqual([
			[0, 0],
			[0, 0],
		]);
	});

	it.each([
		["high", DIO_STATE, 0x0100],
		["no output any more", DIO_DIRECTION, 0x000c],
	])("is that no line of the lab is %s", async (_what, address, mask) => {
		const bench = new Bench();
		reads(bench, address, 0, mask);
		await expect(bench.device.connect()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("did not drive its outputs low"),
		});
	});

	it("is asked again within ten polls, also when it was once there", async () => {
		const bench = await connectedBench();
		await bench.device.poll();
		bench.simulator.writeHolding(WATCHDOG_ENABLE, [0, 0]);
		const polls = async () => {
			for (let times = 0; times < 10; times += 1) await bench.device.poll();
		};
		await expect(polls()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});
});

describe("a valve that was opened by hand without an answer", () => {
	it("counts as open: no pulse is armed on it, and the next poll says that nobody knows", async () => {
		const bench = await connectedBench();
		bench.losesRequest = () => true;
		const opening = bench.device.set("TMA", 1).catch((error: Error) => error);
		await bench.clock.advance(1_100);
		expect(await opening).toMatchObject({ code: "DEVICE_SILENT" });
		bench.losesRequest = () => false;
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({
			code: "OUTPUT_BUSY",
			message: expect.stringContaining("held open"),
		});
		await expect(bench.device.poll()).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		await bench.device.makeSafe();
		await expect(bench.device.poll()).resolves.toMatchObject({ TMA: { value: 0 } });
		await expect(bench.device.pulses.arm("TMA", 15)).resolves.toMatchObject({ widthMs: 15 });
		expect([bench.valve(TMA), bench.valve(STOP)]).toEqual([0, 0]);
	});
});

describe("a pulse that the instrument does not prove", () => {
	it("to have been armed as ordered is taken back, and the next one can be armed", async () => {
		const bench = await connectedBench();
		const read = bench.simulator.readHolding;
		reads(bench, CONFIG_A + 2 * TMA, 0, 7);
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		bench.simulator.readHolding = read;
		expect(bench.simulator.readHolding(FEATURE_ENABLE + 2 * TMA, 2)).toEqual([0, 0]);
		await expect(bench.device.pulses.arm("H2O", 15)).resolves.toMatchObject({ widthMs: 15 });
	});

	it.each([
		["another feature", FEATURE_INDEX + 2 * TMA, 3],
		["its feature off", FEATURE_ENABLE + 2 * TMA, 0],
		["a clock that rolls sooner", CLOCK0_ROLL, 5],
	])("to have been armed with what was written, but holds %s, is not armed", async (_what, address, value) => {
		const bench = await connectedBench();
		reads(bench, address, 0, value);
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("to have been cut is told: the line still reads high", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 500);
		await bench.device.pulses.fire();
		const read = bench.simulator.readHolding;
		reads(bench, DIO_STATE, 0, 1 << TMA);
		const high = { code: "READBACK_MISMATCH", message: expect.stringContaining("DIO2") };
		await expect(bench.device.pulses.disarm()).rejects.toMatchObject(high);
		await expect(bench.device.makeSafe()).rejects.toMatchObject(high);
		bench.simulator.readHolding = read;
		await bench.device.makeSafe();
		expect(bench.valve(TMA)).toBe(0);
		expect(bench.simulator.readHolding(CLOCK0_ENABLE, 1)).toEqual([0]);
	});

	it("to have ended is not over while its line reads high, however far the counter is", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 15);
		await bench.device.pulses.fire();
		await bench.clock.advance(40);
		reads(bench, DIO_STATE, 0, 1 << TMA);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: false, lineLow: false });
	});

	it("to have been a single one is not over", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 15);
		await bench.device.pulses.fire();
		await bench.clock.advance(40);
		reads(bench, CONFIG_C + 2 * TMA, 0, 2);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: false, lineLow: true });
	});
});

describe("a pulse that is over", () => {
	it("leaves neither its feature nor the clock on, so that the roll of the counter starts nothing", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 15);
		await bench.device.pulses.fire();
		await bench.clock.advance(40);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: true });
		expect(bench.simulator.readHolding(FEATURE_ENABLE + 2 * TMA, 2)).toEqual([0, 0]);
		expect(bench.simulator.readHolding(CLOCK0_ENABLE, 1)).toEqual([0]);
	});
});
