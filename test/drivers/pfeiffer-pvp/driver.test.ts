import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Device, PolledValues } from "#device/contract.js";
import type { GaugeSettings, PumpSettings } from "#drivers/pfeiffer-pvp/config.js";
import { pfeifferPvp } from "#drivers/pfeiffer-pvp/index.js";
import { PvpSimulator, type PvpSimulatorOptions } from "#drivers/pfeiffer-pvp/simulator.js";
import {
	doubled,
	instead,
	late,
	SimulatedLine,
	silent,
	splitAt,
	type WireFault,
	withoutByte,
} from "../simulated-line.js";

const GAUGE: GaugeSettings = { role: "gauge", rs485_address: 1, pressure_pa_min: 0.05, pressure_pa_max: 150_000 };
const PUMP: PumpSettings = { role: "pump", rs485_address: 42, running_above_hz: 50, remote_control: "start-stop" };

class Rig {
	pressurePa: number | null = 120;
	turning = true;
	readonly simulator: PvpSimulator;
	readonly wire: SimulatedLine;
	readonly device: Device;

	constructor(settings: GaugeSettings | PumpSettings, options: PvpSimulatorOptions = {}, at = settings) {
		const port = {
			pressurePa: () => this.pressurePa,
			isTurning: () => this.turning,
			turn: (on: boolean) => {
				this.turning = on;
			},
		};
		this.simulator = new PvpSimulator({ name: "unit", settings: at, port, seed: 1, unit: 1 }, options);
		this.wire = new SimulatedLine(this.simulator, pfeifferPvp.timing);
		this.device = pfeifferPvp.create(this.wire.context("unit", settings));
	}

	connect() {
		return this.wire.run(this.device.connect());
	}

	poll() {
		return this.wire.run(this.device.poll());
	}

	set(signal: string, value: number) {
		return this.wire.run(this.device.set!(signal, value));
	}

	/** What the plant does: polls, and connects anew after a failure. */
	async pollAsPlant(): Promise<PolledValues | undefined> {
		try {
			return await this.poll();
		} catch {
			await this.connect().catch(() => {});
			return undefined;
		}
	}
}

const good = (value: number) => ({ value, quality: "good" });

describe("pfeiffer-pvp settings", () => {
	const valid = new Ajv({ strict: true, strictRequired: false }).compile(pfeifferPvp.settingsSchema);

	it("belong to a gauge or to a pump", () => {
		expect(valid(GAUGE)).toBe(true);
		expect(valid({ ...PUMP, readings: ["power", "temperature_motor"] })).toBe(true);
		expect(valid(pfeifferPvp.probeSettings)).toBe(false);
	});

	it.each([
		["no role", { rs485_address: 1 }],
		["a gauge without a range", { role: "gauge", rs485_address: 1 }],
		["a pump without a speed from which it counts as running", { role: "pump", rs485_address: 1 }],
		["a gauge with a speed", { ...GAUGE, running_above_hz: 50 }],
		["a pump with a range", { ...PUMP, pressure_pa_max: 1 }],
		["a group address", { ...PUMP, rs485_address: 942 }],
		["a reading twice", { ...PUMP, readings: ["power", "power"] }],
		["an unknown reading", { ...PUMP, readings: ["noise"] }],
	])("are refused with %s", (_what, settings) => {
		expect(valid(settings)).toBe(false);
	});

	it("are refused with a range upside down", () => {
		expect(() => new Rig({ ...GAUGE, pressure_pa_min: 2, pressure_pa_max: 1 })).toThrow(/not above/);
	});
});

describe("pfeiffer-pvp as a gauge", () => {
	it("identifies the gauge by reading alone and gives its pressure in Pa", async () => {
		const rig = new Rig(GAUGE);
		expect(await rig.wire.run(rig.device.inspect!())).toEqual({
			identity: { manufacturer: "Pfeiffer Vacuum", model: "PPT100", serial: null, firmware: "010300" },
			confirmed: true,
			warnings: [],
		});
		expect(await rig.poll()).toEqual({ pressure: good(120) });
		for (const sent of rig.wire.sent) expect(sent).toContain("02=?");
	});

	it("gives a fault outside its range and with a broken sensor", async () => {
		const rig = new Rig(GAUGE);
		await rig.connect();
		rig.pressurePa = 0.01;
		expect((await rig.poll()).pressure).toMatchObject({ value: null, quality: "fault", detail: /below/ });
		rig.pressurePa = 200_000;
		expect((await rig.poll()).pressure).toMatchObject({ value: null, quality: "fault", detail: /above/ });
		rig.pressurePa = null;
		expect((await rig.poll()).pressure).toMatchObject({ value: null, quality: "fault", detail: /error 1/ });
	});

	it("reads a gauge that puts FF in front of its answers", async () => {
		const rig = new Rig(GAUGE, { prefix: Uint8Array.of(0xff, 0xff) });
		await rig.connect();
		expect(await rig.poll()).toEqual({ pressure: good(120) });
		expect(rig.wire.line.counters.retries).toBe(0);
	});

	it("refuses a pump in its place", async () => {
		const rig = new Rig(GAUGE, {}, { ...PUMP, rs485_address: 1 });
		await expect(rig.connect()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
	});

	it("hears nothing from a gauge of another address", async () => {
		const rig = new Rig(GAUGE, {}, { ...GAUGE, rs485_address: 2 });
		await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
	});

	it("has nothing to set", () => {
		expect(new Rig(GAUGE).device.set).toBeUndefined();
	});
});

describe("pfeiffer-pvp as a pump", () => {
	it("tells that it runs, how fast, and what it was ordered to read", async () => {
		const rig = new Rig({ ...PUMP, readings: ["current", "power", "temperature_motor"] });
		await rig.connect();
		expect(await rig.poll()).toEqual({
			running: good(1),
			on: good(1),
			speed: good(60),
			fault: good(0),
			error_code: good(0),
			warning_code: good(0),
			hours: good(1234),
			current: good(4.5),
			power: good(216),
			temperature_motor: good(40),
		});
	});

	it("takes the speed in rpm where the pump has no other", async () => {
		const rig = new Rig(PUMP, { rpmOnly: true });
		await rig.connect();
		expect((await rig.poll()).speed).toEqual(good(60));
	});

	it("does not count as running while it runs up or down, or has an error", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.wire.atInstrument(() => {
			rig.turning = false;
		});
		await rig.wire.clock.advance(200);
		expect(await rig.poll()).toMatchObject({ running: good(0), on: good(1), fault: good(1), error_code: good(6) });
		await rig.wire.clock.advance(10_000);
		rig.wire.atInstrument(() => {
			rig.turning = true;
		});
		await rig.wire.clock.advance(2_000);
		expect(await rig.poll()).toMatchObject({ running: good(0), fault: good(0) });
		await rig.wire.clock.advance(20_000);
		expect(await rig.poll()).toMatchObject({ running: good(1), speed: good(60) });
	});

	it("is not known to run when one of the proofs is refused", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.wire.fault = (bytes) => {
			const isError = Buffer.from(bytes).toString("latin1").startsWith("0421030306");
			return [{ bytes: isError ? Buffer.from(refusal("0421030306_LOGIC")) : bytes, delayMs: 0 }];
		};
		expect((await rig.poll()).running).toMatchObject({ value: null, quality: "fault", detail: /_LOGIC/ });
	});

	it("is off after a power cycle, and nothing switches it on again unasked", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		rig.wire.sent.length = 0;
		for (let i = 0; i < 20; i += 1) {
			await rig.pollAsPlant();
			await rig.wire.clock.advance(1_000);
		}
		await rig.connect();
		await rig.device.makeSafe();
		expect(await rig.poll()).toMatchObject({ running: good(0), on: good(0), speed: good(0) });
		for (const sent of rig.wire.sent) expect(sent).toContain("02=?");
	});

	it("runs again once somebody has switched it on at the pump", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		await rig.wire.clock.advance(10_000);
		rig.turning = true;
		await rig.wire.clock.advance(30_000);
		await rig.connect();
		expect(await rig.poll()).toMatchObject({ running: good(1), on: good(1), fault: good(0) });
	});

	it("stops and starts when ordered, and reads back", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.wire.sent.length = 0;
		expect(await rig.set("on", 0)).toBe(0);
		expect(rig.turning).toBe(false);
		expect(await rig.set("on", 1)).toBe(1);
		expect(rig.turning).toBe(true);
		expect(rig.wire.sent).toContain("0421001006111111020\r");
	});

	it.each([
		["without remote_control", {}, "on", 0, "SIGNAL_UNKNOWN"],
		["a start where only stopping is allowed", { remote_control: "stop" }, "on", 1, "SETPOINT_OUT_OF_RANGE"],
		["half a start", { remote_control: "start-stop" }, "on", 0.5, "SETPOINT_OUT_OF_RANGE"],
		["a speed", { remote_control: "start-stop" }, "speed", 30, "SIGNAL_UNKNOWN"],
	] as const)("refuses %s without a byte", async (_what, control, signal, value, code) => {
		const { remote_control: _, ...settings } = PUMP;
		const rig = new Rig({ ...settings, ...control });
		await rig.connect();
		rig.wire.sent.length = 0;
		await expect(rig.set(signal, value)).rejects.toMatchObject({ code });
		expect(rig.wire.sent).toEqual([]);
	});

	it("does not start a pump that reports an error", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.turning = false;
		rig.wire.sent.length = 0;
		await expect(rig.set("on", 1)).rejects.toMatchObject({ code: "PERMIT_REFUSED" });
		for (const sent of rig.wire.sent) expect(sent).toContain("02=?");
	});

	it("sends a start once, even when nobody answers", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		await rig.set("on", 0);
		rig.wire.sent.length = 0;
		rig.wire.fault = (bytes) => {
			const isWrite = Buffer.from(bytes).toString("latin1").startsWith("0421001006");
			return isWrite ? [] : [{ bytes, delayMs: 0 }];
		};
		await expect(rig.set("on", 1)).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		expect(rig.wire.sent.filter((sent) => sent.includes("111111"))).toHaveLength(1);
	});

	it("reports an order that the pump did not take over", async () => {
		const rig = new Rig(PUMP);
		await rig.connect();
		rig.wire.requestFault = (bytes) => {
			const text = Buffer.from(bytes).toString("latin1");
			return text.includes("000000") ? Buffer.from("0421001006111111020\r") : bytes;
		};
		await expect(rig.set("on", 0)).rejects.toMatchObject({ code: "READBACK_MISMATCH" });
	});

	it("refuses a gauge in its place", async () => {
		const rig = new Rig(PUMP, {}, { ...GAUGE, rs485_address: 42 });
		await expect(rig.connect()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
	});
});

describe("pfeiffer-pvp on a bad line", () => {
	it("reads with every answer split at any byte", async () => {
		for (let position = 1; position < 20; position += 1) {
			const rig = new Rig(GAUGE);
			rig.wire.fault = splitAt(position);
			await rig.connect();
			expect(await rig.poll()).toEqual({ pressure: good(120) });
			expect(rig.wire.line.counters.retries, `split at ${position}`).toBe(0);
		}
	});

	it("never gives a wrong value when any one byte of an answer is lost", async () => {
		for (let position = 0; position < 20; position += 1) {
			const rig = new Rig(GAUGE);
			await rig.connect();
			rig.wire.fault = withoutByte(position);
			for (let i = 0; i < 3; i += 1) {
				const values = await rig.pollAsPlant();
				if (values !== undefined) expect(values.pressure).toEqual(good(120));
			}
			rig.wire.fault = undefined;
			await rig.pollAsPlant();
			expect((await rig.pollAsPlant())?.pressure, `without byte ${position}`).toEqual(good(120));
		}
	});

	const troubles: readonly (readonly [name: string, fault: WireFault])[] = [
		["silence", silent],
		["garbage", instead("\xff\x00\x81garbage\r")],
		["a bad checksum", instead("0011074006990023026\r")],
		["the answer of another unit", instead("0021074006100023026\r")],
		["half a telegram", instead("0011074006")],
		["late answers", late(200)],
		["answers after the time-out", late(400)],
		["doubled answers", doubled],
	];
	it.each(troubles)("survives %s and gives no wrong value", async (_name, fault) => {
		const rig = new Rig(GAUGE);
		await rig.connect();
		rig.wire.fault = fault;
		for (let i = 0; i < 3; i += 1) {
			rig.pressurePa = 120 + 7 * i;
			const values = await rig.pollAsPlant();
			if (values?.pressure?.quality === "good") expect(values.pressure.value).toBeCloseTo(rig.pressurePa, 6);
			await rig.wire.clock.advance(200);
		}
		rig.wire.fault = undefined;
		await rig.wire.clock.advance(3_000);
		await rig.pollAsPlant();
		expect((await rig.pollAsPlant())?.pressure?.value).toBeCloseTo(134, 6);
	});

	it("reports an unplugged cable as silence, and reads on when it is back", async () => {
		const rig = new Rig(GAUGE);
		await rig.connect();
		rig.wire.fault = silent;
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		rig.wire.fault = undefined;
		expect(await rig.poll()).toEqual({ pressure: good(120) });
	});

	it("is heard again after its own question was damaged: the instrument keeps silent", async () => {
		const rig = new Rig(GAUGE);
		await rig.connect();
		let damaged = 1;
		rig.wire.requestFault = (bytes) => {
			damaged -= 1;
			return damaged < 0 ? bytes : Uint8Array.from(bytes, (byte, at) => (at === 9 ? byte + 1 : byte));
		};
		expect(await rig.poll()).toEqual({ pressure: good(120) });
		expect(rig.wire.line.counters.retries).toBe(1);
	});
});

function refusal(text: string): string {
	let sum = 0;
	for (const character of text) sum += character.charCodeAt(0);
	return `${text}${String(sum % 256).padStart(3, "0")}\r`;
}
