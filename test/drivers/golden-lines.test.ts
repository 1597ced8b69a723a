/** Lines from manuals and other people's programs, said to the simulators: what a driver is tried on speaks as the real thing does. */
import { describe, expect, it } from "vitest";
import type { InstrumentSimulator } from "#device/contract.js";
import { AlicatMcSimulator } from "#drivers/alicat-mc/simulator.js";
import { Sqm160Simulator } from "#drivers/inficon-sqm160/simulator.js";
import { Mks900Simulator } from "#drivers/mks-900/simulator.js";
import { PvpSimulator } from "#drivers/pfeiffer-pvp/simulator.js";

const PASCAL_PER_TORR = 101_325 / 760;

function say(simulator: InstrumentSimulator, text: string): string {
	let heard = "";
	const send = (bytes: Uint8Array) => {
		heard += Buffer.from(bytes).toString("latin1");
	};
	simulator.receive(Buffer.from(text, "latin1"), { send, state: undefined });
	return heard;
}

const context = { name: "unit", seed: 1, unit: 1 };

describe("golden lines of the Pfeiffer Vacuum Protocol", () => {
	const port = { pressurePa: () => 100_000, isTurning: () => true, turn: () => {} };
	const gauge = () =>
		new PvpSimulator({
			...context,
			port,
			settings: { role: "gauge", rs485_address: 1, pressure_pa_min: 0.05, pressure_pa_max: 150_000 },
		});
	const pump = (rs485_address: number) =>
		new PvpSimulator({
			...context,
			port,
			settings: { role: "pump", rs485_address, running_above_hz: 50, remote_control: "start-stop" },
		});

	it("1000 hPa of a gauge, and a parameter that it does not have", () => {
		expect(say(gauge(), "0010074002=?106\r")).toBe("0011074006100023025\r");
		expect(say(gauge(), "0010073902=?114\r")).toBe("0011073906NO_DEF198\r");
	});

	it("a pump's start comes back as its own echo", () => {
		expect(say(pump(42), "0421001006111111020\r")).toBe("0421001006111111020\r");
		expect(say(pump(123), "1230030902=?112\r")).toMatch(/^1231030906\d{6}\d{3}\r$/);
	});
});

describe("golden lines of the SQM-160", () => {
	const monitor = () =>
		new Sqm160Simulator(
			{
				...context,
				port: { thicknessNm: () => 0 },
				settings: { channels: { film: 1 }, thickness_unit: "angstrom" },
			},
			{ noiseNm: 0 },
		);

	it.each([
		["!#@O7", "!0AMON Ver 4.13Uw"],
		["!#JO8", "!%A6v\x86"],
		["!%L1?\x85{", "!*A 0.00 [d"],
	])("%j is answered %j", (asked, answer) => {
		expect(say(monitor(), asked)).toBe(answer);
	});
});

describe("golden lines of the MKS 900 series", () => {
	it("1.234E-3 Torr in four digits", () => {
		const settings = { address: 253, signal: "chamber", reading: "PR4" as const };
		const port = { pressurePa: () => 1.234e-3 * PASCAL_PER_TORR };
		const simulator = new Mks900Simulator({ ...context, settings, port }, { noise: 0 });
		expect(say(simulator, "@253PR4?;FF")).toBe("@253ACK1.234E-3;FF");
		expect(say(simulator, "@253QQ?;FF")).toBe("@253NAK160;FF");
	});
});

describe("golden lines of the Alicat MC", () => {
	const controller = (target: (sccm: number) => void, flowSccm: () => number) =>
		new AlicatMcSimulator({
			...context,
			port: { setTargetSccm: target, flowSccm, pressurePa: () => 100_801.35 },
			settings: { unit_id: "A", gas: "N2", full_scale_sccm: 500 },
		});

	it("a setpoint that has been taken", () => {
		expect(
			say(
				controller(
					() => {},
					() => 78.94,
				),
				"ALS 78.94\r",
			),
		).toMatch(/^A \+0\d\d\.\d\d \+078\.94 12 SCCM\r$/);
	});

	it("letter and digits are the old integer setpoint, in shares of 64000", () => {
		let target = -1;
		const simulator = controller(
			(sccm) => {
				target = sccm;
			},
			() => 0,
		);
		say(simulator, "A32000\r");
		expect(target).toBeCloseTo(250, 0);
	});
});
