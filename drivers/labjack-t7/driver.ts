/** The conversation with a LabJack T7: identity, outputs, inputs, watchdog, timed pulses. */
import { AdlayerError, assert } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValue, SignalInfo } from "#device/contract.js";
import { Movements } from "#device/movements.js";
import { bitOf, f32At, hasBit, u32At, wordsOfU32 } from "./codec.js";
import { type LabjackT7Settings, readWiring, type Wiring } from "./config.js";
import { T7PulseOutputs } from "./pulse-outputs.js";
import { RegisterAccess } from "./register-access.js";
import {
	CLOCK0_ENABLE,
	CLOCK1_ENABLE,
	CLOCK2_ENABLE,
	DIO_DIRECTION,
	DIO_STATE,
	dio,
	efEnable,
	FIRMWARE_VERSION_MIN,
	LINE_COUNT,
	LUA_RUN,
	PRODUCT_ID,
	PRODUCT_ID_T7,
	SERIAL_NUMBER,
	TEST,
	TEST_VALUE,
} from "./registers.js";
import { T7Watchdog } from "./watchdog.js";
import { orderOfTest, proveWordOrder } from "./word-order.js";

/** Every so many polls the watchdog is asked whether it still is in force. */
const WATCHDOG_CHECK_POLLS = 10;

/** A 32-bit float holds a version of four decimals only nearly. */
const FIRMWARE_HALF_STEP = 0.000_05;

const hasWatchdog = (firmware: number): boolean => firmware >= FIRMWARE_VERSION_MIN - FIRMWARE_HALF_STEP;

const LOW: PolledValue = { value: 0, quality: "good" };
const HIGH: PolledValue = { value: 1, quality: "good" };

export class LabjackT7 implements Device {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly pulses: T7PulseOutputs;
	readonly watchdog: T7Watchdog;

	private readonly name: string;
	private readonly modbus: ModbusMaster;
	private readonly access: RegisterAccess;
	private readonly wiring: Wiring;
	/** Lines set high by `set`. */
	private heldHighMask = 0;
	/** The latest order for each line, so that an order overtaken by another does not judge its result. */
	private readonly latestOrders = new Map<number, object>();
	private readonly movements = new Movements();
	private polls = 0;
	/** Looked at by reading alone: `poll` then judges nothing. `orderProven` says whether 32-bit values can be believed. */
	private looking: { readonly orderProven: boolean } | undefined;
	/** Since the last connection; the first one counts as proven. */
	private hasPolled = true;

	constructor(context: DriverContext<LabjackT7Settings>) {
		assert(context.modbus !== undefined, "a LabJack T7 needs a Modbus address");
		this.name = context.name;
		this.modbus = context.modbus;
		this.wiring = readWiring(context.settings);
		this.access = new RegisterAccess(context.name, context.modbus);
		this.watchdog = new T7Watchdog(context.name, this.access, this.wiring);
		this.pulses = new T7PulseOutputs(context.name, this.access, context.clock, this.wiring, (line) =>
			hasBit(this.heldHighMask, line),
		);
		this.signals = describeSignals(this.wiring);
	}

	async connect(): Promise<Identification> {
		assert(Number.isFinite(this.wiring.watchdogS), "a LabJack T7 is controlled with a watchdog");
		this.looking = undefined;
		await this.modbus.open();
		const unknown = await this.unknownBecause();
		if (unknown !== undefined) return unknown;
		const { identity, warnings } = await this.identify();
		await this.makeSafe();
		await this.clearLeftovers();
		// A connection that never comes as far as a poll must not keep the watchdog quiet by being made again and again.
		const feed = this.hasPolled;
		this.hasPolled = false;
		if (await this.watchdog.ensure({ feed }))
			warnings.push("The watchdog settings in the instrument's flash were written.");
		// After the watchdog has been fed, so that it cannot act in between.
		await this.movements.during(async () => {
			for (const line of this.wiring.outputLines.values()) await this.access.writeU16(dio(line), 0);
			this.heldHighMask = 0;
			await this.releaseInputs();
			await this.verifyAllLow();
		});
		return { identity, confirmed: true, warnings };
	}

	/** Reads identity registers alone: no line is moved or made an input, the watchdog stays as it is. */
	async inspect(): Promise<Identification> {
		await this.modbus.open();
		const warnings: string[] = [];
		const test = await this.access.readIfThere(TEST, 2);
		const words = await this.access.readIfThere(PRODUCT_ID, 6);
		// What is silent to both may still answer for its lines; what is silent to that as well is not there.
		if (test === undefined && words === undefined) await this.modbus.readHolding(DIO_STATE, 2).catch(unlessSilent);
		const orderProven = proveWordOrder(this.name, test, words);
		this.looking = { orderProven };
		if (test === undefined) warnings.push("What answers has no register TEST (55100), as every LabJack has.");
		else if (!orderProven)
			warnings.push(`The register TEST (55100) reads ${hex(u32At(test))} instead of ${hex(TEST_VALUE)}.`);
		if (words === undefined) warnings.push("It has no PRODUCT_ID (60000), as every LabJack has.");
		const product = words === undefined ? Number.NaN : f32At(words);
		if (orderProven && words !== undefined && !(product > 0)) {
			warnings.push(`Its PRODUCT_ID (60000) reads ${product}, a T7's is ${PRODUCT_ID_T7}.`);
		}
		const confirmed = test !== undefined && orderProven && product === PRODUCT_ID_T7;
		if (!confirmed || words === undefined) {
			// Another LabJack says so; a server that holds 0 there says nothing.
			if (orderProven && product > 0 && product !== PRODUCT_ID_T7) throw this.notAT7(product);
			return {
				identity: { manufacturer: null, model: null, serial: null, firmware: null },
				confirmed: false,
				warnings,
			};
		}
		const serial = await this.access.readIfThere(SERIAL_NUMBER, 2);
		const lua = await this.access.readIfThere(LUA_RUN, 2);
		const firmware = f32At(words, 4);
		if (!hasWatchdog(firmware)) {
			warnings.push(
				`Control would refuse firmware ${firmware.toFixed(4)}: its watchdog needs ${FIRMWARE_VERSION_MIN} or newer.`,
			);
		}
		if (serial === undefined) warnings.push("It has no SERIAL_NUMBER (60028); control would refuse it.");
		if (lua !== undefined && u32At(lua) !== 0)
			warnings.push(`A Lua script runs on ${this.name}; it could move the same lines.`);
		return {
			identity: {
				manufacturer: "LabJack",
				model: `T7 (hardware ${f32At(words, 2).toFixed(2)})`,
				serial: serial === undefined ? null : String(u32At(serial)),
				firmware: firmware.toFixed(4),
			},
			confirmed,
			warnings,
		};
	}

	async poll(): Promise<Record<string, PolledValue>> {
		if (this.looking !== undefined) return this.look(this.looking.orderProven);
		const nothingMoved = this.movements.watch();
		const busyLineBefore = this.pulses.busy?.line;
		const state = await this.access.readU32(DIO_STATE);
		const direction = await this.access.readU32(DIO_DIRECTION);
		const { drivenMask } = this.wiring;
		if ((direction & drivenMask) >>> 0 !== drivenMask) {
			throw new AdlayerError(
				"DEVICE_RESTARTED",
				`${this.name} has lost its outputs: DIO_DIRECTION reads ${hex(direction)}, ${hex(drivenMask)} are outputs.`,
				{ context: { direction, drivenMask } },
			);
		}
		if (this.polls % WATCHDOG_CHECK_POLLS === 0 && !(await this.watchdog.isEnabled())) {
			throw new AdlayerError("DEVICE_MISCONFIGURED", `The watchdog of ${this.name} has been switched off.`);
		}
		this.polls += 1;
		this.hasPolled = true;
		if (nothingMoved()) this.assertAsSet(state, busyLineBefore);

		const values: Record<string, PolledValue> = {};
		const { pulseLines, outputLines, inputLines } = this.wiring;
		for (const lines of [pulseLines, outputLines, inputLines]) {
			for (const [signal, line] of lines) values[signal] = hasBit(state, line) ? HIGH : LOW;
		}
		return values;
	}

	async set(signal: string, value: number): Promise<number> {
		const pulseLine = this.wiring.pulseLines.get(signal);
		const line = pulseLine ?? this.wiring.outputLines.get(signal);
		if (line === undefined) throw new AdlayerError("SIGNAL_UNKNOWN", `${this.name} has no output ${signal}.`);
		if (this.looking?.orderProven === false) {
			throw new AdlayerError("IDENTITY_UNKNOWN", `${this.name} did not prove to be a T7: nothing is written to it.`);
		}
		if (value !== 0 && value !== 1) {
			throw new AdlayerError("SETPOINT_OUT_OF_RANGE", `Output ${signal} can be 0 or 1, not ${value}.`);
		}
		// Shutting a valve that another pulse does not use is always allowed.
		const busy = this.pulses.busy;
		if (pulseLine !== undefined && busy !== undefined && (value === 1 || busy.line === line)) {
			throw new AdlayerError(
				"OUTPUT_BUSY",
				`${signal} cannot be set while a pulse is armed or running on ${busy.output}.`,
			);
		}
		// Taken as held open before it is: whatever happens on the way, no pulse is armed over an open valve.
		if (value === 1) this.noteHeld(line, 1);
		const order = this.orderFor(line);
		return await this.movements.during(async () => {
			await this.access.writeU16(dio(line), value);
			const state = await this.access.readU32(DIO_STATE);
			const readBack = hasBit(state, line) ? 1 : 0;
			if (this.latestOrders.get(line) !== order) {
				throw new AdlayerError("OUTPUT_BUSY", `Output ${signal} was moved again while it was being set to ${value}.`);
			}
			if (readBack !== value) {
				throw new AdlayerError(
					"READBACK_MISMATCH",
					`Output ${signal} (DIO${line}) of ${this.name} reads ${readBack} after ${value} was set.`,
				);
			}
			this.noteHeld(line, value);
			return readBack;
		});
	}

	/** Precursor (pulse) lines off the timer and low, verified. The other outputs are for the caller to decide. */
	async makeSafe(): Promise<void> {
		const lines = [...this.wiring.pulseLines.values()];
		for (const line of lines) this.orderFor(line);
		await this.movements.during(async () => {
			await this.pulses.releaseAll();
			for (const line of lines) this.noteHeld(line, 0);
		});
	}

	async close(): Promise<void> {
		await this.modbus.close();
	}

	/** Something that speaks Modbus but is no LabJack is left alone: nothing is written to it. */
	private async unknownBecause(): Promise<Identification | undefined> {
		let found: string;
		try {
			const value = await this.access.readU32(TEST);
			if (value === TEST_VALUE) return undefined;
			const order = orderOfTest(wordsOfU32(value));
			found = `the register TEST reads ${hex(value)} instead of ${hex(TEST_VALUE)}${order === undefined ? "" : ` (${order})`}`;
		} catch (error) {
			if (!(error instanceof AdlayerError) || error.code !== "MODBUS_EXCEPTION") throw error;
			found = "it has no register TEST";
		}
		return {
			identity: { manufacturer: null, model: null, serial: null, firmware: null },
			confirmed: false,
			warnings: [`What answers at the address of ${this.name} is no LabJack: ${found}.`],
		};
	}

	/** All lines in one read of their state, which changes no line's direction. */
	private async look(orderProven: boolean): Promise<Record<string, PolledValue>> {
		const words = await this.access.readIfThere(DIO_STATE, 2);
		const levelOf = (line: number): PolledValue => {
			if (words === undefined) return fault(`DIO_STATE (${DIO_STATE}) is not there`);
			if (orderProven) return hasBit(u32At(words), line) ? HIGH : LOW;
			return fault(`DIO_STATE reads words ${words.join(", ")}, in an order that is not proven`);
		};
		const values: Record<string, PolledValue> = {};
		const { pulseLines, outputLines, inputLines } = this.wiring;
		for (const lines of [pulseLines, outputLines, inputLines]) {
			for (const [signal, line] of lines) values[signal] = levelOf(line);
		}
		return values;
	}

	private notAT7(product: number): AdlayerError {
		return new AdlayerError(
			"IDENTITY_MISMATCH",
			`${this.name} is a LabJack with product id ${product}, not a T7 (${PRODUCT_ID_T7}).`,
			{ context: { product } },
		);
	}

	private async identify(): Promise<{ identity: Identification["identity"]; warnings: string[] }> {
		const words = await this.access.read(PRODUCT_ID, 6);
		const product = f32At(words);
		const hardware = f32At(words, 2);
		const firmware = f32At(words, 4);
		if (product !== PRODUCT_ID_T7) throw this.notAT7(product);
		if (!hasWatchdog(firmware)) {
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`${this.name} has firmware ${firmware.toFixed(4)}; its watchdog needs ${FIRMWARE_VERSION_MIN} or newer.`,
				{ context: { firmware }, hint: "Update the firmware with LabJack's Kipling." },
			);
		}
		const serial = await this.access.readU32(SERIAL_NUMBER);
		const warnings: string[] = [];
		if ((await this.access.readU32(LUA_RUN)) !== 0) {
			warnings.push(`A Lua script runs on ${this.name}; it could move the same lines.`);
		}
		return {
			identity: {
				manufacturer: "LabJack",
				model: `T7 (hardware ${hardware.toFixed(2)})`,
				serial: String(serial),
				firmware: firmware.toFixed(4),
			},
			warnings,
		};
	}

	/** Features that an earlier program left on any line would start with our clock. */
	private async clearLeftovers(): Promise<void> {
		const enabled = await this.access.read(efEnable(0), 2 * LINE_COUNT);
		for (let line = 0; line < LINE_COUNT; line += 1) {
			if (u32At(enabled, 2 * line) !== 0) await this.access.writeU32(efEnable(line), 0);
		}
		for (const clockEnable of [CLOCK0_ENABLE, CLOCK1_ENABLE, CLOCK2_ENABLE]) {
			if ((await this.access.readU16(clockEnable)) !== 0) await this.access.writeU16(clockEnable, 0);
		}
	}

	/** Reading a line's own register is what makes it an input. */
	private async releaseInputs(): Promise<void> {
		const direction = await this.access.readU32(DIO_DIRECTION);
		for (const line of this.wiring.inputLines.values()) {
			if (hasBit(direction, line)) await this.access.readU16(dio(line));
		}
	}

	private async verifyAllLow(): Promise<void> {
		const { drivenMask } = this.wiring;
		const state = await this.access.readU32(DIO_STATE);
		const direction = await this.access.readU32(DIO_DIRECTION);
		if ((state & drivenMask) !== 0 || (direction & drivenMask) >>> 0 !== drivenMask) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.name} did not drive its outputs low: DIO_STATE ${hex(state)}, DIO_DIRECTION ${hex(direction)}.`,
				{ context: { state, direction, drivenMask } },
			);
		}
	}

	/** An output that is not as it was set has been moved by the watchdog, a script or another program. */
	private assertAsSet(state: number, busyLineBefore: number | undefined): void {
		let judged = this.wiring.drivenMask;
		for (const line of [busyLineBefore, this.pulses.busy?.line]) if (line !== undefined) judged &= ~bitOf(line);
		const difference = ((state ^ this.heldHighMask) & judged) >>> 0;
		if (difference === 0) return;
		const names = [...this.wiring.pulseLines, ...this.wiring.outputLines]
			.filter(([, line]) => hasBit(difference, line))
			.map(([signal, line]) => `${signal} (${hasBit(state, line) ? "high" : "low"})`);
		throw new AdlayerError(
			"READBACK_MISMATCH",
			`${this.name} has outputs that are not as they were set: ${names.join(", ")}.`,
			{
				context: { state, set: this.heldHighMask },
				hint: "The instrument's watchdog or another program has moved them.",
			},
		);
	}

	private orderFor(line: number): object {
		const order = {};
		this.latestOrders.set(line, order);
		return order;
	}

	private noteHeld(line: number, value: number): void {
		const bit = bitOf(line);
		this.heldHighMask = (value === 1 ? this.heldHighMask | bit : this.heldHighMask & ~bit) >>> 0;
	}
}

function describeSignals(wiring: Wiring): Record<string, SignalInfo> {
	const signals: Record<string, SignalInfo> = {};
	const settable = { min: 0, max: 1 };
	for (const [name, line] of wiring.pulseLines) {
		signals[name] = { unit: "bool", kind: "state", description: `Level of DIO${line}, timed pulse output`, settable };
	}
	for (const [name, line] of wiring.outputLines) {
		signals[name] = { unit: "bool", kind: "state", description: `Level of DIO${line}, output`, settable };
	}
	for (const [name, line] of wiring.inputLines) {
		signals[name] = { unit: "bool", kind: "state", description: `Level of DIO${line}, input` };
	}
	return signals;
}

const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });

/** A refusal is an answer: somebody is there. */
function unlessSilent(error: unknown): void {
	if (!(error instanceof AdlayerError) || error.code !== "MODBUS_EXCEPTION") throw error;
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;
