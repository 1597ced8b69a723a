import { describe, expect, it } from "vitest";
import { AlicatMcSimulator, type AlicatMcSimulatorOptions } from "#drivers/alicat-mc/simulator.js";
import { COLUMNS_5V12, COLUMNS_10V20, MANUFACTURING_10V20 } from "./captured.js";

class Bench {
	flowSccm = 0;
	targetSccm = -1;
	readonly simulator: AlicatMcSimulator;
	private output = "";
	readonly connection = {
		state: undefined as unknown,
		send: (bytes: Uint8Array) => (this.output += Buffer.from(bytes).toString("latin1")),
	};

	constructor(options: AlicatMcSimulatorOptions = {}, settings = { unit_id: "A", gas: "N2", full_scale_sccm: 500 }) {
		const port = {
			setTargetSccm: (sccm: number) => {
				this.targetSccm = sccm;
			},
			flowSccm: () => this.flowSccm,
			pressurePa: () => 100_801.35,
		};
		this.simulator = new AlicatMcSimulator({ name: "carrier", settings, port, seed: 1, unit: 1 }, options);
	}

	say(text: string): string {
		this.output = "";
		this.simulator.receive(Buffer.from(text, "latin1"), this.connection);
		return this.output;
	}
}

describe("simulated Alicat MC", () => {
	it("prints frame and tables as the captured 10v20 does", () => {
		const bench = new Bench({ gasTemperatureK: 295.04 });
		bench.say("ALS 78.95\r");
		expect(bench.say("A\r")).toBe("A +014.62 +021.89 +000.00 +000.00 +078.95     N2\r");
		expect(bench.say("A??M*\r")).toBe(MANUFACTURING_10V20);
		expect(bench.say("A??D*\r")).toBe(COLUMNS_10V20);
		expect(bench.say("AVE\r")).toBe("A   10v20.0-R24 Jan  9 2025,15:04:07\r");
		expect(bench.say("AFPF 5\r")).toBe("A +500.00 12 SCCM\r");
		expect(bench.say("AGS 8\r")).toBe("A 8 N2 Nitrogen\r");
		expect(bench.say("A??G*\r")).toContain("A G05     C2H6\r");
	});

	it("prints frame and table as the captured 5v12 does, and locks its display at AL", () => {
		const bench = new Bench({ dialect: "5v12" });
		bench.say("AS116.3\r");
		expect(bench.say("A\r")).toBe("A +014.62 +022.00 +0000.0 +0000.0 0116.3     N2\r");
		expect(bench.say("A??D*\r").startsWith(COLUMNS_5V12)).toBe(true);
		expect(bench.say("ALS 50\r")).toMatch(/0116\.3 +N2 LCK\r$/);
	});

	it("is silent when another letter is called, and answers ? to what it does not know", () => {
		const bench = new Bench();
		expect(bench.say("B\r")).toBe("");
		expect(bench.say("AXYZ\r")).toBe("?\r");
		expect(bench.say("ALS -1\r")).toBe("?\r");
		expect(bench.say("ALS 501\r")).toBe("?\r");
	});

	it("takes small letters, and bytes one by one", () => {
		const bench = new Bench();
		for (const character of "als 5") expect(bench.say(character)).toBe("");
		expect(bench.say("0\r")).toBe("A +050.00 +050.00 12 SCCM\r");
		expect(bench.targetSccm).toBe(50);
	});

	it("takes letter and digits for the legacy integer setpoint", () => {
		const bench = new Bench();
		bench.say("A32000\r");
		expect(bench.targetSccm).toBe(250);
	});

	it("ignores serial setpoints without a word while its source is analog", () => {
		const bench = new Bench();
		bench.simulator.choose({ source: "A" });
		expect(bench.say("ALSS\r")).toBe("A A\r");
		expect(bench.say("ALS 50\r")).toBe("A +000.00 +000.00 12 SCCM\r");
		expect(bench.targetSccm).toBe(0);
	});

	it("holds and closes its valve until cancelled, and says HLD", () => {
		const bench = new Bench();
		bench.say("ALS 100\r");
		bench.flowSccm = 60;
		expect(bench.say("AHP\r")).toMatch(/ HLD\r$/);
		expect(bench.targetSccm).toBe(60);
		bench.say("AHC\r");
		expect(bench.targetSccm).toBe(0);
		expect(bench.say("AC\r")).not.toMatch(/HLD/);
		expect(bench.targetSccm).toBe(100);
	});

	it("comes back from a power cycle with its power-up setpoint", () => {
		const bench = new Bench();
		bench.say("ALS 100\r");
		bench.simulator.powerCycle();
		expect(bench.targetSccm).toBe(0);
		expect(bench.say("ALS\r")).toBe("A +000.00 +000.00 12 SCCM\r");
	});

	it("counts standard flow at its own standard temperature", () => {
		const bench = new Bench({}, { ...{ unit_id: "A", gas: "N2", full_scale_sccm: 500 }, standard_degC: 25 } as never);
		bench.say("ALS 100\r");
		expect(bench.targetSccm).toBeCloseTo(91.615, 3);
		expect(bench.say("ADCFRT S\r")).toBe("A +25.00 2 `C\r");
	});

	it("flags more flow than it can measure", () => {
		const bench = new Bench();
		bench.flowSccm = 900;
		expect(bench.say("A\r")).toMatch(/\+640\.00 \+000\.00 +N2 MOV\r$/);
	});
});
