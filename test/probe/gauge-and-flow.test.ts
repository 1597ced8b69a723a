/** Line instruments of strangers, over TCP and a pty, with the manuals' bytes and the quirks of the field. */
import { afterEach, describe, expect, it } from "vitest";
import { COLUMNS_5V12, COLUMNS_10V20, MANUFACTURING_10V20 } from "../drivers/alicat-mc/captured.js";
import { closeEmulators, gaugeController, lineInstrument, servePty, serveTcp } from "./emulators.js";
import { probe, values } from "./support.js";

afterEach(closeEmulators);

const TPG362 = {
	AYT: "TPG362,PTG28290,44990000,010400,010100",
	TID: "CMR,TPR",
	UNI: "0",
	PRX: "0,7.8800E-05,0,1.0000E+03",
};

describe("probing a gauge controller", () => {
	const probeGauge = async (options: Parameters<typeof gaugeController>[0], ...more: string[]) => {
		const { port, received } = await serveTcp(gaugeController(options));
		return { ...(await probe("pfeiffer-tpg362", `tcp://127.0.0.1:${port}`, ...more)), received };
	};

	it("says identity and every channel, without any option, and writes nothing", async () => {
		const { code, json, received } = await probeGauge({ answers: TPG362 });
		expect(code).toBe(0);
		expect(json).toMatchObject({
			ok: true,
			identityConfirmed: true,
			identity: { manufacturer: "Pfeiffer Vacuum", model: "TPG362", serial: "44990000", firmware: "010400" },
			set: [],
			warnings: [],
		});
		expect(json.readings.channel_1).toMatchObject({ unit: "Pa", quality: "good" });
		expect(json.readings.channel_1!.value).toBeCloseTo(7.88e-3, 9);
		expect(json.readings.channel_2!.value).toBeCloseTo(100_000, 6);
		expect(json.exchanges).toBeGreaterThan(0);
		expect(Buffer.concat(received).toString("latin1")).not.toContain(",");
	});

	it.each([
		["CR alone", { end: "\r" }],
		["LF alone", { end: "\n" }],
		["ACK without a line's end", { ackEnd: "" }],
		["a line's end around the data", { before: "\r\n" }],
		["spaces around the data", { before: "  " }],
		["whole lines only, ENQ too", { linesOnly: true }],
		["an ACK's end that comes with the data", { ackEnd: "", before: "\r\n" }],
	])("takes %s", async (_name, quirk) => {
		const { code, json } = await probeGauge({ answers: TPG362, ...quirk });
		expect(code).toBe(0);
		expect(json.identity.model).toBe("TPG362");
		expect(json.readings.channel_1!.value).toBeCloseTo(7.88e-3, 9);
	});

	it.each([
		["0,7.88E-5,0,1.00E+3", 7.88e-3, 100_000],
		["0, +1.0000E+03 , 0 , -1.2000E-02", 100_000, -1.2],
		["0,7.8800E-005,0,1.0000E+003", 7.88e-3, 100_000],
	])("reads %j", async (line, first, second) => {
		const { json } = await probeGauge({ answers: { ...TPG362, PRX: line } });
		expect(json.readings.channel_1!.value).toBeCloseTo(first, 6);
		expect(json.readings.channel_2!.value).toBeCloseTo(second, 6);
	});

	it("takes the six channels of a 366, a status for no pressure, and Torr for Torr", async () => {
		const PRX = ["0,1.0000E+00", "5,2.0000E-2", "1,1.0000E+00", "4,1.0000E+00", "3,1.0000E+00", "0,1.0000E-01"].join(
			",",
		);
		const { json } = await probeGauge({
			answers: { AYT: "TPG366,PTG28770,44990001,010300,010100", TID: "TPR,noSEn,TPR,PKR,CMR,CMR", UNI: "1", PRX },
		});
		expect(json.identity.model).toBe("TPG366");
		expect(json.readings.channel_1!.value).toBeCloseTo(133.322368, 5);
		expect(json.readings.channel_2).toMatchObject({
			value: null,
			quality: "fault",
			detail: expect.stringContaining("no sensor"),
		});
		expect(json.readings.channel_6!.value).toBeCloseTo(13.3322368, 6);
		expect(Object.keys(json.readings)).toHaveLength(6);
	});

	it("knows a 26x, which has no AYT, by its gauges, and one that has only PR1 and PR2", async () => {
		const { json } = await probeGauge({
			answers: { TID: "TPR,noSEn", UNI: "0", PR1: "0,1.0000E+00", PR2: "5,2.0000E-2" },
		});
		expect(json.identityConfirmed).toBe(true);
		expect(json.identity.model).toBe("TPG 26x or VGC 40x");
		expect(values(json)).toEqual({ channel_1: 100, channel_2: null });
	});

	it("does not confirm what knows nothing of itself, and gives no pressure without a unit", async () => {
		const { code, json } = await probeGauge({ answers: { PR1: "0,7.8800E-05" } });
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.channel_1).toMatchObject({ value: null, quality: "fault" });
		expect(json.readings.channel_1!.detail).toContain("0.0000788");
		expect(json.warnings.join(" ")).toContain("unit is not known");
	});

	it("is refused by another instrument that says its name", async () => {
		const { code, json } = await probeGauge({ answers: { ...TPG362, AYT: "RVC300,1,2,3,4" } });
		expect(code).toBe(4);
		expect(json).toMatchObject({ ok: false, error: { code: "IDENTITY_MISMATCH" } });
	});

	it("drains what is streamed before the first character, over a pty", async () => {
		const controller = gaugeController({ answers: TPG362 })();
		let streaming = true;
		const { path } = servePty((bytes, send) => {
			if (streaming) send("E-05,0,1.0000E+03\r\n0,7.8800E-05,0,1.0000E+03\r\n");
			streaming = false;
			controller(bytes, send);
		});
		const { code, json } = await probe("pfeiffer-tpg362", `serial:${path}?baud=9600`, "--option", "channels.chamber=1");
		expect(code).toBe(0);
		expect(Object.keys(json.readings)).toEqual(["chamber"]);
		expect(json.readings.chamber!.value).toBeCloseTo(7.88e-3, 9);
	});
});

describe("probing a flow controller", () => {
	const MODERN = {
		A: "A +014.62 +021.89 +000.00 +050.00 +078.95     N2\r",
		"A??M*": MANUFACTURING_10V20,
		"A??D*": COLUMNS_10V20,
		ALSS: "A S\r",
		"AFPF 5": "A +500.00 12 SCCM\r",
		"ADCFRT S": "A +25.000 2 `C\r",
	};
	const probeFlow = async (answers: Record<string, string>, ...more: string[]) => {
		const { port, received } = await serveTcp(lineInstrument(answers));
		return { ...(await probe("alicat-mc", `tcp://127.0.0.1:${port}`, ...more)), received };
	};

	it("says identity and readings without any option, at the instrument's own standard temperature", async () => {
		const { code, json, received } = await probeFlow(MODERN);
		expect(code).toBe(0);
		expect(json.identity).toEqual({
			manufacturer: "Alicat Scientific",
			model: "MC-500SCCM-D",
			serial: "521641",
			firmware: "10v20.0-R24",
		});
		expect(json.identityConfirmed).toBe(true);
		expect(json.readings.flow!.value).toBeCloseTo((50 * 273.15) / 298.15, 6);
		expect(json.readings.pressure!.value).toBeCloseTo(100_801.35, 0);
		expect(json.readings.temperature!.value).toBe(21.89);
		for (const command of ["ALS 0", "AS", "A0", "AC", "AH"])
			expect(Buffer.concat(received).toString()).not.toContain(`${command}\r`);
	});

	it("reads a 5v12 with its unsigned setpoint and other widths, a table without codes and no flow standard", async () => {
		const { json } = await probeFlow({
			A: "A +014.52 +021.50 +0000.1 +0000.2 0116.3      N2\r",
			AVE: "A   5v12.0-R22 Mar  3 2011,10:11:12\r",
			"A??D*": COLUMNS_5V12,
		});
		expect(json.identity.firmware).toBe("5v12.0-R22");
		expect(json.readings.setpoint).toMatchObject({
			value: null,
			quality: "fault",
			detail: expect.stringContaining("116.3 SCCM"),
		});
		expect(json.readings.setpoint!.detail).toContain("--option standard_degC");
		const told = await probeFlow(
			{ A: "A +014.52 +021.50 +0000.1 +0000.2 0116.3      N2\r", AVE: "A   5v12.0-R22\r", "A??D*": COLUMNS_5V12 },
			"--option",
			"standard_degC=0",
		);
		expect(told.json.readings.setpoint!.value).toBeCloseTo(116.3, 6);
	});

	it("assumes nothing of one that knows only its data frame", async () => {
		const { code, json } = await probeFlow({ A: "A +014.62 +021.89 +000.00 +000.00 +078.95     N2 HLD LCK TMF\r\n" });
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.temperature!.value).toBe(21.89);
		expect(json.readings.flow).toMatchObject({ value: null, quality: "fault" });
		expect(json.readings.setpoint!.value).toBeNull();
	});

	it("reads a meter, which has no setpoint, and does not confirm a controller", async () => {
		const { json } = await probeFlow({ A: "A +014.633 +022.97 -00.034 -00.034    Air\r" });
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.pressure!.value).toBeCloseTo(100_890.98, 0);
		expect(json.readings.setpoint!.detail).toContain("no setpoint");
	});

	it("takes the unit's letter in either case, and LF behind CR", async () => {
		const answers = Object.fromEntries(
			Object.entries(MODERN).map(([asked, text]) => [
				asked,
				text.replaceAll(/(^|\r)A/g, "$1a").replaceAll("\r", "\r\n"),
			]),
		);
		const { code, json } = await probeFlow(answers, "--option", "unit_id=a");
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(true);
		expect(json.readings.temperature!.value).toBe(21.89);
	});

	it("sets only with --unguarded, reads back, and warns", async () => {
		const held = { sccm: "+078.95" };
		const known = ["--option", "full_scale_sccm=500", "--option", "gas=N2", "--option", "standard_degC=0"];
		const make = () => {
			const { "ADCFRT S": _25, ...rest } = MODERN;
			const plain = lineInstrument(rest)();
			let line = "";
			return (bytes: Buffer, send: (reply: Buffer | string) => void) => {
				line += bytes.toString("latin1");
				if (!line.endsWith("\r")) return;
				const setpoint = /^ALS ([\d.]+)\r$/.exec(line)?.[1];
				if (setpoint !== undefined) held.sccm = `+${Number(setpoint).toFixed(2).padStart(6, "0")}`;
				if (line.startsWith("ALS") && line !== "ALSS\r") send(`A ${held.sccm} ${held.sccm} 12 SCCM\r`);
				else plain(Buffer.from(line, "latin1"), send);
				line = "";
			};
		};
		const { port } = await serveTcp(make);
		const address = `tcp://127.0.0.1:${port}`;
		const refused = await probe("alicat-mc", address, ...known, "--set", "setpoint=120");
		expect(refused.code).toBe(5);
		expect(refused.json.error?.code).toBe("SET_UNGUARDED");
		expect(held.sccm).toBe("+078.95");
		const far = await probe("alicat-mc", address, ...known, "--set", "setpoint=501", "--unguarded");
		expect(far.code).toBe(5);
		expect(far.json.error?.code).toBe("SETPOINT_OUT_OF_RANGE");
		expect(held.sccm).toBe("+078.95");
		const set = await probe("alicat-mc", address, ...known, "--set", "setpoint=120", "--unguarded");
		expect(set.json.set).toEqual([{ signal: "setpoint", requested: 120, readBack: 120, ok: true }]);
		expect(set.code).toBe(0);
		expect(held.sccm).toBe("+120.00");
		expect(set.stderr).toContain("UNGUARDED");
	});
});
