/** A 2400 with a resistor for a cell, on a simulated line. */
import type { CellPort, CyclerProgram } from "#device/cycler.js";
import type { Keithley2400Settings } from "#drivers/keithley-2400/config.js";
import { Keithley2400 } from "#drivers/keithley-2400/driver.js";
import { keithley2400 } from "#drivers/keithley-2400/index.js";
import { Keithley2400Simulator } from "#drivers/keithley-2400/simulator.js";
import { SimulatedLine } from "../simulated-line.js";

export const SETTINGS: Keithley2400Settings = {
	channel: "cell",
	voltage_V: { min: -5, max: 5 },
	current_A_max: 0.1,
	external_watchdog: { timeout_s: 10, verified: "2026-01-02", by: "A. Person" },
};

export const PROGRAM: CyclerProgram = {
	protocol: "test",
	sha256: "0".repeat(64),
	cell: "symmetric",
	steps: [
		{ kind: "rest", ends: { timeS: 10 } },
		{
			kind: "repeat",
			times: 2,
			steps: [
				{ kind: "constant-current", currentA: 0.001, ends: { capacityAh: 0.001 / 60 } },
				{ kind: "constant-current", currentA: -0.001, ends: { timeS: 60 } },
			],
		},
	],
	limits: { voltageVMin: -2, voltageVMax: 2, currentAMax: 0.002, capacityAhMax: 0.002 },
	recordS: 10,
};

/** A resistor whose value may change, and what was done to it. */
export class Resistor implements CellPort {
	ohm = 100;
	openV = 0;
	currentA = 0;

	apply(drive: Parameters<CellPort["apply"]>[0]) {
		if (drive === "open") this.currentA = 0;
		else if ("currentA" in drive) this.currentA = drive.currentA;
		else this.currentA = (drive.voltageV - this.openV) / this.ohm;
		return { voltageV: this.openV + this.currentA * this.ohm, currentA: this.currentA };
	}
}

export class Rig {
	readonly cell = new Resistor();
	enabled = true;
	readonly simulator: Keithley2400Simulator;
	readonly wire: SimulatedLine;
	readonly device: Keithley2400;

	constructor(settings: Partial<Keithley2400Settings> = {}) {
		const port = { cell: () => this.cell, outputEnabled: () => this.enabled };
		this.simulator = new Keithley2400Simulator({ name: "smu", settings: SETTINGS, port, seed: 1, unit: 1 });
		this.wire = new SimulatedLine(this.simulator, keithley2400.timing);
		this.device = new Keithley2400(this.wire.context("smu", { ...SETTINGS, ...settings }));
	}

	run<T>(promise: Promise<T>): Promise<T> {
		return this.wire.run(promise);
	}

	async start(program = PROGRAM, attendedBy?: string): Promise<string> {
		await this.run(this.device.connect());
		const by = attendedBy === undefined ? {} : { attendedBy };
		return (await this.run(this.device.start({ channel: "cell", barcode: "c-1", program, ...by }))).test;
	}

	/** Polls once a second, as the plant does. */
	async polls(seconds: number): Promise<void> {
		for (let i = 0; i < seconds; i += 1) {
			await this.wire.clock.advance(1_000);
			await this.run(this.device.poll());
		}
	}

	async word(): Promise<string> {
		return (await this.device.status()).cell!.word;
	}
}
