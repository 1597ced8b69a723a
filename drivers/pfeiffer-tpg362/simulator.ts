import { Prng } from "#core/prng.js";
import { pascalFromMillibar, pascalFromTorr } from "#core/units.js";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { ACK, CR, ENQ, ETX, LF, LINE_BYTES_MAX, NAK } from "./codec.js";
import type { Tpg362Settings } from "./config.js";
import { CMR_363, type GaugeType, PCR_280 } from "./gauges.js";

/** What the simulated controller senses. */
export interface Tpg362Port {
	/** Absolute pressure in Pa at the gauge of a channel; null when the sensor is broken. */
	pressurePa(channel: 1 | 2): number | null;
	/** What it gives no longer changes, in no digit. */
	isFrozen?(channel: 1 | 2): boolean;
}

export interface Tpg362SimulatorOptions {
	/** Gauges on channels 1 and 2. */
	readonly gauges?: readonly [GaugeType, GaugeType];
	/** Standard deviation of the measurement noise, relative to the pressure. */
	readonly noise?: number;
	/** The older TPG 262: it does not know AYT, and its display unit is mbar. */
	readonly model?: "TPG362" | "TPG262";
}

/** Pressure units by `UNI` code, as Pa per unit. 5, volts, is not simulated as a pressure: one volt per decade. */
const PASCAL_PER_UNIT: readonly number[] = [
	pascalFromMillibar(1),
	pascalFromTorr(1),
	1,
	pascalFromTorr(0.001),
	pascalFromMillibar(1),
];
const UNIT_HPA = 4;
const UNIT_VOLT = 5;
const CONTINUOUS_PERIODS_MS: readonly number[] = [100, 1_000, 60_000];
/** `COM` mode after power-up: once per second. */
const COM_AT_POWER_UP = 1;

const SYNTAX_ERROR = "0001";
const PARAMETER_ERROR = "0010";
const NO_ERROR = "0000";

const ACK_BYTES = Uint8Array.of(ACK, CR, LF);
const NAK_BYTES = Uint8Array.of(NAK, CR, LF);

/** The item an ENQ reads: computed afresh at every ENQ. */
type Item = () => string;

/**
 * A TPG 362 with two gauges: mnemonic parser, ERROR word, continuous output after power-up, non-volatile display unit.
 * The measurement noise is seeded by the context's seed.
 */
export class Tpg362Simulator implements InstrumentSimulator {
	private readonly gauges: readonly [GaugeType, GaugeType];
	private readonly noise: number;
	private readonly is36x: boolean;
	private readonly random: Prng;
	private readonly port: Tpg362Port;
	private connection: SimulatorConnection | undefined;
	private nowMs = 0;
	private unit: number;
	private errorWord = NO_ERROR;
	private item: Item | undefined;
	private continuousPeriodMs: number | undefined = CONTINUOUS_PERIODS_MS[COM_AT_POWER_UP];
	private nextOutputMs: number;

	constructor(context: SimulatorContext<Tpg362Settings, Tpg362Port>, options: Tpg362SimulatorOptions = {}) {
		this.port = context.port;
		this.gauges = options.gauges ?? [CMR_363, PCR_280];
		this.noise = options.noise ?? 0.002;
		this.is36x = options.model !== "TPG262";
		this.unit = this.is36x ? UNIT_HPA : 0;
		this.random = new Prng(context.seed, `tpg362 ${context.name}`);
		this.nextOutputMs = this.continuousPeriodMs!;
	}

	/** What somebody does at the front panel: chooses another display unit (a `UNI` code). It survives a power cycle. */
	chooseUnit(code: number): void {
		this.unit = code;
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		this.connection = connection;
		this.continuousPeriodMs = undefined;
		let input = typeof connection.state === "string" ? connection.state : "";
		for (const byte of bytes) {
			if (byte === ENQ) {
				connection.send(line((this.item ?? (() => this.takeErrorWord()))()));
			} else if (byte === ETX) {
				input = "";
			} else if (byte === CR) {
				this.command(input, connection);
				input = "";
			} else if (byte !== LF && byte !== 0x20 && input.length <= LINE_BYTES_MAX) {
				input += String.fromCharCode(byte);
			}
		}
		connection.state = input;
	}

	advance(nowMs: number): void {
		this.nowMs = nowMs;
		const periodMs = this.continuousPeriodMs;
		if (periodMs === undefined) return;
		if (this.connection === undefined) {
			// Nobody has listened yet; the output keeps its rhythm.
			if (nowMs >= this.nextOutputMs) this.nextOutputMs = nowMs + periodMs;
			return;
		}
		while (this.nextOutputMs <= nowMs) {
			this.connection.send(line(this.measurements()));
			this.nextOutputMs += periodMs;
		}
	}

	nextEventMs(): number {
		if (this.continuousPeriodMs === undefined || this.connection === undefined) return Number.POSITIVE_INFINITY;
		return this.nextOutputMs;
	}

	powerCycle(): void {
		this.errorWord = NO_ERROR;
		this.item = undefined;
		if (this.connection !== undefined) this.connection.state = "";
		this.startOutput(COM_AT_POWER_UP);
	}

	private command(input: string, connection: SimulatorConnection): void {
		const [mnemonic = "", ...parameters] = input.toUpperCase().split(",");
		const outcome = this.execute(mnemonic, parameters);
		if (typeof outcome === "string") {
			this.errorWord = outcome;
			this.item = undefined;
			connection.send(NAK_BYTES);
			return;
		}
		this.item = outcome;
		connection.send(ACK_BYTES);
	}

	/** Gives what ENQ will read, or the ERROR word of a refusal. */
	private execute(mnemonic: string, parameters: readonly string[]): Item | string {
		switch (mnemonic) {
			case "PR1":
				return () => this.measurement(1);
			case "PR2":
				return () => this.measurement(2);
			case "PRX":
				return () => this.measurements();
			case "UNI":
				return this.setUnit(parameters);
			case "COM":
				return this.setContinuous(parameters);
			case "TID":
				return () => this.gauges.map((gauge) => gauge.id).join(",");
			case "SEN":
				// Neither a capacitance nor a Pirani gauge can be switched.
				if (parameters.length !== 0 && (parameters.length !== 2 || !parameters.every((p) => /^[012]$/.test(p)))) {
					return PARAMETER_ERROR;
				}
				return () => "0,0";
			case "ERR":
				return () => this.takeErrorWord();
			case "RES":
				if (parameters.some((parameter) => parameter !== "1")) return PARAMETER_ERROR;
				return () => this.activeErrors();
			case "PNR":
				return () => (this.is36x ? "010400" : "BG509797-B");
			case "AYT":
				return this.is36x ? () => "TPG362,PTG28290,44990000,010400,010100" : SYNTAX_ERROR;
			default:
				return SYNTAX_ERROR;
		}
	}

	private setUnit(parameters: readonly string[]): Item | string {
		const [code] = parameters;
		if (code !== undefined) {
			const highest = this.is36x ? UNIT_VOLT : 2;
			if (parameters.length !== 1 || !/^\d$/.test(code) || Number(code) > highest) return PARAMETER_ERROR;
			this.unit = Number(code);
		}
		return () => String(this.unit);
	}

	private setContinuous(parameters: readonly string[]): Item | string {
		const mode = parameters[0] ?? "1";
		if (parameters.length > 1 || !/^[012]$/.test(mode)) return PARAMETER_ERROR;
		this.startOutput(Number(mode));
		return () => this.measurements();
	}

	private startOutput(mode: number): void {
		this.continuousPeriodMs = CONTINUOUS_PERIODS_MS[mode]!;
		this.nextOutputMs = this.nowMs + this.continuousPeriodMs;
	}

	private takeErrorWord(): string {
		const word = this.errorWord;
		this.errorWord = NO_ERROR;
		return word;
	}

	private activeErrors(): string {
		const errors = [this.port.pressurePa(1) === null ? "9" : "", this.port.pressurePa(2) === null ? "11" : ""];
		return errors.filter((code) => code !== "").join(",") || "0";
	}

	private measurements(): string {
		return `${this.measurement(1)},${this.measurement(2)}`;
	}

	private measurement(channel: 1 | 2): string {
		const gauge = this.gauges[channel - 1]!;
		const truePa = this.port.pressurePa(channel);
		if (truePa === null || !Number.isFinite(truePa)) return "3,2.0000E-02";
		const isNoisy = this.noise > 0 && this.port.isFrozen?.(channel) !== true;
		const pa = isNoisy ? truePa * (1 + this.noise * this.random.normal()) : truePa;
		if (pa < gauge.pressurePaMin) return `1,${this.format(gauge.pressurePaMin, gauge)}`;
		if (pa > gauge.pressurePaMax) return `2,${this.format(gauge.pressurePaMax, gauge)}`;
		return `0,${this.format(pa, gauge)}`;
	}

	private format(pa: number, gauge: GaugeType): string {
		const shown = this.unit === UNIT_VOLT ? Math.log10(Math.max(pa, 1e-6)) + 5 : pa / PASCAL_PER_UNIT[this.unit]!;
		const [mantissa, exponent] = shown.toExponential(gauge.decimals).split("e") as [string, string];
		const digits = mantissa + "0".repeat(4 - gauge.decimals);
		return `${digits}E${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
	}
}

const line = (text: string): Uint8Array => Buffer.from(`${text}\r\n`, "latin1");
