/** A LabJack T7 at the other end of Modbus TCP: its register space, lines, timers and watchdog. */
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import { ModbusException, type RegisterMap, TcpSlave } from "#transport/modbus-slave.js";
import { type LabjackT7Settings, readWiring } from "./config.js";
import type { PulseRegisters } from "./pulse.js";
import { type LabjackT7Port, type LineEdge, SimulatedLines } from "./simulated-lines.js";
import { registerTable, type SimulatedRegister } from "./simulated-registers.js";
import { LabjackError, SimulatedTimers } from "./simulated-timers.js";
import { SimulatedWatchdog } from "./simulated-watchdog.js";

/** The codes of Modbus exceptions it answers with; the LabJack code behind one is in LAST_ERR_DETAIL. */
const ILLEGAL_ADDRESS = 2;
const DEVICE_FAILURE = 4;

export class LabjackT7Simulator implements InstrumentSimulator, RegisterMap {
	readonly watchdog: SimulatedWatchdog;
	private readonly lines: SimulatedLines;
	private readonly timers: SimulatedTimers;
	private readonly registers: ReadonlyMap<number, SimulatedRegister>;
	private readonly slave = new TcpSlave(this);
	private nowMs = 0;
	private nextMs = Number.POSITIVE_INFINITY;
	private lastError = 0;
	private luaRunning = 0;

	constructor(context: SimulatorContext<LabjackT7Settings, LabjackT7Port>) {
		const wiring = readWiring(context.settings);
		this.lines = new SimulatedLines(context.port, new Set(wiring.inputLines.values()));
		this.timers = new SimulatedTimers(this.lines);
		this.watchdog = new SimulatedWatchdog(this.lines, this.timers);
		this.registers = registerTable({
			lines: this.lines,
			timers: this.timers,
			watchdog: this.watchdog,
			serial: 470_000_000 + (context.seed % 1_000_000),
			nowMs: () => this.nowMs,
			lastError: () => this.lastError,
			lua: {
				read: () => this.luaRunning,
				write: (value) => {
					this.luaRunning = value;
				},
			},
		});
	}

	/** The latest changes of all lines, oldest first, bounded. */
	get edges(): readonly LineEdge[] {
		return this.lines.edges;
	}

	/** What decides the pulses of a line, as received. */
	pulseRegisters(line: number): PulseRegisters {
		return this.timers.pulseRegisters(line);
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		this.watchdog.traffic(this.nowMs);
		this.slave.receive(bytes, connection);
		this.plan();
	}

	advance(nowMs: number): void {
		while (this.nextMs <= nowMs) {
			this.nowMs = Math.max(this.nowMs, this.nextMs);
			this.timers.makeEdges(this.nowMs);
			if (this.watchdog.act(this.nowMs)) this.boot();
			this.plan();
		}
		this.nowMs = Math.max(this.nowMs, nowMs);
	}

	nextEventMs(): number {
		return this.nextMs;
	}

	powerCycle(): void {
		this.boot();
		this.plan();
	}

	readHolding(address: number, count: number): number[] {
		const words: number[] = [];
		this.walk(address, count, (register) => {
			if (register.read === undefined) throw this.refused(ILLEGAL_ADDRESS, ILLEGAL_ADDRESS);
			words.push(...register.read());
		});
		return words;
	}

	/** Any function reads any register. */
	readInput(address: number, count: number): number[] {
		return this.readHolding(address, count);
	}

	/** In the order of addresses; what comes before a refused register has been done. */
	writeHolding(address: number, words: readonly number[]): void {
		this.walk(address, words.length, (register, at) => {
			if (register.write === undefined) throw this.refused(ILLEGAL_ADDRESS, ILLEGAL_ADDRESS);
			register.write(words.slice(at, at + register.words));
		});
	}

	/** Visits the registers of a request; one that is cut in two is error 2315. */
	private walk(address: number, count: number, visit: (register: SimulatedRegister, at: number) => void): void {
		let at = 0;
		while (at < count) {
			const register = this.registers.get(address + at);
			if (register === undefined) {
				const isSecondHalf = this.registers.get(address + at - 1)?.words === 2;
				throw isSecondHalf ? this.refused(DEVICE_FAILURE, 2315) : this.refused(ILLEGAL_ADDRESS, ILLEGAL_ADDRESS);
			}
			if (at + register.words > count) throw this.refused(DEVICE_FAILURE, 2315);
			try {
				visit(register, at);
			} catch (thrown) {
				throw thrown instanceof LabjackError ? this.refused(DEVICE_FAILURE, thrown.code) : thrown;
			}
			at += register.words;
		}
	}

	private refused(exception: number, detail: number): ModbusException {
		this.lastError = detail;
		return new ModbusException(exception);
	}

	private boot(): void {
		this.timers.boot();
		this.lines.boot(this.nowMs);
		this.watchdog.boot(this.nowMs);
		this.lastError = 0;
		this.luaRunning = 0;
	}

	private plan(): void {
		this.nextMs = Math.min(this.timers.nextEdgeMs(), this.watchdog.nextEventMs());
	}
}
