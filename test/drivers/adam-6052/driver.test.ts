import { describe, expect, it } from "vitest";
import { Bench, connectedBench, H2O, SETTINGS, STOP, TMA, timing } from "./bench.js";

describe("connecting to an ADAM-6052", () => {
	it("reads its name, shuts everything and reads back", async () => {
		const bench = new Bench();
		expect(await bench.device.connect()).toEqual({
			identity: { manufacturer: "Advantech", model: "ADAM-6052", serial: null, firmware: null },
			confirmed: true,
			warnings: [],
		});
		expect(bench.sent).toEqual([
			"0300d20002", // 210: name
			"0301320001", // 306: diagnostics
			"0500100000", // DO0 off, DO1 off, read
			"0500110000",
			"0100100001",
			"0100110001",
			"0500120000", // DO2 off, read
			"0100120001",
		]);
	});

	it("writes nothing to a module that is all zeros, nor to another of the family, which it names", async () => {
		const zeros = new Bench(SETTINGS, { name: 0 });
		expect(await zeros.device.connect()).toMatchObject({ confirmed: false });
		const other = new Bench(SETTINGS, { name: 0x6050 });
		const mismatch = { code: "IDENTITY_MISMATCH", message: "io is an ADAM-6050, not an ADAM-6052." };
		await expect(other.device.connect()).rejects.toMatchObject(mismatch);
		for (const { sent } of [zeros, other]) expect(sent.every((hex) => hex.startsWith("03"))).toBe(true);
		await expect(other.device.inspect()).rejects.toMatchObject(mismatch);
	});

	it("is refused by control without a declared watchdog, but can be looked at", async () => {
		const bench = new Bench({ ...SETTINGS, watchdog: "none" });
		await expect(bench.device.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("no watchdog"),
		});
		expect(bench.device.watchdog).toBeUndefined();
		const looked = await bench.device.inspect();
		expect(looked.confirmed).toBe(true);
		expect(looked.warnings).toEqual([expect.stringContaining("fail-safe values: stop high, by the settings.")]);
		expect(await bench.device.poll()).toMatchObject({ TMA: { value: 0 }, pump_running: { value: 1 } });
		expect(bench.sent.every((hex) => /^0[13]/.test(hex))).toBe(true);
	});

	it("makes no pulses where nobody has measured how long a count is", () => {
		expect(new Bench({ ...SETTINGS, pulse_timing: "none" }).device.pulses).toBeUndefined();
	});

	it("shuts its precursor lines also where it makes no pulses", async () => {
		const bench = new Bench({ ...SETTINGS, pulse_timing: "none", pulse_counters: {} });
		await bench.device.connect();
		expect([bench.valve(TMA), bench.valve(H2O)]).toEqual([0, 0]);
		expect(bench.sent).toEqual(expect.arrayContaining(["0500100000", "0500110000"]));
	});
});

describe("outputs and inputs of an ADAM-6052", () => {
	it("are set by coil 16 and on, and read back", async () => {
		const bench = await connectedBench();
		expect(await bench.device.set("stop", 1)).toBe(1);
		expect(bench.sent).toEqual(["050012ff00", "0100120001"]);
		expect(bench.valve(STOP)).toBe(1);
		bench.sensed.set(1, 0);
		expect(await bench.device.poll()).toEqual({
			TMA: { value: 0, quality: "good" },
			H2O: { value: 0, quality: "good" },
			stop: { value: 1, quality: "good" },
			pump_running: { value: 1, quality: "good" },
			lid_closed: { value: 0, quality: "good" },
		});
	});

	it("never switch on the coil of a pulse output, which might pulse without end", async () => {
		const bench = await connectedBench();
		await expect(bench.device.set("TMA", 1)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		await expect(bench.device.set("stop", 0.5)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		await expect(bench.device.set("nothing", 1)).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
		expect(bench.sent).toEqual([]);
		expect(await bench.device.set("TMA", 0)).toBe(0);
	});

	it("are a fault when they are not as set: a power cycle, or another program", async () => {
		const bench = await connectedBench();
		await bench.device.set("stop", 1);
		bench.simulator.powerCycle();
		await expect(bench.device.poll()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("stop (low)"),
		});
		await bench.device.connect();
		expect((await bench.device.poll()).stop!.value).toBe(0);
	});

	it("are a fault when the module reports an overload, or does not take over a value", async () => {
		const bench = await connectedBench();
		bench.simulator.diagnostics = 0x0004;
		await expect(bench.device.poll()).rejects.toMatchObject({ message: expect.stringContaining("overloaded") });
		bench.simulator.diagnostics = 0;
		bench.simulator.writeCoils = () => {};
		await expect(bench.device.set("stop", 1)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
	});
});

describe("a pulse of an ADAM-6052", () => {
	it("has its widths written and read back, and starts by one write of the number 1", async () => {
		const bench = await connectedBench();
		const { pulses } = bench.device;
		expect(await pulses!.arm("H2O", 15)).toEqual({ widthMs: 15 });
		expect(bench.sent).toEqual([
			"10001200020400010000", // 18: low width 1
			"10002200020400960000", // 34: high width 150, low word first
			"0300120002",
			"0300220002",
			"0100110001",
		]);
		bench.forget();
		await pulses!.fire();
		expect(bench.sent).toEqual(["10003200020400010000"]); // 50: one pulse
		await bench.clock.advance(18);
		expect(await pulses!.confirm()).toEqual({ completed: true, widthMs: 15, lineLow: true });
		expect(bench.widths(H2O)[0]).toBeCloseTo(15, 6);
	});

	it.each([
		[0.1, { widthMsMin: 1, widthMsMax: 1000, resolutionMs: 0.1 }, true],
		[1, { widthMsMin: 10, widthMsMax: 1000, resolutionMs: 1 }, true],
		[2, { widthMsMin: 20, widthMsMax: 1000, resolutionMs: 2 }, false],
		[10, { widthMsMin: 100, widthMsMax: 1000, resolutionMs: 10 }, false],
	])("of 15 ms is made or refused as a unit of %s ms allows", async (unitMs, limits, isMade) => {
		const bench = await connectedBench(timing(unitMs));
		const pulses = bench.device.pulses!;
		expect(pulses.limits).toEqual(limits);
		if (isMade) expect(await pulses.arm("TMA", 15)).toEqual({ widthMs: 15 });
		else {
			await expect(pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
			expect(bench.sent).toEqual([]);
		}
	});

	it("is not armed with a width out of range, nor on an output that is none", async () => {
		const bench = await connectedBench();
		for (const widthMs of [0, 0.9, 1001, Number.NaN]) {
			await expect(bench.device.pulses!.arm("TMA", widthMs)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		}
		await expect(bench.device.pulses!.arm("stop", 15)).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
		expect(bench.sent).toEqual([]);
	});

	it("is not armed when the module holds another width", async () => {
		const bench = await connectedBench();
		const write = bench.simulator.writeHolding.bind(bench.simulator);
		bench.simulator.writeHolding = (address, words) => write(address, address === 32 ? [15, 0] : words);
		await expect(bench.device.pulses!.arm("TMA", 15)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		await expect(bench.device.pulses!.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("is not confirmed before its time, whatever the coil says", async () => {
		const bench = await connectedBench();
		bench.simulator.readCoils = (_address, count) => new Array<boolean>(count).fill(false);
		await bench.device.pulses!.arm("TMA", 100);
		await bench.device.pulses!.fire();
		await bench.clock.advance(50);
		expect(await bench.device.pulses!.confirm()).toMatchObject({ completed: false, lineLow: true });
		await bench.clock.advance(60);
		expect(await bench.device.pulses!.confirm()).toMatchObject({ completed: true });
	});

	it("is proven by the counter where its line is wired back", async () => {
		const settings = { ...SETTINGS, pulse_counters: { TMA: "DI4" } };
		const bench = await connectedBench(settings);
		await bench.device.pulses!.arm("TMA", 20);
		await bench.device.pulses!.fire();
		await bench.clock.advance(30);
		expect(await bench.device.pulses!.confirm()).toMatchObject({ completed: true });
		// An output that is not in pulse mode takes the number, and does nothing.
		await bench.device.pulses!.arm("TMA", 20);
		const write = bench.simulator.writeHolding.bind(bench.simulator);
		bench.simulator.writeHolding = (address, words) => {
			if (address !== 48) write(address, words);
		};
		await bench.device.pulses!.fire();
		await bench.clock.advance(30);
		expect(await bench.device.pulses!.confirm()).toMatchObject({ completed: false, lineLow: true });
	});

	it("is never started twice: a lost acknowledgement fails the start, and the read-back tells what happened", async () => {
		const bench = await connectedBench();
		await bench.device.pulses!.arm("TMA", 200);
		bench.losesReplyTo = (hex) => hex.startsWith("100030");
		const firing = expect(bench.device.pulses!.fire()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		await bench.clock.advance(1_500);
		await firing;
		bench.losesReplyTo = () => false;
		expect(await bench.device.pulses!.confirm()).toMatchObject({ completed: true });
		expect(bench.widths(TMA)).toHaveLength(1);
	});

	it("is withdrawn when its start has been stuck behind a dead request", async () => {
		const bench = await connectedBench();
		await bench.device.pulses!.arm("TMA", 15);
		bench.losesRequest = () => true;
		const polling = bench.device.poll().catch(() => {});
		const firing = expect(bench.device.pulses!.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await bench.clock.advance(400);
		bench.losesRequest = () => false;
		await bench.clock.advance(3_000);
		await firing;
		await polling;
		expect(bench.widths(TMA)).toEqual([]);
	});

	it("that cannot be cut is waited for by the safe state, and nothing can be armed meanwhile", async () => {
		const bench = await connectedBench();
		await bench.device.pulses!.arm("TMA", 200);
		await bench.device.pulses!.fire();
		await bench.clock.advance(50);
		expect(bench.valve(TMA)).toBe(1);
		const safe = bench.device.makeSafe();
		await expect(bench.device.pulses!.arm("H2O", 15)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await bench.run(safe);
		expect(bench.valve(TMA)).toBe(0);
		expect(bench.widths(TMA)).toHaveLength(1);
		expect(bench.widths(TMA)[0]).toBeCloseTo(200, 6);
		await bench.feedFor(5_000);
		expect(bench.widths(TMA)).toHaveLength(1);
		await expect(bench.device.pulses!.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("is not armed while all is being made safe, also when none was on its way", async () => {
		const bench = await connectedBench();
		const safe = bench.device.makeSafe();
		await expect(bench.device.pulses!.arm("TMA", 15)).rejects.toMatchObject({
			message: expect.stringContaining("is being made safe"),
		});
		await bench.run(safe);
		await bench.device.pulses!.arm("TMA", 15);
	});

	it("is cancelled by disarming in the midst of arming", async () => {
		for (let exchanges = 1; exchanges < 5; exchanges += 1) {
			const bench = await connectedBench();
			const arming = bench.device.pulses!.arm("TMA", 15).catch((error: { code: string }) => error.code);
			while (bench.sent.length < exchanges) await Promise.resolve();
			await bench.run(bench.device.pulses!.disarm());
			expect(await arming).toBe("OUTPUT_BUSY");
			await expect(bench.device.pulses!.fire()).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
			expect(bench.widths(TMA)).toEqual([]);
		}
	});

	it.each([
		[
			"while its line is high",
			(bench: Bench) => {
				bench.simulator.readCoils = (_address, count) => new Array<boolean>(count).fill(true);
			},
			{ completed: false, lineLow: false },
		],
		[
			"when the module counts another number of pulses",
			(bench: Bench) => {
				const read = bench.simulator.readHolding.bind(bench.simulator);
				bench.simulator.readHolding = (address, count) => (address === 48 ? [2, 0] : read(address, count));
			},
			{ completed: false, lineLow: true },
		],
	])("is not confirmed %s, though its time has passed", async (_, change, confirmation) => {
		const bench = await connectedBench();
		await bench.device.pulses!.arm("TMA", 15);
		await bench.device.pulses!.fire();
		await bench.clock.advance(20);
		change(bench);
		expect(await bench.device.pulses!.confirm()).toMatchObject(confirmation);
	});

	it("is shut on every line although one of them does not answer, and the safe state fails for that one", async () => {
		const bench = await connectedBench();
		bench.losesRequest = (hex) => hex.startsWith("05001000");
		const safe = expect(bench.device.makeSafe()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		await bench.clock.advance(2_000);
		await safe;
		expect(bench.sent).toContain("0500110000");
	});

	it("is waited for by every safe state that comes meanwhile", async () => {
		const bench = await connectedBench();
		await bench.device.pulses!.arm("TMA", 500);
		await bench.device.pulses!.fire();
		await bench.clock.advance(10);
		const ends: number[] = [];
		const safe = () => bench.device.makeSafe().then(() => ends.push(bench.clock.nowMs()));
		const all = [safe()];
		await bench.clock.advance(10);
		all.push(safe());
		await bench.clock.advance(600);
		await Promise.all(all);
		for (const endMs of ends) expect(endMs).toBeGreaterThanOrEqual(500);
		expect(bench.valve(TMA)).toBe(0);
	});

	it("is not taken for delivered by a module that has restarted", async () => {
		const bench = await connectedBench();
		await bench.device.pulses!.arm("TMA", 100);
		await bench.device.pulses!.fire();
		await bench.clock.advance(10);
		bench.simulator.powerCycle();
		await bench.clock.advance(200);
		expect(await bench.device.pulses!.confirm()).toMatchObject({ completed: false });
	});
});

describe("the watchdog of an ADAM-6052", () => {
	it("shuts the precursors and opens the stop valve when all falls silent", async () => {
		const bench = await connectedBench();
		await bench.clock.advance(1_990);
		expect(bench.valve(STOP)).toBe(0);
		await bench.clock.advance(20);
		expect([bench.valve(TMA), bench.valve(H2O), bench.valve(STOP)]).toEqual([0, 0, 1]);
	});

	it("acts although control goes on polling, when nobody feeds: the driver falls silent", async () => {
		const bench = await connectedBench();
		let refused = 0;
		for (let i = 0; i < 50; i += 1) {
			await bench.clock.advance(100);
			await bench.device.poll().catch(() => {
				refused += 1;
			});
			if (bench.simulator.watchdogActs > 0) break;
		}
		expect(refused).toBeGreaterThan(0);
		expect(bench.simulator.watchdogActs).toBe(1);
		expect(bench.valve(STOP)).toBe(1);
	});

	it("leaves no way round the silence until it must have acted, and then connects again", async () => {
		const bench = await connectedBench();
		await bench.clock.advance(1_900);
		await bench.device.poll();
		await bench.clock.advance(200);
		bench.forget();
		for (const act of ["poll", "makeSafe", "connect"] as const) {
			await expect(bench.device[act]()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		}
		await expect(bench.device.watchdog!.feed()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect(bench.sent).toEqual([]);
		await bench.clock.advance(3_000);
		expect(bench.simulator.watchdogActs).toBe(1);
		expect((await bench.device.connect()).confirmed).toBe(true);
		expect((await bench.device.poll()).stop!.value).toBe(0);
	});

	it("stays quiet while it is fed", async () => {
		const bench = await connectedBench();
		await bench.device.set("stop", 1);
		await bench.feedFor(30_000);
		expect(bench.simulator.watchdogActs).toBe(0);
		expect(bench.device.watchdog!.timeoutMs).toBe(2_000);
	});
});

describe("the line of an ADAM-6052", () => {
	const at = (bytes: Uint8Array, delayMs = 0) => ({ bytes, delayMs });

	it.each([
		["in single bytes", (reply: Uint8Array) => [...reply].map((byte, i) => at(Uint8Array.of(byte), i))],
		["doubled", (reply: Uint8Array) => [at(reply), at(reply, 1)]],
	])("may bring replies %s", async (_, distort) => {
		const bench = await connectedBench();
		bench.distort = distort;
		await bench.run(bench.device.set("stop", 1));
		for (let i = 0; i < 5; i += 1) {
			expect((await bench.run(bench.device.poll())).stop!.value).toBe(1);
			await bench.feed();
		}
	});

	it("never takes a late reply for that to the next request", async () => {
		const bench = await connectedBench();
		bench.distort = (reply) => [at(reply, 600)];
		await expect(bench.run(bench.device.set("stop", 1))).rejects.toMatchObject({
			code: expect.stringMatching(/DEVICE_SILENT|REPLY_INVALID/),
		});
		bench.distort = undefined;
		await bench.clock.advance(3_500);
		await bench.device.connect();
		expect((await bench.run(bench.device.poll())).stop!.value).toBe(0);
	});

	it("may bring garbage, be silent or unplugged: a fault, and then it comes back", async () => {
		const faults: ((bench: Bench) => void)[] = [
			(bench) => {
				bench.distort = () => [at(Buffer.from("GET / HTTP/1.1\r\n\r\n"))];
			},
			(bench) => {
				bench.losesReplyTo = () => true;
			},
			(bench) => {
				bench.losesRequest = () => true;
			},
		];
		for (const fail of faults) {
			const bench = await connectedBench();
			fail(bench);
			await expect(bench.run(bench.device.poll())).rejects.toMatchObject({
				code: expect.stringMatching(/DEVICE_SILENT|REPLY_INVALID|LINK_LOST/),
			});
			await bench.device.close();
			bench.distort = undefined;
			bench.losesReplyTo = () => false;
			bench.losesRequest = () => false;
			await bench.clock.advance(5_000);
			await bench.run(bench.device.connect());
			expect((await bench.run(bench.device.poll())).TMA!.value).toBe(0);
		}
	});
});
