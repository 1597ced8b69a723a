import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Device, PolledValues } from "#device/contract.js";
import type { AlicatMcSettings } from "#drivers/alicat-mc/config.js";
import { alicatMc } from "#drivers/alicat-mc/index.js";
import { AlicatMcSimulator, type AlicatMcSimulatorOptions } from "#drivers/alicat-mc/simulator.js";
import { type FaultRig, itSurvivesLineFaults } from "../line-faults.js";
import { instead, SimulatedLine, silent, splitAt } from "../simulated-line.js";

const SETTINGS: AlicatMcSettings = { unit_id: "A", gas: "N2", full_scale_sccm: 200 };
const SUPPLY_PA = 200_000;

/** The polled supply pressure as a fraction of the true one. */
const relative = (values: PolledValues, truePa: number): number => (values.pressure?.value ?? Number.NaN) / truePa;

class Rig implements FaultRig {
	targetSccm = Number.NaN;
	flowSccm = 20;
	supplyPa = SUPPLY_PA;
	readonly simulator: AlicatMcSimulator;
	readonly wire: SimulatedLine;
	readonly device: Device;

	constructor(
		options: {
			simulator?: AlicatMcSimulatorOptions;
			settings?: Partial<AlicatMcSettings>;
			/** Settings that the simulated instrument has instead. */
			instrument?: Partial<AlicatMcSettings>;
		} = {},
	) {
		const settings = { ...SETTINGS, ...options.settings };
		const port = {
			setTargetSccm: (sccm: number) => {
				this.targetSccm = sccm;
			},
			flowSccm: () => this.flowSccm,
			pressurePa: () => this.supplyPa,
		};
		const context = { name: "carrier", settings: { ...settings, ...options.instrument }, port, seed: 1, unit: 1 };
		this.simulator = new AlicatMcSimulator(context, options.simulator);
		this.wire = new SimulatedLine(this.simulator, alicatMc.timing);
		this.device = alicatMc.create(this.wire.context("carrier", settings));
	}

	connect() {
		return this.wire.run(this.device.connect());
	}

	poll() {
		return this.wire.run(this.device.poll());
	}

	set(sccm: number) {
		return this.wire.run(this.device.set!("setpoint", sccm));
	}

	/** Answers one question of the driver with other lines; `?` says that it is not known. */
	answer(question: string, text: string): void {
		this.wire.fault = (bytes) => {
			const asked = this.wire.sent.at(-1) === `${question}\r`;
			return [{ bytes: asked ? Buffer.from(text, "latin1") : bytes, delayMs: 0 }];
		};
	}

	become(step: number): void {
		this.flowSccm = 20 + 10 * step;
	}

	expectTrue(values: PolledValues): void {
		if (values.flow?.quality === "good") expect(values.flow.value).toBeCloseTo(this.flowSccm, 2);
		if (values.pressure?.quality === "good") expect(relative(values, this.supplyPa)).toBeCloseTo(1, 3);
	}

	powerCycle(): void {
		this.simulator.powerCycle();
	}
}

describe("alicat-mc", () => {
	it("takes the settings of the simulated lab, and no others", () => {
		const valid = new Ajv({ strict: true }).compile(alicatMc.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid({ ...SETTINGS, standard_degC: 25 })).toBe(true);
		expect(valid({ ...SETTINGS, unit_id: "@" })).toBe(false);
		expect(valid({ ...SETTINGS, full_scale_sccm: 0 })).toBe(false);
		expect(valid({ ...SETTINGS, baud: 9600 })).toBe(false);
		expect(valid({ unit_id: "A", gas: "N2" })).toBe(false);
	});

	it("identifies the controller and checks gas, full scale, setpoint source and standard conditions", async () => {
		const rig = new Rig();
		expect(await rig.connect()).toEqual({
			identity: { manufacturer: "Alicat Scientific", model: "MC-200SCCM-D", serial: "521641", firmware: "10v20.0-R24" },
			confirmed: true,
			warnings: [],
		});
		expect(rig.device.signals.setpoint?.settable).toEqual({ min: 0, max: 200 });
	});

	it("polls with one exchange", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.sent.length = 0;
		const values = await rig.poll();
		expect(rig.wire.sent).toEqual(["A\r"]);
		expect(values).toMatchObject({
			flow: { value: 20, quality: "good" },
			setpoint: { value: 0, quality: "good" },
			temperature: { value: 22, quality: "good" },
		});
		expect(relative(values, SUPPLY_PA)).toBeCloseTo(1, 3);
	});

	it("sets a flow and reads it back with a second question", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.sent.length = 0;
		expect(await rig.set(49.999)).toBe(50);
		expect(rig.wire.sent).toEqual(["ALS 50.00\r", "ALS\r"]);
		expect(rig.targetSccm).toBe(50);
		expect((await rig.poll()).setpoint).toEqual({ value: 50, quality: "good" });
	});

	it("sets the flow of old firmware with AS, and never sends it AL", async () => {
		const rig = new Rig({ simulator: { dialect: "5v12" } });
		const identification = await rig.connect();
		expect(identification.confirmed).toBe(true);
		expect(identification.warnings).toEqual([
			"The setpoint source cannot be read; every setpoint is read back.",
			"The instrument's standard temperature cannot be read; 0 degC is taken (standard_degC).",
		]);
		expect(await rig.set(50)).toBe(50);
		expect(rig.targetSccm).toBe(50);
		expect(rig.wire.sent).toContain("AS 50.0\r");
		expect(rig.wire.sent.filter((text) => text.startsWith("AL"))).toEqual([]);
	});

	it.each([-0.001, 200.001, Number.NaN, Number.POSITIVE_INFINITY])(
		"refuses %d sccm before a byte is sent",
		async (sccm) => {
			const rig = new Rig();
			await rig.connect();
			rig.wire.sent.length = 0;
			await expect(rig.set(sccm)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
			expect(rig.wire.sent).toEqual([]);
		},
	);

	it("sets nothing else, and nothing before it is connected", async () => {
		const rig = new Rig();
		await expect(rig.set(10)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		await expect(rig.wire.run(rig.device.set!("flow", 10))).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
	});

	it("refuses an instrument that takes its setpoint from elsewhere", async () => {
		const rig = new Rig();
		rig.simulator.choose({ source: "A" });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "carrier takes its setpoint from the analog input (A), not from the serial line (S).",
		});
	});

	it.each(["10v20", "5v12"] as const)("notices at %s that a setpoint was silently ignored", async (dialect) => {
		const rig = new Rig({ simulator: { dialect } });
		await rig.connect();
		rig.simulator.choose({ source: "A" });
		await expect(rig.set(50)).rejects.toMatchObject({ code: "READBACK_MISMATCH", context: { requested: 50, held: 0 } });
	});

	it("refuses another gas than the configured one, and names both", async () => {
		const rig = new Rig({ instrument: { gas: "Ar" } });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "carrier has the gas Ar selected, the lab file says N2.",
		});
	});

	it("gives no flow once another gas is selected at the front panel", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.simulator.choose({ gas: "Ar" });
		const values = await rig.poll();
		expect(values.flow).toEqual({
			value: null,
			quality: "fault",
			detail: "the gas selected on the instrument is Ar, not N2",
		});
		expect(values.pressure?.quality).toBe("good");
	});

	it("refuses an instrument of another full scale", async () => {
		const rig = new Rig({ instrument: { full_scale_sccm: 500 } });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: expect.stringContaining("500 SCCM"),
		});
	});

	it("refuses an instrument whose standard litre is not the configured one", async () => {
		const rig = new Rig({ instrument: { standard_degC: 25 } });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			hint: "Set standard_degC: 25 in the lab file.",
		});
	});

	it("converts between the instrument's standard at 25 degC and sccm", async () => {
		const rig = new Rig({ settings: { standard_degC: 25 } });
		await rig.connect();
		rig.flowSccm = 91.615;
		expect((await rig.poll()).flow?.value).toBeCloseTo(91.615, 2);
		const held = await rig.set(100);
		expect(held).toBeCloseTo(100, 1);
		expect(rig.targetSccm).toBeCloseTo(held, 9);
		expect(rig.device.signals.setpoint?.settable?.max).toBeCloseTo(183.23, 2);
	});

	it("takes an instrument that counts in litres", async () => {
		const rig = new Rig({ simulator: { massUnit: "SLPM" } });
		await rig.connect();
		expect((await rig.poll()).flow?.value).toBeCloseTo(20, 6);
		expect(await rig.set(150)).toBeCloseTo(150, 6);
		expect(rig.wire.sent).toContain("ALS 0.1500\r");
	});

	it("gives faults for what the status words make unusable", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.simulator.breakConverter(true);
		expect(await rig.poll()).toMatchObject({
			flow: { value: null, quality: "fault", detail: "analog-digital converter error (ADC)" },
			pressure: { value: null, quality: "fault" },
			temperature: { value: null, quality: "fault" },
			setpoint: { value: 0, quality: "good" },
		});
		rig.simulator.breakConverter(false);
		rig.simulator.receive(Buffer.from("AHC\r"), { state: undefined, send: () => {} });
		expect(await rig.poll()).toMatchObject({
			flow: { value: 20, quality: "good" },
			setpoint: { value: null, quality: "fault", detail: "valve held, setpoint not followed (HLD)" },
		});
		rig.simulator.receive(Buffer.from("AC\r"), { state: undefined, send: () => {} });
		rig.flowSccm = 300;
		expect((await rig.poll()).flow).toEqual({ value: null, quality: "fault", detail: "mass flow out of range (MOV)" });
	});

	it("says when the instrument cannot tell what it is", async () => {
		const rig = new Rig();
		rig.answer("A??M*", "?\r");
		expect(await rig.connect()).toMatchObject({
			identity: { manufacturer: "Alicat Scientific", model: null, serial: null, firmware: "10v20.0-R24" },
			confirmed: true,
		});
		rig.wire.fault = (bytes) => {
			const question = rig.wire.sent.at(-1) ?? "";
			const unknown = ["A??M*\r", "AVE\r", "A??D*\r"].includes(question);
			return [{ bytes: unknown ? Buffer.from("?\r") : bytes, delayMs: 0 }];
		};
		await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});

	it("works without a column table, with the factory's frame", async () => {
		const rig = new Rig();
		rig.answer("A??D*", "?\r");
		const { warnings } = await rig.connect();
		expect(warnings).toEqual(["The instrument gives no column table; its factory data frame is assumed."]);
		expect((await rig.poll()).flow).toEqual({ value: 20, quality: "good" });
	});

	it("refuses a meter, another maker and GP firmware", async () => {
		for (const [from, to] of [
			["MC-200SCCM-D", "M-200SCCM-D"],
			["ALICAT SCIENTIFIC", "SOMEBODY ELSE"],
			["10v20.0-R24", "GP07R100"],
		] as const) {
			const rig = new Rig();
			rig.wire.fault = (bytes) => [
				{ bytes: Buffer.from(Buffer.from(bytes).toString("latin1").replace(from, to), "latin1"), delayMs: 0 },
			];
			await expect(rig.connect()).rejects.toMatchObject({ code: "IDENTITY_MISMATCH" });
		}
	});

	it("shows after a power cycle that the setpoint is gone", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.set(100);
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		expect((await rig.poll()).setpoint).toEqual({ value: 0, quality: "good" });
		expect(await rig.set(100)).toBe(100);
	});

	it("notices before it reports a pressure that its unit was changed at the front panel", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.simulator.choose({ pressureUnit: "kPaA" });
		await expect(rig.poll()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message: "carrier: a unit was changed from PSIA to kPaA.",
		});
		await rig.connect();
		expect(relative(await rig.poll(), SUPPLY_PA)).toBeCloseTo(1, 3);
	});

	it("goes on when the supply pressure really jumps", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.poll();
		rig.supplyPa = 300_000;
		expect(relative(await rig.poll(), 300_000)).toBeCloseTo(1, 3);
	});

	it("sets with every reply split at any byte", async () => {
		for (let position = 1; position < 60; position += 1) {
			const rig = new Rig();
			rig.wire.fault = splitAt(position);
			await rig.connect();
			expect(await rig.set(50)).toBe(50);
			expect(rig.wire.line.counters.retries, `split at ${position}`).toBe(0);
		}
	});

	it.each([
		["silence", silent, "DEVICE_SILENT"],
		["a refusal", instead("?\r"), "REPLY_INVALID"],
		["garbage", instead("hm\r"), "REPLY_INVALID"],
		["the reply to an earlier setpoint", instead("A +010.00 +010.00 12 SCCM\r"), "READBACK_MISMATCH"],
		["a reply in another unit", instead("A +050.00 +050.00 7 SLPM\r"), "DEVICE_MISCONFIGURED"],
	])("reports a setpoint as failed after %s", async (_name, fault, code) => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = fault;
		await expect(rig.set(50)).rejects.toMatchObject({ code });
	});

	it("leaves the flow as it is when it is to make itself safe", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.set(100);
		rig.wire.sent.length = 0;
		await rig.device.makeSafe();
		expect(rig.wire.sent).toEqual([]);
		expect(rig.targetSccm).toBe(100);
	});

	itSurvivesLineFaults(() => new Rig(), {
		signal: "flow",
		timeoutMs: alicatMc.timing.timeoutMs,
		replyBytes: 49,
		replies: {
			"a refusal": "?\r",
			"half a frame": "A +029.01 +02",
			"a frame of another unit": "B +029.01 +022.00 +010.00 +099.00 +099.00     N2\r",
			"a frame with a column too few": "A +029.01 +022.00 +010.00 +099.00     N2\r",
		},
	});
});
