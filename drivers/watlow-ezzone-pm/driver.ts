import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError, assert } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import { Movements } from "#device/movements.js";
import { RegisterReader, readWhole } from "#transport/register-reader.js";
import { checkSettings, SETPOINT_WRITE_S_MIN, type WatlowEzzonePmSettings } from "./config.js";
import { type Dialect, identify, refuseUnlessSafe } from "./identify.js";
import { look, type Read, type View } from "./look.js";
import {
	ANALOG_INPUT,
	ANALOG_INPUT_WORDS,
	celsiusFrom,
	floatFromWords,
	GATEWAY_ZONE_OFFSET,
	inputErrorName,
	type LoopRegisters,
	MODE,
	modeName,
	NO_INPUT_ERROR,
	REGISTERS,
	temperatureIn,
	wordsFromFloat,
} from "./registers.js";

/** A new mode or set point is in force within some control cycles (10 a second); this leaves room. */
const FOLLOW_MS = 1000;
/** A set point that comes back this near has been taken over: a 32-bit Fahrenheit value is off by far less. */
const SETPOINT_TOLERANCE_C = 0.02;
/** Above the configured bound of the output power, for rounding. */
const OUTPUT_TOLERANCE_PERCENT = 0.5;
const ABSOLUTE_ZERO_DEGC = -273.15;

interface Readings {
	/** degC; not a number when the input has an error. */
	readonly temperatureC: number;
	readonly inputError: number;
	readonly mode: number;
	readonly setpointC: number;
	/** What it works to; the set point where it does not say. */
	readonly activeSetpointC: number;
	readonly outputPercent: number;
}

/** What the controller was told. */
type Order =
	/** Nothing, since the start or since a loss after which it did something else. */
	| { readonly kind: "none" }
	/** To heat to `setpointC`, which is what it was last sent. */
	| { readonly kind: "heat"; readonly setpointC: number; readonly sinceMs: number }
	| { readonly kind: "off"; readonly sinceMs: number };

/**
 * An EZ-ZONE PM. It heats in control mode auto and is safe in mode off. Set points are EEPROM unless the instrument says
 * otherwise: they are written on change alone and, while they wear it, raised at a bounded rate by `poll`.
 */
export class WatlowEzzonePm implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly name: string;
	readonly limitC: number | undefined;
	private readonly settings: WatlowEzzonePmSettings;
	private readonly modbus: ModbusMaster;
	private reader: RegisterReader;
	private isLooking = false;
	private readonly clock: Clock;
	private readonly baseAddress: number;
	private dialect: Dialect | undefined;
	private view: View | undefined;
	private order: Order = { kind: "none" };
	/** A higher set point that waits until EEPROM may be written again. */
	private waitingC: number | undefined;
	private writtenMs = Number.NEGATIVE_INFINITY;
	private eepromWrites = 0;
	private readonly movements = new Movements();
	/** Counts safe states, so that a command under way does not outlive one. */
	private safeStates = 0;

	constructor(context: DriverContext<WatlowEzzonePmSettings>) {
		const { name, settings, clock, modbus } = context;
		assert(modbus !== undefined, "an EZ-ZONE PM needs a Modbus address");
		checkSettings(name, settings);
		this.name = name;
		this.limitC = context.limitC;
		this.settings = settings;
		this.modbus = modbus;
		this.reader = new RegisterReader(modbus);
		this.clock = clock;
		this.baseAddress = ((settings.gateway_zone ?? 1) - 1) * GATEWAY_ZONE_OFFSET;
		this.signals = {
			temperature: { unit: "degC", kind: "measurement", description: "Process value of analog input 1" },
			setpoint: {
				unit: "degC",
				kind: "setpoint",
				description: "Set point that the controller works to",
				settable: { min: settings.setpoint_degC_min, max: settings.setpoint_degC_max },
			},
			output: { unit: "%", kind: "measurement", description: "Output power" },
			remote: { unit: "bool", kind: "state", description: "The controller follows the set point that it was sent" },
			eeprom_writes: { unit: "1", kind: "measurement", description: "Set points written to EEPROM since the start" },
		};
	}

	async inspect(): Promise<Identification> {
		return this.identify(true);
	}

	async connect(): Promise<Identification> {
		const identification = await this.identify(false);
		const { dialect } = this;
		if (dialect === undefined) return identification;
		refuseUnlessSafe(this, this.settings, dialect);
		const readings = await this.read(dialect);
		// It may have lost power, or have been switched on at its front.
		if (this.order.kind === "off") await this.makeSafe();
		else if (this.order.kind === "heat" && this.whyNotFollowing(readings) !== undefined) {
			this.order = { kind: "none" };
			this.waitingC = undefined;
		}
		return identification;
	}

	async poll(): Promise<PolledValues> {
		const { dialect } = this;
		if (dialect === undefined) {
			if (this.view === undefined) return this.notUnderstood();
			return look((address, count) => this.readIfThere(address, count), this.view);
		}
		await this.raiseWaiting(dialect);
		const nothingMoved = this.movements.watch();
		const readings = await this.read(dialect);
		const isJudged = nothingMoved() && this.isSettled();
		if (isJudged) this.assertNoHotterThanOrdered(readings);
		const doubt = isJudged ? this.whyNotFollowing(readings) : undefined;
		const { outputPercent, activeSetpointC } = readings;
		return {
			temperature: temperatureOf(readings),
			setpoint: doubt === undefined ? finite(activeSetpointC, "set point") : fault(doubt),
			output: finite(outputPercent, "output power"),
			remote: good(this.order.kind === "heat" && doubt === undefined ? 1 : 0),
			eeprom_writes: good(this.eepromWrites),
		};
	}

	async set(signal: string, value: number): Promise<number> {
		if (signal !== "setpoint") {
			const message = `${this.name} has no signal ${signal} that can be set; it has setpoint.`;
			throw new AdlayerError("SIGNAL_UNKNOWN", message, { context: { signal } });
		}
		const { setpoint_degC_min: min, setpoint_degC_max: max } = this.settings;
		if (!(value >= min && value <= max)) {
			const message = `Setpoint ${value} degC of ${this.name} is outside ${min} to ${max} degC.`;
			throw new AdlayerError("SETPOINT_OUT_OF_RANGE", message, { context: { signal, value, min, max } });
		}
		const { dialect } = this;
		if (dialect === undefined) {
			throw new AdlayerError("DEVICE_NOT_READY", `${this.name} has not been identified; nothing is written to it.`);
		}
		this.waitingC = undefined;
		if (this.order.kind === "heat" && value > this.order.setpointC && !this.mayWrite(dialect)) {
			this.waitingC = value;
			return await this.readSetpoint(dialect);
		}
		return await this.movements.during(() => this.heat(dialect, value));
	}

	/** Control mode off, read back with an output of 0. If that fails, the lowest set point as well. */
	async makeSafe(): Promise<void> {
		this.safeStates += 1;
		this.waitingC = undefined;
		const { dialect } = this;
		if (dialect === undefined) {
			throw new AdlayerError("DEVICE_NOT_READY", `${this.name} has not been identified; nothing is written to it.`);
		}
		this.order = { kind: "off", sinceMs: this.clock.nowMs() };
		await this.movements.during(async () => {
			try {
				await this.switchOff(dialect);
			} catch (failure) {
				await this.writeSetpoint(dialect, this.settings.setpoint_degC_min).catch(() => {});
				throw failure;
			}
		});
	}

	close(): Promise<void> {
		return this.modbus.close();
	}

	private async identify(lenient: boolean): Promise<Identification> {
		this.reader = new RegisterReader(this.modbus, lenient);
		this.isLooking = lenient;
		await this.modbus.open();
		// First what people look for, before silence to the rest has used up the time.
		if (lenient) await this.readIfThere(ANALOG_INPUT, 2);
		const read: Read = lenient
			? (address, count) => this.readIfThere(address, count)
			: (address, count) => this.readUnlessRefused(address, count);
		const found = await identify(this.name, read, this.settings, this.baseAddress);
		this.dialect = found.dialect;
		this.view = found.view;
		return found.identification;
	}

	private async heat(dialect: Dialect, valueC: number): Promise<number> {
		const { safeStates } = this;
		const registers = REGISTERS[dialect.map];
		const before = this.order;
		if (before.kind === "heat") {
			const readings = await this.read(dialect);
			this.stillAllowed(safeStates);
			this.assertStillOn(readings);
			// Unchanged values wear nothing.
			if (before.setpointC === valueC && this.whyNotFollowing(readings) === undefined) return readings.setpointC;
		}
		await this.writeSetpoint(dialect, valueC);
		const backC = await this.readSetpoint(dialect);
		this.stillAllowed(safeStates);
		if (!(Math.abs(backC - valueC) <= SETPOINT_TOLERANCE_C)) {
			const message = `${this.name} was sent a setpoint of ${valueC} degC and reads back ${backC.toFixed(2)} degC.`;
			throw new AdlayerError("READBACK_MISMATCH", message, { context: { sentC: valueC, backC } });
		}
		if (before.kind !== "heat") {
			await this.writeWord(registers.controlMode, MODE.auto);
			const mode = await this.readWord(registers.controlMode);
			this.stillAllowed(safeStates);
			if (mode !== MODE.auto) {
				const message = `${this.name} was switched to auto and is ${modeName(mode)}.`;
				throw new AdlayerError("READBACK_MISMATCH", message, { context: { mode } });
			}
		}
		this.order = { kind: "heat", setpointC: valueC, sinceMs: this.clock.nowMs() };
		return backC;
	}

	/** Whoever has switched it off at its front is not overruled by the next step of a ramp. */
	private assertStillOn({ mode }: Readings): void {
		if (mode === MODE.auto) return;
		this.order = { kind: "none" };
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`${this.name} is ${modeName(mode)}, not in auto: it lost power, or was changed at its front.`,
			{ context: { mode }, hint: "The next set point that is ordered switches it on again." },
		);
	}

	private async switchOff(dialect: Dialect): Promise<void> {
		const registers = REGISTERS[dialect.map];
		if ((await this.readWord(registers.controlMode)) !== MODE.off)
			await this.writeWord(registers.controlMode, MODE.off);
		const mode = await this.readWord(registers.controlMode);
		let outputPercent = await this.readFloat(dialect, registers.outputPower);
		if (outputPercent !== 0) {
			await this.clock.sleep(FOLLOW_MS);
			outputPercent = await this.readFloat(dialect, registers.outputPower);
		}
		if (mode === MODE.off && outputPercent === 0) return;
		const message = `${this.name} was switched off and is ${modeName(mode)} with an output of ${outputPercent} %.`;
		throw new AdlayerError("READBACK_MISMATCH", message, { context: { mode, outputPercent } });
	}

	/** The rate of writes is bounded while they wear EEPROM; only a rise waits, for a lower set point is the safer one. */
	private mayWrite(dialect: Dialect): boolean {
		if (!dialect.keepsWrites) return true;
		const waitMs = (this.settings.setpoint_write_s_min ?? SETPOINT_WRITE_S_MIN) * 1000;
		return this.clock.nowMs() - this.writtenMs >= waitMs;
	}

	private async raiseWaiting(dialect: Dialect): Promise<void> {
		const { waitingC } = this;
		if (waitingC === undefined || this.movements.isUnderWay || !this.mayWrite(dialect)) return;
		this.waitingC = undefined;
		await this.movements.during(() => this.heat(dialect, waitingC));
	}

	private stillAllowed(safeStates: number): void {
		if (safeStates === this.safeStates) return;
		throw new AdlayerError("DEVICE_NOT_READY", `${this.name} was made safe while its setpoint was being changed.`);
	}

	private isSettled(): boolean {
		return this.order.kind === "none" || this.clock.nowMs() - this.order.sinceMs >= FOLLOW_MS;
	}

	/** There is no dead-man that would end it: whatever heats more than was ordered is a fault of the instrument. */
	private assertNoHotterThanOrdered({ mode, setpointC, activeSetpointC, outputPercent }: Readings): void {
		const { order } = this;
		const outputMax = this.settings.output_percent_max;
		if (outputMax !== undefined && outputPercent > outputMax + OUTPUT_TOLERANCE_PERCENT) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} heats with ${outputPercent.toFixed(1)} %; its heater stands ${outputMax} %.`,
				{ context: { outputPercent, outputMax }, hint: "Set the high power scale of its output to that." },
			);
		}
		if (order.kind === "off" && mode !== MODE.off) {
			throw new AdlayerError(
				"DEVICE_RESTARTED",
				`${this.name} was switched off and is ${modeName(mode)}: it lost power, or was switched on at its front.`,
				{ context: { mode } },
			);
		}
		if (order.kind !== "heat") return;
		const highestC = Math.max(setpointC, activeSetpointC);
		if (mode === MODE.manual || (mode === MODE.auto && highestC > order.setpointC + SETPOINT_TOLERANCE_C)) {
			const does = mode === MODE.manual ? "is in manual mode" : `works to ${highestC.toFixed(1)} degC`;
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.name} ${does} instead of ${order.setpointC} degC: it lost power, or was changed at its front.`,
				{ context: { mode, highestC, orderedC: order.setpointC } },
			);
		}
	}

	private whyNotFollowing({ mode, setpointC, activeSetpointC }: Readings): string | undefined {
		const { order } = this;
		if (order.kind !== "heat") return undefined;
		if (mode !== MODE.auto)
			return `The controller is ${modeName(mode)}, not in auto: it lost power, or was changed at its front.`;
		for (const actualC of [setpointC, activeSetpointC]) {
			if (Math.abs(actualC - order.setpointC) <= SETPOINT_TOLERANCE_C) continue;
			return `The controller works to ${actualC.toFixed(1)} degC instead of ${order.setpointC} degC: it lost power, was changed at its front, or ramps or idles by itself.`;
		}
		return undefined;
	}

	private notUnderstood(): PolledValues {
		const unknown = fault("It could not be identified, so that its registers cannot be understood.");
		return { temperature: unknown, setpoint: unknown, output: unknown, remote: unknown, eeprom_writes: good(0) };
	}

	private async read(dialect: Dialect): Promise<Readings> {
		const registers = REGISTERS[dialect.map];
		const input = await this.readWords(ANALOG_INPUT, ANALOG_INPUT_WORDS);
		const mode = await this.readWord(registers.controlMode);
		const setpointC = await this.readSetpoint(dialect);
		return {
			temperatureC: celsiusFrom(floatFromWords(input, dialect.wordOrder), dialect.unit),
			inputError: input[2]!,
			mode,
			setpointC,
			// While it is off it works to nothing.
			activeSetpointC:
				dialect.hasActiveSetpoint && mode === MODE.auto
					? celsiusFrom(await this.readFloat(dialect, registers.activeSetpoint), dialect.unit)
					: setpointC,
			outputPercent: await this.readFloat(dialect, registers.outputPower),
		};
	}

	private async readSetpoint(dialect: Dialect): Promise<number> {
		return celsiusFrom(await this.readFloat(dialect, REGISTERS[dialect.map].setpoint), dialect.unit);
	}

	private async writeSetpoint(dialect: Dialect, valueC: number): Promise<void> {
		const words = wordsFromFloat(temperatureIn(dialect.unit, valueC), dialect.wordOrder);
		this.writtenMs = this.clock.nowMs();
		if (dialect.keepsWrites) this.eepromWrites += 1;
		await this.modbus.writeRegisters(this.baseAddress + REGISTERS[dialect.map].setpoint, words);
	}

	private async readWord(address: number): Promise<number> {
		return (await this.readWords(address, 1))[0]!;
	}

	private writeWord(address: LoopRegisters[keyof LoopRegisters], word: number): Promise<void> {
		return this.modbus.writeRegister(this.baseAddress + address, word);
	}

	private async readFloat(dialect: Dialect, address: number): Promise<number> {
		return floatFromWords(await this.readWords(address, 2), dialect.wordOrder);
	}

	/** Control wants a float's two words from one read; a look takes them as it gets them. */
	private readWords(address: number, count: number): Promise<number[]> {
		if (this.isLooking) return this.reader.readInParts(this.baseAddress + address, count);
		return this.reader.read(this.baseAddress + address, count);
	}

	private readIfThere(address: number, count: number): Promise<number[] | undefined> {
		return readWhole(this.reader, this.baseAddress + address, count);
	}

	private async readUnlessRefused(address: number, count: number): Promise<number[] | undefined> {
		try {
			return await this.reader.read(this.baseAddress + address, count);
		} catch (thrown) {
			if (asAdlayerError(thrown).code !== "MODBUS_EXCEPTION") throw thrown;
			return undefined;
		}
	}
}

function temperatureOf({ temperatureC, inputError }: Pick<Readings, "temperatureC" | "inputError">): PolledValue {
	if (inputError !== NO_INPUT_ERROR) return fault(`No temperature: ${inputErrorName(inputError)}.`);
	if (!Number.isFinite(temperatureC) || temperatureC < ABSOLUTE_ZERO_DEGC) {
		return fault(`The process value ${temperatureC} degC is none.`);
	}
	return good(temperatureC);
}

const good = (value: number): PolledValue => ({ value, quality: "good" });
const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
const finite = (value: number, title: string): PolledValue =>
	Number.isFinite(value) ? good(value) : fault(`The ${title} is no number.`);
