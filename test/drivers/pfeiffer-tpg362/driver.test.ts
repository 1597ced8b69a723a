import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Device, PolledValues } from "#device/contract.js";
import { type GaugeType, PCR_280 } from "#drivers/pfeiffer-tpg362/gauges.js";
import { pfeifferTpg362 } from "#drivers/pfeiffer-tpg362/index.js";
import { Tpg362Simulator, type Tpg362SimulatorOptions } from "#drivers/pfeiffer-tpg362/simulator.js";
import { type FaultRig, itSurvivesLineFaults, pollAsPlant } from "../line-faults.js";
import { SimulatedLine, silent, withoutByte } from "../simulated-line.js";

const TORR = 1;
const PRX_CHARACTERS = "0,1.2000E+00,0,4.0000E-01\r\n".length;

class Rig implements FaultRig {
	chamberPa: number | null = 120;
	forelinePa: number | null = 40;
	readonly simulator: Tpg362Simulator;
	readonly wire: SimulatedLine;
	readonly device: Device;

	constructor(options: Tpg362SimulatorOptions = {}, channels: Record<string, 1 | 2> = { chamber: 1, foreline: 2 }) {
		const port = { pressurePa: (channel: 1 | 2) => (channel === 1 ? this.chamberPa : this.forelinePa) };
		const settings = { channels };
		this.simulator = new Tpg362Simulator({ name: "gauge", settings, port, seed: 1, unit: 1 }, { noise: 0, ...options });
		this.wire = new SimulatedLine(this.simulator, pfeifferTpg362.timing);
		this.device = pfeifferTpg362.create(this.wire.context("gauge", settings));
	}

	connect() {
		return this.wire.run(this.device.connect());
	}

	poll() {
		return this.wire.run(this.device.poll());
	}

	become(step: number): void {
		this.chamberPa = 120 + 7 * step;
	}

	powerCycle(): void {
		this.simulator.powerCycle();
	}

	expectTrue(values: PolledValues): void {
		for (const [name, truth] of [
			["chamber", this.chamberPa],
			["foreline", this.forelinePa],
		] as const) {
			const polled = values[name];
			if (polled?.quality === "good") expect(polled.value! / truth!, name).toBeCloseTo(1, 2);
		}
	}
}

const CHAMBER_CMR_364: GaugeType = { model: "CMR 364", id: "CMR", pressurePaMin: -5, pressurePaMax: 110, decimals: 4 };

describe("pfeiffer-tpg362", () => {
	it("takes the settings of the simulated lab, and no others", () => {
		const valid = new Ajv({ strict: true }).compile(pfeifferTpg362.settingsSchema);
		expect(valid({ channels: { chamber: 1, foreline: 2 } })).toBe(true);
		expect(valid({ channels: { chamber: 7 } })).toBe(false);
		expect(valid({ channels: {} })).toBe(false);
		expect(valid({ channels: { chamber: 1 }, unit: "ATM" })).toBe(false);
	});

	it.each([
		["from the first connection on", false],
		["after a sound connection", true],
	])("gives no wrong value while the same byte is lost from every line, %s", async (_when, soundFirst) => {
		for (let position = 0; position < PRX_CHARACTERS; position += 1) {
			const rig = new Rig();
			if (soundFirst) await rig.connect();
			rig.wire.fault = (bytes) =>
				bytes.length < PRX_CHARACTERS ? [{ bytes, delayMs: 0 }] : withoutByte(position)(bytes);
			for (let attempt = 0; attempt < 4; attempt += 1) {
				await rig.connect().catch(() => {});
				await pollAsPlant(rig);
			}
			rig.wire.fault = undefined;
			await rig.connect();
			expect((await pollAsPlant(rig))?.chamber?.quality, `without byte ${position}`).toBe("good");
		}
	});

	it("learns the form of a controller with one gauge from the connection before", async () => {
		const rig = new Rig({}, { chamber: 1 });
		const lines = (text: string) => {
			rig.wire.fault = (bytes) => [{ bytes: bytes[0] === 0x30 ? Buffer.from(text) : bytes, delayMs: 0 }];
		};
		lines("0,1.2E+00\r\n");
		await rig.connect();
		expect(await rig.poll()).toEqual({ chamber: { value: 120, quality: "good" } });
		lines("0,1.E+00\r\n");
		await expect(rig.connect()).rejects.toMatchObject({ code: "REPLY_INVALID" });
		lines("0,1.E+0\r\n");
		await expect(rig.connect()).rejects.toMatchObject({ code: "REPLY_INVALID" });
		lines("0,1.23E+00\r\n");
		await expect(rig.connect()).rejects.toMatchObject({ code: "REPLY_INVALID" });
		lines("0,1.2000E+00\r\n");
		await rig.connect();
	});

	it("identifies the controller and reads both channels in Pa from its default unit hPa", async () => {
		const rig = new Rig();
		const identification = await rig.connect();
		expect(identification).toEqual({
			identity: { manufacturer: "Pfeiffer Vacuum", model: "TPG362", serial: "44990000", firmware: "010400" },
			confirmed: true,
			warnings: [],
		});
		expect(await rig.poll()).toEqual({
			chamber: { value: 120, quality: "good" },
			foreline: { value: 40, quality: "good" },
		});
		expect(rig.wire.sent[0]).toBe("\x03");
		expect(rig.wire.sent.indexOf("UNI\r\n")).toBeLessThan(rig.wire.sent.indexOf("PRX\r\n"));
	});

	it("polls with one ENQ and nothing else", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.sent.length = 0;
		for (let i = 0; i < 40; i += 1) await rig.poll();
		expect(rig.wire.sent).toEqual(new Array(40).fill("\x05"));
	});

	it("takes the older 26x, which does not know AYT", async () => {
		const rig = new Rig({ model: "TPG262" });
		const identification = await rig.connect();
		expect(identification.confirmed).toBe(true);
		expect(identification.identity).toMatchObject({
			model: "TPG 26x or VGC 40x",
			serial: null,
			firmware: "BG509797-B",
		});
		expect(identification.warnings).toHaveLength(1);
		expect((await rig.poll()).chamber).toEqual({ value: 120, quality: "good" });
	});

	it("drains the measurements that the controller streams after power-up", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		await rig.wire.clock.advance(5_000);
		await rig.connect();
		expect((await rig.poll()).foreline).toEqual({ value: 40, quality: "good" });
	});

	it("takes no streamed line for an answer that it is not, when the controller starts up between polls", async () => {
		for (const pauseMs of [100, 995, 1_000, 1_005, 2_500]) {
			const rig = new Rig();
			await rig.connect();
			await rig.poll();
			rig.wire.atInstrument(() => rig.simulator.powerCycle());
			rig.chamberPa = 90;
			await rig.wire.clock.advance(pauseMs);
			for (let i = 0; i < 5; i += 1) {
				rig.chamberPa += 1;
				expect((await rig.poll()).chamber?.value, `after ${pauseMs} ms`).toBeCloseTo(rig.chamberPa, 6);
				await rig.wire.clock.advance(200);
			}
		}
	});

	it("asks anew, and for the unit first, when the controller was switched off and on between two polls", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		rig.wire.sent.length = 0;
		expect((await rig.poll()).chamber).toEqual({ value: 120, quality: "good" });
		expect(rig.wire.sent).toEqual(["\x05", "UNI\r\n", "\x05", "PRX\r\n", "\x05"]);
		rig.wire.sent.length = 0;
		await rig.poll();
		expect(rig.wire.sent).toEqual(["\x05"]);
	});

	it.each([0, 1, 2, 3])(
		"notices before it reports a value that the unit was changed to code %i at the front panel",
		async (code) => {
			const rig = new Rig();
			await rig.connect();
			await rig.poll();
			rig.wire.atInstrument(() => rig.simulator.chooseUnit(code));
			if (code === 0) {
				// mbar is hPa by another name.
				expect((await rig.poll()).chamber).toEqual({ value: 120, quality: "good" });
				return;
			}
			await expect(rig.poll()).rejects.toMatchObject({
				code: "DEVICE_MISCONFIGURED",
				message: expect.stringMatching(/hPa to/),
			});
			await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
			await rig.connect();
			rig.expectTrue(await rig.poll());
		},
	);

	it("reads the unit at least every 50 polls, because a change could hide in a jump of the pressure", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.wire.atInstrument(() => rig.simulator.chooseUnit(TORR));
		rig.chamberPa = 160;
		rig.forelinePa = 53.3;
		let polls = 0;
		await expect(
			(async () => {
				for (; polls < 60; polls += 1) await rig.poll();
			})(),
		).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
		expect(polls).toBeLessThanOrEqual(50);
	});

	it("refuses a controller that shows volts", async () => {
		const rig = new Rig();
		rig.simulator.chooseUnit(5);
		await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});

	it("gives null and a fault for underrange, overrange and a broken sensor", async () => {
		const rig = new Rig({ gauges: [CHAMBER_CMR_364, PCR_280] });
		await rig.connect();
		rig.forelinePa = 0.01;
		expect(await rig.poll()).toEqual({
			chamber: {
				value: null,
				quality: "fault",
				detail: "channel 1: above the gauge's measuring range (overrange)",
				isBeyondRange: true,
			},
			foreline: {
				value: null,
				quality: "fault",
				detail: "channel 2: below the gauge's measuring range (underrange)",
				isBeyondRange: true,
			},
		});
		rig.chamberPa = null;
		expect((await rig.poll()).chamber).toEqual({ value: null, quality: "fault", detail: "channel 1: sensor error" });
		rig.chamberPa = 50;
		rig.forelinePa = 10;
		expect(await rig.poll()).toEqual({
			chamber: { value: 50, quality: "good" },
			foreline: { value: 10, quality: "good" },
		});
	});

	it("refuses another instrument", async () => {
		const rig = new Rig();
		let enquiries = 0;
		rig.wire.fault = (bytes) => {
			const isData = bytes[0] !== 6;
			if (isData) enquiries += 1;
			const text = isData && enquiries === 1 ? "DCU400,PM061348,1,2,3\r\n" : undefined;
			return [{ bytes: text === undefined ? bytes : Buffer.from(text), delayMs: 0 }];
		};
		await expect(rig.connect()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
	});

	it("reports silence as such, and reads on when the cable is back", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = silent;
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		rig.wire.fault = undefined;
		rig.wire.sent.length = 0;
		expect((await rig.poll()).chamber).toEqual({ value: 120, quality: "good" });
		expect(rig.wire.sent[0]).toBe("UNI\r\n");
	});

	it("recovers from a command that noise spoilt on its way", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.requestFault = (bytes) => (bytes.length === 1 ? Uint8Array.of(0x85) : bytes);
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_SILENT" });
		rig.wire.requestFault = undefined;
		await pollAsPlant(rig);
		expect((await pollAsPlant(rig))?.chamber?.value).toBe(120);
	});

	it("refuses a channel that the controller does not have", async () => {
		const rig = new Rig();
		let enquiries = 0;
		rig.wire.fault = (bytes) => {
			if (bytes[0] !== 6) enquiries += 1;
			return [{ bytes: bytes[0] !== 6 && enquiries === 2 ? Buffer.from("CMR\r\n") : bytes, delayMs: 0 }];
		};
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "foreline is configured on channel 2, but the controller has 1.",
		});
	});

	it("has nothing to set and nothing to make safe", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.sent.length = 0;
		await rig.device.makeSafe();
		expect(rig.wire.sent).toEqual([]);
		expect(rig.device.set).toBeUndefined();
	});

	itSurvivesLineFaults(() => new Rig(), {
		signal: "chamber",
		timeoutMs: pfeifferTpg362.timing.timeoutMs,
		replyBytes: PRX_CHARACTERS,
		replies: {
			"an ERROR word": "0000\r\n",
			"a NAK": "\x15\r\n",
			"another item's data": "4\r\n",
			"half a line": "0,1.20",
			"one gauge instead of two": "0,9.9900E+02\r\n",
			"a digit too many": "0,9.90000E+02,0,1.0000E+00\r\n",
		},
	});
});
