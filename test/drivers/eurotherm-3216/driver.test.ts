import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { eurotherm3216 } from "#drivers/eurotherm-3216/index.js";
import { sealWithCrc } from "#transport/crc16.js";
import { Line } from "#transport/line.js";
import { memoryPair } from "#transport/memory.js";
import { ModbusUnit } from "#transport/modbus-master.js";
import { RtuSlave } from "#transport/modbus-slave.js";
import { Bench } from "./bench.js";

const connected = async (bench: Bench) => {
	await bench.run(bench.device.connect());
	return bench;
};
const writes = (bench: Bench) => bench.requests.filter((request) => !request.startsWith("3@"));

describe("connecting to a 3216", () => {
	it("proves what it is, and writes nothing", async () => {
		const bench = new Bench();
		const found = await bench.run(bench.device.connect());
		expect(found).toEqual({
			identity: { manufacturer: "Eurotherm", model: "3200 series", serial: null, firmware: null },
			confirmed: true,
			warnings: [],
		});
		expect(writes(bench)).toEqual([]);
	});

	it("takes something else that speaks Modbus for unidentified", async () => {
		for (const map of [{ readHolding: (_address: number, count: number) => new Array(count).fill(0) }, {}]) {
			const clock = new SteppedClock({ wallStartMs: 0 });
			const [near, far] = memoryPair("x");
			const slave = new RtuSlave(1, map);
			const connection = { state: undefined, send: (reply: Uint8Array) => far.write(reply) };
			far.onBytes((bytes) => slave.receive(bytes, connection));
			const modbus = new ModbusUnit(new Line("x", async () => near, clock), {
				name: "x",
				unit: 1,
				framing: "rtu",
				timing: eurotherm3216.timing,
			});
			const settings = { decimals: 1, setpoint_degC_min: 0, setpoint_degC_max: 200 };
			const found = await eurotherm3216.create({ name: "x", settings, clock, modbus }).connect();
			expect(found.confirmed).toBe(false);
			expect(found.warnings.length).toBeGreaterThan(0);
		}
	});

	it("refuses limits that do not cover the configured setpoints, and cooling action", async () => {
		const narrow = new Bench();
		narrow.simulator.setpointMaxC = 150;
		await expect(narrow.run(narrow.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "stage has setpoint limits of 0 to 150 degC, which do not cover the configured 0 to 200 degC.",
		});
		const high = new Bench();
		high.simulator.setpointMinC = 10;
		await expect(high.run(high.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			context: { limitMinC: 10, minC: 0 },
		});
		const direct = new Bench();
		direct.simulator.directAction = true;
		await expect(direct.run(direct.device.connect())).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});

	it("refuses an upper setpoint limit above the limit of its zone, and takes one at it", async () => {
		const bench = new Bench();
		const { clock, modbus, settings } = bench;
		const device = (limitC: number) => eurotherm3216.create({ name: "stage", settings, clock, modbus, limitC });
		await expect(bench.run(device(199.9).connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringMatching(/SP\.HI, register 111\) of 200 degC, above the limit of its zone, 199\.9 degC/),
			context: { limitMaxC: 200, limitC: 199.9 },
		});
		expect((await bench.run(device(200).connect())).confirmed).toBe(true);
	});

	it("refuses a local setpoint that would heat when control falls silent", async () => {
		const hot = new Bench();
		hot.simulator.localSetpointsC[0] = 120;
		await expect(hot.run(hot.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			context: { localSetpointC: 120, localMaxC: 40 },
		});
		const other = new Bench();
		other.simulator.localSetpointsC[1] = 40.1;
		await expect(other.run(other.device.connect())).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("local setpoint SP2 of 40.1 degC, above 40 degC"),
		});
		const allowed = new Bench({ local_setpoint_degC_max: 120 });
		allowed.simulator.localSetpointsC[0] = 120;
		expect((await allowed.run(allowed.device.connect())).confirmed).toBe(true);
	});

	it.each([
		["an input range that is none", "input range 0 to 0", { rangeMinC: 0, rangeMaxC: 0 }],
		["setpoint limits that are none", "limits 1000 to 1000", { setpointMinC: 100, setpointMaxC: 100 }],
		["setpoint limits below its input range", "limits -2001 to 2000", { setpointMinC: -200.1 }],
		["setpoint limits above its input range", "limits 0 to 13721", { setpointMaxC: 1372.1 }],
	])("does not take something with %s for one", async (_what, said, change) => {
		const bench = new Bench();
		Object.assign(bench.simulator, change);
		const found = await bench.run(bench.device.connect());
		expect(found).toMatchObject({ confirmed: false, identity: { model: null } });
		expect(found.warnings).toEqual([expect.stringContaining(said)]);
	});

	it("takes setpoint limits as wide as its input range", async () => {
		const bench = new Bench();
		Object.assign(bench.simulator, { setpointMinC: -200, setpointMaxC: 1372 });
		expect((await bench.run(bench.device.connect())).confirmed).toBe(true);
	});

	it("does not take something whose register 76 is not the inverse of its status for one", async () => {
		const bench = new Bench();
		bench.distort = (reply) => [
			bench.requests.at(-1) === "3@75" ? sealWithCrc(reply.map((byte, i) => (i === 5 ? 0xfe : byte))) : reply,
		];
		const found = await bench.run(bench.device.connect());
		expect(found).toMatchObject({ confirmed: false, warnings: [expect.stringContaining("Register 76 (65279)")] });
	});

	it("warns of manual mode", async () => {
		const bench = new Bench();
		await bench.run(bench.modbus.writeRegister(273, 1));
		const { warnings } = await bench.run(bench.device.connect());
		expect(warnings).toEqual(["The controller is in manual mode: its output is fixed."]);
	});

	it("warns of a broken sensor and a power failure", async () => {
		const bench = new Bench();
		bench.sensorBroken = true;
		bench.simulator.powerCycle();
		await bench.clock.advance(500);
		const { warnings } = await bench.run(bench.device.connect());
		expect(warnings).toEqual(["The sensor is broken.", "The power has failed since alarms were last acknowledged."]);
	});

	it("refuses settings that do not fit together", () => {
		expect(() => new Bench({ setpoint_degC_max: -1 })).toThrowError(
			expect.objectContaining({ code: "LAB_FILE_INVALID" }),
		);
		expect(() => new Bench({ safe_setpoint_degC: 300 })).toThrowError("safe_setpoint_degC 300 is outside 0 to 200");
		expect(() => new Bench({ decimals: 2, setpoint_degC_max: 400 })).toThrowError("holds -327.68 to 327.67 degC only");
	});
});

describe("polling a 3216", () => {
	it("reads everything in two exchanges", async () => {
		const bench = await connected(new Bench());
		bench.requests.length = 0;
		expect(await bench.run(bench.device.poll())).toEqual({
			temperature: { value: 22, quality: "good" },
			setpoint: { value: 0, quality: "good" },
			output: { value: 0, quality: "good" },
			remote: { value: 0, quality: "good" },
		});
		expect(bench.requests).toEqual(["3@1", "3@75"]);
	});

	it("gives no temperature while the sensor is broken or over range", async () => {
		const bench = await connected(new Bench());
		bench.sensorBroken = true;
		await bench.clock.advance(500);
		expect((await bench.run(bench.device.poll())).temperature).toEqual({
			value: null,
			quality: "fault",
			detail: "The sensor is broken.",
		});
		bench.sensorBroken = false;
		bench.stageC = 1460;
		await bench.clock.advance(250);
		expect((await bench.run(bench.device.poll())).temperature).toMatchObject({ value: null, quality: "fault" });
		bench.stageC = 1380;
		await bench.clock.advance(250);
		expect((await bench.run(bench.device.poll())).temperature?.detail).toMatch("outside the input range");
	});

	it("keeps the remote setpoint refreshed, so that it never fails", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		bench.requests.length = 0;
		const last = await bench.pollFor(60);
		expect(last).toMatchObject({ setpoint: { value: 120, quality: "good" }, remote: { value: 1 } });
		const refreshes = writes(bench);
		expect(new Set(refreshes)).toEqual(new Set(["6@26=1200"]));
		expect(refreshes.length).toBeGreaterThanOrEqual(29);
		expect(refreshes.length).toBeLessThanOrEqual(31);
		expect(bench.simulator.eepromWrites).toBe(0);
	});

	it("is refreshed by its watchdog's feed alone: polled and not fed, it goes to its local setpoint", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		bench.requests.length = 0;
		const poll = async (seconds: number) => {
			for (let i = 0; i < seconds; i += 1) {
				await bench.clock.advance(1000);
				await bench.run(bench.device.poll());
			}
			return bench.run(bench.device.poll());
		};
		expect(await poll(4)).toMatchObject({ setpoint: { value: 120, quality: "good" }, remote: { value: 1 } });
		const { setpoint, remote } = await poll(3);
		expect(setpoint).toMatchObject({ quality: "fault", detail: expect.stringContaining("has failed") });
		expect(remote?.value).toBe(0);
		expect(bench.heaterPercent).toBe(0);
		expect(writes(bench)).toEqual([]);
	});

	it("that has lapsed is not brought back by feeding, and is fed again once somebody has set it", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.clock.advance(5000);
		bench.requests.length = 0;
		await bench.pollFor(10);
		expect(writes(bench)).toEqual([]);
		expect(bench.heaterPercent).toBe(0);
		await bench.run(bench.device.set!("setpoint", 110));
		expect(await bench.pollFor(20)).toMatchObject({ setpoint: { value: 110, quality: "good" }, remote: { value: 1 } });
	});

	it("writes when a third of the configured time-out has passed, not before", async () => {
		const bench = await connected(new Bench({ remote_timeout_s: 12 }));
		expect(bench.device.watchdog!.timeoutMs).toBe(12_000);
		await bench.feed();
		expect(writes(bench)).toEqual([]);
		await bench.run(bench.device.set!("setpoint", 120));
		bench.requests.length = 0;
		// The controller was watched for half a second after the write.
		await bench.clock.advance(3400);
		await bench.feed();
		expect(bench.requests).toEqual([]);
		await bench.clock.advance(200);
		await bench.feed();
		expect(bench.requests).toEqual(["6@26=1200"]);
		await bench.feed();
		expect(bench.requests).toHaveLength(1);
	});

	it("tries a refresh that has failed again at the next feed", async () => {
		const bench = await connected(new Bench({ remote_timeout_s: 12 }));
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.clock.advance(4000);
		bench.silent = true;
		await expect(bench.feed()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		bench.silent = false;
		bench.requests.length = 0;
		await bench.feed();
		expect(bench.requests).toEqual(["6@26=1200"]);
	});

	it("is not fed with what it was set to before while another setpoint is on its way", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.clock.advance(2000);
		bench.requests.length = 0;
		const setting = bench.device.set!("setpoint", 60);
		await bench.feed();
		await bench.run(setting);
		expect(writes(bench)).toEqual(["6@26=600"]);
	});

	it("says that the setpoint is at fault when the instrument fell back, and does not bring it back by itself", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		bench.silent = true;
		await bench.clock.advance(8000);
		bench.silent = false;
		// The plant connects anew after a loss.
		await bench.run(bench.device.connect());
		const after = await bench.pollFor(5);
		expect(after).toMatchObject({ setpoint: { value: 0 }, remote: { value: 0 } });
		expect(bench.heaterPercent).toBe(0);
	});

	it("goes on with the setpoint after a loss shorter than the instrument's time-out", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.run(bench.device.close());
		await bench.clock.advance(2000);
		await bench.run(bench.device.connect());
		expect(await bench.pollFor(20)).toMatchObject({ setpoint: { value: 120, quality: "good" }, remote: { value: 1 } });
	});

	it("says that the setpoint is at fault while the remote setpoint has failed", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.clock.advance(6000);
		bench.simulator.remoteTimeoutS = 0;
		await bench.clock.advance(500);
		const { setpoint } = await bench.run(bench.device.poll());
		expect(setpoint).toMatchObject({ value: null, quality: "fault" });
		expect(setpoint?.detail).toContain("The remote setpoint has failed");
	});

	it("tells a power cycle of the instrument by its setpoint, and follows again with the next command", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.pollFor(3);
		bench.simulator.powerCycle();
		await bench.clock.advance(1000);
		const { setpoint, remote } = await bench.run(bench.device.poll());
		expect(setpoint).toMatchObject({ value: null, quality: "fault" });
		expect(setpoint?.detail).toContain("works to 0 degC instead of 120 degC");
		expect(remote?.value).toBe(0);
		await bench.pollFor(10);
		expect(bench.heaterPercent).toBe(0);
		await bench.run(bench.device.set!("setpoint", 100));
		expect(await bench.pollFor(2)).toMatchObject({ setpoint: { value: 100, quality: "good" } });
	});

	it("says that the setpoint is at fault in manual mode", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 120));
		await bench.run(bench.modbus.writeRegister(273, 1));
		await bench.clock.advance(250);
		expect((await bench.run(bench.device.poll())).setpoint?.detail).toContain("manual mode");
	});
});

describe("setting a 3216", () => {
	it("writes the remote setpoint in RAM, reads it back and sees the controller follow", async () => {
		const bench = await connected(new Bench());
		bench.requests.length = 0;
		expect(await bench.run(bench.device.set!("setpoint", 119.96))).toBe(120);
		expect(bench.requests).toEqual(["6@26=1200", "3@26", "6@276=1", "3@5"]);
		bench.requests.length = 0;
		expect(await bench.run(bench.device.set!("setpoint", 121))).toBe(121);
		expect(bench.requests).toEqual(["6@26=1210", "3@26"]);
		await bench.pollFor(60);
		expect(bench.heaterPercent).toBeGreaterThan(0);
		expect(bench.simulator.eepromWrites).toBe(0);
	});

	it("finds out which value selects the remote setpoint by its effect", async () => {
		const bench = new Bench();
		bench.simulator.remoteSelect = 0;
		await connected(bench);
		bench.requests.length = 0;
		expect(await bench.run(bench.device.set!("setpoint", 120))).toBe(120);
		expect(writes(bench)).toEqual(["6@26=1200", "6@276=1", "6@276=0"]);
		expect(await bench.pollFor(10)).toMatchObject({ setpoint: { value: 120 }, remote: { value: 1 } });
	});

	it("refuses what is out of range, not a number or no setpoint before a byte leaves", async () => {
		const bench = await connected(new Bench());
		bench.requests.length = 0;
		for (const value of [-0.1, 200.1, Number.NaN, Number.POSITIVE_INFINITY]) {
			await expect(bench.device.set!("setpoint", value)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
		}
		await expect(bench.device.set!("output", 5)).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
		expect(bench.requests).toEqual([]);
	});

	it("says so when the controller does not follow", async () => {
		const bench = await connected(new Bench());
		bench.simulator.setpointRateCPerMin = 5;
		await expect(bench.run(bench.device.set!("setpoint", 120))).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
		bench.requests.length = 0;
		await bench.pollFor(10);
		expect(writes(bench)).toEqual([]);
	});

	it("does not outlive a safe state that comes while it is under way", async () => {
		const bench = await connected(new Bench());
		const setting = bench.device.set!("setpoint", 150);
		setting.catch(() => {});
		await bench.clock.advance(100);
		await bench.run(bench.device.makeSafe());
		await expect(bench.run(setting)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		expect((await bench.pollFor(10)).setpoint?.value).toBe(0);
		expect(bench.heaterPercent).toBe(0);
	});
});

describe("making a 3216 safe", () => {
	it("takes the setpoint to the safe one, and the output is 0", async () => {
		const bench = await connected(new Bench({ safe_setpoint_degC: 10 }));
		await bench.run(bench.device.set!("setpoint", 150));
		await bench.pollFor(120);
		expect(bench.heaterPercent).toBeGreaterThan(50);
		await bench.run(bench.device.makeSafe());
		expect(bench.heaterPercent).toBe(0);
		expect(await bench.pollFor(20)).toMatchObject({ setpoint: { value: 10, quality: "good" }, output: { value: 0 } });
	});

	it("takes the output of a controller in manual mode to 0", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.modbus.writeRegister(273, 1));
		await bench.run(bench.modbus.writeRegister(3, 800));
		await bench.clock.advance(250);
		expect(bench.heaterPercent).toBe(80);
		await bench.run(bench.device.makeSafe());
		expect(bench.heaterPercent).toBe(0);
	});

	it("fails loudly on a dead line, and the instrument falls back by itself", async () => {
		const bench = await connected(new Bench());
		await bench.run(bench.device.set!("setpoint", 150));
		await bench.pollFor(30);
		bench.silent = true;
		await expect(bench.run(bench.device.makeSafe())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		bench.silent = false;
		await bench.pollFor(8);
		expect(bench.heaterPercent).toBe(0);
	});

	it("leaves a controller alone that works to a low local setpoint", async () => {
		const bench = new Bench();
		bench.simulator.localSetpointsC[0] = 20;
		await connected(bench);
		await bench.run(bench.device.makeSafe());
		expect(await bench.pollFor(10)).toMatchObject({ setpoint: { value: 20, quality: "good" }, remote: { value: 0 } });
	});
});

describe("a 3216 on a bad line", () => {
	it("is read right through replies that are split, doubled or preceded by noise", async () => {
		const bench = await connected(new Bench());
		const good = await bench.run(bench.device.poll());
		const faults: ((reply: Uint8Array) => Uint8Array[])[] = [
			(reply) => [...reply].map((byte) => Uint8Array.of(byte)),
			(reply) => [reply, reply],
			(reply) => [Uint8Array.of(0xff, 0x00, 0x01), reply],
		];
		for (const fault of faults) {
			bench.distort = fault;
			for (let i = 0; i < 5; i += 1) expect(await bench.run(bench.device.poll())).toEqual(good);
		}
	});

	it("never gives a wrong value when every byte in turn is damaged", async () => {
		const bench = await connected(new Bench());
		bench.stageC = 77.7;
		await bench.clock.advance(250);
		for (let position = 0; position < 15; position += 1) {
			let damaged = false;
			bench.distort = (reply) => {
				if (damaged || position >= reply.length) return [reply];
				damaged = true;
				return [reply.map((byte, at) => (at === position ? byte ^ 0x10 : byte))];
			};
			const { temperature } = await bench.run(bench.device.poll());
			expect(temperature?.value).toBeCloseTo(bench.stageC, 0);
		}
	});

	it("is given up within bounds when it is silent", async () => {
		const bench = await connected(new Bench());
		bench.silent = true;
		const start = bench.clock.nowMs();
		await expect(bench.run(bench.device.poll())).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(bench.clock.nowMs() - start).toBeLessThanOrEqual(2500);
	});
});
