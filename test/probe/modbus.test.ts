/** Modbus servers of strangers: generic ones, with some of the registers, other functions, silence and swapped words. */
import { afterEach, describe, expect, it } from "vitest";
import { closeEmulators, modbusRtu, modbusTcp, servePty, serveTcp } from "./emulators.js";
import { probe, values } from "./support.js";

afterEach(closeEmulators);

/** A 3216 with one decimal at 150.5 degC, working to 120.0, 42.0 % output. */
const EUROTHERM = new Map<number, number>([
	...[1505, 1200, 0, 420, 1200, 20, 0, 100, 20].map((word, index): [number, number] => [1 + index, word]),
	[11, -2000],
	[12, 13720],
	[15, 0],
	[24, 200],
	[25, 200],
	[75, 0],
	[76, 0xffff],
	[87, 0],
	[111, 2000],
	[112, 0],
]);
const READ_ONLY = { functions: [3, 4] };

describe("probing a temperature controller", () => {
	const probeTcp = async (options: Parameters<typeof modbusTcp>[0], ...more: string[]) => {
		const { port, received } = await serveTcp(modbusTcp(options));
		return { ...(await probe("eurotherm-3216", `modbus-tcp://127.0.0.1:${port}`, ...more)), received };
	};

	it("confirms a 3200 by its registers, and leaves temperatures open while the decimals are not known", async () => {
		const { code, json, received } = await probeTcp({ words: EUROTHERM });
		expect(code).toBe(0);
		expect(json).toMatchObject({
			identityConfirmed: true,
			identity: { manufacturer: "Eurotherm", model: "3200 series" },
		});
		expect(json.readings.temperature).toMatchObject({ value: null, quality: "fault" });
		expect(json.readings.temperature!.detail).toContain("reads 1505: 1505, 150.5, 15.05");
		expect(json.warnings.join(" ")).toContain("--option decimals");
		expect(received.every((bytes) => bytes[7] === 3 || bytes[7] === 4)).toBe(true);
	});

	it("reads with the decimals that it is told, over Modbus TCP, RTU over TCP and RTU on a pty", async () => {
		const rtu = await serveTcp(modbusRtu(1, { words: EUROTHERM }));
		const { path } = servePty(modbusRtu(7, { words: EUROTHERM })());
		const tcp = await serveTcp(modbusTcp({ words: EUROTHERM }));
		for (const address of [
			`modbus-tcp://127.0.0.1:${tcp.port}?unit=1`,
			`modbus-rtu+tcp://127.0.0.1:${rtu.port}?unit=1`,
			`modbus-rtu:${path}?baud=9600&unit=7`,
		]) {
			const { code, json } = await probe("eurotherm-3216", address, "--option", "decimals=1");
			expect(code, address).toBe(0);
			expect(values(json), address).toEqual({ temperature: 150.5, setpoint: 120, output: 42, remote: 0 });
		}
	});

	it("learns the decimals where the instrument gives floats as well", async () => {
		const words = new Map(EUROTHERM);
		const scratch = Buffer.alloc(4);
		for (const [register, value] of [
			[1, 150.5],
			[5, 120],
			[11, -200],
			[12, 1372],
			[111, 200],
		] as const) {
			scratch.writeFloatBE(value);
			words.set(0x8000 + 2 * register, scratch.readUInt16BE(0));
			words.set(0x8001 + 2 * register, scratch.readUInt16BE(2));
		}
		const { json } = await probeTcp({ words });
		expect(json.readings.temperature).toMatchObject({ value: 150.5, quality: "good" });
		expect(json.warnings.join(" ")).toContain("prove 1 decimals");
	});

	it.each([
		["function 04 alone", { words: EUROTHERM, functions: [4] }],
		["one register at a time", { words: EUROTHERM, countMax: 1 }],
		["the unit that names nobody", { words: EUROTHERM, unit: 255 }],
	])("takes a server of %s", async (_name, options) => {
		const { code, json } = await probeTcp(options, "--option", "decimals=1");
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(true);
		expect(json.readings.temperature!.value).toBe(150.5);
	});

	it("does not confirm a server full of zeros, and writes nothing to it", async () => {
		const { code, json } = await probeTcp({ words: () => 0, ...READ_ONLY }, "--option", "decimals=1");
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.identity.model).toBeNull();
		expect(json.warnings.join(" ")).toContain("not the inverse");
	});

	it.each([
		["exceptions", false],
		["silence", true],
	])(
		"reads what is there where the rest is %s",
		async (_name, silent) => {
			const words = new Map([
				[1, 235],
				[5, 200],
			]);
			const { code, json } = await probeTcp({ words, silent }, "--option", "decimals=1");
			expect(code).toBe(0);
			expect(json.identityConfirmed).toBe(false);
			expect(json.readings.temperature!.value).toBe(23.5);
			expect(json.readings.output).toMatchObject({ value: null, quality: "fault" });
		},
		20_000,
	);
});

/** A T7 with DIO2 and DIO8 high. */
const float = (value: number): [number, number] => {
	const scratch = Buffer.alloc(4);
	scratch.writeFloatBE(value);
	return [scratch.readUInt16BE(0), scratch.readUInt16BE(2)];
};
const block = (address: number, ...words: number[]) =>
	words.map((word, index): [number, number] => [address + index, word]);
const T7 = new Map<number, number>([
	...block(55_100, 0x0011, 0x2233),
	...block(60_000, ...float(7), ...float(1.35), ...float(1.0306)),
	...block(60_028, 0x1c04, 0x5580),
	...block(6_000, 0, 0),
	...block(2_800, 0, 0x0104),
	...block(2_850, 0, 0x0104),
]);

describe("probing a T7", () => {
	const probeT7 = async (options: Parameters<typeof modbusTcp>[0], ...more: string[]) => {
		const { port, received } = await serveTcp(modbusTcp(options));
		return { ...(await probe("labjack-t7", `modbus-tcp://127.0.0.1:${port}`, ...more)), received };
	};

	it("shows every line without any option, and neither writes nor reads what would make an input", async () => {
		const { code, json, received } = await probeT7({ words: T7 });
		expect(code).toBe(0);
		expect(json.identity).toEqual({
			manufacturer: "LabJack",
			model: "T7 (hardware 1.35)",
			serial: "470046080",
			firmware: "1.0306",
		});
		expect(Object.keys(json.readings)).toHaveLength(23);
		expect(json.readings.DIO2!.value).toBe(1);
		expect(json.readings.DIO3!.value).toBe(0);
		expect(json.readings.DIO8!.value).toBe(1);
		for (const request of received) {
			expect(request[7]).toBe(3);
			const address = request.readUInt16BE(8);
			expect(address >= 2_000 && address < 2_023).toBe(false);
		}
	});

	it("shows the lines that it is told, by their names", async () => {
		const { json } = await probeT7(
			{ words: T7 },
			"--option",
			"pulse_outputs.TMA=DIO2",
			"--option",
			'inputs={"pump":"DIO16"}',
		);
		expect(values(json)).toEqual({ TMA: 1, pump: 0 });
	});

	it.each([
		["its words swapped", block(55_100, 0x2233, 0x0011), "words are swapped"],
		["its bytes swapped", block(55_100, 0x1100, 0x3322), "bytes of its words are swapped"],
		["its addresses off by one", block(55_100, 0x2233, 0), "one address too low"],
	])("refuses a server with %s, and says so", async (_name, test, said) => {
		const { code, json } = await probeT7({ words: new Map([...T7, ...test]) });
		expect(code).toBe(4);
		expect(json.error).toMatchObject({ code: "IDENTITY_MISMATCH", message: expect.stringContaining(said) });
	});

	it("refuses another LabJack by its name", async () => {
		const { code, json } = await probeT7({ words: new Map([...T7, ...block(60_000, ...float(4))]) });
		expect(code).toBe(4);
		expect(json.error?.message).toContain("product id 4");
	});

	it.each([
		["exceptions", false],
		["silence", true],
	])(
		"reads a server of part of the map, the rest being %s",
		async (_name, silent) => {
			const words = new Map([...T7].filter(([address]) => address < 60_000 && address !== 6_000));
			const { code, json } = await probeT7({ words, silent });
			expect(code).toBe(0);
			expect(json.identityConfirmed).toBe(false);
			expect(json.readings.DIO2!.value).toBe(1);
		},
		20_000,
	);

	it.each([1, 2])(
		"reads a server that is silent to reads of more than %i registers",
		async (silentBeyond) => {
			const { code, json } = await probeT7({ words: T7, silentBeyond });
			expect(code).toBe(0);
			expect(json.identityConfirmed).toBe(true);
			expect(json.identity.serial).toBe("470046080");
			expect(json.readings.DIO2!.value).toBe(1);
		},
		30_000,
	);

	it("believes no value of a server that is full of zeros", async () => {
		const { code, json } = await probeT7({ words: () => 0 });
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(false);
		expect(json.readings.DIO2).toMatchObject({ value: null, quality: "fault" });
	});

	it.each([0, 255])("takes unit %i in replies and function 04 alone", async (unit) => {
		const { code, json } = await probeT7({ words: T7, unit, functions: [4] });
		expect(code).toBe(0);
		expect(json.identityConfirmed).toBe(true);
	});

	it("sets a line that it is told to be an output, unguarded, and reads it back", async () => {
		const words = new Map(T7);
		const write = (address: number, word: number) => {
			const bit = 1 << (address - 2_000);
			words.set(2_801, word === 1 ? words.get(2_801)! | bit : words.get(2_801)! & ~bit);
		};
		const { code, json } = await probeT7(
			{ words, write },
			"--option",
			"outputs.stop=DIO3",
			"--set",
			"stop=1",
			"--unguarded",
		);
		expect(code).toBe(0);
		expect(json.set).toEqual([{ signal: "stop", requested: 1, readBack: 1, ok: true }]);
		expect(json.readings.stop!.value).toBe(1);
		expect(json.warnings.join(" ")).toContain("stays set");
	});
});
