/** The watchdog of a simulated T7. Its settings are flash: they outlive the power. */
import { hasBit, u32At } from "./codec.js";
import {
	ALL_LINES_MASK,
	WATCHDOG_ADVANCED,
	WATCHDOG_DAC0,
	WATCHDOG_DAC0_ENABLE,
	WATCHDOG_DAC1,
	WATCHDOG_DAC1_ENABLE,
	WATCHDOG_DIO_DIRECTION,
	WATCHDOG_DIO_ENABLE,
	WATCHDOG_DIO_INHIBIT,
	WATCHDOG_DIO_STATE,
	WATCHDOG_ENABLE,
	WATCHDOG_RESET_ENABLE,
	WATCHDOG_STARTUP_DELAY_S,
	WATCHDOG_STRICT_ENABLE,
	WATCHDOG_STRICT_KEY,
	WATCHDOG_TIMEOUT_S,
} from "./registers.js";
import type { SimulatedLines } from "./simulated-lines.js";
import { LabjackError, type SimulatedTimers } from "./simulated-timers.js";

/** Settings other than the enable register, in the order of their addresses. */
export const WATCHDOG_SETTINGS: readonly number[] = [
	WATCHDOG_ADVANCED,
	WATCHDOG_TIMEOUT_S,
	WATCHDOG_STARTUP_DELAY_S,
	WATCHDOG_STRICT_ENABLE,
	WATCHDOG_STRICT_KEY,
	WATCHDOG_RESET_ENABLE,
	WATCHDOG_DIO_ENABLE,
	WATCHDOG_DIO_STATE,
	WATCHDOG_DIO_DIRECTION,
	WATCHDOG_DIO_INHIBIT,
	WATCHDOG_DAC0_ENABLE,
	WATCHDOG_DAC0,
	WATCHDOG_DAC1_ENABLE,
	WATCHDOG_DAC1,
];

export class SimulatedWatchdog {
	/** How often flash was written: what a driver should spare. */
	flashWrites = 0;
	/** How often it has acted. */
	timeouts = 0;
	private readonly flash = new Map<number, readonly number[]>();
	private dueMs = Number.POSITIVE_INFINITY;

	constructor(
		private readonly lines: SimulatedLines,
		private readonly timers: SimulatedTimers,
	) {}

	get isEnabled(): boolean {
		return this.value(WATCHDOG_ENABLE) === 1;
	}

	nextEventMs(): number {
		return this.dueMs;
	}

	words(address: number): readonly number[] {
		return this.flash.get(address) ?? [0, 0];
	}

	writeSetting(address: number, words: readonly number[]): void {
		if (this.isEnabled) throw new LabjackError(2671);
		this.store(address, words);
	}

	enable(words: readonly number[], nowMs: number): void {
		const on = u32At(words) === 1;
		if (on && this.value(WATCHDOG_TIMEOUT_S) === 0) throw new LabjackError(2670);
		if (on && (this.value(WATCHDOG_DIO_STATE) | this.value(WATCHDOG_DIO_DIRECTION)) >>> 0 > ALL_LINES_MASK) {
			throw new LabjackError(2672);
		}
		this.store(WATCHDOG_ENABLE, words);
		this.dueMs = on ? nowMs + this.timeoutMs : Number.POSITIVE_INFINITY;
	}

	/** Power-up: the start-up delay runs until the first clear or time-out. */
	boot(nowMs: number): void {
		const delayS = this.value(WATCHDOG_STARTUP_DELAY_S);
		this.dueMs = this.isEnabled ? nowMs + (delayS === 0 ? this.timeoutMs : delayS * 1_000) : Number.POSITIVE_INFINITY;
	}

	/** Any traffic clears it, except in strict mode. */
	traffic(nowMs: number): void {
		if (this.isEnabled && this.value(WATCHDOG_STRICT_ENABLE) !== 1) this.dueMs = nowMs + this.timeoutMs;
	}

	strictClear(key: number, nowMs: number): void {
		if (this.isEnabled && key === this.value(WATCHDOG_STRICT_KEY)) this.dueMs = nowMs + this.timeoutMs;
	}

	/** Acts when it is due; gives whether the instrument resets itself. */
	act(nowMs: number): boolean {
		if (nowMs < this.dueMs) return false;
		const atMs = this.dueMs;
		this.timeouts += 1;
		this.dueMs = atMs + this.timeoutMs;
		if (this.value(WATCHDOG_DIO_ENABLE) === 1) {
			const inhibit = (this.value(WATCHDOG_DIO_INHIBIT) | this.ownedByTimers()) >>> 0;
			this.lines.writeState(this.value(WATCHDOG_DIO_STATE), inhibit, atMs);
			this.lines.writeDirection(this.value(WATCHDOG_DIO_DIRECTION), inhibit, atMs);
		}
		return this.value(WATCHDOG_RESET_ENABLE) === 1;
	}

	/** A line that a timer owns is left to the timer: a running pulse goes on to its end. */
	private ownedByTimers(): number {
		let mask = 0;
		for (let line = 0; hasBit(ALL_LINES_MASK, line); line += 1) if (this.timers.owns(line)) mask |= 1 << line;
		return mask;
	}

	private store(address: number, words: readonly number[]): void {
		this.flash.set(address, [...words]);
		this.flashWrites += 1;
	}

	private value(address: number): number {
		return u32At(this.words(address));
	}

	private get timeoutMs(): number {
		return this.value(WATCHDOG_TIMEOUT_S) * 1_000;
	}
}
