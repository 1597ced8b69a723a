/** An ADAM-6052 at the other end of Modbus TCP: coils, pulse registers, counters, communication watchdog. */
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { ModbusException, type RegisterMap, TcpSlave } from "#transport/modbus-slave.js";
import { type Adam6052Settings, readWiring, type Wiring } from "./config.js";
import {
	absolutePulses,
	counter,
	INPUT_COILS,
	INPUT_COUNT,
	MODULE_NAME,
	MODULE_NAME_6052,
	OUTPUT_COILS,
	OUTPUT_COUNT,
	OUTPUT_DIAGNOSTICS,
	pulseHighWidth,
	pulseLowWidth,
	u32FromWords,
	wordsFromU32,
} from "./registers.js";

/** What the module senses and actuates; inputs and outputs are numbered apart. */
export interface Adam6052Port {
	drive(output: number, level: 0 | 1, atMs: number): void;
	/** Asked of configured inputs; others are open and read 0. */
	sense(input: number): 0 | 1;
}

export interface OutputEdge {
	readonly output: number;
	readonly level: 0 | 1;
	readonly atMs: number;
}

/** Counts of the module's own width register before anybody has written one. */
const FACTORY_WIDTH = 10;
/** Bound of the log of edges. */
const EDGES_MAX = 10_000;
const ILLEGAL_ADDRESS = 2;

interface Train {
	left: number;
	/** Of the next edge. */
	dueMs: number;
	nextLevel: 0 | 1;
}

/** Where the manual leaves a question open it takes the worse: low time first, and a pulse on its way cannot be cut. */
export class Adam6052Simulator implements InstrumentSimulator, RegisterMap {
	/** The latest changes of all outputs, oldest first, bounded. */
	readonly edges: OutputEdge[] = [];
	/** What one count of a width really lasts. */
	unitMs: number;
	diagnostics = 0;
	/** How often its watchdog has acted. */
	watchdogActs = 0;
	private readonly wiring: Wiring;
	private readonly port: Adam6052Port;
	private readonly slave = new TcpSlave(this);
	private readonly levels: (0 | 1)[] = new Array<0 | 1>(OUTPUT_COUNT).fill(0);
	private readonly trains = new Map<number, Train>();
	private readonly registers = new Map<number, number>();
	private nowMs = 0;
	private heardMs = 0;
	private isFallenBack = false;

	constructor(context: SimulatorContext<Adam6052Settings, Adam6052Port>) {
		this.wiring = readWiring(context.settings);
		this.port = context.port;
		this.unitMs = this.wiring.pulseUnitMs ?? 0.1;
		this.boot();
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		this.heardMs = this.nowMs;
		this.isFallenBack = false;
		this.slave.receive(bytes, connection);
	}

	advance(nowMs: number): void {
		for (let nextMs = this.nextEventMs(); nextMs <= nowMs; nextMs = this.nextEventMs()) {
			this.nowMs = Math.max(this.nowMs, nextMs);
			for (const [output, train] of this.trains) if (train.dueMs <= nextMs) this.step(output, train);
			if (this.watchdogDueMs() <= nextMs) this.fallBack(nextMs);
		}
		this.nowMs = Math.max(this.nowMs, nowMs);
	}

	nextEventMs(): number {
		let nextMs = this.watchdogDueMs();
		for (const { dueMs } of this.trains.values()) nextMs = Math.min(nextMs, dueMs);
		return nextMs;
	}

	powerCycle(): void {
		this.trains.clear();
		for (let output = 0; output < OUTPUT_COUNT; output += 1) this.drive(output, 0, this.nowMs);
		this.boot();
	}

	readCoils(address: number, count: number): boolean[] {
		return Array.from({ length: count }, (_, i) => {
			const coil = address + i;
			if (coil >= INPUT_COILS && coil < INPUT_COILS + INPUT_COUNT) return this.isInputHigh(coil - INPUT_COILS);
			if (coil >= OUTPUT_COILS && coil < OUTPUT_COILS + OUTPUT_COUNT) return this.levels[coil - OUTPUT_COILS] === 1;
			throw new ModbusException(ILLEGAL_ADDRESS);
		});
	}

	readDiscrete(address: number, count: number): boolean[] {
		return this.readCoils(address, count);
	}

	writeCoils(address: number, bits: readonly boolean[]): void {
		bits.forEach((on, i) => {
			const output = address + i - OUTPUT_COILS;
			if (output < 0 || output >= OUTPUT_COUNT) throw new ModbusException(ILLEGAL_ADDRESS);
			if (this.isPulseOutput(output)) this.switchPulseOutput(output, on);
			else this.drive(output, on ? 1 : 0, this.nowMs);
		});
	}

	readHolding(address: number, count: number): number[] {
		return Array.from({ length: count }, (_, i) => {
			const register = address + i;
			if (register === OUTPUT_DIAGNOSTICS) return this.diagnostics;
			const word = this.registers.get(register);
			if (word === undefined) throw new ModbusException(ILLEGAL_ADDRESS);
			return word;
		});
	}

	readInput(address: number, count: number): number[] {
		return this.readHolding(address, count);
	}

	writeHolding(address: number, words: readonly number[]): void {
		words.forEach((word, i) => {
			const register = address + i;
			if (register < pulseLowWidth(0) || register >= absolutePulses(OUTPUT_COUNT)) {
				throw new ModbusException(ILLEGAL_ADDRESS);
			}
			this.registers.set(register, word);
		});
		for (let output = 0; output < OUTPUT_COUNT; output += 1) {
			const register = absolutePulses(output);
			if (register < address || register >= address + words.length || !this.isPulseOutput(output)) continue;
			const pulses = this.value(register);
			this.begin(output, pulses === 0 ? Number.POSITIVE_INFINITY : pulses);
		}
	}

	private isInputHigh(input: number): boolean {
		const isWired = [...this.wiring.inputLines.values()].includes(input);
		return isWired && this.port.sense(input) === 1;
	}

	private isPulseOutput(output: number): boolean {
		return [...this.wiring.pulseLines.values()].includes(output);
	}

	/** On: pulses without end. Off: what has not begun does not begin; a high line stays so for its width. */
	private switchPulseOutput(output: number, on: boolean): void {
		if (on) {
			this.begin(output, Number.POSITIVE_INFINITY);
			return;
		}
		const train = this.trains.get(output);
		if (train === undefined) return;
		if (train.nextLevel === 0) train.left = 1;
		else this.trains.delete(output);
	}

	private begin(output: number, pulses: number): void {
		this.trains.set(output, { left: pulses, nextLevel: 1, dueMs: this.nowMs + this.widthMs(pulseLowWidth(output)) });
	}

	private step(output: number, train: Train): void {
		const { nextLevel, dueMs } = train;
		this.drive(output, nextLevel, dueMs);
		if (nextLevel === 1) {
			train.nextLevel = 0;
			train.dueMs = dueMs + this.widthMs(pulseHighWidth(output));
			return;
		}
		train.left -= 1;
		train.nextLevel = 1;
		train.dueMs = dueMs + this.widthMs(pulseLowWidth(output));
		if (train.left <= 0) this.trains.delete(output);
	}

	/** At least one count, so that time goes on. */
	private widthMs(register: number): number {
		return Math.max(1, this.value(register)) * this.unitMs;
	}

	private value(register: number): number {
		return u32FromWords([this.registers.get(register) ?? 0, this.registers.get(register + 1) ?? 0]);
	}

	private drive(output: number, level: 0 | 1, atMs: number): void {
		if (this.levels[output] === level) return;
		this.levels[output] = level;
		const countInput = this.wiring.counterLines.get(output);
		if (level === 1 && countInput !== undefined) {
			this.store(counter(countInput), this.value(counter(countInput)) + 1);
		}
		if (this.edges.length >= EDGES_MAX) this.edges.splice(0, EDGES_MAX / 2);
		this.edges.push({ output, level, atMs });
		this.port.drive(output, level, atMs);
	}

	private watchdogDueMs(): number {
		const { watchdogMs } = this.wiring;
		return watchdogMs === 0 || this.isFallenBack ? Number.POSITIVE_INFINITY : this.heardMs + watchdogMs;
	}

	private fallBack(atMs: number): void {
		this.isFallenBack = true;
		this.watchdogActs += 1;
		this.trains.clear();
		for (let output = 0; output < OUTPUT_COUNT; output += 1) {
			this.drive(output, this.wiring.watchdogHighLines.has(output) ? 1 : 0, atMs);
		}
	}

	private boot(): void {
		this.registers.clear();
		for (let input = 0; input < INPUT_COUNT; input += 1) this.store(counter(input), 0);
		for (let output = 0; output < OUTPUT_COUNT; output += 1) {
			this.store(pulseLowWidth(output), FACTORY_WIDTH);
			this.store(pulseHighWidth(output), FACTORY_WIDTH);
			this.store(absolutePulses(output), 1);
		}
		this.registers.set(MODULE_NAME, MODULE_NAME_6052);
		this.registers.set(MODULE_NAME + 1, 0);
		this.heardMs = this.nowMs;
		// Before anybody has spoken to it, it waits.
		this.isFallenBack = true;
	}

	private store(register: number, value: number): void {
		const [low, high] = wordsFromU32(value);
		this.registers.set(register, low);
		this.registers.set(register + 1, high);
	}
}
