import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { lineOf, parseError, parseReading } from "#drivers/keithley-2400/codec.js";
import { keithley2400 } from "#drivers/keithley-2400/index.js";
import type { Keithley2400Simulator } from "#drivers/keithley-2400/simulator.js";
import { instead, silent } from "../simulated-line.js";
import { PROGRAM, Rig, SETTINGS } from "./rig.js";

describe("keithley-2400 messages", () => {
	it("are readings of volt, ampere and status; overflow is none, compliance is told", () => {
		expect(parseReading("+1.000206E+00,+1.000000E-04,+0.000000E+00")).toEqual({
			voltageV: 1.000206,
			currentA: 0.0001,
			isInCompliance: false,
			elements: 3,
		});
		expect(parseReading("+1.000206E+00,+1.000000E-04,+8.000000E+00").isInCompliance).toBe(true);
		expect(parseReading("+1.000206E+00,+1.000000E-04,+6.553600E+04").isInCompliance).toBe(true);
		const refused = expect.objectContaining({ code: "REPLY_INVALID" });
		for (const reply of ["+9.900000E+37,+0.000000E+00,+0.000000E+00", "+1.0E+00", "1,2,3", ""]) {
			expect(() => parseReading(reply), reply).toThrowError(refused);
		}
		expect(parseError('-113,"Undefined header"')).toEqual({ code: -113, text: "Undefined header" });
		expect(parseError('0,"No error"').code).toBe(0);
	});

	it.each(["\r", "\n", "\r\n"])("may end with %j", (end) => {
		const bytes = Buffer.from(`1${end}`, "latin1");
		expect(lineOf(bytes)).toEqual({ reply: "1", taken: bytes.length });
		expect(lineOf(bytes.subarray(0, 1))).toBeUndefined();
	});
});

describe("keithley-2400", () => {
	it("must declare its watchdog or that it has none", () => {
		const valid = new Ajv({ strict: true }).compile(keithley2400.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid(keithley2400.probeSettings)).toBe(true);
		const { external_watchdog: _watchdog, ...without } = SETTINGS;
		expect(valid(without)).toBe(false);
	});

	it("sets and reads back the high-impedance off state before anything else is told to it", async () => {
		const rig = new Rig();
		expect(await rig.run(rig.device.connect())).toMatchObject({
			confirmed: true,
			identity: { manufacturer: "KEITHLEY INSTRUMENTS INC.", model: "MODEL 2400", serial: "1234567" },
		});
		expect(rig.wire.sent.map((text) => text.trim())).toEqual([
			"*IDN?",
			":OUTP:SMOD HIMP",
			":OUTP:SMOD?",
			":OUTP OFF",
			":OUTP?",
			"*CLS",
			":FORM:ELEM VOLT,CURR,STAT",
			":SYST:RSEN ON",
			":SYST:RSEN?",
			":SENS:FUNC:CONC ON",
			':SENS:FUNC "VOLT","CURR"',
			":SYST:ERR?",
		]);
	});

	it("is polled after a look by questions alone, too: on or off, and never measured", async () => {
		const rig = new Rig();
		await rig.run(rig.device.inspect());
		const off = await rig.run(rig.device.poll());
		expect(off.output).toEqual({ value: 0, quality: "good" });
		expect(off.cell_voltage).toEqual({ value: null, quality: "fault", detail: "the output is off" });
		for (const told of [":SOUR:FUNC CURR", ":OUTP ON"])
			rig.wire.atInstrument(() =>
				rig.simulator.receive(Buffer.from(`${told}\r`), { state: undefined, send: () => {} }),
			);
		const on = await rig.run(rig.device.poll());
		expect(on.output).toEqual({ value: 1, quality: "good" });
		expect(on.cell_voltage!.value).toBeNull();
		expect(rig.wire.sent.every((text) => /^(\*IDN|:OUTP|:OUTP:SMOD)\?$/.test(text.trim()))).toBe(true);
	});

	it("is told from another instrument in a look, too, and from a 2450 in another language", async () => {
		const rig = new Rig();
		rig.wire.fault = instead("HEWLETT-PACKARD,34401A,0,10-5-2\r");
		await expect(rig.run(rig.device.inspect())).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
		rig.wire.fault = (bytes) =>
			rig.wire.sent.at(-1)!.startsWith("*LANG") ? [] : instead("KEITHLEY INSTRUMENTS,MODEL 2450,1,1.6\r")(bytes);
		await expect(rig.run(rig.device.connect())).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
	});

	it("inspects by questions alone", async () => {
		const rig = new Rig();
		const { warnings } = await rig.run(rig.device.inspect());
		expect(warnings).toEqual(["Its output-off state is NORM: off, it is no open circuit."]);
		expect(rig.wire.sent.every((text) => text.trim().endsWith("?"))).toBe(true);
	});

	it("is refused when another instrument answers, or the off state is not taken over", async () => {
		const other = new Rig();
		other.wire.fault = instead("ACME,MODEL 1,0,0\r");
		await expect(other.run(other.device.connect())).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
		const stubborn = new Rig();
		stubborn.wire.fault = (bytes) => [
			{ bytes: Buffer.from(bytes).toString() === "HIMP\r" ? Buffer.from("NORM\r") : bytes, delayMs: 0 },
		];
		await expect(stubborn.run(stubborn.device.connect())).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: "smu kept the output-off state NORM, not HIMP.",
		});
		expect(stubborn.wire.sent.some((text) => text.includes("OUTP ON"))).toBe(false);
	});

	it("runs a program to its end, with rows by sequence, and leaves the cell open", async () => {
		const rig = new Rig();
		const test = await rig.start();
		await rig.polls(260);
		expect((await rig.device.status()).cell).toMatchObject({ activity: "finished", word: "finished" });
		expect(rig.simulator.outputIsOn).toBe(false);
		expect(rig.simulator.shortedS).toBe(0);
		const { rows, gaps } = await rig.device.rows({ channel: "cell", test, fromSeq: 1, rowsMax: 1_000 });
		expect(gaps).toEqual([]);
		expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_row, at) => at + 1));
		const ends = rows.filter((row, at) => rows[at + 1]?.step !== row.step || rows[at + 1]?.cycle !== row.cycle);
		expect(ends.map(({ cycle, step, stepType }) => [cycle, step, stepType])).toEqual([
			[1, 1, "rest"],
			[1, 2, "cc"],
			[1, 3, "dc"],
			[2, 2, "cc"],
			[2, 3, "dc"],
		]);
		expect(ends[1]!.voltageV).toBeCloseTo(0.1, 6);
		expect(ends[2]!.voltageV).toBeCloseTo(-0.1, 6);
		expect(ends[1]!.capacityAh).toBeCloseTo(0.001 / 60, 6);
	});

	it("has the window as compliance before the output goes on, and never measures with :MEAS?", async () => {
		const rig = new Rig();
		await rig.start();
		await rig.polls(30);
		const sent = rig.wire.sent.map((text) => text.trim());
		const on = sent.indexOf(":OUTP ON");
		expect(sent.slice(0, on)).toEqual(expect.arrayContaining([":SENS:VOLT:PROT 2e+0", ":SOUR:CURR:LEV 0e+0"]));
		expect(sent.indexOf(":READ?")).toBeGreaterThan(on);
		expect(sent.some((text) => text.includes("MEAS"))).toBe(false);
	});

	it("switches off when the cell leaves the window", async () => {
		const rig = new Rig();
		await rig.start();
		await rig.polls(20);
		rig.cell.ohm = 5_000;
		await rig.polls(2);
		expect((await rig.device.status()).cell).toMatchObject({ activity: "protected" });
		expect(await rig.word()).toContain("compliance");
		expect(rig.simulator.outputIsOn).toBe(false);
	});

	it.each([
		["silence", silent],
		["garbage", instead("garbage\r")],
		["an overflow", instead("+9.900000E+37,+0.000000E+00,+0.000000E+00\r")],
	])("ends the test on %s and switches off as soon as it is heard again", async (_name, fault) => {
		const rig = new Rig();
		await rig.start();
		await rig.polls(20);
		rig.wire.fault = fault;
		await rig.wire.clock.advance(1_000);
		await expect(rig.run(rig.device.poll())).rejects.toBeDefined();
		expect((await rig.device.status()).cell).toMatchObject({ activity: "stopped" });
		rig.wire.fault = undefined;
		await rig.wire.clock.advance(3_000);
		await rig.run(rig.device.connect());
		expect(rig.simulator.outputIsOn).toBe(false);
		expect(rig.simulator.shortedS).toBe(0);
	});

	it("ends a test whose readings come too late", async () => {
		const rig = new Rig();
		await rig.start();
		await rig.polls(5);
		await rig.wire.clock.advance(6_000);
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(rig.simulator.outputIsOn).toBe(false);
	});

	it("notices an opened output-enable line and a power cycle, and does not go on by itself", async () => {
		const rig = new Rig();
		await rig.start();
		await rig.polls(20);
		rig.enabled = false;
		await rig.wire.clock.advance(1_000);
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		rig.enabled = true;
		await rig.wire.clock.advance(3_000);
		await rig.run(rig.device.connect());
		await rig.polls(3);
		expect(rig.simulator.outputIsOn).toBe(false);
	});

	it("refuses an unattended test without a watchdog, and takes an attended one", async () => {
		const rig = new Rig({ external_watchdog: "none" });
		await expect(rig.start()).rejects.toMatchObject({
			code: "CYCLER_REFUSED",
			message: expect.stringContaining("An unattended test needs an external watchdog"),
		});
		expect(rig.simulator.outputIsOn).toBe(false);
		await rig.start(PROGRAM, "A. Person");
		expect(rig.simulator.outputIsOn).toBe(true);
	});

	it("stops, makes safe and closes with the output off", async () => {
		for (const end of ["stop", "makeSafe", "close"] as const) {
			const rig = new Rig();
			await rig.start();
			await rig.polls(20);
			await rig.run(end === "stop" ? rig.device.stop("cell") : rig.device[end]());
			expect(rig.simulator.outputIsOn, end).toBe(false);
			expect((await rig.device.status()).cell!.activity, end).toBe("stopped");
		}
	});

	it("says what the instrument refused", async () => {
		const rig = new Rig();
		await rig.run(rig.device.connect());
		rig.wire.requestFault = (bytes) =>
			Buffer.from(bytes).toString().startsWith(":SOUR:FUNC") ? Buffer.from(":SOUR:FUNK CURR\r") : bytes;
		await expect(rig.run(rig.device.start({ channel: "cell", barcode: "c", program: PROGRAM }))).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("-113 Undefined header"),
		});
		expect(rig.simulator.outputIsOn).toBe(false);
	});
});

describe("the simulated 2400", () => {
	const ask = (simulator: Keithley2400Simulator, text: string): string => {
		let reply = "";
		simulator.receive(Buffer.from(text, "latin1"), {
			state: undefined,
			send: (bytes) => {
				reply += Buffer.from(bytes).toString("latin1");
			},
		});
		return reply;
	};

	it("answers long and short forms, keeps errors, and gives no reading while off", () => {
		const { simulator } = new Rig();
		expect(ask(simulator, ":READ?\r")).toBe("");
		expect(ask(simulator, ":SYSTem:ERRor?\n")).toBe('+802,"Invalid with output OFF"\r');
		expect(ask(simulator, ":SYST:ERR?\r")).toBe('0,"No error"\r');
		ask(
			simulator,
			":SOURce1:FUNCtion CURRent\r:SENSe:VOLTage:PROTection:LEVel 3;:SOUR:CURR:LEV:IMM:AMPL 1E-3\r:OUTPut:STATe 1\r",
		);
		expect(ask(simulator, ":READ?\r")).toBe("+1.000000E-01,+1.000000E-03,+9.910000E+37,+0.000000E+00,+0.000000E+00\r");
		ask(simulator, ":NONSENSE 1\r");
		expect(ask(simulator, ":SYST:ERR?\r")).toBe('-113,"Undefined header"\r');
	});

	it("is 0 V across the cell when it is switched off in its normal state", () => {
		const { simulator, cell } = new Rig();
		cell.openV = 3;
		simulator.advance(10_000);
		expect(simulator.shortedS).toBeCloseTo(10, 6);
		expect(cell.currentA).toBeCloseTo(-0.03, 6);
	});
});
