import { describe, expect, it } from "vitest";
import type { AdlayerError } from "#core/errors.js";
import { maskOf } from "#drivers/labjack-t7/codec.js";
import { Bench, bytesOf, connectedBench, H2O, hexOf, SETTINGS, STOP, TMA } from "./bench.js";

/** Writes straight to the instrument, as another program would. */
const meddle = (bench: Bench, address: number, ...words: number[]) => bench.simulator.writeHolding(address, words);

describe("connecting", () => {
	it("asks for the TEST register first, with the manual's bytes", async () => {
		const bench = new Bench();
		await bench.device.connect();
		// All but the transaction number.
		expect(bench.sent[0]!.slice(4)).toBe("000000060103d73c0002");
	});

	it("says what the instrument is", async () => {
		const { identity, confirmed, warnings } = await new Bench().device.connect();
		expect(identity).toEqual({
			manufacturer: "LabJack",
			model: "T7 (hardware 1.35)",
			serial: "470000001",
			firmware: "1.0306",
		});
		expect(confirmed).toBe(true);
		expect(warnings).toEqual(["The watchdog settings in the instrument's flash were written."]);
	});

	it("does not confirm something that is no LabJack, and writes nothing to it", async () => {
		const bench = new Bench();
		bench.simulator.readHolding = () => [0x2233, 0x0011];
		const { confirmed, warnings } = await bench.device.connect();
		expect(confirmed).toBe(false);
		expect(warnings[0]).toContain("TEST reads 0x22330011");
		expect(bench.sent.every((request) => request.slice(14, 16) === "03")).toBe(true);
	});

	it("refuses another LabJack", async () => {
		const bench = new Bench();
		const read = bench.simulator.readHolding.bind(bench.simulator);
		bench.simulator.readHolding = (address, count) => {
			const words = read(address, count);
			return address === 60_000 ? [0x4080, 0, ...words.slice(2)] : words;
		};
		await expect(bench.device.connect()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH", context: { product: 4 } });
	});

	it("drives every output low and leaves the inputs to their senders", async () => {
		const bench = new Bench();
		expect(bench.simulator.readHolding(2850, 2)).toEqual([0, 0]);
		await bench.device.connect();
		expect([bench.valve(TMA), bench.valve(H2O), bench.valve(STOP)]).toEqual([0, 0, 0]);
		expect(bench.valve(16)).toBe("floating");
	});

	it("never opens a valve on the way, not even for a moment, whatever was left running", async () => {
		const bench = await connectedBench();
		await bench.device.set("H2O", 1);
		await bench.device.pulses.arm("TMA", 200);
		await bench.device.pulses.fire();
		await bench.clock.advance(50);
		expect([bench.valve(TMA), bench.valve(H2O)]).toEqual([1, 1]);
		const before = bench.simulator.edges.length;
		await bench.device.connect();
		expect([bench.valve(TMA), bench.valve(H2O)]).toEqual([0, 0]);
		expect(bench.simulator.edges.slice(before).every((edge) => edge.level === 0)).toBe(true);
		await bench.clock.advance(500);
		expect(bench.valve(TMA)).toBe(0);
	});

	it("switches off clocks and features that an earlier program left on", async () => {
		const bench = new Bench();
		meddle(bench, 2004, 0);
		meddle(bench, 44_104 + 4, 0, 2);
		meddle(bench, 44_910, 1);
		await bench.device.connect();
		expect(bench.simulator.readHolding(44_910, 1)).toEqual([0]);
		expect(bench.simulator.readHolding(44_000, 46).every((word) => word === 0)).toBe(true);
	});

	it("makes an input of an input line that an earlier program drove", async () => {
		const bench = new Bench();
		meddle(bench, 2016, 0);
		await bench.device.connect();
		expect(bench.valve(16)).toBe("floating");
	});

	it("warns of a Lua script", async () => {
		const bench = new Bench();
		meddle(bench, 6000, 0, 1);
		const { warnings } = await bench.device.connect();
		expect(warnings[0]).toContain("Lua script");
	});
});

describe("polling", () => {
	it("gives outputs and inputs in two exchanges, without touching a line's own register", async () => {
		const bench = await connectedBench();
		await bench.device.poll();
		bench.forget();
		bench.sensed.set(17, 0);
		await bench.device.set("stop", 1);
		bench.forget();
		const values = await bench.device.poll();
		expect(bench.sent.map((request) => request.slice(14))).toEqual(["030af00002", "030b220002"]);
		expect(Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value]))).toEqual({
			TMA: 0,
			H2O: 0,
			stop: 1,
			pump_running: 1,
			lid_closed: 0,
		});
		expect(Object.keys(values)).toEqual(Object.keys(bench.device.signals));
	});

	it("notices that the instrument has restarted, and is itself again after connecting anew", async () => {
		const bench = await connectedBench();
		await bench.device.set("stop", 1);
		bench.simulator.powerCycle();
		expect(bench.valve(STOP)).toBe("floating");
		await expect(bench.device.poll()).rejects.toMatchObject({ code: "DEVICE_RESTARTED" });
		await bench.device.connect();
		await expect(bench.device.poll()).resolves.toMatchObject({ stop: { value: 0 } });
	});

	it("notices a watchdog that somebody has switched off", async () => {
		const bench = await connectedBench();
		meddle(bench, 61_600, 0, 0);
		const polls = async () => {
			for (let i = 0; i < 11; i += 1) await bench.device.poll();
		};
		await expect(polls()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});

	it("notices an output that another program has moved", async () => {
		const bench = await connectedBench();
		meddle(bench, 2000 + H2O, 1);
		await expect(bench.device.poll()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("H2O (high)"),
		});
	});

	it("does not mistake its own movements and pulses for another's", async () => {
		const bench = await connectedBench();
		const together = await Promise.all([
			bench.device.poll(),
			bench.device.set("stop", 1),
			bench.device.poll(),
			bench.device.pulses.arm("TMA", 100).then(() => bench.device.pulses.fire()),
			bench.device.poll(),
		]);
		expect(together).toHaveLength(5);
		await bench.clock.advance(50);
		await expect(bench.device.poll()).resolves.toMatchObject({ TMA: { value: 1 } });
	});
});

describe("setting an output", () => {
	it("writes the line and reads the state back", async () => {
		const bench = await connectedBench();
		await expect(bench.device.set("stop", 1)).resolves.toBe(1);
		expect(bench.sent.map((request) => request.slice(14))).toEqual(["0607d80001", "030af00002"]);
		expect(bench.valve(STOP)).toBe(1);
	});

	it.each([
		["half", "stop", 0.5, "SETPOINT_OUT_OF_RANGE"],
		["an input", "pump_running", 1, "SIGNAL_UNKNOWN"],
		["nothing it knows", "vent", 1, "SIGNAL_UNKNOWN"],
	])("refuses %s before a byte leaves", async (_, signal, value, code) => {
		const bench = await connectedBench();
		await expect(bench.device.set(signal, value)).rejects.toMatchObject({ code });
		expect(bench.sent).toEqual([]);
	});

	it("opens a precursor valve by hand, but not while a pulse is armed or running on any", async () => {
		const bench = await connectedBench();
		await bench.device.set("TMA", 1);
		expect(bench.valve(TMA)).toBe(1);
		await expect(bench.device.pulses.arm("TMA", 15)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await bench.device.pulses.arm("H2O", 15);
		await expect(bench.device.set("H2O", 1)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
		await expect(bench.device.set("TMA", 0)).resolves.toBe(0);
		await expect(bench.device.set("TMA", 1)).rejects.toMatchObject({ code: "OUTPUT_BUSY" });
	});

	it("says which order was overtaken when two come together, without blaming the instrument", async () => {
		const bench = await connectedBench();
		const [first, second] = await Promise.allSettled([bench.device.set("stop", 1), bench.device.set("stop", 0)]);
		expect(first).toMatchObject({ status: "rejected", reason: { code: "OUTPUT_BUSY" } });
		expect(second).toEqual({ status: "fulfilled", value: 0 });
		await expect(bench.device.poll()).resolves.toMatchObject({ stop: { value: 0 } });
	});

	it("gives way to making safe", async () => {
		const bench = await connectedBench();
		const [opening] = await Promise.allSettled([bench.device.set("TMA", 1), bench.device.makeSafe()]);
		expect(opening).toMatchObject({ status: "rejected", reason: { code: "OUTPUT_BUSY" } });
		expect(bench.valve(TMA)).toBe(0);
		await expect(bench.device.poll()).resolves.toMatchObject({ TMA: { value: 0 } });
	});

	it("says so when the line does not follow", async () => {
		const bench = await connectedBench();
		const write = bench.simulator.writeHolding.bind(bench.simulator);
		bench.simulator.writeHolding = (address, words) => write(address, address === 2008 ? [0] : words);
		await expect(bench.device.set("stop", 1)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
	});
});

describe("making safe", () => {
	it("shuts precursor valves held open and leaves the stop valve alone", async () => {
		const bench = await connectedBench();
		await bench.device.set("TMA", 1);
		await bench.device.set("H2O", 1);
		await bench.device.set("stop", 1);
		await bench.device.makeSafe();
		expect([bench.valve(TMA), bench.valve(H2O), bench.valve(STOP)]).toEqual([0, 0, 1]);
		await expect(bench.device.poll()).resolves.toMatchObject({ stop: { value: 1 } });
	});

	it("tries every valve though the first one fails", async () => {
		const bench = await connectedBench();
		await bench.device.set("TMA", 1);
		await bench.device.set("H2O", 1);
		bench.losesRequest = (hex) => hex.slice(14).startsWith("0607d2");
		const safe = bench.device.makeSafe().catch((error: AdlayerError) => error);
		await bench.clock.advance(5_000);
		expect(await safe).toMatchObject({ code: "DEVICE_SILENT" });
		expect(bench.valve(H2O)).toBe(0);
	});
});

describe("a refusal of the instrument", () => {
	it("is named by LabJack's own error", async () => {
		const bench = await connectedBench();
		// Another program holds the pulse-out feature of the line.
		meddle(bench, 44_100 + 2 * TMA, 0, 2);
		meddle(bench, 44_904, 0, 100);
		meddle(bench, 44_000 + 2 * TMA, 0, 1);
		const refused = bench.device.set("TMA", 1).catch((error: AdlayerError) => error);
		await bench.clock.advance(100);
		expect(await refused).toMatchObject({
			code: "MODBUS_EXCEPTION",
			message: expect.stringContaining("LabJack error 2560 EF_PIN_RESERVED"),
			context: { labjackCode: 2560, labjackError: "EF_PIN_RESERVED" },
		});
	});
});

describe("a line that fails", () => {
	it("survives one lost request and one lost reply", async () => {
		const bench = await connectedBench();
		let lose = 1;
		bench.losesRequest = () => lose-- > 0;
		const poll = bench.device.poll();
		await bench.clock.advance(1_000);
		await expect(poll).resolves.toMatchObject({ TMA: { value: 0 } });
		let loseReply = 1;
		bench.losesReplyTo = () => loseReply-- > 0;
		const set = bench.device.set("stop", 1);
		await bench.clock.advance(1_000);
		await expect(set).resolves.toBe(1);
	});

	it("reports silence", async () => {
		const bench = await connectedBench();
		bench.losesRequest = () => true;
		const poll = bench.device.poll().catch((error: AdlayerError) => error);
		await bench.clock.advance(5_000);
		expect(await poll).toMatchObject({ code: "DEVICE_SILENT" });
	});
});

describe("the simulated register space", () => {
	const ask = (bench: Bench, hex: string): string => {
		let reply = "";
		const send = (bytes: Uint8Array) => {
			reply = hexOf(bytes);
		};
		bench.simulator.receive(bytesOf(hex), { send, state: undefined });
		return reply;
	};
	const lastError = (bench: Bench) => bench.simulator.readHolding(55_000, 1)[0];

	it("answers the golden frames of LabJack's map", () => {
		const bench = new Bench();
		expect(ask(bench, "00 01 00 00 00 06 01 03 D7 3C 00 02")).toBe("00010000000701030400112233");
		expect(ask(bench, "00 02 00 00 00 06 01 06 07 D0 00 01")).toBe("000200000006010607d00001");
		expect(bench.valve(0)).toBe(1);
		expect(ask(bench, "00 03 00 00 00 06 01 03 D7 54 00 02")).toBe("000300000007010304c61c3c00");
	});

	it("boots with every line an input that reads 1 by its pull-up", () => {
		const bench = new Bench();
		expect(bench.simulator.readHolding(2800, 2)).toEqual([0x007f, 0xffff]);
		expect(bench.simulator.readHolding(2850, 2)).toEqual([0, 0]);
		meddle(bench, 2002, 0);
		bench.simulator.powerCycle();
		expect(bench.valve(2)).toBe("floating");
		expect(bench.simulator.readHolding(2800, 2)).toEqual([0x007f, 0xffff]);
	});

	it("makes an input of an output whose own register is read", () => {
		const bench = new Bench();
		meddle(bench, 2002, 0);
		expect(bench.simulator.readHolding(2800, 2)[1]! & 4).toBe(0);
		expect(bench.simulator.readHolding(2002, 1)).toEqual([1]);
		expect(bench.valve(2)).toBe("floating");
	});

	it("leaves inhibited lines alone when whole masks are written", () => {
		const bench = new Bench();
		meddle(bench, 2900, 0xffff, 0xfffb);
		meddle(bench, 2850, 0, 0xffff);
		meddle(bench, 2800, 0, 0xffff);
		expect(bench.valve(2)).toBe(1);
		expect(bench.valve(3)).toBe("floating");
		expect(bench.simulator.readHolding(2850, 2)).toEqual([0, maskOf([2])]);
	});

	it("refuses to cut a 32-bit register (2315) and addresses that do not exist", () => {
		const bench = new Bench();
		expect(ask(bench, "00 01 00 00 00 06 01 03 D7 3C 00 01")).toMatch(/83..$/);
		expect(lastError(bench)).toBe(2315);
		expect(ask(bench, "00 01 00 00 00 06 01 03 D7 3D 00 01")).toMatch(/83..$/);
		expect(lastError(bench)).toBe(2315);
		expect(ask(bench, "00 01 00 00 00 06 01 03 00 63 00 01")).toMatch(/8302$/);
	});

	it.each([
		[
			"a line that is not low",
			2563,
			[
				[2002, 1],
				[44_104, 0, 2],
				[44_904, 0, 100],
				[44_004, 0, 1],
			],
		],
		[
			"a line that is no output",
			2563,
			[
				[44_104, 0, 2],
				[44_904, 0, 100],
				[44_004, 0, 1],
			],
		],
		[
			"a value beyond the roll",
			2565,
			[
				[2002, 0],
				[44_104, 0, 2],
				[44_904, 0, 100],
				[44_304, 0, 100],
				[44_004, 0, 1],
			],
		],
		[
			"a change of index while enabled",
			2566,
			[
				[2002, 0],
				[44_104, 0, 2],
				[44_904, 0, 9],
				[44_004, 0, 1],
				[44_104, 0, 0],
			],
		],
		[
			"a line without a timer",
			2553,
			[
				[2001, 0],
				[44_102, 0, 2],
				[44_904, 0, 100],
				[44_002, 0, 1],
			],
		],
		[
			"clock 0 beside clock 1",
			2558,
			[
				[44_910, 1],
				[44_900, 1],
			],
		],
		["a roll of 32 bits on clock 1", 2555, [[44_914, 1, 0]]],
		["a divisor it does not have", 2559, [[44_901, 3]]],
		[
			"watchdog settings while it is enabled",
			2671,
			[
				[61_604, 0, 5],
				[61_600, 0, 1],
				[61_604, 0, 6],
			],
		],
		["a watchdog without a time-out", 2670, [[61_600, 0, 1]]],
		[
			"watchdog lines that do not exist",
			2672,
			[
				[61_604, 0, 5],
				[61_634, 0x0080, 0],
				[61_600, 0, 1],
			],
		],
	] as const)("refuses %s with error %i", (_, code, writes) => {
		const bench = new Bench();
		expect(() => {
			for (const [address, ...words] of writes) meddle(bench, address, ...words);
		}).toThrow();
		expect(lastError(bench)).toBe(code);
	});

	it("keeps its settings apart from those of the lab: any function reads any register", () => {
		const bench = new Bench(SETTINGS);
		expect(ask(bench, "00 01 00 00 00 06 01 04 D7 3C 00 02")).toBe("00010000000701040400112233");
	});
});
