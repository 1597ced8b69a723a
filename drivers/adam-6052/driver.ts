/** The conversation with an ADAM-6052: identity, outputs, inputs, timed pulses. */
import { AdlayerError, asAdlayerError, assert } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import type {
	Device,
	DriverContext,
	Identification,
	PolledValue,
	PolledValues,
	SignalInfo,
	Watchdog,
} from "#device/contract.js";
import { Movements } from "#device/movements.js";
import { unlessSilent } from "#transport/optional-question.js";
import { RegisterReader } from "#transport/register-reader.js";
import { type Adam6052Settings, readWiring, type Wiring } from "./config.js";
import { AdamPulseOutputs } from "./pulse-outputs.js";
import { QuietLink } from "./quiet-link.js";
import {
	INPUT_COILS,
	INPUT_COUNT,
	MODULE_NAME,
	MODULE_NAME_6052,
	OUTPUT_COILS,
	OUTPUT_COUNT,
	OUTPUT_DIAGNOSTICS,
} from "./registers.js";

const LOW: PolledValue = { value: 0, quality: "good" };
const HIGH: PolledValue = { value: 1, quality: "good" };

export class Adam6052 implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly pulses?: AdamPulseOutputs;
	readonly watchdog?: Watchdog;

	private readonly name: string;
	private readonly modbus: ModbusMaster;
	private readonly link: QuietLink;
	private readonly wiring: Wiring;
	/** What each output was told, by line. */
	private readonly held = new Map<number, boolean>();
	private hasDiagnostics = false;
	private readonly movements = new Movements();

	constructor(context: DriverContext<Adam6052Settings>) {
		const { name, settings, clock, modbus } = context;
		assert(modbus !== undefined, "an ADAM-6052 needs a Modbus address");
		this.name = name;
		this.modbus = modbus;
		this.wiring = readWiring(settings);
		this.link = new QuietLink(name, modbus, clock, this.wiring.watchdogMs);
		const { pulseUnitMs, watchdogMs } = this.wiring;
		if (pulseUnitMs !== undefined) this.pulses = new AdamPulseOutputs(name, this.link, clock, this.wiring, pulseUnitMs);
		if (watchdogMs > 0) this.watchdog = this.link;
		this.signals = describeSignals(this.wiring);
	}

	async inspect(): Promise<Identification> {
		await this.modbus.open();
		// First what people look for: who answers it may be silent to all that it does not know.
		await this.link.readCoils(OUTPUT_COILS, OUTPUT_COUNT).catch(refusedOrThrow);
		const absent = [...REFUSED, "DEVICE_SILENT"];
		// A server in between may know function 04 alone.
		const words = await this.nameByEitherFunction();
		const found = this.identify(words);
		// Of what is no ADAM-6052 nobody knows what this word means.
		this.hasDiagnostics = found.confirmed && (await this.readIfThere(OUTPUT_DIAGNOSTICS, 1, absent)) !== undefined;
		return { ...found, warnings: [...found.warnings, this.whatSilenceDoes()] };
	}

	async connect(): Promise<Identification> {
		await this.modbus.open();
		const name = (await this.readIfThere(MODULE_NAME, 2, REFUSED)) ?? (await this.readIfThere(MODULE_NAME, 1, REFUSED));
		this.hasDiagnostics = (await this.readIfThere(OUTPUT_DIAGNOSTICS, 1, REFUSED)) !== undefined;
		const identification = this.identify(name);
		if (!identification.confirmed) return identification;
		if (this.watchdog === undefined) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} has no watchdog declared: its valves would stay as they are when control dies.`,
				{
					context: { instrument: this.name },
					hint: "Set communication watchdog and fail-safe values with Advantech's utility, see them act, and declare them as watchdog.",
				},
			);
		}
		this.link.guard();
		await this.makeSafe();
		await this.movements.during(async () => {
			for (const line of this.wiring.outputLines.values()) await this.writeAndVerify(line, false);
		});
		return identification;
	}

	async poll(): Promise<PolledValues> {
		const nothingMoved = this.movements.watch();
		const busyBefore = this.pulses?.busyLine;
		const outputs = await this.link.readCoils(OUTPUT_COILS, OUTPUT_COUNT);
		const inputs = await this.readInputs();
		if (this.hasDiagnostics) await this.assertNoOverload();
		if (nothingMoved()) this.assertAsSet(outputs, busyBefore);
		const values: Record<string, PolledValue> = {};
		const { pulseLines, outputLines, inputLines } = this.wiring;
		for (const [signal, line] of [...pulseLines, ...outputLines]) values[signal] = outputs[line] ? HIGH : LOW;
		for (const [signal, line] of inputLines) values[signal] = inputs[line] ? HIGH : LOW;
		return values;
	}

	async set(signal: string, value: number): Promise<number> {
		const pulseLine = this.wiring.pulseLines.get(signal);
		const line = pulseLine ?? this.wiring.outputLines.get(signal);
		if (line === undefined) throw new AdlayerError("SIGNAL_UNKNOWN", `${this.name} has no output ${signal}.`);
		if (pulseLine !== undefined && value !== 0) {
			throw new AdlayerError(
				"SETPOINT_OUT_OF_RANGE",
				`${signal} is a pulse output of ${this.name}: it can be shut (0), and opened by a timed pulse alone.`,
				{ hint: "Switching on a coil in pulse mode may start pulses without end." },
			);
		}
		if (value !== 0 && value !== 1) {
			throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `Output ${signal} can be 0 or 1, not ${value}.`);
		}
		if (pulseLine !== undefined && this.pulses?.busyLine === line) {
			throw new AdlayerError("OUTPUT_BUSY", `${signal} cannot be set while a pulse is armed or running on it.`);
		}
		await this.movements.during(() => this.writeAndVerify(line, value === 1));
		return value;
	}

	/** Every pulse output shut, verified. The other outputs are for the caller to decide. */
	async makeSafe(): Promise<void> {
		await this.movements.during(async () => {
			if (this.pulses !== undefined) await this.pulses.releaseAll();
			else for (const line of this.wiring.pulseLines.values()) await this.writeAndVerify(line, false);
			for (const line of this.wiring.pulseLines.values()) this.held.set(line, false);
		});
	}

	close(): Promise<void> {
		return this.modbus.close();
	}

	/** Any question feeds the module's watchdog, so that the end of a look sets it off. */
	private whatSilenceDoes(): string {
		const { outputLines, watchdogHighLines } = this.wiring;
		const high = [...outputLines].filter(([, line]) => watchdogHighLines.has(line)).map(([output]) => output);
		const which = high.length === 0 ? "" : `: ${high.join(", ")} high, by the settings`;
		return `Its communication watchdog, where it has one, acts when this look has ended: its outputs then take their fail-safe values${which}.`;
	}

	/** Inputs are coils and discrete inputs alike; a server in between may have them as the latter alone. */
	private async readInputs(): Promise<boolean[]> {
		const inputs = await this.link.readCoils(INPUT_COILS, INPUT_COUNT).catch(refusedOrThrow);
		return inputs ?? this.link.readDiscrete(INPUT_COILS, INPUT_COUNT);
	}

	/** For a look: the words of the module name that are there. */
	private async nameByEitherFunction(): Promise<number[] | undefined> {
		const reader = new RegisterReader(this.modbus, true);
		const [first, second] = (await unlessSilent(reader.readIfThere(MODULE_NAME, 2))) ?? [];
		if (first === undefined) return undefined;
		return second === undefined ? [first] : [first, second];
	}

	/** By the words of its module name. Throws IDENTITY_MISMATCH when they name another module of the family. */
	private identify(words: readonly number[] | undefined): Identification {
		if (words?.[0] === MODULE_NAME_6052) {
			return {
				identity: { manufacturer: "Advantech", model: "ADAM-6052", serial: null, firmware: null },
				confirmed: true,
				warnings: [],
			};
		}
		const other = words === undefined ? undefined : MODULE_OF_THE_FAMILY.exec(words[0]!.toString(16))?.[0];
		if (other !== undefined) {
			throw new AdlayerError("IDENTITY_MISMATCH", `${this.name} is an ADAM-${other}, not an ADAM-6052.`, {
				context: { instrument: this.name, found: other },
			});
		}
		const found =
			words === undefined
				? "it has no module name"
				: `its module name reads ${words.map(hex).join(" ")} instead of 6052`;
		return {
			identity: { manufacturer: null, model: null, serial: null, firmware: null },
			confirmed: false,
			warnings: [`What answers at the address of ${this.name} is no ADAM-6052: ${found} (register ${MODULE_NAME}).`],
		};
	}

	private async writeAndVerify(line: number, on: boolean): Promise<void> {
		// What was ordered counts before it is there: a failed command may have reached the module.
		this.held.set(line, on);
		await this.link.writeCoil(OUTPUT_COILS + line, on);
		const [back] = await this.link.readCoils(OUTPUT_COILS + line, 1);
		if (this.held.get(line) !== on) {
			throw new AdlayerError("OUTPUT_BUSY", `DO${line} of ${this.name} was moved again while it was being set.`);
		}
		if (back === on) return;
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`DO${line} of ${this.name} reads ${back ? 1 : 0} after ${on ? 1 : 0} was set.`,
		);
	}

	private async assertNoOverload(): Promise<void> {
		const [word] = await this.link.readHolding(OUTPUT_DIAGNOSTICS, 1);
		if (word === 0) return;
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`${this.name} reports overloaded outputs (diagnostics ${hex(word!)}): its valves may not be where its coils say.`,
			{ context: { diagnostics: word }, hint: "Look for a short circuit at its outputs." },
		);
	}

	/** An output that is not as it was set has been moved by the watchdog, a loss of power or another program. */
	private assertAsSet(outputs: readonly boolean[], busyBefore: number | undefined): void {
		const busyLines = [busyBefore, this.pulses?.busyLine];
		const wrong = [...this.wiring.pulseLines, ...this.wiring.outputLines].filter(
			([, line]) => this.held.has(line) && !busyLines.includes(line) && outputs[line] !== this.held.get(line),
		);
		if (wrong.length === 0) return;
		const names = wrong.map(([signal, line]) => `${signal} (${outputs[line] ? "high" : "low"})`).join(", ");
		throw new AdlayerError("READBACK_MISMATCH", `${this.name} has outputs that are not as they were set: ${names}.`, {
			hint: "Its watchdog, a loss of power or another program has moved them.",
		});
	}

	/** `absent` are the errors by which a register shows that it is not there. */
	private async readIfThere(address: number, count: number, absent: readonly string[]): Promise<number[] | undefined> {
		try {
			return await this.link.readHolding(address, count);
		} catch (thrown) {
			if (!absent.includes(asAdlayerError(thrown).code)) throw thrown;
			return undefined;
		}
	}
}

const REFUSED = ["MODBUS_EXCEPTION"] as const;

/** Module names of the ADAM-6000 and 6200 series. */
const MODULE_OF_THE_FAMILY = /^6[02]\d\d$/;

function refusedOrThrow(thrown: unknown): undefined {
	if (asAdlayerError(thrown).code !== "MODBUS_EXCEPTION") throw thrown;
	return undefined;
}

function describeSignals(wiring: Wiring): Record<string, SignalInfo> {
	const signals: Record<string, SignalInfo> = {};
	for (const [name, line] of wiring.pulseLines) {
		signals[name] = {
			unit: "bool",
			kind: "state",
			description: `Coil of DO${line}, timed pulse output`,
			settable: { min: 0, max: 0 },
		};
	}
	for (const [name, line] of wiring.outputLines) {
		signals[name] = { unit: "bool", kind: "state", description: `Coil of DO${line}`, settable: { min: 0, max: 1 } };
	}
	for (const [name, line] of wiring.inputLines) {
		signals[name] = { unit: "bool", kind: "state", description: `Level of DI${line}` };
	}
	return signals;
}

const hex = (word: number): string => `0x${word.toString(16).padStart(4, "0")}`;
