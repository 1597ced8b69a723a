import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { watlowEzzonePmSettingsSchema } from "#drivers/watlow-ezzone-pm/config.js";
import { watlowEzzonePm } from "#drivers/watlow-ezzone-pm/index.js";
import { MODE } from "#drivers/watlow-ezzone-pm/registers.js";
import { Bench, CUTOUT } from "./bench.js";

const OFF = "6@1880=003e";
const AUTO = "6@1880=000a";

describe("settings of a PM", () => {
	const validate = new Ajv({ strict: true, strictRequired: false }).compile(watlowEzzonePmSettingsSchema);
	const settings = { setpoint_degC_min: 0, setpoint_degC_max: 200, independent_cutout: CUTOUT };

	it("accept a range with a cut-out, and what a probe takes", () => {
		expect(validate(settings)).toBe(true);
		expect(validate(watlowEzzonePm.probeSettings)).toBe(true);
	});

	it.each([
		["no word on the cut-out", { setpoint_degC_min: 0, setpoint_degC_max: 200 }],
		["a cut-out that nobody has tried", { ...settings, independent_cutout: { degC: 220 } }],
		["an unknown key", { ...settings, decimals: 1 }],
		["a third map", { ...settings, map: 3 }],
	])("refuse %s", (_, wrong) => {
		expect(validate(wrong)).toBe(false);
	});

	it("refuse a range that is none", () => {
		for (const setpoint_degC_max of [0, -1])
			expect(() => new Bench({ setpoint_degC_max })).toThrowError(
				`setpoint_degC_max ${setpoint_degC_max} is not above setpoint_degC_min 0`,
			);
	});

	it("refuse a cut-out that does not lie above the range, and a day that there is not", () => {
		expect(() => new Bench({ independent_cutout: { degC: 200, verified: "2026-02-30", by: "x" } })).toThrowError(
			/independent_cutout.degC 200 is not above.*2026-02-30 is no date/,
		);
	});
});

describe("connecting to a PM", () => {
	it("finds map, word order and unit by reading alone", async () => {
		for (const map of [1, 2] as const) {
			for (const wordOrder of ["low-first", "high-first"] as const) {
				for (const unit of ["F", "C"] as const) {
					const bench = new Bench({}, (simulator) => Object.assign(simulator, { map, wordOrder, unit }));
					const found = await bench.run(bench.device.connect());
					expect(found).toMatchObject({
						confirmed: true,
						identity: { manufacturer: "Watlow", model: "EZ-ZONE PM", serial: "100001", firmware: "15" },
					});
					expect(bench.writes).toEqual([]);
					await bench.clock.advance(1000);
					const { temperature } = await bench.poll();
					expect(temperature!.value).toBeCloseTo(22, 4);
				}
			}
		}
	});

	it("works over Modbus TCP as well", async () => {
		const bench = await new Bench({}, undefined, "tcp").connected();
		expect(await bench.set(50)).toBeCloseTo(50, 4);
		expect(await bench.pollFor(3)).toMatchObject({ remote: { value: 1 } });
	});

	it("adds 5000 for each zone behind a gateway", async () => {
		const bench = await new Bench({ gateway_zone: 3 }).connected();
		await bench.poll();
		expect(bench.requests[0]).toBe("3@10360");
	});

	it("says that the instrument has no dead-man", async () => {
		const bench = new Bench();
		const { warnings } = await bench.run(bench.device.connect());
		expect(warnings).toEqual([expect.stringContaining("no dead-man")]);
		expect(bench.device.watchdog).toBeUndefined();
	});

	it("refuses to control without an independent cut-out, but lets itself be looked at", async () => {
		const bench = new Bench({ independent_cutout: "none" });
		await expect(bench.run(bench.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("no dead-man"),
		});
		expect((await bench.run(bench.device.inspect!())).confirmed).toBe(true);
		expect((await bench.poll()).temperature!.value).toBeCloseTo(22, 4);
		expect(bench.writes).toEqual([]);
	});

	it("refuses an upper set point limit above the limit of its zone, and takes one at it", async () => {
		const bench = new Bench();
		const { clock, modbus } = bench;
		const settings = { setpoint_degC_min: 0, setpoint_degC_max: 200, independent_cutout: CUTOUT };
		const device = (limitC: number) => watlowEzzonePm.create({ name: "stage", settings, clock, modbus, limitC });
		await expect(bench.run(device(199).connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("(register 2166) of 200.0 degC, above the limit of its zone, 199 degC"),
		});
		expect((await bench.run(device(200).connect())).confirmed).toBe(true);
	});

	it("refuses limits that do not cover the range, in degC whatever the unit", async () => {
		const bench = new Bench({}, (simulator) => Object.assign(simulator, { setpointMaxC: 150 }));
		await expect(bench.run(bench.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "stage has setpoint limits of 0.0 to 150.0 degC, which do not cover the configured 0 to 200 degC.",
		});
	});

	it("refuses a lower limit above the range", async () => {
		const bench = new Bench({}, (simulator) => Object.assign(simulator, { setpointMinC: 10 }));
		bench.simulator.setAtFront({ setpointC: 20 });
		await expect(bench.run(bench.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("limits of 10.0 to 200.0 degC"),
		});
	});

	it("takes settings that say what the instrument says", async () => {
		const bench = new Bench({ map: 1, word_order: "low-first", comms_units: "F" });
		expect((await bench.run(bench.device.connect())).confirmed).toBe(true);
	});

	it.each([
		[MODE.manual, "The controller is in manual mode: its output is fixed."],
		[MODE.auto, "The controller is in auto: it heats to the set point that it has."],
	])("warns of one that it finds in mode %s", async (mode, warning) => {
		const bench = new Bench();
		bench.simulator.setAtFront({ mode });
		const { warnings } = await bench.run(bench.device.connect());
		expect(warnings).toEqual([warning, expect.stringContaining("no dead-man")]);
	});

	it("warns of a limit more than a degree above the range", async () => {
		for (const [setpointMaxC, count] of [
			[200.9, 1],
			[201.1, 2],
		] as const) {
			const bench = new Bench({}, (simulator) => Object.assign(simulator, { setpointMaxC }));
			expect((await bench.run(bench.device.connect())).warnings).toHaveLength(count);
		}
	});

	it.each([
		[{ map: 2 as const }, "map 2"],
		[{ word_order: "high-first" as const }, "high-first"],
		[{ comms_units: "C" as const }, "comms_units C"],
	])("refuses settings that the instrument contradicts: %j", async (settings, said) => {
		const bench = new Bench(settings);
		await expect(bench.run(bench.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining(said),
		});
		expect(bench.writes).toEqual([]);
	});

	it("warns of EEPROM, of a broken sensor and of a limit far above the range", async () => {
		const bench = new Bench({}, (simulator) => Object.assign(simulator, { savesWrites: true, setpointMaxC: 400 }));
		bench.sensorBroken = true;
		await bench.clock.advance(500);
		const { warnings } = await bench.run(bench.device.connect());
		expect(warnings).toEqual([
			"No temperature: the sensor is open.",
			expect.stringContaining("no dead-man"),
			expect.stringContaining("EEPROM"),
			expect.stringContaining("400.0 degC"),
		]);
	});
});

describe("polling a PM", () => {
	it("gives the signals of a heater, in few exchanges", async () => {
		const bench = await new Bench().connected();
		expect(Object.keys(bench.device.signals)).toEqual(["temperature", "setpoint", "output", "remote", "eeprom_writes"]);
		expect(await bench.poll()).toMatchObject({
			temperature: { quality: "good" },
			setpoint: { value: 0, quality: "good" },
			output: { value: 0, quality: "good" },
			remote: { value: 0 },
		});
		expect(bench.requests).toEqual(["3@360", "3@1880", "3@2160", "3@1908"]);
	});

	it.each([65, 127, 140, 0, 999])("takes input error %s for a fault", async (code) => {
		const bench = await new Bench({}, (simulator) => Object.assign(simulator, { brokenSensorCode: code })).connected();
		bench.sensorBroken = true;
		await bench.clock.advance(500);
		const { temperature } = await bench.poll();
		expect(temperature).toMatchObject({ value: null, quality: "fault" });
		bench.sensorBroken = false;
		await bench.clock.advance(500);
		expect((await bench.poll()).temperature!.quality).toBe("good");
	});

	it("is a fault of the instrument when it works to more than was ordered", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		bench.simulator.setAtFront({ setpointC: 150 });
		await expect(bench.poll()).rejects.toMatchObject({
			code: "READBACK_MISMATCH",
			message: expect.stringContaining("works to 150.0 degC instead of 100 degC"),
		});
	});

	it("is a fault of the instrument in manual mode", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		bench.simulator.setAtFront({ mode: MODE.manual });
		await expect(bench.poll()).rejects.toMatchObject({ message: expect.stringContaining("manual mode") });
	});

	it("is a doubt about the setpoint when it works to less, or was switched off", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		bench.simulator.setAtFront({ setpointC: 40 });
		expect((await bench.poll()).setpoint).toMatchObject({ quality: "fault", detail: expect.stringContaining("40.0") });
		bench.simulator.setAtFront({ mode: MODE.off });
		expect(await bench.poll()).toMatchObject({ setpoint: { quality: "fault" }, remote: { value: 0 } });
	});

	it("is a fault of the instrument when it heats with more than its heater stands", async () => {
		const bench = await new Bench({ output_percent_max: 60 }).connected();
		await bench.set(150);
		await expect(bench.pollFor(90)).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("60 %"),
		});
		const limited = await new Bench({ output_percent_max: 60 }, (simulator) =>
			Object.assign(simulator, { heatPercentMax: 60 }),
		).connected();
		await limited.set(150);
		expect((await limited.pollFor(90)).output!.value).toBe(60);
	});
});

describe("setting a PM", () => {
	it("writes Fahrenheit, switches to auto after it, and reads both back", async () => {
		const bench = await new Bench().connected();
		expect(await bench.set(120)).toBe(120);
		// 248.0 degF is 0x43780000, low word first.
		expect(bench.requests).toEqual(["16@2160=00004378", "3@2160", AUTO, "3@1880"].map((each) => each));
		expect(await bench.pollFor(3)).toMatchObject({ setpoint: { value: 120 }, remote: { value: 1 } });
	});

	it("sends nothing for a value out of range", async () => {
		const bench = await new Bench().connected();
		for (const value of [-1, 200.1, Number.NaN, Number.POSITIVE_INFINITY]) {
			await expect(bench.set(value)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		}
		await expect(bench.run(bench.device.set!("output", 5))).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
		expect(bench.requests).toEqual([]);
	});

	it("writes nothing for a value that has not changed", async () => {
		const bench = await new Bench().connected();
		await bench.set(120);
		const before = bench.writes.length;
		await bench.clock.advance(2000);
		for (let i = 0; i < 20; i += 1) await bench.set(120);
		expect(bench.writes).toHaveLength(before);
	});

	it("reports a value that was not taken over", async () => {
		const bench = await new Bench().connected();
		Object.assign(bench.simulator, { setpointMaxC: 100 });
		await expect(bench.set(120)).rejects.toMatchObject({ code: "MODBUS_EXCEPTION" });
		expect(bench.writes).not.toContain(AUTO);
	});

	it("does not overrule somebody who has switched it off at its front until the next command", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		bench.simulator.setAtFront({ mode: MODE.off });
		await expect(bench.set(101)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		expect(bench.writes.filter((write) => write === AUTO)).toHaveLength(1);
		await bench.set(101);
		expect(bench.writes.filter((write) => write === AUTO)).toHaveLength(2);
	});

	it("raises a ramp at a bounded rate while writes wear EEPROM, and gets to its end", async () => {
		const bench = await new Bench({ setpoint_write_s_min: 10 }, (simulator) =>
			Object.assign(simulator, { savesWrites: true }),
		).connected();
		const before = bench.simulator.eepromWrites;
		for (let i = 1; i <= 150; i += 1) {
			await bench.set(100 + i / 10);
			await bench.poll();
			await bench.clock.advance(2000);
		}
		const last = await bench.pollFor(12);
		expect(last).toMatchObject({ remote: { value: 1 } });
		expect(last.setpoint!.value).toBeCloseTo(115, 3);
		// 300 s at one write in 10 s, the switch to auto and the last value.
		const worn = bench.simulator.eepromWrites - before;
		expect(worn).toBeLessThanOrEqual(32);
		expect(last.eeprom_writes!.value).toBe(worn - 1);
	});

	it("lowers a setpoint at once, whatever it wears", async () => {
		const bench = await new Bench({}, (simulator) => Object.assign(simulator, { savesWrites: true })).connected();
		await bench.set(100);
		await bench.set(110);
		expect(await bench.set(60)).toBeCloseTo(60, 3);
		expect((await bench.pollFor(30)).setpoint!.value).toBeCloseTo(60, 3);
	});

	it("wears nothing where the instrument keeps no writes, and follows every step", async () => {
		const bench = await new Bench().connected();
		for (let i = 1; i <= 50; i += 1) {
			expect(await bench.set(100 + i / 10)).toBeCloseTo(100 + i / 10, 3);
			await bench.clock.advance(2000);
		}
		expect(bench.simulator.eepromWrites).toBe(0);
		expect((await bench.poll()).eeprom_writes!.value).toBe(0);
	});
});

describe("making a PM safe", () => {
	it("switches control off, and sees that nothing is heated", async () => {
		const bench = await new Bench().connected();
		await bench.set(150);
		await bench.pollFor(5);
		expect(bench.heaterPercent).toBeGreaterThan(0);
		bench.requests.length = 0;
		await bench.run(bench.device.makeSafe());
		expect(bench.writes).toEqual([OFF]);
		expect(bench.heaterPercent).toBe(0);
		expect(await bench.pollFor(3)).toMatchObject({ output: { value: 0 }, remote: { value: 0 } });
	});

	it("is not outlived by a command that was under way", async () => {
		for (let exchanges = 1; exchanges <= 4; exchanges += 1) {
			const bench = await new Bench().connected();
			const setting = bench.device.set!("setpoint", 150).catch((error: { code: string }) => error.code);
			while (bench.requests.length < exchanges) await Promise.resolve();
			await bench.run(bench.device.makeSafe());
			await bench.run(setting);
			await bench.clock.advance(2000);
			expect(bench.heaterPercent).toBe(0);
			expect(bench.writes.at(-1)).not.toBe(AUTO);
		}
	});

	it("cancels a higher setpoint that waits", async () => {
		const bench = await new Bench({}, (simulator) => Object.assign(simulator, { savesWrites: true })).connected();
		await bench.set(100);
		await bench.set(110);
		await bench.run(bench.device.makeSafe());
		await bench.pollFor(30);
		expect(bench.heaterPercent).toBe(0);
	});

	it("lowers the setpoint as well when the mode is not taken over, and says so", async () => {
		const bench = await new Bench().connected();
		await bench.set(150);
		const receive = bench.simulator.receive.bind(bench.simulator);
		bench.simulator.receive = (bytes, connection) => {
			if (Buffer.from(bytes).toString("hex").startsWith("01060758003e")) connection.send(bytes);
			else receive(bytes, connection);
		};
		await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
		expect(bench.writes.at(-1)).toBe("16@2160=00004200");
		await bench.clock.advance(2000);
		expect(bench.heaterPercent).toBe(0);
	});
});

describe("a PM that loses power", () => {
	it("is a fault when it comes back on although it was switched off, and is switched off again", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		bench.simulator.setAtFront({});
		await bench.run(bench.device.makeSafe());
		await bench.pollFor(3);
		bench.simulator.powerCycle();
		await bench.clock.advance(1000);
		await expect(bench.poll()).rejects.toMatchObject({ code: "DEVICE_RESTARTED" });
		await bench.run(bench.device.connect());
		await bench.clock.advance(1000);
		expect(bench.heaterPercent).toBe(0);
		expect((await bench.pollFor(3)).output!.value).toBe(0);
	});

	it("is not heated again by anything but a new command", async () => {
		const bench = await new Bench().connected();
		await bench.set(100);
		await bench.pollFor(3);
		bench.simulator.powerCycle();
		await bench.clock.advance(1000);
		expect((await bench.poll()).setpoint!.quality).toBe("fault");
		await bench.run(bench.device.connect());
		await bench.pollFor(20);
		expect(bench.heaterPercent).toBe(0);
		await bench.set(100);
		await bench.pollFor(3);
		expect(bench.heaterPercent).toBeGreaterThan(0);
	});
});

describe("the line of a PM", () => {
	const at = (bytes: Uint8Array, delayMs = 0) => ({ bytes, delayMs });

	it.each([
		["in single bytes", (reply: Uint8Array) => [...reply].map((byte, i) => at(Uint8Array.of(byte), i))],
		["doubled", (reply: Uint8Array) => [at(reply), at(reply, 1)]],
		["behind noise", (reply: Uint8Array) => [at(Uint8Array.of(0xff, 0x00, 0x55)), at(reply, 1)]],
	])("may bring replies %s", async (_, distort) => {
		const bench = await new Bench().connected();
		bench.distort = distort;
		for (let i = 0; i < 5; i += 1) {
			await bench.clock.advance(1000);
			const { temperature } = await bench.poll();
			expect(temperature!.value).toBeCloseTo(bench.stageC, 1);
		}
	});

	it("never takes a late reply for that to the next request", async () => {
		const bench = await new Bench().connected();
		bench.distort = (reply) => [at(reply, 700)];
		await expect(bench.poll()).rejects.toMatchObject({ code: expect.stringMatching(/DEVICE_SILENT|REPLY_INVALID/) });
		bench.distort = undefined;
		bench.stageC = 80;
		await bench.clock.advance(3000);
		const { temperature, output } = await bench.poll();
		expect(temperature!.value).toBeCloseTo(bench.stageC, 1);
		expect(output!.value).toBe(0);
	});

	it("may lose or change a byte: that is never a value", async () => {
		const bench = await new Bench().connected();
		for (let position = 0; position < 9; position += 1) {
			let once = true;
			bench.distort = (reply) => {
				const changed = Uint8Array.from(reply);
				if (once && position < changed.length) changed[position]! ^= 0x10;
				once = false;
				return [at(changed)];
			};
			const { temperature } = await bench.poll();
			expect(temperature!.value).toBeCloseTo(bench.stageC, 1);
		}
	});

	it("may be silent or unplugged, and comes back", async () => {
		const bench = await new Bench().connected();
		await bench.set(60);
		for (const cut of ["silent", "unplugged"] as const) {
			bench[cut] = true;
			await expect(bench.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
			await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
			await bench.run(bench.device.close());
			bench[cut] = false;
			await bench.run(bench.device.connect());
			await bench.run(bench.device.makeSafe());
			expect(await bench.pollFor(3)).toMatchObject({ output: { value: 0 } });
		}
	});
});
