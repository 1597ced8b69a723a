import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Device, PolledValues } from "#device/contract.js";
import { encodeReply } from "#drivers/inficon-sqm160/codec.js";
import type { Sqm160Settings } from "#drivers/inficon-sqm160/config.js";
import { inficonSqm160 } from "#drivers/inficon-sqm160/index.js";
import { Sqm160Simulator, type Sqm160SimulatorOptions } from "#drivers/inficon-sqm160/simulator.js";
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

const SETTINGS: Sqm160Settings = { channels: { film: 2 }, thickness_unit: "angstrom" };

class Rig {
	filmNm: number | null = 12.5;
	readonly simulator: Sqm160Simulator;
	readonly wire: SimulatedLine;
	readonly device: Device;

	constructor(settings: Sqm160Settings = SETTINGS, options: Sqm160SimulatorOptions = {}) {
		const port = { thicknessNm: () => this.filmNm };
		this.simulator = new Sqm160Simulator({ name: "qcm", settings, port, seed: 1, unit: 1 }, { noiseNm: 0, ...options });
		this.wire = new SimulatedLine(this.simulator, inficonSqm160.timing);
		this.device = inficonSqm160.create(this.wire.context("qcm", settings));
	}

	connect() {
		return this.wire.run(this.device.connect());
	}

	poll() {
		return this.wire.run(this.device.poll());
	}

	/** What the plant does: polls, and connects anew after a failure. Every value that comes is checked. */
	async pollAsPlant(): Promise<PolledValues | undefined> {
		try {
			const values = await this.poll();
			const { film_thickness: thickness, film_frequency: frequency } = values;
			if (thickness?.quality === "good") expect(thickness.value).toBeCloseTo(this.filmNm!, 3);
			if (frequency?.quality === "good") expect(frequency.value).toBeGreaterThan(5e6);
			return values;
		} catch {
			await this.connect().catch(() => {});
			return undefined;
		}
	}
}

const good = (value: number) => ({ value: expect.closeTo(value, 3), quality: "good" });

describe("inficon-sqm160", () => {
	it("takes its settings and no others", () => {
		const valid = new Ajv({ strict: true }).compile(inficonSqm160.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid(inficonSqm160.probeSettings)).toBe(false);
		expect(valid({ channels: { film: 2 } })).toBe(false);
		expect(valid({ ...SETTINGS, channels: { film: 7 } })).toBe(false);
		expect(valid({ ...SETTINGS, density: 3 })).toBe(false);
	});

	it("identifies the monitor by reading alone", async () => {
		const rig = new Rig();
		expect(await rig.wire.run(rig.device.inspect!())).toEqual({
			identity: { manufacturer: "INFICON", model: "SQM-160", serial: null, firmware: "MON Ver 4.13" },
			confirmed: true,
			warnings: [],
		});
		expect(rig.wire.sent).toEqual(["!#@O7", "!#JO8", "!#@O7"]);
	});

	it("gives thickness in nm, rate in nm/s, frequency and crystal life", async () => {
		const rig = new Rig();
		await rig.connect();
		expect(await rig.poll()).toEqual({
			film_thickness: good(12.5),
			film_rate: good(0),
			film_frequency: good(5_990_000 - (12.5 * 300) / 12.3),
			film_life: good(100),
		});
		for (let i = 0; i < 5; i += 1) {
			await rig.wire.clock.advance(1_000);
			rig.wire.atInstrument(() => {
				rig.filmNm! += 0.1;
			});
		}
		await rig.wire.clock.advance(1_000);
		expect((await rig.poll()).film_rate).toEqual(good(0.1));
	});

	it("takes a monitor that counts in thousands of angstroms", async () => {
		const rig = new Rig({ ...SETTINGS, thickness_unit: "kiloangstrom" });
		await rig.connect();
		rig.filmNm = 250;
		expect((await rig.poll()).film_thickness).toEqual(good(250));
	});

	it("has no thickness from a crystal that does not oscillate, whatever the monitor shows", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.filmNm = null;
		const values = await rig.poll();
		expect(values.film_frequency).toMatchObject({ value: null, quality: "fault", detail: /0 Hz is outside/ });
		expect(values.film_thickness).toMatchObject({ value: null, quality: "fault", detail: /crystal of sensor 2/ });
	});

	it.each([
		["N2", " ***** ", "film_thickness"],
		["L2?", "-----", "film_rate"],
		["R2", "", "film_life"],
	])("has no value where the monitor answers %s with %j, and all the others", async (message, shown, signal) => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = (bytes) => {
			const isAsked = rig.wire.sent.at(-1)!.slice(2).startsWith(message);
			return [{ bytes: isAsked ? encodeReply("A", shown) : bytes, delayMs: 0 }];
		};
		const values = await rig.poll();
		const faults = Object.entries(values).filter(([, { quality }]) => quality !== "good");
		expect(faults).toEqual([
			[signal, expect.objectContaining({ value: null, detail: expect.stringContaining("no number") })],
		]);
	});

	it("refuses a sensor that the monitor does not have, and another instrument", async () => {
		await expect(new Rig(SETTINGS, { sensors: 1 }).connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "qcm has 1 sensors, but the lab file wants film (2).",
		});
		const rig = new Rig();
		rig.wire.fault = () => [{ bytes: encodeReply("A", "SQC310 1.0"), delayMs: 0 }];
		await expect(rig.connect()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
	});

	it.each([
		["C", /does not know/],
		["D", /no such data/],
		["E", /another mode/],
	] as const)("gives a fault for status %s", async (status, detail) => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = () => [{ bytes: encodeReply(status, ""), delayMs: 0 }];
		expect((await rig.poll()).film_frequency).toMatchObject({ value: null, quality: "fault", detail });
	});

	it("reports a reset in the middle, because the thickness counts from zero again, and reads on", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_RESTARTED" });
		await rig.connect();
		expect((await rig.poll()).film_thickness).toEqual(good(0));
	});

	it("reads on from a monitor that never stops saying that it was reset", async () => {
		const rig = new Rig();
		rig.wire.fault = (bytes) => {
			const data = Buffer.from(bytes).toString("latin1").slice(3, -2);
			return [{ bytes: encodeReply("B", data), delayMs: 0 }];
		};
		expect((await rig.connect()).warnings).toHaveLength(1);
		expect((await rig.poll()).film_thickness).toEqual(good(12.5));
	});

	it("reads with every reply split at any byte", async () => {
		for (let position = 1; position < 18; position += 1) {
			const rig = new Rig();
			rig.wire.fault = splitAt(position);
			await rig.connect();
			expect((await rig.poll()).film_thickness).toEqual(good(12.5));
			expect(rig.wire.line.counters.retries, `split at ${position}`).toBe(0);
		}
	});

	it("never gives a wrong value when any one byte of a reply is lost", async () => {
		for (let position = 0; position < 18; position += 1) {
			const rig = new Rig();
			await rig.connect();
			rig.wire.fault = withoutByte(position);
			for (let i = 0; i < 2; i += 1) await rig.pollAsPlant();
			rig.wire.fault = undefined;
			await rig.pollAsPlant();
			expect((await rig.pollAsPlant())?.film_thickness, `without byte ${position}`).toEqual(good(12.5));
		}
	});

	const troubles: readonly (readonly [name: string, fault: WireFault])[] = [
		["silence", silent],
		["garbage", instead("\xff\x00\x81garbage!!")],
		["half a message", instead("!/A58758")],
		["a wrong checksum", instead("!/A5875830.230:Y")],
		["late replies", late(400)],
		["replies after the time-out", late(700)],
		["doubled replies", doubled],
	];
	it.each(troubles)("survives %s and gives no wrong value", async (_name, fault) => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = fault;
		for (let i = 0; i < 3; i += 1) {
			rig.filmNm = 12.5 + i;
			await rig.pollAsPlant();
			await rig.wire.clock.advance(200);
		}
		rig.wire.fault = undefined;
		await rig.wire.clock.advance(3_000);
		await rig.pollAsPlant();
		expect((await rig.pollAsPlant())?.film_thickness).toEqual(good(14.5));
	});

	it("reports an unplugged cable as silence, and has nothing to set", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = silent;
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		rig.wire.fault = undefined;
		expect((await rig.poll()).film_thickness).toEqual(good(12.5));
		expect(rig.device.set).toBeUndefined();
	});
});
