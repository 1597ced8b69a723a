import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import type { CellPort } from "#device/cycler.js";
import type { Keithley2400Settings } from "./config.js";

/** What the simulated SourceMeter is wired to. */
export interface Keithley2400Port {
	cell(channel: string): CellPort;
	/** The output-enable line is closed; absent: always. */
	outputEnabled?(): boolean;
}

const ELEMENTS = ["VOLT", "CURR", "RES", "TIME", "STAT"] as const;
type ElementName = (typeof ELEMENTS)[number];
const OVERFLOW = 9.9e37;
const COMPLIANCE = 1 << 3;
const ERRORS_MAX = 10;
const INPUT_CHARS_MAX = 1_024;
const STEP_S_MAX = 1;
/** Smallest time over which a cell is looked at. */
const GLANCE_S = 1e-6;

/**
 * A 2400: sources and measures one cell, with its error queue, data elements and output-off states. Off in any state but HIMP
 * it is 0 V across the cell. `:READ?` with the output off is error 802 and no answer; `:MEAS?` switches the output on.
 */
export class Keithley2400Simulator implements InstrumentSimulator {
	private readonly cell: CellPort;
	private nowMs = 0;
	private function: "CURR" | "VOLT" = "VOLT";
	private levelA = 0;
	private levelV = 0;
	private complianceV = 21;
	private complianceA = 1.05e-4;
	private offState = "NORM";
	private isOn = false;
	private fourWire = false;
	private elements: ElementName[] = [...ELEMENTS];
	private errors: string[] = [];
	/** How long the cell has been across 0 V, s: what an output-off state does that is not HIMP. */
	shortedS = 0;

	constructor(private readonly context: SimulatorContext<Keithley2400Settings, Keithley2400Port>) {
		this.cell = context.port.cell(context.settings.channel);
	}

	get outputIsOn(): boolean {
		return this.isOn;
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		let input = typeof connection.state === "string" ? connection.state : "";
		input += Buffer.from(bytes).toString("latin1");
		const lines = input.split(/[\r\n]/);
		connection.state = lines.pop()!.slice(-INPUT_CHARS_MAX);
		for (const line of lines) {
			for (const command of line.split(";")) {
				const reply = command.trim() === "" ? undefined : this.execute(command.trim());
				if (reply !== undefined) connection.send(Buffer.from(`${reply}\r`, "latin1"));
			}
		}
	}

	advance(nowMs: number): void {
		let leftS = (nowMs - this.nowMs) / 1_000;
		this.nowMs = Math.max(this.nowMs, nowMs);
		while (leftS > 0) {
			const dtS = Math.min(leftS, STEP_S_MAX);
			this.drive(dtS);
			leftS -= dtS;
		}
	}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	/** Off, and in the normal output-off state: HIMP has to be set anew. */
	powerCycle(): void {
		this.isOn = false;
		this.function = "VOLT";
		this.levelA = 0;
		this.levelV = 0;
		this.offState = "NORM";
		this.fourWire = false;
		this.elements = [...ELEMENTS];
		this.errors = [];
	}

	private drive(dtS: number): { voltageV: number; currentA: number; isInCompliance: boolean } {
		if (this.isOn && this.context.port.outputEnabled?.() === false) this.isOn = false;
		if (!this.isOn) {
			if (this.offState === "HIMP") return { ...this.cell.apply("open", dtS), isInCompliance: false };
			this.shortedS += dtS > GLANCE_S ? dtS : 0;
			return { ...this.cell.apply({ voltageV: 0 }, dtS), isInCompliance: false };
		}
		if (this.function === "CURR") {
			const seen = this.cell.apply({ currentA: this.levelA }, dtS);
			if (Math.abs(seen.voltageV) <= this.complianceV) return { ...seen, isInCompliance: false };
			const held = this.cell.apply({ voltageV: Math.sign(seen.voltageV) * this.complianceV }, GLANCE_S);
			return { ...held, isInCompliance: true };
		}
		const seen = this.cell.apply({ voltageV: this.levelV }, dtS);
		if (Math.abs(seen.currentA) <= this.complianceA) return { ...seen, isInCompliance: false };
		const held = this.cell.apply({ currentA: Math.sign(seen.currentA) * this.complianceA }, GLANCE_S);
		return { ...held, isInCompliance: true };
	}

	private execute(command: string): string | undefined {
		const [head = "", ...rest] = command.split(/\s+/);
		const argument = rest.join(" ").trim();
		const header = shortForm(head);
		switch (header) {
			case "*IDN?":
				return "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C30   Mar 17 2006 09:29:29/A02  /K/J";
			case "*CLS":
				this.errors = [];
				return undefined;
			case "*RST":
				this.powerCycle();
				return undefined;
			case "SYST:ERR?":
				return this.errors.shift() ?? '0,"No error"';
			case "OUTP?":
				return this.isOn ? "1" : "0";
			case "OUTP":
				this.switchOutput(argument);
				return undefined;
			case "OUTP:SMOD":
				this.choose(argument, ["HIMP", "NORM", "ZERO", "GUAR"], (value) => {
					this.offState = value;
				});
				return undefined;
			case "OUTP:SMOD?":
				return this.offState;
			case "SYST:RSEN":
				this.fourWire = /^(ON|1)$/i.test(argument);
				return undefined;
			case "SYST:RSEN?":
				return this.fourWire ? "1" : "0";
			case "SOUR:FUNC":
				this.choose(argument, ["CURR", "VOLT"], (value) => {
					if (this.function !== value) this.isOn = false;
					this.function = value as "CURR" | "VOLT";
				});
				return undefined;
			case "SOUR:FUNC?":
				return this.function;
			case "SOUR:CURR":
				return this.take(argument, 1.05, (value) => {
					this.levelA = value;
				});
			case "SOUR:CURR?":
				return exponential(this.levelA);
			case "SOUR:VOLT":
				return this.take(argument, 21, (value) => {
					this.levelV = value;
				});
			case "SOUR:VOLT?":
				return exponential(this.levelV);
			case "SENS:VOLT:PROT":
				return this.take(argument, 21, (value) => {
					this.complianceV = Math.abs(value);
				});
			case "SENS:VOLT:PROT?":
				return exponential(this.complianceV);
			case "SENS:CURR:PROT":
				return this.take(argument, 1.05, (value) => {
					this.complianceA = Math.abs(value);
				});
			case "SENS:CURR:PROT?":
				return exponential(this.complianceA);
			case "SENS:FUNC":
			case "SENS:FUNC:CONC":
			case "SOUR:CURR:RANG":
			case "SOUR:VOLT:RANG":
			case "SOUR:CURR:MODE":
			case "SOUR:VOLT:MODE":
				return undefined;
			case "FORM:ELEM":
				this.chooseElements(argument);
				return undefined;
			case "FORM:ELEM?":
				return this.elements.join(",");
			case "READ?":
				if (this.isOn) return this.reading();
				this.error('+802,"Invalid with output OFF"');
				return undefined;
			case "MEAS?":
				this.isOn = true;
				return this.reading();
			default:
				this.error('-113,"Undefined header"');
				return undefined;
		}
	}

	private switchOutput(argument: string): void {
		if (/^(OFF|0)$/i.test(argument)) this.isOn = false;
		else if (/^(ON|1)$/i.test(argument)) this.isOn = this.context.port.outputEnabled?.() !== false;
		else this.error('-220,"Parameter error"');
	}

	private reading(): string {
		const { voltageV, currentA, isInCompliance } = this.drive(GLANCE_S);
		const values: Record<ElementName, number> = {
			VOLT: Math.abs(voltageV) > 21.1 ? OVERFLOW : voltageV,
			CURR: Math.abs(currentA) > 1.055 ? OVERFLOW : currentA,
			RES: 9.91e37,
			TIME: this.nowMs / 1_000,
			STAT: isInCompliance ? COMPLIANCE : 0,
		};
		return ELEMENTS.filter((element) => this.elements.includes(element))
			.map((element) => exponential(values[element]))
			.join(",");
	}

	private chooseElements(argument: string): void {
		const names = argument.split(",").map((name) => shortWord(name.trim().toUpperCase()));
		if (names.length > 0 && names.every((name) => (ELEMENTS as readonly string[]).includes(name))) {
			this.elements = names as ElementName[];
		} else this.error('-220,"Parameter error"');
	}

	private choose(argument: string, allowed: readonly string[], set: (value: string) => void): void {
		const word = shortWord(argument.toUpperCase());
		if (allowed.includes(word)) set(word);
		else this.error('-220,"Parameter error"');
	}

	private take(argument: string, limit: number, set: (value: number) => void): undefined {
		const value = argument === "" ? Number.NaN : Number(argument);
		if (!Number.isFinite(value)) this.error('-220,"Parameter error"');
		else if (Math.abs(value) > limit) this.error('-222,"Parameter data out of range"');
		else set(value);
		return undefined;
	}

	private error(entry: string): void {
		if (this.errors.length < ERRORS_MAX) this.errors.push(entry);
		else this.errors[ERRORS_MAX - 1] = '-350,"Queue overflow"';
	}
}

/** `:SOURce:CURRent:LEVel:IMMediate:AMPLitude` -> `SOUR:CURR`: short words, and none that may be left out. */
function shortForm(head: string): string {
	if (head.startsWith("*")) return head.toUpperCase();
	const isQuery = head.endsWith("?");
	const words = head
		.toUpperCase()
		.replace(/\?$/, "")
		.split(":")
		.filter((word) => word !== "")
		.map((word) => shortWord(word.replace(/\d+$/, "")));
	const optional = ["LEV", "IMM", "AMPL"];
	const kept = words.filter((word, at) => !optional.includes(word) && !(word === "STAT" && words[at - 1] === "OUTP"));
	return `${kept.join(":")}${isQuery ? "?" : ""}`;
}

/** The rule of SCPI: four letters, or three when the fourth is a vowel; words of four stay. */
const shortWord = (word: string): string =>
	word.length <= 4 ? word : "AEIOU".includes(word[3]!) ? word.slice(0, 3) : word.slice(0, 4);

/** `+1.000206E+00` */
function exponential(value: number): string {
	const [mantissa, exponent] = Math.abs(value).toExponential(6).split("e") as [string, string];
	const digits = exponent.slice(1).padStart(2, "0");
	return `${value < 0 ? "-" : "+"}${mantissa}E${exponent[0]}${digits}`;
}
