/** The driver against a miniature Modbus server of its own making, which shares neither registers nor floats with it. */
import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import type { WatlowEzzonePmSettings } from "#drivers/watlow-ezzone-pm/config.js";
import { watlowEzzonePm } from "#drivers/watlow-ezzone-pm/index.js";
import { Line } from "#transport/line.js";
import { memoryPair } from "#transport/memory.js";
import { ModbusUnit } from "#transport/modbus-master.js";
import { ModbusException, RtuSlave } from "#transport/modbus-slave.js";
import { CUTOUT } from "./bench.js";

type Words = Record<number, number | undefined>;

/** As struct.pack(">f") gives it. */
function float(address: number, value: number, lowFirst: boolean): Words {
	const buffer = Buffer.alloc(4);
	buffer.writeFloatBE(value);
	const [high, low] = [buffer.readUInt16BE(0), buffer.readUInt16BE(2)];
	return lowFirst ? { [address]: low, [address + 1]: high } : { [address]: high, [address + 1]: low };
}

function pm(options: { lowFirst: boolean; unit: 30 | 15 | 0; pv: number; sp: number; offset?: number }): Words {
	const { lowFirst, unit, pv, sp, offset = 0 } = options;
	const limits = unit === 15 ? [0, 200] : [32, 392];
	return {
		...float(360, pv, lowFirst),
		362: 61,
		[1880 + offset]: 62,
		[1882 + offset]: 62,
		...float(1890 + offset, 25, lowFirst),
		...float(1908 + offset, 0, lowFirst),
		...float(2160 + offset, sp, lowFirst),
		...float(2164 + offset, limits[0]!, lowFirst),
		...float(2166 + offset, limits[1]!, lowFirst),
		...float(2172 + offset, sp, lowFirst),
		[2490 + offset]: unit === 0 ? undefined : unit,
	};
}

function deviceOn(words: Words | "zeros", settings: Partial<WatlowEzzonePmSettings> = {}, limitC?: number) {
	const clock = new SteppedClock({ wallStartMs: 0 });
	const [near, far] = memoryPair("x");
	const written: [number, number[]][] = [];
	const slave = new RtuSlave(1, {
		readHolding: (address, count) =>
			Array.from({ length: count }, (_, i) => {
				const word = words === "zeros" ? 0 : words[address + i];
				if (word === undefined) throw new ModbusException(2);
				return word;
			}),
		writeHolding: (address, values) => {
			written.push([address, [...values]]);
			if (words === "zeros") return;
			values.forEach((value, i) => {
				words[address + i] = value;
			});
		},
	});
	const connection = { state: undefined, send: (reply: Uint8Array) => far.write(reply) };
	far.onBytes((bytes) => slave.receive(bytes, connection));
	const modbus = new ModbusUnit(new Line("x", async () => near, clock), {
		name: "x",
		unit: 1,
		framing: "rtu",
		timing: watlowEzzonePm.timing,
	});
	const all = { setpoint_degC_min: 0, setpoint_degC_max: 200, independent_cutout: CUTOUT, ...settings };
	return {
		device: watlowEzzonePm.create({
			name: "x",
			settings: all,
			clock,
			modbus,
			...(limitC === undefined ? {} : { limitC }),
		}),
		written,
		clock,
	};
}

describe("a PM of another maker of servers", () => {
	it.each([
		["Fahrenheit, low word first", { lowFirst: true, unit: 30, pv: 302.9, sp: 75 }, 150.5, 23.889],
		["Fahrenheit, high word first", { lowFirst: false, unit: 30, pv: 302.9, sp: 75 }, 150.5, 23.889],
		["Celsius, low word first", { lowFirst: true, unit: 15, pv: 150.5, sp: 75 }, 150.5, 75],
		["Celsius, high word first, map 2", { lowFirst: false, unit: 15, pv: 150.5, sp: 75, offset: 480 }, 150.5, 75],
	] as const)("is read in degC: %s", async (_, options, temperatureC, setpointC) => {
		const { device, written } = deviceOn(pm(options));
		expect(await device.connect()).toMatchObject({ confirmed: true, identity: { serial: null } });
		const values = await device.poll();
		expect(values.temperature!.value).toBeCloseTo(temperatureC, 3);
		expect(values.setpoint!.value).toBeCloseTo(setpointC, 3);
		expect(written).toEqual([]);
	});

	it("is written to in its own map and order alone", async () => {
		const { device, written } = deviceOn(pm({ lowFirst: false, unit: 15, pv: 25, sp: 75, offset: 480 }));
		await device.connect();
		await device.set!("setpoint", 100);
		expect(written).toEqual([
			[2640, [0x42c8, 0]],
			[2360, [10]],
		]);
	});

	it("is refused where its unit is nowhere to be read, with the setting that says it", async () => {
		const words = pm({ lowFirst: true, unit: 0, pv: 302.9, sp: 75 });
		const found = await deviceOn(words).device.connect();
		expect(found.confirmed).toBe(false);
		expect(found.warnings.join()).toContain("comms_units to F or C");
		const { device } = deviceOn(words, { comms_units: "F" });
		expect((await device.connect()).confirmed).toBe(true);
		expect((await device.poll()).temperature!.value).toBeCloseTo(150.5, 3);
	});

	it("is refused where both word orders make sense, with the setting that decides", async () => {
		// 0x4296 twice and the like read the same both ways.
		const twice = (address: number, word: number): Words => ({ [address]: word, [address + 1]: word });
		const words: Words = {
			...pm({ lowFirst: true, unit: 30, pv: 75, sp: 75 }),
			...twice(360, 0x4296),
			...twice(1890, 0x41c8),
			...twice(2160, 0x4296),
			...twice(2164, 0x41f0),
			...twice(2166, 0x43c4),
		};
		const { device, written } = deviceOn(words);
		const found = await device.connect();
		expect(found.confirmed).toBe(false);
		expect(found.warnings.join()).toContain("set word_order (low-first or high-first)");
		await expect(device.set!("setpoint", 50)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect((await device.poll()).temperature!.quality).toBe("fault");
		expect(written).toEqual([]);
		expect((await deviceOn(words, { word_order: "low-first" }).device.connect()).confirmed).toBe(true);
		// The processor's number decides without a setting.
		expect((await deviceOn({ ...words, 0: 28, 1: 0 }).device.connect()).confirmed).toBe(true);
	});

	it("is refused where both maps make sense, with the setting that decides", async () => {
		const words = {
			...pm({ lowFirst: true, unit: 30, pv: 75, sp: 75 }),
			...pm({ lowFirst: true, unit: 30, pv: 75, sp: 75, offset: 480 }),
		};
		expect((await deviceOn(words).device.connect()).warnings.join()).toContain("set map (1 or 2)");
		expect((await deviceOn(words, { map: 1 }).device.connect()).confirmed).toBe(true);
	});

	it.each([true, false])(
		"is known as shipped, its set point limited to -1999 and 9999 degF alone (low first: %s)",
		async (lowFirst) => {
			const words = {
				...pm({ lowFirst, unit: 30, pv: 150.5, sp: 248 }),
				...float(2164, -1999, lowFirst),
				...float(2166, 9999, lowFirst),
			};
			const { device } = deviceOn(words);
			expect((await device.inspect!()).confirmed).toBe(true);
			await expect(deviceOn(words, {}, 200).device.connect()).rejects.toMatchObject({
				code: "DEVICE_MISCONFIGURED",
				message: expect.stringContaining("upper setpoint limit (register 2166)"),
			});
		},
	);

	it("is not made of zeros, nor of nothing", async () => {
		for (const words of ["zeros" as const, {}]) {
			const { device, written } = deviceOn(words);
			expect((await device.connect()).confirmed).toBe(false);
			await expect(device.makeSafe()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
			expect(written).toEqual([]);
		}
	});

	it("is not a PM of map 1 where register 1880 holds an alarm's set point", async () => {
		const words = { ...pm({ lowFirst: true, unit: 30, pv: 75, sp: 75, offset: 480 }), ...float(1880, 300, true) };
		const { device, written } = deviceOn(words);
		await device.connect();
		await device.makeSafe();
		await device.set!("setpoint", 50);
		expect(written.map(([address]) => address)).toEqual([2640, 2360]);
	});
});

describe("a server that has no more than a PM's temperatures", () => {
	const few: Words = { ...float(360, 302, true), 362: 61, 1880: 10, ...float(2160, 248, true), 2490: 30 };

	it("is seen in degC by a look, and refused by control", async () => {
		const { device, written } = deviceOn(few);
		expect(await device.inspect!()).toMatchObject({ confirmed: false });
		const { temperature, setpoint, output } = await device.poll();
		expect(temperature!.value).toBeCloseTo(150, 9);
		expect(setpoint!.value).toBeCloseTo(120, 9);
		expect(output).toMatchObject({ value: null, quality: "fault" });
		expect(await device.connect()).toMatchObject({ confirmed: false });
		await expect(device.set!("setpoint", 100)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect(written).toEqual([]);
	});

	it("shows no temperature while its unit is not known", async () => {
		const { device } = deviceOn({ ...few, 2490: undefined });
		await device.inspect!();
		expect((await device.poll()).temperature).toMatchObject({ value: null, quality: "fault" });
		const told = deviceOn({ ...few, 2490: undefined }, { comms_units: "C" });
		await told.device.inspect!();
		expect((await told.device.poll()).temperature!.value).toBeCloseTo(302, 9);
	});

	it("shows none while the order of its words is not, zeros everywhere for instance", async () => {
		const { device } = deviceOn("zeros", { comms_units: "C", map: 1 });
		await device.inspect!();
		expect((await device.poll()).temperature).toMatchObject({ value: null, quality: "fault" });
	});
});
