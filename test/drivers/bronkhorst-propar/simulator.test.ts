import { describe, expect, it } from "vitest";
import {
	BronkhorstProparSimulator,
	type BronkhorstProparSimulatorOptions,
} from "#drivers/bronkhorst-propar/simulator.js";

class Bench {
	flowSccm = 25;
	targetSccm = Number.NaN;
	readonly simulator: BronkhorstProparSimulator;
	private output = "";
	readonly connection = {
		state: undefined as unknown,
		send: (bytes: Uint8Array) => (this.output += Buffer.from(bytes).toString("latin1")),
	};

	constructor(options: BronkhorstProparSimulatorOptions = {}) {
		const port = {
			setTargetSccm: (sccm: number) => {
				this.targetSccm = sccm;
			},
			flowSccm: () => this.flowSccm,
		};
		const settings = { node: 3, gas: "N2", full_scale_sccm: 50 };
		this.simulator = new BronkhorstProparSimulator({ name: "n2", settings, port, seed: 1, unit: 1 }, options);
	}

	say(text: string): string {
		this.simulator.receive(Buffer.from(`${text}\r\n`, "latin1"), this.connection);
		const output = this.output;
		this.output = "";
		return output.trim();
	}
}

describe("simulated Bronkhorst controller", () => {
	it("answers the manual's examples", () => {
		const bench = new Bench();
		expect(bench.say(":06030401210120")).toBe(":06030201213E80");
		expect(bench.say(":06030401210121")).toBe(":06030201210000");
		expect(bench.say(":06030101213E80")).toBe(":0403000006");
		expect(bench.targetSccm).toBe(25);
		expect(bench.say(":06030401210121")).toBe(":06030201213E80");
	});

	it("answers a chain over two processes, and one that names its process each time", () => {
		const bench = new Bench();
		expect(bench.say(":1A0304F1EC7163006D71660001AE0120CF014DF0017F077101710A")).toBe(
			":380302F1EC004D313832313233353242006D00434152524945520001AE3E80CF42480000F0076D6C6E2F6D696E710A4E322020202020202020",
		);
		expect(bench.say(":0A80048121012101210120")).toBe(":0A80028121000001213E80");
	});

	it("is silent for another node and answers node 128", () => {
		const bench = new Bench();
		expect(bench.say(":06040401210120")).toBe("");
		expect(bench.say(":06800401210120")).toBe(":06800201213E80");
	});

	it("refuses with the manual's codes", () => {
		const bench = new Bench();
		expect(bench.say("nonsense")).toBe(":0104");
		expect(bench.say(":07030401210120")).toBe(":0104");
		expect(bench.say(":06030402210220")).toMatch(/^:04030003/);
		expect(bench.say(":06030401220122")).toMatch(/^:04030004/);
		expect(bench.say(":06030401410140")).toMatch(/^:04030005/);
		expect(bench.say(":06030101217D01")).toMatch(/^:04030006/);
		expect(bench.say(":06030101200001")).toMatch(/^:0403000D/);
		expect(bench.say(":03030901")).toMatch(/^:04030002/);
	});

	it("ignores a setpoint in silence while its source is another one", () => {
		const bench = new Bench();
		bench.simulator.choose({ controlMode: 1 });
		expect(bench.say(":06030101213E80")).toBe(":0403000006");
		expect(bench.say(":06030401210121")).toBe(":06030201210000");
	});

	it("goes fully open or shut in the modes that say so", () => {
		const bench = new Bench();
		bench.simulator.choose({ controlMode: 8 });
		expect(bench.targetSccm).toBe(50);
		bench.simulator.choose({ controlMode: 3 });
		expect(bench.targetSccm).toBe(0);
	});

	it("starts with the setpoint that was left in it, and forgets control mode 18", () => {
		const bench = new Bench({ setpointCounts: 32_000 });
		expect(bench.targetSccm).toBe(50);
		expect(bench.say(":050301010412")).toBe(":0403000005");
		expect(bench.say(":06030401010104")).toBe(":050302010112");
		bench.simulator.powerCycle();
		expect(bench.say(":06030401010104")).toBe(":050302010100");
		expect(bench.targetSccm).toBe(50);
	});

	it("shows its measure in Bronkhorst's signed counts, to the ends of its range", () => {
		const bench = new Bench();
		bench.flowSccm = -0.05;
		expect(bench.say(":06030401210120")).toBe(":0603020121FFE0");
		bench.flowSccm = 100;
		expect(bench.say(":06030401210120")).toBe(":0603020121A3D6");
		bench.flowSccm = -100;
		expect(bench.say(":06030401210120")).toBe(":0603020121A3D7");
	});
});
