import { Prng } from "#core/prng.js";
import { pascalFromMillibar, pascalFromTorr } from "#core/units.js";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { addressText, FRAME_BYTES_MAX } from "./codec.js";
import type { Mks900Settings } from "./config.js";

/** What the simulated transducer senses. */
export interface Mks900Port {
	/** Absolute pressure in Pa; null when the sensor is broken. The channel is always 1: one transducer, one pressure. */
	pressurePa(channel: 1): number | null;
	/** What it gives no longer changes, in no digit. */
	isFrozen?(channel: 1): boolean;
}

export interface Mks900SimulatorOptions {
	readonly model?: "925" | "910" | "902B";
	/** Standard deviation of the measurement noise, relative to the pressure. */
	readonly noise?: number;
	/** What a reading beyond the range looks like: the limit itself, or a word. */
	readonly beyondRange?: "limit" | "word";
}

interface Model {
	readonly type: string;
	readonly readings: readonly string[];
	/** Measuring range, Pa. */
	readonly pressurePaMin: number;
	readonly pressurePaMax: number;
	/** Letter of `T?` with a broken sensor. */
	readonly brokenLetter: string;
}

const MODELS: Readonly<Record<"925" | "910" | "902B", Model>> = {
	"925": {
		type: "MicroPirani",
		readings: ["PR1", "PR4"],
		pressurePaMin: pascalFromTorr(1e-5),
		pressurePaMax: pascalFromTorr(1000),
		brokenLetter: "M",
	},
	"910": {
		type: "DUALTRANS",
		readings: ["PR1", "PR2", "PR3", "PR4", "PR5"],
		pressurePaMin: pascalFromTorr(1e-5),
		pressurePaMax: pascalFromTorr(1500),
		brokenLetter: "M",
	},
	"902B": {
		type: "Piezo",
		readings: ["PR1", "PR2", "PR3", "PR4"],
		pressurePaMin: pascalFromTorr(0.1),
		pressurePaMax: pascalFromTorr(1000),
		brokenLetter: "Z",
	},
};

const PASCAL_PER_UNIT: Readonly<Record<string, number>> = {
	TORR: pascalFromTorr(1),
	MBAR: pascalFromMillibar(1),
	PASCAL: 1,
};
const GASES = ["NITROGEN", "AIR", "ARGON", "HELIUM", "HYDROGEN", "H2O", "NEON", "CO2", "XENON"];
const BAUDS = ["4800", "9600", "19200", "38400", "57600", "115200", "230400"];
/** Answered by every transducer, with its own address. */
const BROADCAST = "254";
/** Obeyed by every transducer, answered by none. */
const BROADCAST_SILENT = "255";
const END = ";FF";

/** A reply: data, or the code of a NAK. */
type Outcome = string | number;
const UNRECOGNISED = 160;
const INVALID_ARGUMENT = 169;
const BAD_CHARACTER = 175;

/**
 * A 925, 910 or 902B on a line that others may share. Unit, gas, address and turn-around delay survive a power cycle. With the
 * delay off (`RSD!OFF`) its replies lose their first characters, as they do on two wires while the asker still drives them.
 */
export class Mks900Simulator implements InstrumentSimulator {
	private readonly port: Mks900Port;
	private readonly modelName: "925" | "910" | "902B";
	private readonly model: Model;
	private readonly noise: number;
	private readonly beyondRange: "limit" | "word";
	private readonly random: Prng;
	private address: string;
	private unit = "TORR";
	private gas: string;
	private baud = "9600";
	private delay = true;
	private userTag = "VACUUM1";
	private lastPa: number;

	constructor(context: SimulatorContext<Mks900Settings, Mks900Port>, options: Mks900SimulatorOptions = {}) {
		this.port = context.port;
		// A 925 has not all of the readings; who asks for one of the others has a 910.
		this.modelName = options.model ?? (["PR1", "PR4"].includes(context.settings.reading) ? "925" : "910");
		this.model = MODELS[this.modelName];
		this.noise = options.noise ?? 0.002;
		this.beyondRange = options.beyondRange ?? "limit";
		this.random = new Prng(context.seed, `mks900 ${context.name}`);
		this.address = addressText(context.settings.address);
		this.gas = context.settings.gas_type ?? "NITROGEN";
		this.lastPa = this.model.pressurePaMax;
	}

	/** What somebody else on the line, or a service tool, changes. */
	choose(choice: { unit?: "TORR" | "MBAR" | "PASCAL"; turnAroundDelay?: boolean; gas?: string }): void {
		this.unit = choice.unit ?? this.unit;
		this.delay = choice.turnAroundDelay ?? this.delay;
		this.gas = choice.gas ?? this.gas;
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		let input = typeof connection.state === "string" ? connection.state : "";
		input += Buffer.from(bytes).toString("latin1");
		for (let end = input.indexOf(END); end >= 0; end = input.indexOf(END)) {
			const frame = input.slice(0, end);
			input = input.slice(end + END.length);
			// A transducer begins to listen at the @, whatever came before it.
			this.message(frame.slice(frame.lastIndexOf("@")), connection);
		}
		connection.state = input.slice(-FRAME_BYTES_MAX);
	}

	advance(_nowMs: number): void {}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	powerCycle(): void {
		this.lastPa = this.model.pressurePaMax;
	}

	private message(frame: string, connection: SimulatorConnection): void {
		const match = /^@(\d{3})([^?!]*)([?!]?)(.*)$/.exec(frame);
		if (match === null) return;
		const [, to, command, character, argument] = match as unknown as [string, string, string, string, string];
		if (to !== this.address && to !== BROADCAST && to !== BROADCAST_SILENT) return;
		const from = this.address;
		const outcome = this.execute(command, character, argument);
		if (to === BROADCAST_SILENT) return;
		const reply = `@${from}${typeof outcome === "string" ? `ACK${outcome}` : `NAK${outcome}`}${END}`;
		const lost = this.delay ? 0 : this.random.integer(1, reply.length - END.length - 1);
		connection.send(Buffer.from(reply.slice(lost), "latin1"));
	}

	private execute(command: string, character: string, argument: string): Outcome {
		if (character === "?") return this.query(command);
		if (character === "!") return this.set(command, argument);
		return BAD_CHARACTER;
	}

	private query(command: string): Outcome {
		if (this.model.readings.includes(command)) return this.reading(command);
		switch (command) {
			case "U":
				return this.unit;
			case "T":
				return this.port.pressurePa(1) === null ? this.model.brokenLetter : "O";
			case "MF":
				return "MKS";
			case "MD":
				return this.modelName;
			case "DT":
				return this.model.type;
			case "SN":
				return "1125123456";
			case "FV":
				return "1.12";
			case "HV":
				return "A";
			case "AD":
				return this.address;
			case "BR":
				return this.baud;
			case "RSD":
				return this.delay ? "ON" : "OFF";
			case "UT":
				return this.userTag;
			case "TIM":
				return "123";
			case "TEM":
				return this.modelName === "902B" ? UNRECOGNISED : "2.50E+1";
			case "GT":
				return this.modelName === "902B" ? UNRECOGNISED : this.gas;
			default:
				return UNRECOGNISED;
		}
	}

	private set(command: string, argument: string): Outcome {
		switch (command) {
			case "U":
				if (!(argument in PASCAL_PER_UNIT)) return INVALID_ARGUMENT;
				this.unit = argument;
				return argument;
			case "GT":
				if (this.modelName === "902B") return UNRECOGNISED;
				if (!GASES.includes(argument)) return INVALID_ARGUMENT;
				this.gas = argument;
				return argument;
			case "BR":
				if (!BAUDS.includes(argument)) return INVALID_ARGUMENT;
				this.baud = argument;
				return argument;
			case "RSD":
				if (argument !== "ON" && argument !== "OFF") return INVALID_ARGUMENT;
				this.delay = argument === "ON";
				return argument;
			case "AD":
				if (!/^\d{3}$/.test(argument) || Number(argument) < 1 || Number(argument) > 253) return INVALID_ARGUMENT;
				this.address = argument;
				return argument;
			case "UT":
				this.userTag = argument.slice(0, 20);
				return this.userTag;
			default:
				return UNRECOGNISED;
		}
	}

	private reading(command: string): string {
		const truePa = this.port.pressurePa(1);
		// A broken sensor goes on giving its last number: only the status letter tells.
		if (truePa !== null && Number.isFinite(truePa)) {
			const isNoisy = this.noise > 0 && this.port.isFrozen?.(1) !== true;
			this.lastPa = isNoisy ? truePa * (1 + this.noise * this.random.normal()) : truePa;
		}
		const { pressurePaMin, pressurePaMax } = this.model;
		if (this.beyondRange === "word" && this.lastPa < pressurePaMin) return "UNDER";
		if (this.beyondRange === "word" && this.lastPa > pressurePaMax) return "OVER";
		const pa = Math.min(Math.max(this.lastPa, pressurePaMin), pressurePaMax);
		const difference = command === "PR5" ? 0 : pa;
		const shown = difference / PASCAL_PER_UNIT[this.unit]!;
		if (this.modelName === "902B" && command !== "PR4") return plain(shown);
		const [mantissa, exponent] = shown.toExponential(command === "PR4" ? 3 : 2).split("e") as [string, string];
		const sign = this.modelName === "902B" ? exponent.replace("+", "") : exponent;
		return `${mantissa}E${sign}`;
	}
}

/** Three digits without an exponent: `1.23`, `45.6`, `760`. */
const plain = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
