import { assert } from "#core/errors.js";
import { celsiusFromKelvin, pascalFromPsi } from "#core/units.js";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { LINE_BYTES_MAX } from "./codec.js";
import { type AlicatMcSettings, isComplete, sccmPerInstrumentSccm } from "./config.js";
import {
	columnTable,
	type Dialect,
	FIRMWARE,
	GASES,
	gasTable,
	manufacturingTable,
	type TableFacts,
} from "./simulator-tables.js";

/** What the simulated controller senses and actuates; flow in sccm at 0 degC. The dynamics of the flow are on the other side. */
export interface AlicatMcPort {
	/** The flow that the valve is to let through from now on. */
	setTargetSccm(sccm: number): void;
	/** The flow at this moment. */
	flowSccm(): number;
	/** Absolute pressure in Pa in the controller, on the supply side. */
	pressurePa(): number;
}

export interface AlicatMcSimulatorOptions {
	readonly dialect?: Dialect;
	readonly massUnit?: "SCCM" | "SLPM";
	/** Setpoint after power-up in the instrument's own unit. */
	readonly powerUpSetpoint?: number;
	readonly gasTemperatureK?: number;
	readonly serial?: string;
}

const CR = 0x0d;
const CONTROL_POINT_MASS_FLOW = 37;
/** The legacy integer setpoint counts full scale as 64000 (102.4 % is 65535). */
const LEGACY_FULL_SCALE = 64_000;
/** The instrument measures and accepts a little beyond its full scale. */
const OVER_RANGE = 1.28;
const PRESSURE_PSIA_MAX = 160;
const STANDARD_PRESSURE_PSIA = 14.696;

type Valve = "controlling" | "held" | "closed";

/**
 * An MC controller of firmware 10v20 (or 5v12) with its letter, data frame, tables, setpoint, gas selection and valve holds.
 * Non-volatile: gas, setpoint source, display lock. A power cycle puts the setpoint to its power-up value.
 */
export class AlicatMcSimulator implements InstrumentSimulator {
	private readonly port: AlicatMcPort;
	private readonly facts: TableFacts;
	/** sccm (0 degC) per unit of the instrument's mass flow. */
	private readonly sccmPerUnit: number;
	private readonly standardC: number;
	private readonly temperatureC: number;
	private readonly powerUpSetpoint: number;
	private pressureUnit: "PSIA" | "kPaA" = "PSIA";
	private setpoint: number;
	private source: "S" | "A" | "U" = "S";
	private gas: number;
	private valve: Valve = "controlling";
	private locked = false;
	private converterFault = false;

	constructor(context: SimulatorContext<AlicatMcSettings, AlicatMcPort>, options: AlicatMcSimulatorOptions = {}) {
		const { settings } = context;
		assert(isComplete(settings), "a simulated Alicat has the settings of a lab file");
		const massUnit = options.massUnit ?? "SCCM";
		const dialect = options.dialect ?? "10v20";
		const fullScale = massUnit === "SCCM" ? settings.full_scale_sccm : settings.full_scale_sccm / 1000;
		const digits = Math.max(1, Math.ceil(Math.log10(fullScale + 1e-9)));
		this.port = context.port;
		this.facts = {
			unitId: settings.unit_id,
			dialect,
			massUnit,
			pressureUnit: "PSIA",
			fullScale,
			model: `MC-${fullScale}${massUnit}-D`,
			serial: options.serial ?? "521641",
			// Six characters of digits and point after the sign; the old firmware keeps one decimal less.
			decimals: Math.max(0, (dialect === "10v20" ? 5 : 4) - digits),
		};
		this.standardC = settings.standard_degC ?? 0;
		this.sccmPerUnit = sccmPerInstrumentSccm(this.standardC) * (massUnit === "SCCM" ? 1 : 1000);
		this.temperatureC = celsiusFromKelvin(options.gasTemperatureK ?? 295.15);
		this.powerUpSetpoint = options.powerUpSetpoint ?? 0;
		this.setpoint = this.powerUpSetpoint;
		this.gas = Math.max(
			0,
			GASES.findIndex(([short]) => short === settings.gas),
		);
		this.actuate();
	}

	/** What somebody does at the front panel. */
	choose(choice: { source?: "S" | "A" | "U"; gas?: string; pressureUnit?: "PSIA" | "kPaA" }): void {
		if (choice.source !== undefined) this.source = choice.source;
		if (choice.gas !== undefined) this.gas = GASES.findIndex(([short]) => short === choice.gas);
		if (choice.pressureUnit !== undefined) this.pressureUnit = choice.pressureUnit;
	}

	/** Breaks or mends the analog-digital converter (status word ADC). */
	breakConverter(broken: boolean): void {
		this.converterFault = broken;
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		let input = typeof connection.state === "string" ? connection.state : "";
		for (const byte of bytes) {
			if (byte !== CR) {
				if (input.length <= LINE_BYTES_MAX) input += String.fromCharCode(byte);
				continue;
			}
			const line = input;
			input = "";
			if (line[0]?.toUpperCase() !== this.facts.unitId) continue;
			const answer = this.answer(line.slice(1).trim().toUpperCase());
			const text = typeof answer === "string" ? `${answer}\r` : answer.map((row) => `${row}\r`).join("");
			connection.send(Buffer.from(text, "latin1"));
		}
		connection.state = input;
	}

	advance(_nowMs: number): void {}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	powerCycle(): void {
		this.valve = "controlling";
		this.setpoint = this.powerUpSetpoint;
		this.actuate();
	}

	private answer(command: string): string | string[] {
		const facts: TableFacts = { ...this.facts, pressureUnit: this.pressureUnit };
		switch (command) {
			case "":
				return this.frame();
			case "??M*":
				return manufacturingTable(facts);
			case "??D*":
				return columnTable(facts);
			case "??G*":
				return gasTable(facts.unitId);
			case "VE": {
				const { revision, built } = FIRMWARE[facts.dialect];
				return `${facts.unitId}   ${revision} ${built}`;
			}
			case "R122":
				return `${facts.unitId}   122 = ${CONTROL_POINT_MASS_FLOW}`;
			case "HC":
				return this.move("closed");
			case "HP":
				return this.move("held");
			case "C":
				return this.move("controlling");
			case "U":
				this.locked = false;
				return this.frame();
		}
		if (/^\d+$/.test(command)) {
			// Letter and digits: the legacy integer setpoint.
			return this.takeSetpoint((Number(command) / LEGACY_FULL_SCALE) * facts.fullScale) ? this.frame() : "?";
		}
		const match = /^([A-Z]+)\s*(.*)$/.exec(command);
		if (match === null) return "?";
		const [, word, argument] = match as unknown as [string, string, string];
		return facts.dialect === "5v12" ? this.answer5v(word, argument) : this.answer10v(word, argument);
	}

	private answer10v(word: string, argument: string): string {
		const { unitId, fullScale, massUnit } = this.facts;
		const unit = massUnit === "SCCM" ? "12 SCCM" : "7 SLPM";
		switch (word) {
			case "L":
				this.locked = true;
				return this.frame();
			case "LS":
				if (argument !== "" && !this.takeSetpoint(decimal(argument))) return "?";
				return `${unitId} ${this.flowText(this.setpoint)} ${this.flowText(this.setpoint)} ${unit}`;
			case "LSS":
				if (argument !== "") {
					if (argument !== "S" && argument !== "A" && argument !== "U") return "?";
					this.source = argument;
				}
				return `${unitId} ${this.source}`;
			case "LV":
				return argument === "" ? `${unitId} ${CONTROL_POINT_MASS_FLOW}` : "?";
			case "S":
				return this.takeSetpoint(decimal(argument)) ? this.frame() : "?";
			case "G":
				return this.selectGas(argument) ? this.frame() : "?";
			case "GS": {
				if (argument !== "" && !this.selectGas(argument)) return "?";
				const [short, long] = GASES[this.gas]!;
				return `${unitId} ${this.gas} ${short} ${long}`;
			}
			case "FPF":
				return argument === "5" ? `${unitId} ${this.flowText(fullScale)} ${unit}` : "?";
			case "DCFRT":
				if (argument === "S") return `${unitId} +${this.standardC.toFixed(2)} 2 \`C`;
				return argument === "N" ? `${unitId} +0.00 2 \`C` : "?";
			case "DCFRP":
				return argument === "S" || argument === "N" ? `${unitId} +${STANDARD_PRESSURE_PSIA} 10 PSIA` : "?";
			default:
				return "?";
		}
	}

	private answer5v(word: string, argument: string): string {
		// Whatever begins with L locks the display of this firmware, and nothing else.
		if (word.startsWith("L")) {
			this.locked = true;
			return this.frame();
		}
		if (word === "S") return this.takeSetpoint(decimal(argument)) ? this.frame() : "?";
		if (word === "G") return this.selectGas(argument) ? this.frame() : "?";
		return "?";
	}

	private move(valve: Valve): string {
		this.valve = valve;
		this.actuate();
		return this.frame();
	}

	/** False for a value out of range. With another source than serial the value is ignored without a word. */
	private takeSetpoint(value: number | undefined): boolean {
		if (value === undefined || value < 0 || value > this.facts.fullScale * 1.0001) return false;
		if (this.source !== "S") return true;
		const scale = 10 ** this.facts.decimals;
		this.setpoint = Math.round(value * scale) / scale;
		this.actuate();
		return true;
	}

	private selectGas(argument: string): boolean {
		const index = /^\d+$/.test(argument) ? Number(argument) : -1;
		if (GASES[index] === undefined) return false;
		this.gas = index;
		return true;
	}

	private actuate(): void {
		if (this.valve === "closed") this.port.setTargetSccm(0);
		else if (this.valve === "held") this.port.setTargetSccm(this.port.flowSccm());
		else this.port.setTargetSccm(this.setpoint * this.sccmPerUnit);
	}

	private frame(): string {
		const { unitId, fullScale } = this.facts;
		const pressurePa = this.port.pressurePa();
		const psia = pressurePa / pascalFromPsi(1);
		const mass = this.port.flowSccm() / this.sccmPerUnit;
		const shownMass = Math.min(mass, fullScale * OVER_RANGE);
		const perMass =
			(STANDARD_PRESSURE_PSIA / Math.max(psia, 0.1)) * ((this.temperatureC + 273.15) / (this.standardC + 273.15));
		const words = [
			this.converterFault ? "ADC" : "",
			psia > PRESSURE_PSIA_MAX ? "POV" : "",
			mass > fullScale * OVER_RANGE ? "MOV" : "",
			this.valve === "controlling" ? "" : "HLD",
			this.locked ? "LCK" : "",
		].filter((word) => word !== "");
		const pressure =
			this.pressureUnit === "PSIA" ? Math.min(psia, PRESSURE_PSIA_MAX) : Math.min(pressurePa / 1000, 999.99);
		const setpoint = this.flowText(this.setpoint);
		const columns = [
			unitId,
			signed(pressure, 2),
			signed(this.temperatureC, 2),
			this.flowText(Math.min(shownMass * perMass, fullScale * OVER_RANGE)),
			this.flowText(shownMass),
			this.facts.dialect === "5v12" ? setpoint.slice(1) : setpoint,
			GASES[this.gas]![0].padStart(6),
			...words,
		];
		return columns.join(" ");
	}

	/** Sign, and digits and point in the width that the full scale needs. */
	private flowText(value: number): string {
		return signed(value, this.facts.decimals);
	}
}

/** `14.62` -> `+014.62`: a sign and six characters. */
function signed(value: number, decimals: number): string {
	const text = Math.abs(value).toFixed(decimals).padStart(6, "0");
	return `${value < 0 ? "-" : "+"}${text}`;
}

const decimal = (text: string): number | undefined => (/^\d+(\.\d*)?$/.test(text) ? Number(text) : undefined);
