import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { crcHolds } from "#transport/crc16.js";
import {
	ModbusException,
	type RegisterMap,
	RtuSlave,
	type SlaveConnection,
	TcpSlave,
} from "#transport/modbus-slave.js";
import type { WatlowEzzonePmSettings } from "./config.js";
import { ControlLoop, type Tuning } from "./control-loop.js";
import {
	ANALOG_INPUT,
	celsiusFrom,
	floatFromWords,
	GATEWAY_ZONE_OFFSET,
	HARDWARE_ID,
	isMode,
	type MapNumber,
	MODE,
	NO_INPUT_ERROR,
	REGISTERS,
	SAVE,
	SERIAL_NUMBER,
	SOFTWARE_REVISION,
	type TemperatureUnit,
	temperatureIn,
	UNIT_CODES,
	unitOfCode,
	type WordOrder,
	wordsFromFloat,
	wordsFromInt32,
} from "./registers.js";

/** What the controller senses and heats. */
export interface WatlowEzzonePmPort {
	/** degC; null with a broken sensor. */
	temperatureC(): number | null;
	setHeaterPercent(percent: number): void;
}

/** Of the control algorithm; often enough for heaters with time constants of minutes. */
export const CONTROL_PERIOD_MS = 250;
const INPUT_OPEN = 65;
const ARM_CPU = 28;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;

interface Parameter {
	readonly words: 1 | 2;
	read(): readonly number[];
	/** Absent: read only. */
	write?(words: readonly number[]): void;
}

/** What EEPROM keeps of what a driver writes. */
interface Saved {
	mode: number;
	setpointC: number;
}

interface Wire {
	readonly connection: SlaveConnection;
	framing: "rtu" | "tcp" | undefined;
	waiting: Uint8Array;
}

/**
 * The electronics of a PM: PID control, its modes, input errors, EEPROM, and either register map in either word order and
 * unit, on Modbus RTU or TCP. The fields hold what a technician would set on the instrument.
 */
export class WatlowEzzonePmSimulator implements InstrumentSimulator {
	readonly tuning: Tuning = { proportionalBandC: 8, integralS: 150, derivativeS: 0 };
	map: MapNumber;
	wordOrder: WordOrder;
	unit: TemperatureUnit;
	setpointMinC: number;
	setpointMaxC: number;
	/** Whether writes over communications are kept in EEPROM. */
	savesWrites = false;
	eepromWrites = 0;
	heatPercentMax = 100;
	/** What stands in EEPROM: what it comes back with after a loss of power. */
	readonly saved: Saved;
	/** The input's error while the sensor is broken. */
	brokenSensorCode = INPUT_OPEN;

	private readonly port: WatlowEzzonePmPort;
	private readonly rtu: RtuSlave;
	private readonly tcp: TcpSlave;
	private readonly wires = new WeakMap<SimulatorConnection, Wire>();
	private readonly baseAddress: number;
	private readonly serial: number;
	private readonly loop = new ControlLoop();
	private nowMs = 0;
	private controlledMs = 0;
	private mode: number = MODE.off;
	private setpointC: number;
	private manualPercent = 0;
	private outputPercent = 0;
	private processC: number | null;

	constructor(context: SimulatorContext<WatlowEzzonePmSettings, WatlowEzzonePmPort>) {
		const { settings, port, unit, seed } = context;
		this.port = port;
		this.map = settings.map ?? 1;
		this.wordOrder = settings.word_order ?? "low-first";
		this.unit = settings.comms_units ?? "F";
		this.setpointMinC = settings.setpoint_degC_min;
		this.setpointMaxC = settings.setpoint_degC_max;
		this.setpointC = this.setpointMinC;
		this.saved = { mode: MODE.off, setpointC: this.setpointMinC };
		this.baseAddress = ((settings.gateway_zone ?? 1) - 1) * GATEWAY_ZONE_OFFSET;
		this.serial = 100_000 + (seed % 100_000);
		this.processC = port.temperatureC();
		const registers: RegisterMap = {
			readHolding: (address, count) => this.readWords(address, count),
			readInput: (address, count) => this.readWords(address, count),
			writeHolding: (address, words) => this.writeWords(address, words),
		};
		this.rtu = new RtuSlave(unit, registers);
		this.tcp = new TcpSlave(registers);
	}

	/** RTU and TCP are told apart by the first request of a connection. */
	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		let wire = this.wires.get(connection);
		if (wire === undefined) {
			wire = {
				connection: { send: (reply) => connection.send(reply), state: undefined },
				framing: undefined,
				waiting: new Uint8Array(0),
			};
			this.wires.set(connection, wire);
		}
		let data = bytes;
		if (wire.framing === undefined) {
			wire.waiting = Uint8Array.from([...wire.waiting, ...bytes]);
			wire.framing = framingOf(wire.waiting);
			if (wire.framing === undefined) return;
			data = wire.waiting;
		}
		(wire.framing === "tcp" ? this.tcp : this.rtu).receive(data, wire.connection);
	}

	advance(nowMs: number): void {
		this.nowMs = Math.max(this.nowMs, nowMs);
		const periods = Math.floor((this.nowMs - this.controlledMs) / CONTROL_PERIOD_MS);
		if (periods <= 0) return;
		this.controlledMs += periods * CONTROL_PERIOD_MS;
		this.control((periods * CONTROL_PERIOD_MS) / 1000);
	}

	nextEventMs(): number {
		return this.controlledMs + CONTROL_PERIOD_MS;
	}

	powerCycle(): void {
		this.mode = this.saved.mode;
		this.setpointC = this.saved.setpointC;
		this.manualPercent = 0;
		this.loop.reset();
		this.drive(0);
	}

	/** A technician at the front: always kept in EEPROM. */
	setAtFront(change: { readonly mode?: number; readonly setpointC?: number }): void {
		this.mode = change.mode ?? this.mode;
		this.setpointC = change.setpointC ?? this.setpointC;
		Object.assign(this.saved, { mode: this.mode, setpointC: this.setpointC });
		this.eepromWrites += 1;
	}

	private control(dtS: number): void {
		this.processC = this.port.temperatureC();
		if (this.mode === MODE.manual) this.drive(this.manualPercent);
		else if (this.mode === MODE.auto && this.processC !== null)
			this.drive(this.loop.step(this.setpointC, this.processC, dtS, this.tuning, this.heatPercentMax));
		else {
			this.loop.reset();
			this.drive(0);
		}
	}

	private drive(percent: number): void {
		this.outputPercent = percent;
		this.port.setHeaterPercent(percent);
	}

	private readWords(address: number, count: number): number[] {
		const parameters = this.parameters();
		const words: number[] = [];
		for (let at = address - this.baseAddress; words.length < count; at += 1) {
			const first = parameters.get(at);
			const second = parameters.get(at - 1);
			if (first !== undefined) words.push(first.read()[0]!);
			// Each parameter has two registers; of a short one the second reads 0.
			else if (second !== undefined) words.push(second.read()[1] ?? 0);
			else throw new ModbusException(ILLEGAL_ADDRESS);
		}
		return words;
	}

	private writeWords(address: number, words: readonly number[]): void {
		const parameters = this.parameters();
		let at = 0;
		while (at < words.length) {
			const parameter = parameters.get(address - this.baseAddress + at);
			if (parameter?.write === undefined) throw new ModbusException(ILLEGAL_ADDRESS);
			if (at + parameter.words > words.length) throw new ModbusException(ILLEGAL_VALUE);
			parameter.write(words.slice(at, at + parameter.words));
			at += parameter.words;
		}
	}

	private save(): void {
		if (!this.savesWrites) return;
		this.eepromWrites += 1;
		Object.assign(this.saved, { mode: this.mode, setpointC: this.setpointC });
	}

	private parameters(): ReadonlyMap<number, Parameter> {
		const registers = REGISTERS[this.map];
		const table = new Map<number, Parameter>();
		const word = (address: number, read: () => number, write?: (value: number) => void) =>
			table.set(address, {
				words: 1,
				read: () => [read()],
				...(write === undefined ? {} : { write: ([value = 0]) => write(value) }),
			});
		const float = (address: number, read: () => number, write?: (value: number) => void) =>
			table.set(address, {
				words: 2,
				read: () => wordsFromFloat(read(), this.wordOrder),
				...(write === undefined ? {} : { write: (words) => write(floatFromWords(words, this.wordOrder)) }),
			});
		const celsius = (address: number, read: () => number, write?: (valueC: number) => void) =>
			float(
				address,
				() => temperatureIn(this.unit, read()),
				write === undefined ? undefined : (value) => write(celsiusFrom(value, this.unit)),
			);
		const int32 = (address: number, value: number) =>
			table.set(address, { words: 2, read: () => wordsFromInt32(value, this.wordOrder) });

		int32(HARDWARE_ID, ARM_CPU);
		int32(SOFTWARE_REVISION, 15);
		int32(SERIAL_NUMBER, this.serial);
		celsius(ANALOG_INPUT, () => this.processC ?? 0);
		word(ANALOG_INPUT + 2, () => (this.processC === null ? this.brokenSensorCode : NO_INPUT_ERROR));
		word(
			registers.controlMode,
			() => this.mode,
			(mode) => {
				if (!isMode(mode)) throw new ModbusException(ILLEGAL_VALUE);
				this.mode = mode;
				this.save();
				if (mode === MODE.off) this.drive(0);
			},
		);
		word(registers.activeMode, () => this.mode);
		// A span of temperature: 9 degrees Fahrenheit for 5 of Celsius.
		float(
			registers.proportionalBand,
			() => temperatureIn(this.unit, this.tuning.proportionalBandC) - temperatureIn(this.unit, 0),
		);
		float(registers.integralTime, () => this.tuning.integralS);
		float(registers.derivativeTime, () => this.tuning.derivativeS);
		float(registers.heatPower, () => this.outputPercent);
		float(registers.outputPower, () => this.outputPercent);
		celsius(
			registers.setpoint,
			() => this.setpointC,
			(valueC) => {
				const roundingC = 1e-4;
				if (!(valueC >= this.setpointMinC - roundingC && valueC <= this.setpointMaxC + roundingC))
					throw new ModbusException(ILLEGAL_VALUE);
				this.setpointC = valueC;
				this.save();
			},
		);
		float(
			registers.manualPower,
			() => this.manualPercent,
			(percent) => {
				if (!(percent >= -100 && percent <= 100)) throw new ModbusException(ILLEGAL_VALUE);
				this.manualPercent = Math.max(0, percent);
				this.save();
			},
		);
		celsius(registers.setpointMin, () => this.setpointMinC);
		celsius(registers.setpointMax, () => this.setpointMaxC);
		celsius(registers.activeSetpoint, () => this.setpointC);
		word(registers.displayUnits, () => UNIT_CODES.C);
		word(
			registers.commsUnits,
			() => UNIT_CODES[this.unit],
			(code) => {
				const unit = unitOfCode(code);
				if (unit === undefined) throw new ModbusException(ILLEGAL_VALUE);
				this.unit = unit;
			},
		);
		word(
			registers.nonVolatileSave,
			() => (this.savesWrites ? SAVE.yes : SAVE.no),
			(choice) => {
				if (choice !== SAVE.yes && choice !== SAVE.no) throw new ModbusException(ILLEGAL_VALUE);
				this.savesWrites = choice === SAVE.yes;
				this.eepromWrites += 1;
			},
		);
		return table;
	}
}

/** Undefined until enough has come to tell. */
function framingOf(data: Uint8Array): "rtu" | "tcp" | undefined {
	// The shortest request has 8 bytes in RTU, 12 in TCP with its length announced.
	if (data.length < 8) return undefined;
	if (crcHolds(data, 0, 8)) return "rtu";
	const announced = (data[4]! << 8) | data[5]!;
	return data[2] === 0 && data[3] === 0 && announced >= 6 && announced <= 254 ? "tcp" : "rtu";
}
