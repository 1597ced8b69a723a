import { describe, expect, it } from "vitest";
import { Tpg362Simulator, type Tpg362SimulatorOptions } from "#drivers/pfeiffer-tpg362/simulator.js";

class Bench {
	chamberPa: number | null = 101.325;
	readonly simulator: Tpg362Simulator;
	private output = "";
	readonly connection = {
		state: undefined as unknown,
		send: (bytes: Uint8Array) => (this.output += Buffer.from(bytes).toString("latin1")),
	};

	constructor(options: Tpg362SimulatorOptions = { noise: 0 }) {
		const port = { pressurePa: (channel: 1 | 2) => (channel === 1 ? this.chamberPa : 20) };
		this.simulator = new Tpg362Simulator(
			{ name: "gauge", settings: { channels: { chamber: 1 } }, port, seed: 3, unit: 1 },
			options,
		);
	}

	/** Sends text and gives what came back since the last call. */
	say(text: string): string {
		this.simulator.receive(Buffer.from(text, "latin1"), this.connection);
		return this.heard();
	}

	heard(): string {
		const output = this.output;
		this.output = "";
		return output;
	}
}

const ACK = "\x06\r\n";
const NAK = "\x15\r\n";
const ENQ = "\x05";

describe("simulated TPG 362", () => {
	it("acknowledges a mnemonic and sends its data at every ENQ", () => {
		const bench = new Bench();
		expect(bench.say("PR1\r\n")).toBe(ACK);
		expect(bench.say(ENQ)).toBe("0,1.0132E+00\r\n");
		bench.chamberPa = 50;
		expect(bench.say(ENQ)).toBe("0,5.0000E-01\r\n");
	});

	it("takes CR as well as CR LF, lower case, spaces and bytes one by one", () => {
		const bench = new Bench();
		for (const character of "p r x\r") bench.say(character);
		expect(bench.say(ENQ)).toBe("0,1.0132E+00,0,2.0000E-01\r\n");
	});

	it("answers NAK to what it does not know, and the ERROR word to the ENQ after it, once", () => {
		const bench = new Bench();
		expect(bench.say("XYZ\r\n")).toBe(NAK);
		expect(bench.say(ENQ)).toBe("0001\r\n");
		expect(bench.say(ENQ)).toBe("0000\r\n");
		expect(bench.say("UNI,9\r\n")).toBe(NAK);
		expect(bench.say(`ERR\r\n${ENQ}`)).toBe(`${ACK}0010\r\n`);
	});

	it("forgets half a command at ETX", () => {
		expect(new Bench().say("XY\x03PR2\r\n")).toBe(ACK);
	});

	it("streams a line per second after power-up until the first character", () => {
		const bench = new Bench();
		bench.say("\x03");
		expect(bench.simulator.nextEventMs()).toBe(Number.POSITIVE_INFINITY);
		bench.simulator.advance(10_000);
		bench.simulator.powerCycle();
		expect(bench.simulator.nextEventMs()).toBe(11_000);
		bench.simulator.advance(12_500);
		expect(bench.heard()).toBe("0,1.0132E+00,0,2.0000E-01\r\n".repeat(2));
		expect(bench.say(ENQ)).toBe("0000\r\n");
		bench.simulator.advance(20_000);
		expect(bench.heard()).toBe("");
	});

	it("keeps the unit through a power cycle and shows pressures in it", () => {
		const bench = new Bench();
		expect(bench.say(`UNI,1\r\n${ENQ}`)).toBe(`${ACK}1\r\n`);
		bench.simulator.powerCycle();
		expect(bench.say(`UNI\r\n${ENQ}`)).toBe(`${ACK}1\r\n`);
		expect(bench.say(`PR1\r\n${ENQ}`)).toBe(`${ACK}0,7.6000E-01\r\n`);
	});

	it("names its gauges, errors, firmware and itself", () => {
		const bench = new Bench();
		expect(bench.say(`TID\r\n${ENQ}`)).toBe(`${ACK}CMR,TPR\r\n`);
		expect(bench.say(`SEN\r\n${ENQ}`)).toBe(`${ACK}0,0\r\n`);
		expect(bench.say(`RES\r\n${ENQ}`)).toBe(`${ACK}0\r\n`);
		bench.chamberPa = null;
		expect(bench.say(`RES,1\r\n${ENQ}`)).toBe(`${ACK}9\r\n`);
		expect(bench.say(`PR1\r\n${ENQ}`)).toBe(`${ACK}3,2.0000E-02\r\n`);
		expect(bench.say(`PNR\r\n${ENQ}`)).toBe(`${ACK}010400\r\n`);
		expect(bench.say(`AYT\r\n${ENQ}`)).toBe(`${ACK}TPG362,PTG28290,44990000,010400,010100\r\n`);
	});

	it("adds noise that the seed repeats", () => {
		const series = (): number[] => {
			const bench = new Bench({ noise: 0.002 });
			bench.say("PR1\r\n");
			bench.heard();
			return Array.from({ length: 400 }, () => Number(bench.say(ENQ).slice(2)) * 100);
		};
		const first = series();
		expect(series()).toEqual(first);
		const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
		const deviation = Math.sqrt(first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / first.length) / mean;
		expect(mean).toBeCloseTo(101.325, 0);
		expect(deviation).toBeGreaterThan(0.0015);
		expect(deviation).toBeLessThan(0.0025);
	});
});
