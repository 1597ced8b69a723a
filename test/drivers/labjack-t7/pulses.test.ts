import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { edgesFromRegisters } from "#drivers/labjack-t7/index.js";
import { CLOCK_DIVISORS } from "#drivers/labjack-t7/registers.js";
import { type Bench, connectedBench, H2O, SETTINGS, TMA } from "./bench.js";

/** Width in ms of every pulse that a line has made. */
function widthsOf(bench: Bench, line: number): number[] {
	const widths: number[] = [];
	let riseMs: number | undefined;
	for (const edge of bench.simulator.edges) {
		if (edge.line !== line) continue;
		if (edge.level === 1) riseMs = edge.atMs;
		else if (riseMs !== undefined) {
			widths.push(edge.atMs - riseMs);
			riseMs = undefined;
		}
	}
	return widths;
}

const risesOf = (bench: Bench, line: number) =>
	bench.simulator.edges.filter((edge) => edge.line === line && edge.level === 1).length;

describe("a timed pulse", () => {
	it("is armed shut, started by one exchange, and read back", async () => {
		const bench = await connectedBench();
		const { pulses } = bench.device;
		await expect(pulses.arm("TMA", 15)).resolves.toEqual({ widthMs: 15 });
		await bench.clock.advance(5_000);
		expect(bench.valve(TMA)).toBe(0);
		bench.forget();
		await pulses.fire();
		expect(bench.sent.map((request) => request.slice(14))).toEqual(["06af640001"]);
		await bench.clock.advance(10);
		expect(bench.valve(TMA)).toBe(1);
		await expect(pulses.confirm()).resolves.toEqual({ completed: false, widthMs: 15, lineLow: false });
		await bench.clock.advance(6);
		await expect(pulses.confirm()).resolves.toEqual({ completed: true, widthMs: 15, lineLow: true });
		expect(widthsOf(bench, TMA)).toHaveLength(1);
		expect(widthsOf(bench, TMA)[0]).toBeCloseTo(15, 6);
	});

	it("sends the register values of LabJack's recipe when armed", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 15);
		const writes = bench.sent
			.map((request) => request.slice(14))
			.filter((pdu) => pdu.startsWith("10") || pdu.startsWith("06"));
		expect(writes).toEqual([
			// 44900: clock off, divisor 8, options 0, roll 2^32 - 1
			"10af6400060c000000080000" + "0000ffffffff",
			"10abe4000204" + "00000000", // 44004: feature off
			"0607d20000", // 2002: line low
			"10ac48000204" + "00000002", // 44104: pulse out
			"10acac000204" + "00000000", // 44204: clock 0
			"10ad10000204" + "00024ab8", // 44304: A = 150000 + 200
			"10ad74000204" + "000000c8", // 44404: B = 200 (20 us)
			"10add8000204" + "00000001", // 44504: one pulse
			"10abe4000204" + "00000001", // 44004: feature on
		]);
	});

	it("has the width of its registers, within 0.1 ms of the command, at every divisor from 5 to 200 ms and at 2 s", async () => {
		let worstMs = 0;
		for (const clock_divisor of CLOCK_DIVISORS) {
			const bench = await connectedBench({ ...SETTINGS, clock_divisor });
			for (const widthMs of [5, 5.03, 14.97, 15, 60, 133.337, 200, 2_000]) {
				const made = widthsOf(bench, TMA).length;
				const armed = await bench.device.pulses.arm("TMA", widthMs);
				const [computed] = edgesFromRegisters(bench.simulator.pulseRegisters(TMA));
				await bench.device.pulses.fire();
				await bench.clock.advance(widthMs + 1);
				const { completed, widthMs: confirmedMs } = await bench.device.pulses.confirm();
				const [realMs, ...more] = widthsOf(bench, TMA).slice(made);
				expect([completed, more.length]).toEqual([true, 0]);
				expect(computed!.fallMs - computed!.riseMs).toBeCloseTo(realMs!, 6);
				expect(confirmedMs).toBeCloseTo(realMs!, 6);
				expect(armed.widthMs).toBe(confirmedMs);
				worstMs = Math.max(worstMs, Math.abs(realMs! - widthMs));
			}
		}
		expect(worstMs).toBeLessThan(0.1);
	});

	it("comes once, however long one waits before confirming", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("H2O", 20);
		await bench.device.pulses.fire();
		await bench.feedFor(120_000);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: true });
		await bench.feedFor(1_000_000);
		expect(risesOf(bench, H2O)).toBe(1);
	});

	it("follows another without anything between, on another line", async () => {
		const bench = await connectedBench();
		for (const output of ["TMA", "H2O", "TMA"]) {
			await bench.device.pulses.arm(output, 10);
			await bench.device.pulses.fire();
			await bench.clock.advance(100);
			await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: true });
		}
		expect([risesOf(bench, TMA), risesOf(bench, H2O)]).toEqual([2, 1]);
	});

	it("replaces an earlier arming, whose line stays shut", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 100);
		await bench.device.pulses.arm("H2O", 20);
		await bench.device.pulses.fire();
		await bench.clock.advance(1_000);
		expect([risesOf(bench, TMA), risesOf(bench, H2O)]).toEqual([0, 1]);
	});

	it("is not cut by arming the next one", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 100);
		await bench.device.pulses.fire();
		await bench.clock.advance(50);
		await expect(bench.device.pulses.arm("H2O", 20)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await bench.clock.advance(100);
		expect(widthsOf(bench, TMA)[0]).toBeCloseTo(100, 6);
		await expect(bench.device.pulses.arm("H2O", 20)).resolves.toEqual({ widthMs: 20 });
	});

	it.each([Number.NaN, -1, 0, 0.05, 10_001, Number.POSITIVE_INFINITY])(
		"is refused with a width of %s ms before a byte leaves",
		async (widthMs) => {
			const bench = await connectedBench();
			await expect(bench.device.pulses.arm("TMA", widthMs)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
			await expect(bench.device.pulses.arm("stop", 15)).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
			expect(bench.sent).toEqual([]);
		},
	);

	it("cannot be started unless armed, nor twice, nor confirmed before", async () => {
		const { pulses } = (await connectedBench()).device;
		await expect(pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await pulses.arm("TMA", 15);
		await expect(pulses.confirm()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await pulses.fire();
		await expect(pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});
});

describe("arming", () => {
	it("never opens a valve, whichever of its exchanges is the last to arrive", async () => {
		for (let arrives = 0; arrives < 20; arrives += 1) {
			const bench = await connectedBench();
			let left = arrives;
			bench.losesRequest = () => left-- <= 0;
			const arming = bench.device.pulses.arm("TMA", 15).catch(() => {});
			await bench.clock.advance(30_000);
			await arming;
			expect(risesOf(bench, TMA)).toBe(0);
		}
	});

	it("is refused when the instrument holds another value than was written", async () => {
		const bench = await connectedBench();
		const write = bench.simulator.writeHolding.bind(bench.simulator);
		bench.simulator.writeHolding = (address, words) => write(address, address === 44_304 ? [0, 9_000] : words);
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("is refused when the line reads high for all that", async () => {
		const bench = await connectedBench();
		const read = bench.simulator.readHolding.bind(bench.simulator);
		bench.simulator.readHolding = (address, count) => (address === 2_800 ? [0, 1 << TMA] : read(address, count));
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("DIO2"),
		});
		await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("names what the instrument found wrong", async () => {
		const bench = await connectedBench();
		bench.simulator.writeHolding(44_910, [1]);
		await bench.device.pulses.arm("TMA", 15);
		const refused = bench.device.pulses.fire().catch((error: { message: string }) => error.message);
		await bench.clock.advance(100);
		expect(await refused).toContain("2558 EF_32BIT_REQUIRES_BOTH_CNT0and1");
		expect(risesOf(bench, TMA)).toBe(0);
	});

	it("is cancelled by disarming in its midst, and nothing can be started after", async () => {
		for (let exchanges = 1; exchanges < 17; exchanges += 1) {
			const bench = await connectedBench();
			const arming = bench.device.pulses.arm("TMA", 15).catch((error: { code: string }) => error.code);
			while (bench.sent.length < exchanges) await Promise.resolve();
			await bench.device.pulses.disarm();
			expect(await arming).toBe("OUTPUT_BUSY");
			await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
			expect(bench.simulator.readHolding(44_004, 2)).toEqual([0, 0]);
			await expect(bench.device.set("TMA", 1)).resolves.toBe(1);
		}
	});
});

describe("disarming", () => {
	it("shuts the valve of a running pulse at once and for good", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 200);
		await bench.device.pulses.fire();
		await bench.clock.advance(50);
		expect(bench.valve(TMA)).toBe(1);
		await bench.device.pulses.disarm();
		expect(bench.valve(TMA)).toBe(0);
		await bench.feedFor(60_000);
		expect(widthsOf(bench, TMA)[0]).toBeLessThan(50);
		expect(risesOf(bench, TMA)).toBe(1);
	});

	it("overtakes a start that is still on its way", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 200);
		await Promise.all([bench.device.pulses.fire(), bench.device.pulses.disarm()]);
		await bench.feedFor(5_000);
		expect(bench.valve(TMA)).toBe(0);
		expect(risesOf(bench, TMA)).toBe(0);
	});

	it("stays in force when the line fails, until it has been verified", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 200);
		bench.losesRequest = () => true;
		const failed = bench.device.pulses.disarm().catch((error: { code: string }) => error.code);
		await bench.clock.advance(10_000);
		expect(await failed).toBe("DEVICE_SILENT");
		bench.losesRequest = () => false;
		await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await bench.device.pulses.disarm();
		await expect(bench.device.pulses.arm("TMA", 15)).resolves.toEqual({ widthMs: 15 });
	});

	it("has nothing to say when nothing is armed", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.disarm();
		expect(bench.sent).toEqual([]);
	});

	it("leaves nothing armed when making safe and arming come together", async () => {
		const bench = await connectedBench();
		const before = bench.device.pulses.arm("TMA", 15).catch((error: { code: string }) => error.code);
		const safe = bench.device.makeSafe();
		const during = bench.device.pulses.arm("H2O", 15).catch((error: { code: string }) => error.code);
		await safe;
		expect([await before, await during]).toEqual(["OUTPUT_BUSY", "OUTPUT_BUSY"]);
		expect(bench.simulator.readHolding(44_004, 4)).toEqual([0, 0, 0, 0]);
		await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("lets nothing be armed or started once making safe has begun", async () => {
		const bench = await connectedBench();
		const fromIdle = bench.device.makeSafe();
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await fromIdle;
		await bench.device.pulses.arm("TMA", 15);
		const fromArmed = bench.device.makeSafe();
		await expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await fromArmed;
		await bench.feedFor(1_000);
		expect(risesOf(bench, TMA)).toBe(0);
	});

	it("is part of making safe", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("H2O", 5_000);
		await bench.device.pulses.fire();
		await bench.feedFor(1_000);
		await bench.device.makeSafe();
		expect(bench.valve(H2O)).toBe(0);
		await expect(bench.device.pulses.arm("H2O", 15)).resolves.toEqual({ widthMs: 15 });
	});
});

describe("confirming", () => {
	it("does not take a restarted instrument for a delivered pulse", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 100);
		await bench.device.pulses.fire();
		await bench.clock.advance(10);
		bench.simulator.powerCycle();
		await bench.clock.advance(200);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: false });
	});

	it("does not take a counter that did not begin at 0 for a delivered pulse", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 10);
		await bench.device.pulses.fire();
		// The counter has passed A, but the timer has counted no pulse.
		const read = bench.simulator.readHolding.bind(bench.simulator);
		bench.simulator.readHolding = (address, count) => (address === 3_004 ? [0, 0] : read(address, count));
		await bench.clock.advance(100);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: false });
	});

	it("goes by counter and line where READ_A and READ_B mean something else than believed", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 10);
		await bench.device.pulses.fire();
		const read = bench.simulator.readHolding.bind(bench.simulator);
		bench.simulator.readHolding = (address, count) =>
			address === 3_004 || address === 3_204 ? [0, 0] : read(address, count);
		await bench.clock.advance(100);
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: true });
	});

	it("is never started twice: a lost acknowledgement fails the start, and the read-back tells what happened", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 200);
		let lose = 1;
		bench.losesReplyTo = () => lose-- > 0;
		const firing = expect(bench.device.pulses.fire()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		await bench.clock.advance(1_500);
		await firing;
		await expect(bench.device.pulses.confirm()).resolves.toMatchObject({ completed: true });
		expect(widthsOf(bench, TMA)).toHaveLength(1);
		expect(widthsOf(bench, TMA)[0]).toBeCloseTo(200, 6);
	});

	it("is withdrawn when its start has been stuck behind a dead request", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 15);
		bench.losesRequest = () => true;
		const polling = bench.device.poll();
		const firing = expect(bench.device.pulses.fire()).rejects.toMatchObject({
			code: "OUTPUT_BUSY",
			message: expect.stringMatching(/withdrawn after \d+ ms in the queue; at most 250 ms are allowed\.$/),
		});
		await bench.clock.advance(400);
		bench.losesRequest = () => false;
		await bench.clock.advance(5_000);
		await firing;
		await polling;
		expect(widthsOf(bench, TMA)).toEqual([]);
	});

	it("is not started after a safe state, however late the line lets it go", async () => {
		const bench = await connectedBench();
		await bench.device.pulses.arm("TMA", 15);
		bench.losesRequest = (hex) => hex.slice(14).startsWith("06af64");
		const firing = expect(bench.device.pulses.fire()).rejects.toBeDefined();
		await bench.clock.advance(100);
		bench.losesRequest = () => false;
		const safe = bench.device.makeSafe();
		await bench.clock.advance(5_000);
		await safe;
		await firing;
		expect(widthsOf(bench, TMA)).toEqual([]);
		expect(bench.valve(TMA)).toBe(0);
	});
});

describe("any sequence of commands", () => {
	it("opens a precursor valve only by fire or by hand, and never both at once for longer than ordered", async () => {
		const commands = fc.array(
			fc.oneof(
				fc.record({
					do: fc.constant("arm" as const),
					output: fc.constantFrom("TMA", "H2O"),
					widthMs: fc.integer({ min: 5, max: 200 }),
				}),
				fc.record({ do: fc.constantFrom("fire" as const, "confirm" as const, "disarm" as const, "safe" as const) }),
				fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 300 }) }),
			),
			{ maxLength: 25 },
		);
		await fc.assert(
			fc.asyncProperty(commands, async (list) => {
				const bench = await connectedBench();
				const { pulses } = bench.device;
				const fires: number[] = [];
				let longestMs = 0;
				for (const command of list) {
					if (command.do === "arm") {
						const armed = await pulses.arm(command.output, command.widthMs).catch(() => undefined);
						longestMs = Math.max(longestMs, armed?.widthMs ?? 0);
					} else if (command.do === "wait") await bench.clock.advance(command.ms);
					else if (command.do === "safe") await bench.device.makeSafe();
					else if (command.do === "fire")
						await pulses.fire().then(
							() => fires.push(1),
							() => {},
						);
					else await pulses[command.do]().catch(() => {});
				}
				await bench.clock.advance(1_000);
				expect(risesOf(bench, TMA) + risesOf(bench, H2O)).toBeLessThanOrEqual(fires.length);
				expect([bench.valve(TMA), bench.valve(H2O)]).toEqual([0, 0]);
				for (const widthMs of [...widthsOf(bench, TMA), ...widthsOf(bench, H2O)]) {
					expect(widthMs).toBeLessThan(longestMs + 1e-6);
				}
			}),
			{ numRuns: 60 },
		);
	});
});
