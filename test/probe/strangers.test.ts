/**
 * Far ends as strangers write them: with a few questions answered and the rest passed over in silence, refused in another way, or
 * in another handwriting. Bytes are those of the manuals and of public emulators and drivers, named at each.
 */
import { afterAll, describe, expect, it } from "vitest";
import { closeEmulators, lineEnded, modbusTcp, servePty, serveTcp } from "./emulators.js";
import { probe } from "./support.js";

afterAll(closeEmulators);

type Answers = Readonly<Record<string, string>>;

const probeLine = async (driver: string, make: Parameters<typeof serveTcp>[0], ...options: string[]) => {
	const { port } = await serveTcp(make);
	return probe(driver, `tcp://127.0.0.1:${port}`, ...options.flatMap((option) => ["--option", option]));
};

/** A TPG 26x of the ISIS device emulator (EPICS-DeviceEmulator, tpg26x): whole lines, PRX and UNI alone, numbers as Python prints them. */
const isisGauge = (pressures: string) =>
	lineEnded("\r\n", () => {
		let asked = "";
		return (line) => {
			if (line === "\x05") return asked === "PRX" ? pressures : asked === "UNI" ? "0" : undefined;
			if (line !== "PRX" && line !== "UNI") return undefined;
			asked = line;
			return "\x06";
		};
	});

/** Replies to whole requests that end with `end`; silence to all others. */
const only = (end: string, answers: Answers) => lineEnded(end, () => (line) => answers[line], "");

describe.concurrent("of what a stranger gives,", () => {
	describe("a gauge controller that knows two mnemonics", () => {
		it.each([
			["2.0,0,3.0", 200, 300],
			["1.2e-05,0,0.08", 1.2e-3, 8],
			["1.2345E-05,0,2.3456E+02", 1.2345e-3, 23_456],
		])(
			"is read, with numbers written as %s, and not confirmed",
			async (pressures, first, second) => {
				const { code, json } = await probeLine("pfeiffer-tpg362", isisGauge(`0,${pressures}`));
				expect(code).toBe(0);
				expect(json.identityConfirmed).toBe(false);
				expect(json.readings.channel_1!.value).toBeCloseTo(first, 9);
				expect(json.readings.channel_2!.value).toBeCloseTo(second, 9);
				expect(json.warnings.some((warning) => warning.includes("not written as in the manual"))).toBe(
					first !== 1.2345e-3,
				);
			},
			30_000,
		);
	});

	// pymeasure, tests of the MKS 974B: six queries, one of them with no number.
	const MKS_974B: Answers = {
		"@253DT?": "@253ACKQUADMAG;FF",
		"@253T?": "@253ACKO;FF",
		"@253PR4?": "@253ACK1.234E-3;FF",
		"@253PR1?": "@253ACK1.23E-3;FF",
		"@253U?": "@253ACKTORR;FF",
	};

	describe("a transducer", () => {
		const pa = 1.234e-3 * (101_325 / 760);

		it("that passes over what it does not know is read", async () => {
			const { code, json } = await probeLine("mks-900", only(";FF", MKS_974B));
			expect(code).toBe(0);
			expect(json.identity.model).toBe("QUADMAG");
			expect(json.readings.pressure).toMatchObject({ quality: "good", value: expect.closeTo(pa, 9) });
		});

		it.each([
			["a small e", "1.234e-03"],
			["a space before", " 1.234E-3"],
			["CR LF behind the end", "1.234E-3;FF\r\n"],
		])(
			"may write its number with %s",
			async (_how, written) => {
				const reply = written.includes(";FF") ? `@253ACK${written}` : `@253ACK${written};FF`;
				const { json } = await probeLine("mks-900", only(";FF", { ...MKS_974B, "@253PR4?": reply }));
				expect(json.readings.pressure!.value).toBeCloseTo(pa, 9);
			},
			30_000,
		);

		it("of an unknown address answers to 254, and says which it has", async () => {
			const answers = Object.fromEntries(
				Object.entries(MKS_974B).map(([asked, reply]) => [asked.replace("253", "254"), reply.replace("253", "007")]),
			);
			const { code, json } = await probeLine("mks-900", only(";FF", answers), "address=254");
			expect(code).toBe(0);
			expect(json.readings.pressure!.value).toBeCloseTo(pa, 9);
			expect(json.warnings.join(" ")).toContain("address: 7");
		});

		it("without a unit is no pressure until it is told one", async () => {
			const bare = { "@253PR4?": "@253ACK1.234E-3;FF" };
			const open = await probeLine("mks-900", only(";FF", bare));
			expect(open.code).toBe(0);
			expect(open.json.readings.pressure!.detail).toContain("1.234E-3: the pressure unit cannot be read");
			expect(open.json.readings.pressure!.detail).toContain("--option unit=TORR");
			const told = await probeLine("mks-900", only(";FF", bare), "unit=MBAR");
			expect(told.json.readings.pressure!.value).toBeCloseTo(0.1234, 9);
			expect(told.json.readings.pressure!.detail).toContain("the status cannot be read");
		});

		it("with another unit than it is told is no pressure", async () => {
			const { json } = await probeLine("mks-900", only(";FF", MKS_974B), "unit=PASCAL");
			expect(json.readings.pressure!.detail).toContain("TORR, not PASCAL");
		});
	});

	describe("a flow controller of the ProPar manual", () => {
		// 9.17.027, examples: measure, setpoint, both 50 %.
		const MANUAL: Answers = {
			":06030401210120": ":06030201213E80\r\n",
			":06030401210121": ":06030201213e80\r\n",
		};

		it.each([
			["silence", undefined],
			["an error message", ":0104\r\n"],
			["a status", ":0403000405\r\n"],
		])(
			"with %s to everything else is read, and its scale asked for",
			async (_how, otherwise) => {
				const make = lineEnded("\r\n", () => (line) => MANUAL[line] ?? otherwise, "");
				const open = await probeLine("bronkhorst-propar", make);
				expect(open.code).toBe(0);
				expect(open.json.identityConfirmed).toBe(false);
				expect(open.json.readings.flow!.detail).toMatch(/^50 % of .*--option full_scale_sccm$/);
				const told = await probeLine("bronkhorst-propar", make, "full_scale_sccm=200");
				expect(told.json.readings.flow!.value).toBe(100);
				expect(told.json.readings.setpoint!.value).toBe(100);
			},
			60_000,
		);

		it("at another node is named", async () => {
			const { code, json } = await probeLine(
				"bronkhorst-propar",
				only("\r\n", { ":06030401210120": ":06040201213E80\r\n" }),
			);
			expect(code).toBe(1);
			expect(json.error!.message).toContain("node 4 answered, not node 3");
		});
	});

	describe("an instrument of the Pfeiffer Vacuum Protocol", () => {
		// py-pfeiffer-vacuum-protocol, mock of the PPT 100; its answers may follow 40 bytes of FF.
		const PPT_100: Answers = { "0010074002=?106": `${"\xff".repeat(40)}0011074006100023025\r` };
		// The same package: a pump at 123; HiLobe manual: the error word, on.
		const PUMP: Answers = {
			"1230001002=?101": "1231001006111111020\r",
			"1230030902=?112": "1231030906000633037\r",
			"1230030302=?106": "1231030306000000019\r",
		};

		it("with silence to all but its pressure is read", async () => {
			const { code, json } = await probeLine("pfeiffer-pvp", only("\r", PPT_100));
			expect(code).toBe(0);
			expect(json.readings.pressure!.value).toBe(100_000);
		});

		it("that is out of its range is a gauge all the same", async () => {
			const out = "0011074006_RANGE191\r";
			const { code, json } = await probeLine("pfeiffer-pvp", only("\r", { "0010074002=?106": out }));
			expect(code).toBe(0);
			expect(json.readings.pressure!.detail).toContain("_RANGE");
		});

		it("is probed as a pump when it is said to be one, and runs only from a speed that is said", async () => {
			const pump = ["role=pump", "rs485_address=123"];
			const open = await probeLine("pfeiffer-pvp", only("\r", PUMP), ...pump);
			expect(open.code).toBe(0);
			expect(open.json.readings.speed!.value).toBe(633);
			expect(open.json.readings.running!.detail).toContain("--option running_above_hz");
			const told = await probeLine("pfeiffer-pvp", only("\r", PUMP), ...pump, "running_above_hz=50");
			expect(told.json.readings.running!.value).toBe(1);
		});
	});

	describe("a thickness monitor", () => {
		// pymeasure, tests of the SQM-160.
		const SQM: Answers = {
			"#@O7": "!0AMON Ver 4.13Uw",
			"%L1?\x85{": "!*A 0.00 [d",
			"$P1Z\x91": "!/A5875830.230:X",
		};

		it("with silence to other commands is read", async () => {
			const make = () => (bytes: Buffer, send: (reply: string) => void) => {
				const reply = SQM[bytes.toString("latin1").slice(1)];
				if (reply !== undefined) send(reply);
			};
			const { code, json } = await probeLine("inficon-sqm160", make);
			expect(code).toBe(0);
			expect(json.identity.firmware).toBe("MON Ver 4.13");
			expect(json.readings.sensor1_frequency!.value).toBe(5_875_830.23);
			expect(json.readings.sensor1_rate!.value).toBe(0);
			expect(json.readings.sensor1_thickness!.quality).toBe("fault");
		});
	});

	describe("a flow controller that gives back what it is sent", () => {
		it("as a two-wire adapter does, is read", async () => {
			const frame = "A +014.62 +021.89 +000.00 +000.00 +078.95     N2\r";
			const make = lineEnded(
				"\r",
				() => (line) => (line === "" ? undefined : `${line}\r${line === "A" ? frame : "A ?\r"}`),
				"",
			);
			const open = await probeLine("alicat-mc", make);
			expect(open.code).toBe(0);
			expect(open.json.readings.temperature!.value).toBe(21.89);
			expect(open.json.readings.setpoint!.detail).toContain("--option flow_unit=SCCM");
			const told = await probeLine("alicat-mc", make, "flow_unit=SLPM", "standard_degC=0");
			expect(told.json.readings.setpoint!.value).toBeCloseTo(78_950, 6);
		});
	});

	describe("a Modbus server with few registers", () => {
		// watlowlib, fixture of a PM3 on Modbus: 392 as process value and set point, processor 28; high word first.
		const PM3 = new Map([
			[0, 0],
			[1, 28],
			[360, 17_348],
			[361, 0],
			[2_160, 17_348],
			[2_161, 0],
		]);
		const probeWatlow = async (options: Parameters<typeof modbusTcp>[0], ...said: string[]) => {
			const { port } = await serveTcp(modbusTcp(options));
			const more = said.flatMap((option) => ["--option", option]);
			return probe("watlow-ezzone-pm", `modbus-tcp://127.0.0.1:${port}`, ...more);
		};

		it.each([
			["exceptions", false],
			["silence", true],
		])(
			"and %s for the rest is a PM in no unit until it is told one",
			async (_how, silent) => {
				const open = await probeWatlow({ words: PM3, silent });
				expect(open.code).toBe(0);
				expect(open.json.identityConfirmed).toBe(false);
				expect(open.json.readings.temperature!.detail).toContain("392 high-first; say --option comms_units=F, C");
				const told = await probeWatlow({ words: PM3, silent }, "comms_units=F");
				expect(told.json.readings.temperature!.value).toBeCloseTo(200, 6);
				expect(told.json.readings.setpoint!.value).toBeCloseTo(200, 6);
				expect(told.json.readings.temperature!.detail).toContain("without register 362");
			},
			60_000,
		);

		it("and no processor number is read in a word order that it is told", async () => {
			const words = new Map(
				[...PM3].filter(([address]) => address > 1).map(([at, word]) => [at, word === 0 ? 17_348 : word]),
			);
			const open = await probeWatlow({ words });
			expect(open.json.readings.temperature!.detail).toContain("--option word_order=low-first, high-first");
			const told = await probeWatlow({ words }, "word_order=high-first", "comms_units=C");
			expect(told.json.readings.temperature!.value).toBeCloseTo(392.53, 2);
		});

		it("behind function 04 alone is a PM like any other", async () => {
			const float = (value: number): [number, number] => {
				const scratch = Buffer.alloc(4);
				scratch.writeFloatBE(value);
				return [scratch.readUInt16BE(0), scratch.readUInt16BE(2)];
			};
			const put = (address: number, ...more: number[]) =>
				more.map((word, at): [number, number] => [address + at, word]);
			const words = new Map([
				...PM3,
				...put(360, ...float(150.5), 61),
				...put(1_880, 62, 0, 62),
				...put(1_908, ...float(0)),
				...put(2_160, ...float(20), ...float(0), ...float(-200), ...float(500)),
				...put(2_490, 15),
			]);
			const { code, json } = await probeWatlow({ words, functions: [4] });
			expect(code).toBe(0);
			expect(json.identityConfirmed).toBe(true);
			expect(json.readings.temperature!.value).toBe(150.5);
		});

		it("that is a gateway without its instrument is unreachable", async () => {
			const { port } = await serveTcp(modbusTcp({ words: new Map(), exception: 11 }));
			const { code, json } = await probe("eurotherm-3216", `modbus-tcp://127.0.0.1:${port}`);
			expect(code).toBe(3);
			expect(json.error!.message).toContain("gateway target did not respond");
		});

		it("that gives one register whatever it is asked for shows the registers that it has", async () => {
			// EPICS-DeviceEmulator, eurotherm over Modbus: replies of one word, silence where it has no register.
			const { port } = await serveTcp(
				modbusTcp({
					words: new Map([
						[1, 250],
						[2, 300],
					]),
					silent: true,
					oneWord: true,
				}),
			);
			const { code, json } = await probe("eurotherm-3216", `modbus-tcp://127.0.0.1:${port}`, "--option", "decimals=1");
			expect(code).toBe(0);
			expect(json.identityConfirmed).toBe(false);
			expect(json.readings.temperature!.value).toBe(25);
		});

		it("with the words of its floats swapped is no T7", async () => {
			const words = new Map([
				[55_100, 0x0011],
				[55_101, 0x2233],
				[60_000, 0],
				[60_001, 0x40e0],
				...[60_002, 60_003, 60_004, 60_005].map((address): [number, number] => [address, 0]),
			]);
			const { port } = await serveTcp(modbusTcp({ words }));
			const { code, json } = await probe("labjack-t7", `modbus-tcp://127.0.0.1:${port}`);
			expect(code).toBe(4);
			expect(json.error!.message).toContain("the words of its floats are swapped");
		});
	});

	describe("valve outputs of a server of coils", () => {
		it.each([
			["silence", true],
			["exceptions", false],
		])(
			"are read where the module's registers are %s",
			async (_how, silent) => {
				const { port } = await serveTcp(modbusTcp({ words: new Map(), silent, coils: (address) => address === 19 }));
				const { code, json } = await probe("adam-6052", `modbus-tcp://127.0.0.1:${port}`);
				expect(code).toBe(0);
				expect(json.identityConfirmed).toBe(false);
				expect(json.readings.DO3!.value).toBe(1);
				expect(json.readings.DO2!.value).toBe(0);
			},
			30_000,
		);
	});

	describe("on a pty", () => {
		it("a gauge controller of whole lines is read as over TCP", async () => {
			const { path } = servePty(isisGauge("0,2.0,0,3.0")());
			const { code, json } = await probe("pfeiffer-tpg362", `serial:${path}?baud=9600`);
			expect(code).toBe(0);
			expect(json.readings.channel_1!.value).toBe(200);
		});
	});
});
