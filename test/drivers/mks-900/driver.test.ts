import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Device, PolledValues, SimulatorConnection } from "#device/contract.js";
import type { Mks900Settings } from "#drivers/mks-900/config.js";
import { mks900 } from "#drivers/mks-900/index.js";
import { Mks900Simulator, type Mks900SimulatorOptions } from "#drivers/mks-900/simulator.js";
import { type FaultRig, itSurvivesLineFaults } from "../line-faults.js";
import { instead, SimulatedLine, type WireFault } from "../simulated-line.js";

const SETTINGS: Mks900Settings = { address: 253, signal: "chamber", reading: "PR4" };

class Rig implements FaultRig {
	pressurePa: number | null = 120;
	readonly simulator: Mks900Simulator;
	readonly wire: SimulatedLine;
	readonly device: Device;

	constructor(options: { simulator?: Mks900SimulatorOptions; settings?: Partial<Mks900Settings> } = {}) {
		const settings = { ...SETTINGS, ...options.settings };
		const port = { pressurePa: () => this.pressurePa };
		this.simulator = new Mks900Simulator(
			{ name: "gauge", settings, port, seed: 1, unit: 1 },
			{ noise: 0, ...options.simulator },
		);
		this.wire = new SimulatedLine(this.simulator, mks900.timing);
		this.device = mks900.create(this.wire.context("gauge", settings));
	}

	connect() {
		return this.wire.run(this.device.connect());
	}

	poll() {
		return this.wire.run(this.device.poll());
	}

	become(step: number): void {
		this.pressurePa = 120 + 7 * step;
	}

	expectTrue(values: PolledValues): void {
		const polled = values.chamber;
		if (polled?.quality === "good") expect(polled.value! / this.pressurePa!).toBeCloseTo(1, 2);
	}

	powerCycle(): void {
		this.simulator.powerCycle();
	}

	/** Answers one query with other bytes. */
	answer(query: string, reply: string): void {
		this.wire.fault = (bytes) => {
			const asked = this.wire.sent.at(-1) === `@253${query}?;FF`;
			return [{ bytes: asked ? Buffer.from(reply, "latin1") : bytes, delayMs: 0 }];
		};
	}
}

describe("mks-900", () => {
	it("takes addresses 1 to 253 and nothing else: on 254 every transducer answers, on 255 none", () => {
		const valid = new Ajv({ strict: true }).compile(mks900.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid({ ...SETTINGS, gas_type: "ARGON" })).toBe(true);
		expect(valid(mks900.probeSettings)).toBe(true);
		for (const address of [0, 254, 255, 1.5, "253"]) expect(valid({ ...SETTINGS, address }), `${address}`).toBe(false);
		expect(valid({ ...SETTINGS, reading: "PR6" })).toBe(false);
		expect(valid({ ...SETTINGS, unit: "ATM" })).toBe(false);
		expect(valid({ address: 1, signal: "chamber" })).toBe(false);
	});

	it("identifies the transducer and reads its pressure in Pa", async () => {
		const rig = new Rig();
		expect(await rig.connect()).toEqual({
			identity: { manufacturer: "MKS", model: "925", serial: "1125123456", firmware: "1.12" },
			confirmed: true,
			warnings: [],
		});
		const { chamber } = await rig.poll();
		expect(chamber?.quality).toBe("good");
		expect(chamber?.value).toBeCloseTo(120, 1);
	});

	it("reads pressure, unit and status at every poll, and writes nothing", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		expect(rig.wire.sent.filter((text) => text.includes("!"))).toEqual([]);
		rig.wire.sent.length = 0;
		await rig.poll();
		expect(rig.wire.sent).toEqual(["@253PR4?;FF", "@253U?;FF", "@253T?;FF"]);
	});

	it("inspects by reading alone, and polls after it", async () => {
		const rig = new Rig({ settings: { reading: "PR2" }, simulator: { model: "925" } });
		expect(await rig.wire.run(rig.device.inspect!())).toMatchObject({ confirmed: true });
		expect((await rig.poll()).chamber).toEqual({
			value: null,
			quality: "fault",
			detail: "the transducer has no reading PR2 (NAK 160, unrecognised message)",
		});
		expect(rig.wire.sent.filter((text) => text.includes("!"))).toEqual([]);
	});

	it.each(["TORR", "MBAR", "PASCAL"] as const)(
		"reports the same pressure when the unit is changed to %s",
		async (unit) => {
			const rig = new Rig();
			await rig.connect();
			await rig.poll();
			rig.simulator.choose({ unit });
			for (let i = 0; i < 3; i += 1) rig.expectTrue(await rig.poll());
			expect((await rig.poll()).chamber?.quality).toBe("good");
		},
	);

	it("notices a unit that changes between the reading and its unit", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.wire.fault = (bytes) => {
			if (rig.wire.sent.at(-1) === "@253PR4?;FF") rig.simulator.choose({ unit: "MBAR" });
			return [{ bytes, delayMs: 0 }];
		};
		for (let i = 0; i < 2; i += 1) {
			const values = await rig.poll();
			rig.expectTrue(values);
			expect(values.chamber?.quality).toBe("good");
		}
	});

	it("takes a model that knows neither maker nor serial number, with null for what is absent", async () => {
		const rig = new Rig();
		rig.wire.fault = (bytes) => {
			const absent = ["MF", "SN", "FV", "MD"].some((query) => rig.wire.sent.at(-1) === `@253${query}?;FF`);
			return [{ bytes: absent ? Buffer.from("@253NAK160;FF") : bytes, delayMs: 0 }];
		};
		expect(await rig.connect()).toEqual({
			identity: { manufacturer: null, model: "MicroPirani", serial: null, firmware: null },
			confirmed: true,
			warnings: [],
		});
	});

	it("does not confirm what cannot say what it is", async () => {
		const rig = new Rig();
		rig.wire.fault = (bytes) => {
			const absent = ["MF", "MD", "DT"].some((query) => rig.wire.sent.at(-1) === `@253${query}?;FF`);
			return [{ bytes: absent ? Buffer.from("@253NAK160;FF") : bytes, delayMs: 0 }];
		};
		expect(await rig.connect()).toMatchObject({ confirmed: false, warnings: [expect.stringMatching(/stays unknown/)] });
	});

	it.each([
		["MF", "@253ACKINFICON;FF", "IDENTITY_MISMATCH"],
		["MD", "@253ACK937B;FF", "IDENTITY_MISMATCH"],
		["U", "@253ACKVOLT;FF", "DEVICE_MISCONFIGURED"],
		["PR4", "@253NAK160;FF", "DEVICE_MISCONFIGURED"],
	])("refuses a device that answers %s with %s", async (query, reply, code) => {
		const rig = new Rig();
		rig.answer(query, reply);
		await expect(rig.connect()).rejects.toMatchObject({ code });
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
	});

	it("refuses the difference of two sensors as a pressure", async () => {
		const rig = new Rig({ settings: { reading: "PR5" }, simulator: { model: "910" } });
		await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});

	it("checks the gas that the Pirani is set for, when the lab file names it", async () => {
		const rig = new Rig({ settings: { gas_type: "ARGON" } });
		await rig.connect();
		rig.simulator.choose({ gas: "NITROGEN" });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: 'The gas type (GT) is "NITROGEN", the lab file says ARGON.',
		});
	});

	it("gives null and a fault for a broken sensor, although a number comes with it", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.pressurePa = null;
		expect((await rig.poll()).chamber).toEqual({
			value: null,
			quality: "fault",
			detail: "the Pirani sensor has failed (T: M)",
		});
	});

	it("gives null and the transducer's words beyond its range", async () => {
		const rig = new Rig({ simulator: { beyondRange: "word" } });
		await rig.connect();
		rig.pressurePa = 200_000;
		expect((await rig.poll()).chamber).toEqual({
			value: null,
			quality: "fault",
			detail: 'the transducer says "OVER" instead of a pressure',
			isBeyondRange: true,
		});
		rig.pressurePa = 1e-6;
		expect((await rig.poll()).chamber?.value).toBeNull();
		rig.pressurePa = 50;
		rig.expectTrue(await rig.poll());
	});

	it.each(["925", "910", "902B"] as const)("reads a %s in three digits and in four", async (model) => {
		for (const reading of ["PR1", "PR4"] as const) {
			const rig = new Rig({ simulator: { model }, settings: { reading } });
			await rig.connect();
			for (const pressurePa of [120, 240, 1000, 101_325, 30]) {
				rig.pressurePa = pressurePa;
				const values = await rig.poll();
				rig.expectTrue(values);
				expect(values.chamber?.quality, `${model} ${reading} ${pressurePa}`).toBe("good");
			}
		}
	});

	it("confirms a jump: one reading that lost its sign on the line is outvoted", async () => {
		const rig = new Rig({ simulator: { model: "902B" } });
		await rig.connect();
		await rig.poll();
		let spoilt = false;
		rig.wire.fault = (bytes) => {
			const text = Buffer.from(bytes).toString("latin1");
			if (spoilt || !text.includes("E-")) return [{ bytes, delayMs: 0 }];
			spoilt = true;
			return [{ bytes: Buffer.from(text.replace("E-", "E"), "latin1"), delayMs: 0 }];
		};
		rig.expectTrue(await rig.poll());
		expect(spoilt).toBe(true);
	});

	/** Answers the reading with each of these in turn, then as the transducer does. */
	const readings = (rig: Rig, ...replies: readonly string[]) => {
		const left = [...replies];
		rig.wire.fault = (bytes) => {
			const next = rig.wire.sent.at(-1) === "@253PR4?;FF" ? left.shift() : undefined;
			return [{ bytes: next === undefined ? bytes : Buffer.from(`@253ACK${next};FF`, "latin1"), delayMs: 0 }];
		};
	};

	it("takes the middle one of three readings for a jump, in whatever order they come", async () => {
		const rig = new Rig();
		await rig.connect();
		const { value } = (await rig.poll()).chamber!;
		const inTorr = (torr: number) => (value! / 0.9001) * torr;
		readings(rig, "9.001E+2", "8.000E-1", "9.001E-1");
		expect((await rig.poll()).chamber!.value! / inTorr(0.9001)).toBeCloseTo(1, 3);
		readings(rig, "8.500E-3", "9.200E-1", "9.001E-1");
		expect((await rig.poll()).chamber!.value! / inTorr(0.9001)).toBeCloseTo(1, 3);
	});

	it("asks three times for a jump, and once for what has drifted by less since the last poll", async () => {
		const rig = new Rig();
		await rig.connect();
		const asked = async (pressurePa: number) => {
			rig.pressurePa = pressurePa;
			rig.wire.sent.length = 0;
			await rig.poll();
			return rig.wire.sent.filter((text) => text.includes("PR4")).length;
		};
		expect(await asked(200)).toBe(1);
		expect(await asked(380)).toBe(1);
		expect(await asked(720)).toBe(1);
		expect(await asked(1500)).toBe(3);
		expect(await asked(700)).toBe(3);
	});

	it("gives no value for a jump that a word has followed", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		readings(rig, "9.001E+2", "OFF");
		await expect(rig.poll()).rejects.toMatchObject({
			code: "REPLY_INVALID",
			message: expect.stringContaining("came and went while it was confirmed"),
		});
	});

	it.each([
		["a unit that is none", "U", "@253ACKFURLONG;FF", 'the pressure unit is "FURLONG"'],
		["a unit that is refused", "U", "@253NAK160;FF", "the pressure unit cannot be read"],
		["a status that is refused", "T", "@253NAK160;FF", "the status cannot be read"],
		["a reading that is refused", "PR4", "@253NAK160;FF", "the transducer has no reading PR4"],
	])("gives null and the reason for %s", async (_what, query, reply, reason) => {
		const rig = new Rig();
		await rig.connect();
		rig.answer(query, reply);
		expect((await rig.poll()).chamber).toMatchObject({
			value: null,
			quality: "fault",
			detail: expect.stringContaining(reason),
		});
	});

	it("says of no other word that the pressure is beyond the range", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.answer("PR4", "@253ACKOFF;FF");
		expect((await rig.poll()).chamber).toEqual({
			value: null,
			quality: "fault",
			detail: 'the transducer says "OFF" instead of a pressure',
		});
	});

	it("holds the transducer to the unit that the lab file names", async () => {
		const rig = new Rig({ settings: { unit: "MBAR" } });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("not MBAR as configured"),
		});
		rig.simulator.choose({ unit: "MBAR" });
		await rig.connect();
		rig.expectTrue(await rig.poll());
		rig.simulator.choose({ unit: "TORR" });
		expect((await rig.poll()).chamber).toMatchObject({ value: null, quality: "fault" });
	});

	it("warns of a turn-around delay that is off", async () => {
		const rig = new Rig();
		rig.answer("RSD", "@253ACKOFF;FF");
		expect((await rig.connect()).warnings).toEqual([expect.stringContaining("(RSD) is off")]);
	});

	it("gives nothing once it is closed", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.device.close();
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
	});

	it("never takes what is left of a reply without turn-around delay for a value", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.simulator.choose({ turnAroundDelay: false });
		for (let i = 0; i < 20; i += 1) {
			const values = await rig.poll().catch(() => undefined);
			expect(values?.chamber?.quality ?? "fault").toBe("fault");
		}
	});

	it("says what came in place of a reply that does not end as replies do", async () => {
		const rig = new Rig();
		rig.wire.fault = instead("@253ACK1.234E-1;");
		await expect(rig.wire.run(rig.device.inspect!())).rejects.toMatchObject({
			code: "REPLY_INVALID",
			message: expect.stringContaining('"@253ACK1.234E-1;" came, which does not end with ;FF'),
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
		timeoutMs: mks900.timing.timeoutMs,
		replyBytes: "@253ACK9.001E-1;FF".length,
		replies: {
			"a reply without its beginning": "64;FF",
			"a refusal": "@253NAK160;FF",
			"the reply of another transducer": "@001ACK9.999E+2;FF",
			"a reading of other digits": "@253ACK9.99E+2;FF",
			"another item's data": "@253ACKTORR;FF",
			"half a reply": "@253ACK1.2",
		},
	});
});

/** A small transducer written from the manual alone, with none of the driver's code. */
class ManualTransducer {
	readonly replies: Record<string, string>;

	constructor(
		private readonly address: string,
		replies: Record<string, string>,
	) {
		this.replies = { MF: "MKS", MD: "971", U: "MBAR", T: "O", PR3: "1.23E-5", ...replies };
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		const text = ((connection.state as string | undefined) ?? "") + Buffer.from(bytes).toString("latin1");
		connection.state = text.endsWith(";FF") ? "" : text;
		for (const message of text.split(";FF").slice(0, -1)) {
			if (message.slice(1, 4) !== this.address) continue;
			const data = this.replies[message.slice(4, -1)];
			connection.send(Buffer.from(`@${this.address}${data === undefined ? "NAK160" : `ACK${data}`};FF`));
		}
	}

	advance(): void {}
	nextEventMs = () => Number.POSITIVE_INFINITY;
	powerCycle(): void {}
}

const settings: Mks900Settings = { address: 42, signal: "foreline", reading: "PR3" };
const joined = (replies: Record<string, string>, fault?: WireFault) => {
	const transducer = new ManualTransducer("042", replies);
	const wire = new SimulatedLine(transducer, mks900.timing);
	wire.fault = fault;
	return { transducer, wire, device: mks900.create(wire.context("foreline", settings)) };
};

describe("mks-900 with a transducer made from the manual", () => {
	it("reads the 971 of the manual's examples", async () => {
		const { wire, device } = joined({ SN: "08350123456", DT: "UniMag", FV: "1.12" });
		expect(await wire.run(device.connect())).toMatchObject({
			identity: { manufacturer: "MKS", model: "971", serial: "08350123456", firmware: "1.12" },
		});
		expect((await wire.run(device.poll())).foreline?.value).toBeCloseTo(1.23e-3, 9);
	});

	it("hears itself on a two-wire adapter and takes no echo for an answer", async () => {
		const { wire, device } = joined({}, (bytes) => [
			{ bytes: Buffer.concat([Buffer.from(wire.sent.at(-1)!, "latin1"), bytes]), delayMs: 0 },
		]);
		await wire.run(device.connect());
		expect((await wire.run(device.poll())).foreline?.value).toBeCloseTo(1.23e-3, 9);
	});

	it("is silent when only its own echo comes back", async () => {
		const { wire, device } = joined({}, () => [{ bytes: Buffer.from(wire.sent.at(-1)!, "latin1"), delayMs: 0 }]);
		await expect(wire.run(device.connect())).rejects.toMatchObject({ code: "REPLY_INVALID" });
	});

	it.each(["OFF", "WAIT", "LO<E-11"])("gives no value for the word %s", async (word) => {
		const { wire, device, transducer } = joined({});
		await wire.run(device.connect());
		transducer.replies.PR3 = word;
		expect((await wire.run(device.poll())).foreline).toMatchObject({ value: null, quality: "fault" });
	});

	it("gives no value while another device on its address sends nonsense", async () => {
		const { wire, device } = joined({});
		await wire.run(device.connect());
		wire.fault = instead("@042ACK1.2;3E-5;FF");
		expect((await wire.run(device.poll())).foreline).toMatchObject({ value: null, quality: "fault" });
	});

	it("does not take the answer that follows a refusal for that of the next question, in a look", async () => {
		const rig = new Rig();
		rig.wire.fault = (bytes) => {
			if (rig.wire.sent.at(-1) !== "@253MF?;FF") return [{ bytes, delayMs: 0 }];
			return [
				{ bytes: Buffer.from("@253NAK160;FF"), delayMs: 0 },
				{ bytes, delayMs: 40 },
			];
		};
		const { identity } = await rig.wire.run(rig.device.inspect!());
		expect(identity).toMatchObject({ manufacturer: null, model: "925" });
	});
});
