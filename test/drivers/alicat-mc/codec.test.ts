import { describe, expect, it } from "vitest";
import {
	encodeCommand,
	manufacturingReply,
	oneLine,
	parseFirmware,
	parseNumber,
	parseQuantity,
	parseSetpoint,
} from "#drivers/alicat-mc/codec.js";
import { type Column, columnTableReply, defaultColumns, FrameReader } from "#drivers/alicat-mc/frame.js";
import { COLUMNS_5V12, COLUMNS_8V17, COLUMNS_10V20, MANUFACTURING_10V20 } from "./captured.js";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

function columnsOf(table: string, unitId = "A"): Column[] {
	const parsed = columnTableReply(unitId)(bytes(table));
	if (parsed?.reply == null) throw new Error("no table");
	return parsed.reply;
}

describe("Alicat codec", () => {
	it("sends the unit's letter, the command and CR", () => {
		expect(Buffer.from(encodeCommand("A", ""))).toEqual(Buffer.from("A\r"));
		expect(Buffer.from(encodeCommand("A", "LS 50.00"))).toEqual(Buffer.from("ALS 50.00\r"));
	});

	it("reads the captured frame of an MC-500SCCM-D 10v20", () => {
		const frame = "A +014.62 +021.89 +000.00 +000.00 +078.95     N2";
		const read = new FrameReader(columnsOf(COLUMNS_10V20), frame).read(frame);
		expect(read).toMatchObject({
			temperatureC: 21.89,
			massInstrumentSccm: 0,
			setpointInstrumentSccm: 78.95,
			gas: "N2",
			words: [],
		});
		expect(read.pressurePa).toBeCloseTo(100_801.35, 1);
	});

	it("reads the captured frame of an MCR-200SLPM-D 8v17 in litres", () => {
		const frame = "B +014.62 +022.95 +000.00 +001.50 +002.00     N2 HLD LCK";
		const reader = new FrameReader(columnsOf(COLUMNS_8V17, "B"), frame);
		expect(reader.read(frame)).toMatchObject({
			massInstrumentSccm: 1500,
			setpointInstrumentSccm: 2000,
			words: ["HLD", "LCK"],
		});
	});

	it("reads the captured frame of an MC-500SCCM-D 5v12, whose setpoint has no sign", () => {
		const frame = "A +014.52 +021.50 +0000.1 +0000.2 0116.3      N2";
		const columns = columnsOf(COLUMNS_5V12);
		expect(columns.find((column) => column.role === "mass")).toEqual({
			name: "Mass",
			role: "mass",
			unit: "SCCM",
			max: 500,
		});
		const reader = new FrameReader(columns, frame);
		expect(reader.setpointDecimals).toBe(1);
		expect(reader.read(frame)).toMatchObject({ massInstrumentSccm: 0.2, setpointInstrumentSccm: 116.3, gas: "N2" });
	});

	it("refuses the captured frame of a meter, which has no setpoint", () => {
		const frame = "A +014.633 +022.97 -00.034 -00.034    Air";
		expect(() => new FrameReader(defaultColumns("SLPM"), frame)).toThrow(/no Mass Flow Setpt in column 5/);
	});

	it.each([
		["a digit lost", "A +014.62 +021.89 +000.00 +00.00 +078.95     N2"],
		["a digit doubled", "A +014.62 +021.89 +000.00 +000.00 +0778.95     N2"],
		["a column lost", "A +014.62 +021.89 +000.00 +078.95     N2"],
		["two columns joined", "A +014.62 +021.89 +000.00+000.00 +078.95     N2"],
		["a sign lost", "A +014.62 +021.89 +000.00 000.00 +078.95     N2"],
		["the point moved", "A +014.62 +021.89 +000.00 +0000.0 +078.95     N2"],
		["the gas lost", "A +014.62 +021.89 +000.00 +000.00 +078.95"],
		["a letter in a number", "A +014.62 +021.89 +000.00 +0O0.00 +078.95     N2"],
		["an unreadable status", "A +014.62 +021.89 +000.00 +000.00 +078.95     N2 HL"],
		["dashes for a value", "A +014.62 +021.89 +000.00 ------- +078.95     N2"],
	])("refuses a frame with %s", (_name, damaged) => {
		const reader = new FrameReader(columnsOf(COLUMNS_10V20), "A +014.62 +021.89 +000.00 +000.00 +078.95     N2");
		expect(() => reader.read(damaged)).toThrow();
	});

	it("refuses columns in units that it cannot take, and a controller of something else than mass flow", () => {
		const frame = "A +014.62 +021.89 +000.00 +000.00 +078.95     N2";
		const refused = (from: string, to: string): (() => unknown) => {
			const columns = columnsOf(COLUMNS_10V20.replaceAll(from, to));
			return () => new FrameReader(columns, frame);
		};
		expect(refused("PSIA", "PSIG")).toThrow(/Abs Press in "PSIG"/);
		expect(refused(" SCCM", " SCFH")).toThrow(/Mass Flow in "SCFH"/);
		expect(refused("`C", "`R")).toThrow(/Flow Temp in "`R"/);
		expect(refused("037 Mass Flow Setpt", "034 Abs Press Setpt")).toThrow(/no setpoint of mass flow control/);
	});

	it("waits for the whole table at every split, and ends with the Gas row", () => {
		const table = bytes(COLUMNS_10V20);
		const end = COLUMNS_10V20.indexOf("A D08");
		const parse = columnTableReply("A");
		for (let length = 0; length < end; length += 1)
			expect(parse(table.subarray(0, length)), `${length}`).toBeUndefined();
		expect(parse(table.subarray(0, end))?.taken).toBe(end);
	});

	it("refuses a table with a row missing", () => {
		const table = COLUMNS_10V20.split("\r")
			.filter((row) => !row.startsWith("A D05"))
			.join("\r");
		expect(() => columnTableReply("A")(bytes(table))).toThrow(/not row 5/);
	});

	it("reads maker, model, serial number and firmware", () => {
		expect(manufacturingReply("A")(bytes(MANUFACTURING_10V20))?.reply).toEqual({
			maker: "ALICAT SCIENTIFIC",
			model: "MC-500SCCM-D",
			serial: "521641",
			firmware: "10v20.0-R24",
		});
		expect(manufacturingReply("A")(bytes("?\r"))?.reply).toBeNull();
	});

	it("reads the firmware out of both replies that carry it", () => {
		expect(parseFirmware("A   10v20.0-R24 Jan  9 2025,15:04:07")).toEqual({ text: "10v20.0-R24", version: 1020 });
		expect(parseFirmware("5v12.0-R22")?.version).toBe(512);
		expect(parseFirmware("A GP")).toBeUndefined();
	});

	it("reads setpoints and quantities", () => {
		expect(parseSetpoint("A +078.94 +078.88 12 SCCM")).toEqual({ current: 78.94, requested: 78.88, unit: "SCCM" });
		expect(parseSetpoint("A   1 ---")).toBeUndefined();
		expect(parseQuantity("A +500.00 12 SCCM")).toEqual({ value: 500, unit: "SCCM" });
		expect(parseQuantity("A +078.94 +078.88 12 SCCM")).toBeUndefined();
		expect(parseNumber("1e3")).toBeUndefined();
	});

	it.each([
		["LF alone", "A S\n"],
		["CR LF", "A S\r\n"],
		["a space before and behind", " A S  \r"],
		["what a two-wire line gives as it turns around", "\xff\x00A S\r"],
	])("takes a line with %s", (_what, line) => {
		expect(oneLine("A")(bytes(line))?.reply).toBe("A S");
	});

	it("reads a whole table whose lines end with LF", () => {
		expect(columnTableReply("A")(bytes(COLUMNS_10V20.replaceAll("\r", "\n")))?.reply).toHaveLength(5);
		expect(manufacturingReply("A")(bytes(MANUFACTURING_10V20.replaceAll("\r", "\n")))?.reply?.serial).toBe("521641");
	});

	it("skips a late line of another unit, knows a refusal, and refuses noise", () => {
		const parse = oneLine("A");
		expect(parse(bytes("B +014.62 N2\rA S\r"))).toEqual({ reply: "A S", taken: 17 });
		expect(parse(bytes("?\r"))).toEqual({ reply: null, taken: 2 });
		expect(parse(bytes("A S"))).toBeUndefined();
		expect(() => parse(bytes("+014.62 N2\r"))).toThrow(/no line of unit A/);
		expect(() => parse(bytes("A \x80"))).toThrow(/Byte 128/);
	});
});
