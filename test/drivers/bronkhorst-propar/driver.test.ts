import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import type { Device, PolledValues, SimulatorConnection } from "#device/contract.js";
import type { BronkhorstProparSettings } from "#drivers/bronkhorst-propar/config.js";
import { bronkhorstPropar } from "#drivers/bronkhorst-propar/index.js";
import {
	BronkhorstProparSimulator,
	type BronkhorstProparSimulatorOptions,
} from "#drivers/bronkhorst-propar/simulator.js";
import { type FaultRig, itSurvivesLineFaults } from "../line-faults.js";
import { instead, SimulatedLine, silent } from "../simulated-line.js";

const SETTINGS: BronkhorstProparSettings = { node: 3, gas: "Ar", full_scale_sccm: 200 };
/** Half a count of 32000 at 200 sccm. */
const RESOLUTION_SCCM = 200 / 32_000;

class Rig implements FaultRig {
	targetSccm = Number.NaN;
	flowSccm = 20;
	readonly simulator: BronkhorstProparSimulator;
	readonly wire: SimulatedLine;
	readonly device: Device;

	constructor(
		options: {
			simulator?: BronkhorstProparSimulatorOptions;
			settings?: Partial<BronkhorstProparSettings>;
			/** Settings that the simulated instrument has instead. */
			instrument?: Partial<BronkhorstProparSettings>;
		} = {},
	) {
		const settings = { ...SETTINGS, ...options.settings };
		const port = {
			setTargetSccm: (sccm: number) => {
				this.targetSccm = sccm;
			},
			flowSccm: () => this.flowSccm,
		};
		const context = { name: "carrier", settings: { ...settings, ...options.instrument }, port, seed: 1, unit: 1 };
		this.simulator = new BronkhorstProparSimulator(context, options.simulator);
		this.wire = new SimulatedLine(this.simulator, bronkhorstPropar.timing);
		this.device = bronkhorstPropar.create(this.wire.context("carrier", settings));
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

	get writes(): string[] {
		return this.wire.sent.filter((text) => text.slice(5, 7) === "01");
	}

	become(step: number): void {
		this.flowSccm = 20 + 10 * step;
	}

	expectTrue(values: PolledValues): void {
		const { flow } = values;
		if (flow?.quality === "good") expect(Math.abs(flow.value! - this.flowSccm)).toBeLessThanOrEqual(RESOLUTION_SCCM);
	}

	powerCycle(): void {
		this.simulator.powerCycle();
	}
}

describe("bronkhorst-propar", () => {
	it("takes node, gas and full scale, and nothing else", () => {
		const valid = new Ajv({ strict: true }).compile(bronkhorstPropar.settingsSchema);
		expect(valid(SETTINGS)).toBe(true);
		expect(valid({ ...SETTINGS, fluid_name: "Argon" })).toBe(true);
		expect(valid(bronkhorstPropar.probeSettings)).toBe(false);
		for (const node of [0, 129, 3.5, "3"]) expect(valid({ ...SETTINGS, node }), `${node}`).toBe(false);
		expect(valid({ ...SETTINGS, full_scale_sccm: 0 })).toBe(false);
		expect(valid({ ...SETTINGS, unit: "mln/min" })).toBe(false);
		expect(valid({ node: 3, gas: "Ar" })).toBe(false);
	});

	it("identifies the controller and checks gas, full scale and control mode, writing nothing", async () => {
		const rig = new Rig();
		expect(await rig.connect()).toEqual({
			identity: {
				manufacturer: "Bronkhorst",
				model: "F-201CV-200-RAD-33-V",
				serial: "M18212352B",
				firmware: "V1.12",
			},
			confirmed: true,
			warnings: [],
		});
		expect(rig.writes).toEqual([]);
	});

	it("polls everything with one exchange", async () => {
		const rig = new Rig({ simulator: { setpointCounts: 16_000 } });
		await rig.connect();
		rig.wire.sent.length = 0;
		expect(await rig.poll()).toEqual({
			flow: { value: 20, quality: "good" },
			setpoint: { value: 100, quality: "good" },
		});
		expect(rig.wire.sent).toHaveLength(1);
	});

	it("gives negative flow, and a fault where the measuring range ends", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.flowSccm = -2;
		expect((await rig.poll()).flow).toEqual({ value: -2, quality: "good" });
		rig.flowSccm = 250;
		expect((await rig.poll()).flow).toEqual({ value: 250, quality: "good" });
		rig.flowSccm = 270;
		expect((await rig.poll()).flow).toMatchObject({ value: null, quality: "fault" });
		rig.flowSccm = -190;
		expect((await rig.poll()).flow).toMatchObject({ value: null, quality: "fault" });
	});

	it("speaks the binary form where the lab file says so", async () => {
		const rig = new Rig({ settings: { form: "binary" } });
		expect(await rig.connect()).toMatchObject({ confirmed: true, warnings: [] });
		expect(await rig.set(100)).toBe(100);
		expect(rig.targetSccm).toBe(100);
		expect((await rig.poll()).flow).toEqual({ value: 20, quality: "good" });
		expect(rig.wire.sent.every((bytes) => bytes.startsWith("\x10\x02"))).toBe(true);
	});

	it("takes no flow from the answer to the poll before, which comes one request late", async () => {
		for (const form of ["ascii", "binary"] as const) {
			const rig = new Rig({ settings: { form } });
			await rig.connect();
			await rig.poll();
			let before: Uint8Array | undefined;
			rig.wire.fault = (bytes) => {
				const late = before;
				before = bytes;
				return late === undefined ? [] : [{ bytes: late, delayMs: 0 }];
			};
			for (let step = 1; step < 4; step += 1) {
				rig.become(step);
				const values = await rig.poll().catch(() => undefined);
				if (values !== undefined) rig.expectTrue(values);
			}
		}
	});

	it("sets a flow, and reads it back with another question", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.sent.length = 0;
		expect(await rig.set(100)).toBe(100);
		expect(rig.writes).toEqual([":06030101213E80\r\n"]);
		expect(rig.wire.sent).toHaveLength(3);
		expect(rig.targetSccm).toBe(100);
		expect((await rig.poll()).setpoint).toEqual({ value: 100, quality: "good" });
	});

	it("takes an instrument that counts in litres", async () => {
		const rig = new Rig({ simulator: { unit: "ln/min" } });
		await rig.connect();
		expect(await rig.set(50)).toBeCloseTo(50, 4);
		expect(rig.targetSccm).toBeCloseTo(50, 4);
	});

	it("converts between sccm and an instrument's 20 degC", async () => {
		const rig = new Rig();
		rig.simulator.choose({ unit: "mls/min", capacity: 200 / (273.15 / 293.15) });
		await rig.connect();
		expect((await rig.poll()).setpoint?.value).toBe(0);
		expect(await rig.set(100)).toBeCloseTo(100, 2);
		expect(rig.writes).toEqual([":06030101213E80\r\n"]);
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

	it("writes no more than 100 % to an instrument whose full scale is a little below the nameplate's", async () => {
		const rig = new Rig({ instrument: { full_scale_sccm: 199.5 } });
		await rig.connect();
		await expect(rig.set(200)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE", context: { max: 199.5 } });
		expect(rig.writes).toEqual([]);
		expect(await rig.set(199.5)).toBe(199.5);
	});

	it("sets nothing else, and nothing before it is connected", async () => {
		const rig = new Rig();
		await expect(rig.set(10)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
		await expect(rig.wire.run(rig.device.set!("flow", 10))).rejects.toMatchObject({ code: "SIGNAL_UNKNOWN" });
		await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
	});

	it("sets what a probe asks for, within the instrument's own full scale, and reads it back", async () => {
		const rig = new Rig({ settings: bronkhorstPropar.probeSettings!, instrument: SETTINGS });
		await rig.wire.run(rig.device.inspect!());
		expect(await rig.set(10)).toBe(10);
		await expect(rig.set(SETTINGS.full_scale_sccm! + 1)).rejects.toMatchObject({ code: "SETPOINT_OUT_OF_RANGE" });
	});

	it("inspects an instrument of which nothing is known: says nothing against what nobody said, and polls", async () => {
		const rig = new Rig({ settings: bronkhorstPropar.probeSettings!, instrument: SETTINGS });
		expect((await rig.wire.run(rig.device.inspect!())).warnings).toEqual([]);
		expect((await rig.poll()).flow).toEqual({ value: 20, quality: "good" });
		expect(rig.writes).toEqual([]);
	});

	it("refuses another gas, another full scale and another setpoint source, all at once", async () => {
		const rig = new Rig({ instrument: { gas: "N2", full_scale_sccm: 500 } });
		rig.simulator.choose({ controlMode: 1 });
		await expect(rig.connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
			message:
				"carrier: The gas (fluid name) on the instrument is N2, the lab file says Ar. The full scale is 500 mln/min, that is " +
				"500 sccm; the lab file says 200 sccm. The control mode is 1 (analog input), not 0 (bus or RS-232) or 18 (RS-232).",
		});
	});

	it("takes a full scale within half a per cent of the nameplate, and the gas in any case of letters", async () => {
		await new Rig({ instrument: { full_scale_sccm: 200.9, gas: "AR" } }).connect();
		await expect(new Rig({ instrument: { full_scale_sccm: 201.1 } }).connect()).rejects.toMatchObject({
			code: "DEVICE_MISCONFIGURED",
		});
		await new Rig({ settings: { fluid_name: "ARGON" } }).connect();
	});

	it("refuses units without reference conditions", async () => {
		for (const unit of ["ml/min", "g/h", "bar"]) {
			const rig = new Rig();
			rig.simulator.choose({ unit });
			await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
		}
	});

	it("takes control mode 18 as well, and refuses each other one", async () => {
		for (const [mode, text] of [
			[3, "valve closed"],
			[8, "valve fully open"],
			[22, "safe state"],
			[99, "unknown"],
		] as const) {
			const rig = new Rig();
			rig.simulator.choose({ controlMode: 18 });
			await rig.connect();
			rig.simulator.choose({ controlMode: mode });
			await expect(rig.connect()).rejects.toMatchObject({ message: expect.stringContaining(text) });
		}
	});

	it("gives no setpoint once somebody takes the control mode away, and refuses to set one", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.set(100);
		rig.simulator.choose({ controlMode: 3 });
		expect(await rig.poll()).toEqual({
			flow: { value: 20, quality: "good" },
			setpoint: {
				value: null,
				quality: "fault",
				detail: "the setpoint is not followed: control mode 3 (valve closed)",
			},
		});
		const writes = rig.writes.length;
		await expect(rig.set(50)).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
		expect(rig.writes).toHaveLength(writes);
	});

	it("gives no flow once gas or full scale are others", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.simulator.choose({ fluid: "N2" });
		expect((await rig.poll()).flow).toMatchObject({ value: null, detail: expect.stringContaining("N2") });
		rig.simulator.choose({ fluid: "Ar", capacity: 100 });
		expect((await rig.poll()).flow).toMatchObject({ value: null, detail: expect.stringContaining("100 sccm") });
	});

	it("gives neither flow nor setpoint while its full scale is no number above 0", async () => {
		const rig = new Rig();
		await rig.connect();
		for (const capacity of [0, -200, Number.NaN, Number.POSITIVE_INFINITY]) {
			rig.simulator.choose({ capacity });
			expect(await rig.poll(), `${capacity}`).toMatchObject({ flow: { value: null }, setpoint: { value: null } });
		}
	});

	it("gives no setpoint above its full scale, which nobody could have set from here", async () => {
		const rig = new Rig({ simulator: { setpointCounts: 32_000 } });
		await rig.connect();
		expect((await rig.poll()).setpoint).toEqual({ value: 200, quality: "good" });
		const beyond = new Rig({ simulator: { setpointCounts: 32_001 } });
		await beyond.connect();
		expect((await beyond.poll()).setpoint).toMatchObject({ value: null, quality: "fault" });
	});

	it("is asked and told nothing after a connection that was refused or closed", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.simulator.choose({ fluid: "N2" });
		await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
		const isNothing = async () => {
			rig.wire.sent.length = 0;
			await expect(rig.poll()).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
			await expect(rig.set(100)).rejects.toMatchObject({ code: "DEVICE_NOT_READY" });
			expect(rig.wire.sent).toEqual([]);
		};
		await isNothing();
		rig.simulator.choose({ fluid: "Ar" });
		await rig.connect();
		await rig.device.close();
		await isNothing();
	});

	it("refuses a meter, which has no setpoint", async () => {
		const rig = new Rig();
		rig.simulator.forget(1, 1);
		await expect(rig.connect()).rejects.toMatchObject({ code: "DEVICE_MISCONFIGURED" });
	});

	it("gives null for what an instrument cannot say of itself, and does not confirm one that says nothing", async () => {
		const rig = new Rig();
		rig.simulator.forget(113, 2);
		rig.simulator.forget(113, 5);
		expect(await rig.connect()).toMatchObject({
			identity: { model: null, serial: "M18212352B", firmware: null },
			confirmed: true,
		});
		rig.simulator.forget(113, 3);
		expect(await rig.connect()).toMatchObject({
			confirmed: false,
			identity: { manufacturer: null },
			warnings: ["It speaks ProPar but knows neither model nor serial number."],
		});
	});

	it("asks for one parameter at a time where chains are not answered", async () => {
		for (const answer of ["", ":0403000203\r\n", ":0104\r\n"]) {
			const rig = new Rig();
			rig.wire.fault = (bytes) => {
				const isChain = (rig.wire.sent.at(-1)?.length ?? 0) > 30;
				return [{ bytes: isChain ? Buffer.from(answer) : bytes, delayMs: 0 }];
			};
			expect((await rig.connect()).warnings).toEqual([expect.stringMatching(/does not answer chained/)]);
			expect((await rig.poll()).flow).toEqual({ value: 20, quality: "good" });
			expect(await rig.set(100)).toBe(100);
		}
	});

	it("keeps the flow through a power cycle of an instrument that remembers its setpoint", async () => {
		const rig = new Rig();
		await rig.connect();
		await rig.set(100);
		rig.wire.atInstrument(() => rig.simulator.powerCycle());
		expect((await rig.poll()).setpoint).toEqual({ value: 100, quality: "good" });
		expect(rig.targetSccm).toBe(100);
	});

	it.each([
		["silence", silent, "DEVICE_SILENT"],
		["a refusal", instead(":0403000604\r\n"), "READBACK_MISMATCH"],
		["garbage", instead("hm\r\n"), "REPLY_INVALID"],
		["values instead of a status", instead(":06030201213E80\r\n"), "REPLY_INVALID"],
	])("reports a setpoint as failed after %s", async (_name, fault, code) => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.fault = (bytes) => (rig.wire.sent.at(-1)?.slice(5, 7) === "01" ? fault(bytes) : [{ bytes, delayMs: 0 }]);
		await expect(rig.set(50)).rejects.toMatchObject({ code });
	});

	it("reports a setpoint as failed that was made with a full scale of which one bit came wrong", async () => {
		const rig = new Rig();
		await rig.connect();
		let spoilt = 0;
		rig.wire.fault = (bytes) => {
			const text = Buffer.from(bytes).toString("latin1");
			const wrong = spoilt === 0 ? text.replace("43480000", "43484000") : text;
			if (wrong !== text) spoilt += 1;
			return [{ bytes: Buffer.from(wrong, "latin1"), delayMs: 0 }];
		};
		await expect(rig.set(40)).rejects.toMatchObject({ code: "READBACK_MISMATCH", context: { after: 200 } });
		expect(spoilt).toBe(1);
		expect(await rig.set(40)).toBe(40);
		expect(rig.targetSccm).toBe(40);
	});

	it("reports a setpoint that was acknowledged and not taken over", async () => {
		const rig = new Rig();
		await rig.connect();
		rig.wire.requestFault = (bytes) =>
			Buffer.from(Buffer.from(bytes).toString("latin1").replace(":060301012119", ":060301012118"), "latin1");
		await expect(rig.set(40)).rejects.toMatchObject({ code: "READBACK_MISMATCH", context: { requested: 6400 } });
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
		timeoutMs: bronkhorstPropar.timing.timeoutMs,
		// Length, node, command, and the six parameters: 38 bytes in hex, colon and CR LF.
		replyBytes: 79,
		replies: {
			"an error message": ":0104\r\n",
			"a refusal": ":0403000404\r\n",
			"the reply of another node": ":06040201217D00\r\n",
			"a value of another parameter": ":06030201217D00\r\n",
			"half a frame": ":0603020121",
		},
	});
});

/** A small controller written from the manual's tables alone, with none of the driver's code: node 3, 50 mln/min of N2. */
class ManualController {
	setpoint = 0x7d00;
	readonly heard: string[] = [];
	private readonly values: Record<string, () => string> = {
		"0120": () => "FFEC",
		"0121": () => this.setpoint.toString(16).padStart(4, "0").toUpperCase(),
		"0104": () => "00",
		"014D": () => "42480000",
		"017F": () => `07${Buffer.from("mln/min").toString("hex").toUpperCase()}`,
		"0171": () => `0A${Buffer.from("N2        ").toString("hex").toUpperCase()}`,
		"7163": () => `00${Buffer.from("M18212352B\0").toString("hex").toUpperCase()}`,
	};

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		const text = Buffer.from(bytes).toString("latin1").trim();
		this.heard.push(text);
		const write = /^:0603010121([0-9A-F]{4})$/.exec(text);
		if (write !== null) {
			this.setpoint = Number.parseInt(write[1]!, 16);
			connection.send(Buffer.from(":0403000005\r\n"));
			return;
		}
		const asked = /^:([0-9A-F]{2})0304([0-9A-F]+)$/.exec(text)?.[2] ?? "";
		let reply = "";
		let at = 0;
		for (let parameterChained = false, processChained = true; parameterChained || processChained; ) {
			if (!parameterChained) {
				processChained = Number.parseInt(asked.slice(at, at + 2), 16) >= 0x80;
				reply += asked.slice(at, at + 2);
				at += 2;
			}
			const index = asked.slice(at, at + 2);
			const value = this.values[asked.slice(at + 2, at + 6)];
			if (value === undefined) {
				connection.send(Buffer.from(":0403000405\r\n"));
				return;
			}
			reply += index + value();
			at += Number.parseInt(asked.slice(at + 4, at + 6), 16) >= 0x60 ? 8 : 6;
			parameterChained = Number.parseInt(index, 16) >= 0x80;
		}
		const length = (reply.length / 2 + 2).toString(16).padStart(2, "0").toUpperCase();
		connection.send(Buffer.from(`:${length}0302${reply}\r\n`));
	}

	advance(): void {}
	nextEventMs = () => Number.POSITIVE_INFINITY;
	powerCycle(): void {}
}

describe("bronkhorst-propar with a controller made from the manual", () => {
	it("connects, reads a slightly negative flow and a setpoint left at 100 %, and closes it", async () => {
		const controller = new ManualController();
		const wire = new SimulatedLine(controller, bronkhorstPropar.timing);
		const device = bronkhorstPropar.create(wire.context("n2", { node: 3, gas: "N2", full_scale_sccm: 50 }));
		expect(await wire.run(device.connect())).toMatchObject({
			identity: { manufacturer: "Bronkhorst", model: null, serial: "M18212352B" },
			confirmed: true,
		});
		const { flow, setpoint } = await wire.run(device.poll());
		expect(flow?.value).toBeCloseTo((-20 / 32_000) * 50, 9);
		expect(setpoint).toEqual({ value: 50, quality: "good" });
		expect(await wire.run(device.set!("setpoint", 0))).toBe(0);
		expect(controller.heard).toContain(":06030101210000");
		expect(controller.setpoint).toBe(0);
	});
});
