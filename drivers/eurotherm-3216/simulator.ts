import { assert } from "#core/errors.js";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { crcHolds } from "#transport/crc16.js";
import { ModbusException, type RegisterMap, RtuSlave, TcpSlave } from "#transport/modbus-slave.js";
import { type Eurotherm3216Settings, isComplete, OUTPUT_DECIMALS, REMOTE_SELECT, REMOTE_TIMEOUT_S } from "./config.js";
import { ControlLoop, type Tuning } from "./control-loop.js";
import { POWER_FAILED, REGISTER, Scale, STATUS } from "./registers.js";

/** What the controller senses and heats. */
export interface Eurotherm3216Port {
	/** degC; null with a broken sensor. */
	temperatureC(): number | null;
	setHeaterPercent(percent: number): void;
}

/** The control algorithm runs four times a second. */
export const CONTROL_PERIOD_MS = 250;
/** Input range of a type K thermocouple, degC. */
const RANGE_C = [-200, 1372] as const;
/** Over range is more than this share of the input span past its end. */
const OVER_RANGE_SHARE = 0.05;
const SECONDS_PER_MINUTE = 60;

interface Register {
	read(): number;
	/** Absent: read only. */
	write?(word: number): void;
}

/**
 * The electronics of a 3216: PID control, local and remote setpoint with its time-out, sensor break, and the register map
 * on Modbus RTU. The fields hold what a technician would set on the instrument; change them between two calls of `advance`.
 */
export class Eurotherm3216Simulator implements InstrumentSimulator {
	/** Suits a stage of 2 degC/%, 600 s time constant and some 10 s dead time: no overshoot at the end of a ramp. */
	readonly tuning: Tuning = { proportionalBandC: 8, integralS: 150, derivativeS: 0 };
	/** Kept in EEPROM: SP1 and SP2. */
	readonly localSetpointsC: [number, number];
	/** The value of register 276 that means "remote" on this instrument. */
	remoteSelect = REMOTE_SELECT;
	/** After this long without a write to register 26 the local setpoint is worked to. */
	remoteTimeoutS: number;
	/** degC/min; 0 is off. */
	setpointRateCPerMin = 0;
	outputMaxPercent = 100;
	directAction = false;
	rangeMinC: number;
	rangeMaxC: number;
	setpointMinC: number;
	setpointMaxC: number;
	/** How often EEPROM cells of setpoints have been written; they endure some 100,000 writes. */
	eepromWrites = 0;

	private readonly rtu: RtuSlave;
	/** Relatives of the series (EPC3000) and gateways speak Modbus TCP. */
	private readonly tcp: TcpSlave;
	private readonly slaves = new WeakMap<SimulatorConnection, RtuSlave | TcpSlave>();
	private readonly port: Eurotherm3216Port;
	private readonly scale: Scale;
	private readonly outputScale: Scale;
	private readonly registers = new Map<number, Register>();
	private readonly loop = new ControlLoop();
	private nowMs = 0;
	private controlledMs = 0;
	private processC: number;
	private sensorBroken = false;
	private workingSetpointC: number;
	private remoteSetpointC: number;
	private remoteWrittenMs = Number.NEGATIVE_INFINITY;
	private remote = false;
	private remoteFailed = false;
	private setpointSelect = 0;
	private manual = false;
	private manualPercent = 0;
	private outputPercent = 0;
	private powerFailed = false;
	private rateCPerMin = 0;

	constructor(context: SimulatorContext<Eurotherm3216Settings, Eurotherm3216Port>) {
		const { settings, port, unit } = context;
		assert(isComplete(settings), "a simulated Eurotherm 3216 has the settings of a lab file");
		this.port = port;
		this.scale = new Scale(settings.decimals);
		this.outputScale = new Scale(settings.output_decimals ?? OUTPUT_DECIMALS);
		this.remoteTimeoutS = settings.remote_timeout_s ?? REMOTE_TIMEOUT_S;
		this.rangeMinC = Math.max(RANGE_C[0], this.scale.min);
		// One in ten is left for values past the end of the range.
		this.rangeMaxC = Math.min(RANGE_C[1], 0.9 * this.scale.max);
		this.setpointMinC = settings.setpoint_degC_min;
		this.setpointMaxC = settings.setpoint_degC_max;
		this.localSetpointsC = [this.setpointMinC, this.setpointMinC];
		this.remoteSetpointC = this.setpointMinC;
		this.workingSetpointC = this.setpointMinC;
		this.processC = this.sense();
		const map: RegisterMap = {
			readHolding: (address, count) => this.readRegisters(address, count),
			readInput: (address, count) => this.readRegisters(address, count),
			writeHolding: (address, words) => this.writeRegisters(address, words),
		};
		this.rtu = new RtuSlave(unit, map);
		this.tcp = new TcpSlave(map, { unit });
		this.mapRegisters();
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		let slave = this.slaves.get(connection);
		if (slave === undefined) {
			// Protocol 0 and the length of Modbus TCP, where it is no RTU frame; a client stays with the framing it began with.
			const isTcp = bytes.length >= 12 && bytes[2] === 0 && bytes[3] === 0 && !crcHolds(bytes, 0, bytes.length);
			slave = isTcp ? this.tcp : this.rtu;
			this.slaves.set(connection, slave);
		}
		slave.receive(bytes, connection);
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
		this.powerFailed = true;
		this.manual = false;
		this.manualPercent = 0;
		this.remote = false;
		this.remoteFailed = false;
		this.remoteWrittenMs = Number.NEGATIVE_INFINITY;
		this.remoteSetpointC = this.setpointMinC;
		this.workingSetpointC = this.selectedSetpointC();
		this.loop.reset();
		this.drive(0);
	}

	private control(dtS: number): void {
		const before = this.processC;
		this.processC = this.sense();
		this.rateCPerMin = ((this.processC - before) / dtS) * SECONDS_PER_MINUTE;
		this.remoteFailed = this.remote && this.nowMs - this.remoteWrittenMs > this.remoteTimeoutS * 1000;
		this.followSetpoint(dtS);
		if (this.sensorBroken) {
			this.loop.reset();
			this.drive(0);
		} else if (this.manual) this.drive(this.manualPercent);
		else {
			const sign = this.directAction ? -1 : 1;
			this.drive(
				this.loop.step(sign * this.workingSetpointC, sign * this.processC, dtS, this.tuning, this.outputMaxPercent),
			);
		}
	}

	private followSetpoint(dtS: number): void {
		const targetC = this.selectedSetpointC();
		const stepC = (this.setpointRateCPerMin / SECONDS_PER_MINUTE) * dtS;
		const awayC = targetC - this.workingSetpointC;
		this.workingSetpointC =
			stepC === 0 || Math.abs(awayC) <= stepC ? targetC : this.workingSetpointC + Math.sign(awayC) * stepC;
	}

	private selectedSetpointC(): number {
		return this.remote && !this.remoteFailed ? this.remoteSetpointC : this.localSetpointsC[this.setpointSelect]!;
	}

	/** Degrees; a broken sensor pegs past the upper end of the range. */
	private sense(): number {
		const sensedC = this.port.temperatureC();
		this.sensorBroken = sensedC === null;
		return sensedC ?? this.rangeMaxC + OVER_RANGE_SHARE * (this.rangeMaxC - this.rangeMinC);
	}

	private drive(percent: number): void {
		this.outputPercent = percent;
		this.port.setHeaterPercent(percent);
	}

	private status(): number {
		const overRangeC = this.rangeMaxC + OVER_RANGE_SHARE * (this.rangeMaxC - this.rangeMinC);
		return (
			(this.manual ? STATUS.manual : 0) |
			(this.sensorBroken ? STATUS.sensorBreak : 0) |
			(this.processC > overRangeC ? STATUS.overRange : 0) |
			(this.remoteFailed ? STATUS.remoteFailed : 0)
		);
	}

	private readRegisters(address: number, count: number): number[] {
		const words: number[] = [];
		for (let i = 0; i < count; i += 1) words.push(this.register(address + i).read());
		return words;
	}

	private writeRegisters(address: number, words: readonly number[]): void {
		words.forEach((word, i) => {
			const register = this.register(address + i);
			if (register.write === undefined) throw new ModbusException(2);
			register.write(word);
		});
	}

	private register(address: number): Register {
		const register = this.registers.get(address);
		if (register === undefined) throw new ModbusException(2);
		return register;
	}

	private mapRegisters(): void {
		const { registers, scale, outputScale, tuning } = this;
		const add = (address: number, read: () => number, write?: (word: number) => void) =>
			registers.set(address, write === undefined ? { read } : { read, write });
		const setpoint = (word: number): number => {
			const valueC = scale.fromWord(word);
			if (valueC < this.setpointMinC || valueC > this.setpointMaxC) throw new ModbusException(3);
			return valueC;
		};
		const local = (index: 0 | 1) => (word: number) => {
			this.localSetpointsC[index] = setpoint(word);
			this.eepromWrites += 1;
		};
		const flag = (word: number): number => {
			if (word > 1) throw new ModbusException(3);
			return word;
		};
		const percent = (word: number): number => {
			const value = outputScale.fromWord(word);
			if (value < 0 || value > 100) throw new ModbusException(3);
			return value;
		};

		add(REGISTER.processValue, () => scale.toWord(this.processC));
		add(
			REGISTER.targetSetpoint,
			() => scale.toWord(this.selectedSetpointC()),
			(word) => local(this.setpointSelect as 0 | 1)(word),
		);
		add(
			REGISTER.manualOutput,
			() => outputScale.toWord(this.manualPercent),
			(word) => {
				this.manualPercent = percent(word);
			},
		);
		add(REGISTER.workingOutput, () => outputScale.toWord(this.outputPercent));
		add(REGISTER.workingSetpoint, () => scale.toWord(this.workingSetpointC));
		add(
			REGISTER.proportionalBand,
			() => scale.toWord(tuning.proportionalBandC),
			(word) => {
				const bandC = scale.fromWord(word);
				if (bandC <= 0) throw new ModbusException(3);
				tuning.proportionalBandC = bandC;
			},
		);
		add(REGISTER.controlAction, () => (this.directAction ? 1 : 0));
		add(
			REGISTER.integralTime,
			() => tuning.integralS,
			(word) => {
				tuning.integralS = word;
			},
		);
		add(
			REGISTER.derivativeTime,
			() => tuning.derivativeS,
			(word) => {
				tuning.derivativeS = word;
			},
		);
		add(REGISTER.rangeLow, () => scale.toWord(this.rangeMinC));
		add(REGISTER.rangeHigh, () => scale.toWord(this.rangeMaxC));
		add(
			REGISTER.setpointSelect,
			() => this.setpointSelect,
			(word) => {
				this.setpointSelect = flag(word);
			},
		);
		add(REGISTER.setpoint1, () => scale.toWord(this.localSetpointsC[0]), local(0));
		add(REGISTER.setpoint2, () => scale.toWord(this.localSetpointsC[1]), local(1));
		add(
			REGISTER.remoteSetpoint,
			() => scale.toWord(this.remoteSetpointC),
			(word) => {
				this.remoteSetpointC = setpoint(word);
				this.remoteWrittenMs = this.nowMs;
			},
		);
		add(
			REGISTER.outputHigh,
			() => outputScale.toWord(this.outputMaxPercent),
			(word) => {
				this.outputMaxPercent = percent(word);
			},
		);
		add(
			REGISTER.setpointRate,
			() => scale.toWord(this.setpointRateCPerMin),
			(word) => {
				this.setpointRateCPerMin = Math.max(0, scale.fromWord(word));
			},
		);
		add(REGISTER.status, () => this.status());
		add(REGISTER.statusInverse, () => ~this.status() & 0xffff);
		add(REGISTER.digitalInputs, () => (this.powerFailed ? POWER_FAILED : 0));
		add(REGISTER.processValueRate, () => scale.toWord(this.rateCPerMin));
		add(REGISTER.setpointHigh, () => scale.toWord(this.setpointMaxC));
		add(REGISTER.setpointLow, () => scale.toWord(this.setpointMinC));
		add(REGISTER.sensorBreak, () => (this.sensorBroken ? 1 : 0));
		add(
			REGISTER.autoManual,
			() => (this.manual ? 1 : 0),
			(word) => this.switchManual(flag(word) === 1),
		);
		add(
			REGISTER.localRemote,
			() => (this.remote ? this.remoteSelect : 1 - this.remoteSelect),
			(word) => {
				this.remote = flag(word) === this.remoteSelect;
			},
		);
	}

	/** Both ways without a jump of the output. */
	private switchManual(manual: boolean): void {
		if (manual && !this.manual) this.manualPercent = this.outputPercent;
		if (!manual && this.manual)
			this.loop.preload(this.outputPercent, this.workingSetpointC, this.processC, this.tuning);
		this.manual = manual;
	}
}
