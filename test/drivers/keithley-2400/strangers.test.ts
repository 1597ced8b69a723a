/** 2400s that answer otherwise than the simulated one, as the manuals and the makers of emulators allow. */
import { describe, expect, it } from "vitest";
import { kindOf, lineOf, parseError, parseIdentity, parseReading, parseSwitch } from "#drivers/keithley-2400/codec.js";
import type { WireFault } from "../simulated-line.js";
import { PROGRAM, Rig } from "./rig.js";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytesOf = (reply: string) => Buffer.from(reply, "latin1");
/** Every reply, told otherwise. */
const saying =
	(change: (reply: string) => string): WireFault =>
	(bytes) => [{ bytes: bytesOf(change(text(bytes))), delayMs: 0 }];
const refused = expect.objectContaining({ code: "REPLY_INVALID" });

describe("a reading", () => {
	it.each([
		["with fewer digits", "+1.5E+00,-1.0E-03,+0.0E+00"],
		["in small letters", "1.5e+00,-1.0e-03,0.0e+00"],
		["without signs and exponents", "1.5,-0.001,0"],
		["with three digits of exponent", "+1.500000E+000,-1.000000E-003,+0.000000E+000"],
		["with spaces", " +1.500000E+00, -1.000000E-03, +0.000000E+00 "],
		["with all five elements", "+1.500000E+00,-1.000000E-03,+9.910000E+37,+1.234000E+02,+0.000000E+00"],
	])("%s is read", (_what, reply) => {
		expect(parseReading(reply)).toMatchObject({ voltageV: 1.5, currentA: -0.001, isInCompliance: false });
	});

	it.each([
		["one element", "+1.500000E+00"],
		["two elements", "+1.500000E+00,-1.000000E-03"],
		["four elements", "+1.500000E+00,-1.000000E-03,+1.234000E+02,+0.000000E+00"],
		["two readings at once", "+1.5E+00,-1.0E-03,+0.0E+00,+1.5E+00,-1.0E-03,+0.0E+00"],
		["no number", "+1.500000E+00,+9.910000E+37,+0.000000E+00"],
		["a negative overflow", "-9.900000E+37,+1.000000E-03,+0.000000E+00"],
		["words", "OVERFLOW,NAN,0"],
		["a decimal comma", "+1,500000E+00,-1,000000E-03,+0"],
		["half of a line", "+1.500000E+00,-1.000000E-03,+"],
		["a status that is none", "+1.500000E+00,-1.000000E-03,+5.000000E-01"],
		["a status beyond its bits", "+1.500000E+00,-1.000000E-03,+3.355443E+07"],
		["a status below 0", "+1.500000E+00,-1.000000E-03,-8.000000E+00"],
		["a value measured beyond the range", "+1.500000E+00,-1.000000E-03,+1.000000E+00"],
		["over-voltage", "+1.500000E+00,-1.000000E-03,+1.600000E+01"],
		["nothing", ""],
	])("with %s is none", (_what, reply) => {
		expect(() => parseReading(reply)).toThrowError(refused);
	});

	it.each([
		["neither", 21_508, false],
		["the real compliance", 21_508 + 8, true],
		["the range's compliance", 21_508 + 65_536, true],
		["both, with remote sense", 4_194_304 + 65_536 + 8, true],
	])("tells of %s by its status among other bits", (_what, status, isInCompliance) => {
		expect(parseReading(`+1.0E+00,+1.0E-03,+${status.toExponential(6).toUpperCase()}`)).toMatchObject({
			isInCompliance,
		});
	});
});

describe("a line", () => {
	it.each([
		["after an echo", ":OUTP?\r1\r"],
		["after echoes of several commands", ":OUTP:SMOD HIMP\r\n:OUTP?\r\n1\r\n"],
		["after empty lines", "\r\n\r\n1\r\n"],
		["with flow control in it", "\x131\x11\r"],
		["after the noise of switching on", "\x00\x001\r"],
		["with spaces around", "  1 \r\n"],
	])("%s is the reply alone", (_what, received) => {
		expect(lineOf(bytesOf(received))).toEqual({ reply: "1", taken: received.length });
		for (let end = 0; end < received.lastIndexOf("1") + 1; end += 1)
			expect(lineOf(bytesOf(received.slice(0, end))), `${end}`).toBeUndefined();
	});

	it("without an end is refused when no reply is that long", () => {
		expect(() => lineOf(bytesOf("1".repeat(600)))).toThrowError(refused);
	});

	it("says on or off in no more ways than are clear", () => {
		for (const reply of ["1", "+1", "ON", "on"]) expect(parseSwitch(reply), reply).toBe(true);
		for (const reply of ["0", "+0", "OFF"]) expect(parseSwitch(reply), reply).toBe(false);
		for (const reply of ["2", "-1", "", "10", "HIMP", '0,"No error"'])
			expect(() => parseSwitch(reply)).toThrow(refused);
	});

	it("is an entry of the error queue with or without sign, quotes and spaces, but not a number alone", () => {
		expect(parseError('+0,"No error"')).toEqual({ code: 0, text: "No error" });
		expect(parseError('0, "No error"')).toEqual({ code: 0, text: "No error" });
		expect(parseError("-222,Parameter data out of range").code).toBe(-222);
		expect(parseError('+802,"Invalid with output OFF"').code).toBe(802);
		expect(() => parseError("0")).toThrowError(refused);
	});
});

describe("an identity", () => {
	it.each([
		["KEITHLEY INSTRUMENTS INC.,MODEL 2400,1149500,C32   Oct  4 2010 14:20:11/A02  /S/K", "native"],
		["KEITHLEY INSTRUMENTS INC., MODEL 2401, 4033478, A01 Aug 25 2011 12:57:43/A02 /S/M", "native"],
		["KEITHLEY INSTRUMENTS INC.,MODEL 2410,0928374,C34 Sep 21 2016 15:30:00/A02  /J/K", "native"],
		["KEITHLEY INSTRUMENTS INC.,MODEL 2400-LV,1149500,C32", "native"],
		["Keithley Instruments Inc.,MODEL2420,1,C30", "native"],
		["KEITHLEY INSTRUMENTS,MODEL 2450,04033478,1.7.12b", "by-mode"],
		["KEITHLEY INSTRUMENTS INC.,MODEL 2000,0600000,A19", "other"],
		["KEITHLEY INSTRUMENTS INC.,MODEL 6430,0600000,A19", "other"],
		["KEITHLEY INSTRUMENTS INC.,MODEL 24001,0600000,A19", "other"],
		["ACME,MODEL 2400,1,1", "other"],
		["KEITHLEY INSTRUMENTS INC.", "other"],
	])("%s is %s", (reply, kind) => {
		expect(kindOf(parseIdentity(reply))).toBe(kind);
	});

	it.each([
		["SCPI2400", true],
		["SCPI", false],
		["TSP", false],
	])("of a 2450 in its language %s: taken is %s, and nothing else is told to it before", async (language, isTaken) => {
		const rig = new Rig();
		const replies = ["KEITHLEY INSTRUMENTS,MODEL 2450,04033478,1.7.12b", language];
		rig.wire.fault = (bytes) => [{ bytes: bytesOf(`${replies.shift() ?? text(bytes).trim()}\r`), delayMs: 0 }];
		// The simulated 2400 knows no language: it is asked for something that it answers.
		rig.wire.requestFault = (bytes) => (text(bytes).startsWith("*LANG?") ? bytesOf("*IDN?\r") : bytes);
		const connected = rig.run(rig.device.connect());
		if (isTaken) await expect(connected).resolves.toMatchObject({ confirmed: true });
		else {
			await expect(connected).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
			expect(rig.wire.sent.map((sent) => sent.trim())).toEqual(["*IDN?", "*LANG?"]);
		}
	});
});

describe("a test on a stranger", () => {
	it.each([
		["that ends its lines with CR LF and pads them", (reply: string) => ` ${reply.trim()} \r\n`],
		["that ends its lines with LF", (reply: string) => `${reply.trim()}\n`],
		["that says its off state in full", (reply: string) => reply.replace("HIMP", "HIMPedance")],
		["that writes numbers in its own way", (reply: string) => reply.replaceAll(/\+(\d\.\d+)E\+00/g, "$1")],
		["that sends a line before each reply", (reply: string) => `\r\n${reply}`],
	])("%s runs to its end with the output off", async (_what, change) => {
		const rig = new Rig();
		rig.wire.fault = saying(change);
		await rig.start();
		await rig.polls(260);
		expect((await rig.device.status()).cell).toMatchObject({ activity: "finished" });
		expect(rig.simulator.outputIsOn).toBe(false);
		expect(rig.simulator.shortedS).toBe(0);
	});

	it("whose line echoes every command runs to its end, too", async () => {
		const rig = new Rig();
		let asked = "";
		rig.wire.requestFault = (bytes) => {
			asked = text(bytes).trim();
			return bytes;
		};
		rig.wire.fault = (bytes) => [{ bytes: bytesOf(`${asked}\r${text(bytes)}`), delayMs: 0 }];
		await rig.start();
		await rig.polls(260);
		expect((await rig.device.status()).cell).toMatchObject({ activity: "finished" });
		expect(rig.simulator.outputIsOn).toBe(false);
	});

	it("that gives all five elements, whatever it is told, runs; one that changes their number does not", async () => {
		const rig = new Rig();
		const five = (reply: string) =>
			reply.replace(/^([+-][^,]+,[+-][^,]+),([+-][^,]+)\r$/, "$1,+9.910000E+37,+1.000000E+00,$2\r");
		rig.wire.fault = saying(five);
		await rig.start();
		await rig.polls(30);
		expect((await rig.device.status()).cell!.activity).toBe("running");
		rig.wire.fault = undefined;
		await rig.wire.clock.advance(1_000);
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({
			message: "A reading of 3 elements came after one of 5.",
		});
		expect(rig.simulator.outputIsOn).toBe(false);
	});
});

describe("the output goes off", () => {
	/** At rest the simulated cell is 10 s long, then a current flows. */
	async function running(): Promise<Rig> {
		const rig = new Rig();
		await rig.start();
		await rig.polls(20);
		expect(rig.simulator.outputIsOn).toBe(true);
		return rig;
	}

	it("when a line comes that nobody asked for, and what comes late after it is taken for no other answer", async () => {
		const rig = await running();
		rig.wire.fault = (bytes) => {
			rig.wire.fault = undefined;
			return [
				{ bytes: bytesOf("SRQ\r"), delayMs: 0 },
				{ bytes, delayMs: 400 },
			];
		};
		await rig.wire.clock.advance(1_000);
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({ code: "REPLY_INVALID" });
		expect(rig.simulator.outputIsOn).toBe(false);
		expect((await rig.device.status()).cell!.activity).toBe("stopped");
		await rig.run(rig.device.connect());
		expect(rig.simulator.shortedS).toBe(0);
	});

	it("when only the way back is broken: it is told so without an answer", async () => {
		const rig = await running();
		rig.wire.fault = () => [];
		await rig.wire.clock.advance(1_000);
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(rig.simulator.outputIsOn).toBe(false);
		expect(rig.simulator.shortedS).toBe(0);
	});

	it("when the answers are garbled on the way", async () => {
		const rig = await running();
		rig.wire.fault = saying(() => "#?!\r");
		await rig.wire.clock.advance(1_000);
		await expect(rig.run(rig.device.poll())).rejects.toMatchObject({ code: "REPLY_INVALID" });
		expect(rig.simulator.outputIsOn).toBe(false);
	});

	it("but is never switched by a driver that has not seen the high-impedance state", async () => {
		const rig = new Rig();
		rig.wire.fault = saying((reply) => (reply === "HIMP\r" ? "#?!\r" : reply));
		await expect(rig.run(rig.device.connect())).rejects.toMatchObject({ code: "REPLY_INVALID" });
		expect(rig.wire.sent.some((sent) => sent.startsWith(":OUTP OFF") || sent.startsWith(":OUTP ON"))).toBe(false);
	});

	it("when four wires are not confirmed, or the compliance is another than told, it never goes on", async () => {
		const twoWires = new Rig();
		twoWires.wire.requestFault = (bytes) => (text(bytes).startsWith(":SYST:RSEN ON") ? bytesOf("*CLS\r") : bytes);
		await expect(twoWires.start()).rejects.toMatchObject({ message: "smu did not switch to four-wire sensing." });
		const loose = new Rig();
		loose.wire.requestFault = (bytes) => (text(bytes).startsWith(":SENS:VOLT:PROT 2e+0") ? bytesOf("*CLS\r") : bytes);
		await expect(loose.start(PROGRAM)).rejects.toMatchObject({
			message: "smu gave 21 to :SENS:VOLT:PROT?, and 2 had been set.",
		});
		for (const { wire, simulator } of [twoWires, loose]) {
			expect(wire.sent.some((sent) => sent.startsWith(":OUTP ON"))).toBe(false);
			expect(simulator.outputIsOn).toBe(false);
		}
	});
});
