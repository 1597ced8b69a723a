import { describe, expect, it } from "vitest";
import { Mks900Simulator, type Mks900SimulatorOptions } from "#drivers/mks-900/simulator.js";

class Bench {
	pressurePa: number | null = 101.325;
	readonly simulator: Mks900Simulator;
	private output = "";
	readonly connection = {
		state: undefined as unknown,
		send: (bytes: Uint8Array) => (this.output += Buffer.from(bytes).toString("latin1")),
	};

	constructor(options: Mks900SimulatorOptions = {}, address = 253) {
		const settings = { address, signal: "chamber", reading: "PR4" as const };
		const port = { pressurePa: () => this.pressurePa };
		this.simulator = new Mks900Simulator({ name: "gauge", settings, port, seed: 3, unit: 1 }, { noise: 0, ...options });
	}

	say(text: string): string {
		this.simulator.receive(Buffer.from(text, "latin1"), this.connection);
		const output = this.output;
		this.output = "";
		return output;
	}
}

describe("simulated MKS 900 transducer", () => {
	it("answers in three and in four digits, in its own unit", () => {
		const bench = new Bench();
		expect(bench.say("@253PR1?;FF")).toBe("@253ACK7.60E-1;FF");
		expect(bench.say("@253PR4?;FF")).toBe("@253ACK7.600E-1;FF");
		expect(bench.say("@253U!PASCAL;FF")).toBe("@253ACKPASCAL;FF");
		bench.simulator.powerCycle();
		expect(bench.say("@253PR4?;FF")).toBe("@253ACK1.013E+2;FF");
		expect(bench.say("@253U?;FF")).toBe("@253ACKPASCAL;FF");
	});

	it("writes the numbers of a 902B without a plus, or without exponent", () => {
		const bench = new Bench({ model: "902B" });
		bench.pressurePa = 133.322_368;
		expect(bench.say("@253PR4?;FF")).toBe("@253ACK1.000E0;FF");
		expect(bench.say("@253PR1?;FF")).toBe("@253ACK1.00;FF");
	});

	it("listens to its own address and to both broadcasts, and answers 255 never", () => {
		const bench = new Bench({}, 7);
		expect(bench.say("@253U?;FF")).toBe("");
		expect(bench.say("@007U?;FF")).toBe("@007ACKTORR;FF");
		expect(bench.say("@254U?;FF")).toBe("@007ACKTORR;FF");
		expect(bench.say("@255U!MBAR;FF")).toBe("");
		expect(bench.say("@007U?;FF")).toBe("@007ACKMBAR;FF");
	});

	it("takes a message byte by byte, and begins anew at each @", () => {
		const bench = new Bench();
		let heard = "";
		for (const character of "@253X@253BR?;FF") heard += bench.say(character);
		expect(heard).toBe("@253ACK9600;FF");
	});

	it("refuses with the manual's codes", () => {
		const bench = new Bench();
		expect(bench.say("@253XYZ?;FF")).toBe("@253NAK160;FF");
		expect(bench.say("@253PR2?;FF")).toBe("@253NAK160;FF");
		expect(bench.say("@253U!BAR;FF")).toBe("@253NAK169;FF");
		expect(bench.say("@253AD!254;FF")).toBe("@253NAK169;FF");
		expect(bench.say("@253U;FF")).toBe("@253NAK175;FF");
	});

	it("changes its baud rate after the reply at the old one", () => {
		expect(new Bench().say("@253BR!19200;FF")).toBe("@253ACK19200;FF");
	});

	it("says by its letter alone that the sensor is broken", () => {
		const bench = new Bench();
		bench.say("@253PR4?;FF");
		bench.pressurePa = null;
		expect(bench.say("@253PR4?;FF")).toBe("@253ACK7.600E-1;FF");
		expect(bench.say("@253T?;FF")).toBe("@253ACKM;FF");
	});

	it("loses the beginning of its replies without turn-around delay", () => {
		const bench = new Bench();
		bench.say("@253RSD!OFF;FF");
		const reply = bench.say("@253PR4?;FF");
		expect("@253ACK7.600E-1;FF".endsWith(reply)).toBe(true);
		expect(reply.startsWith("@")).toBe(false);
	});

	it("adds noise that the seed repeats", () => {
		const series = () => {
			const bench = new Bench({ noise: 0.002 });
			return Array.from({ length: 50 }, () => bench.say("@253PR4?;FF"));
		};
		expect(series()).toEqual(series());
		expect(new Set(series()).size).toBeGreaterThan(5);
	});
});
