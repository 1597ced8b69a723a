/** The register space of a simulated T7: addresses, types, access, and what each register does. */
import { u32At, wordsOfF32, wordsOfU32 } from "./codec.js";
import * as at from "./registers.js";
import type { SimulatedLines } from "./simulated-lines.js";
import { LabjackError, type SimulatedTimers } from "./simulated-timers.js";
import { type SimulatedWatchdog, WATCHDOG_SETTINGS } from "./simulated-watchdog.js";

export interface SimulatedRegister {
	readonly words: 1 | 2;
	/** Absent: write only. */
	readonly read?: () => readonly number[];
	/** Absent: read only. Throws LabjackError. */
	readonly write?: (words: readonly number[]) => void;
}

export interface Electronics {
	readonly lines: SimulatedLines;
	readonly timers: SimulatedTimers;
	readonly watchdog: SimulatedWatchdog;
	readonly serial: number;
	readonly nowMs: () => number;
	readonly lastError: () => number;
	readonly lua: { read(): number; write(value: number): void };
}

const CORE_TIMER_TICKS_PER_MS = 40_000;

export function registerTable(electronics: Electronics): ReadonlyMap<number, SimulatedRegister> {
	const table = new Map<number, SimulatedRegister>();
	const u16 = (address: number, read: () => number, write?: (value: number) => void) =>
		table.set(address, {
			words: 1,
			read: () => [read()],
			...(write === undefined ? {} : { write: (words) => write(words[0] ?? 0) }),
		});
	const u32 = (address: number, read: () => number, write?: (value: number) => void) =>
		table.set(address, {
			words: 2,
			read: () => wordsOfU32(read()),
			...(write === undefined ? {} : { write: (words) => write(u32At(words)) }),
		});
	const f32 = (address: number, value: number) => table.set(address, { words: 2, read: () => wordsOfF32(value) });

	addIdentity(electronics, { u16, u32, f32 });
	addLines(electronics, u16, u32);
	addTimers(electronics, u16, u32);
	addWatchdog(electronics, table);
	return table;
}

type Add = (address: number, read: () => number, write?: (value: number) => void) => unknown;

function addIdentity(
	{ serial, nowMs, lastError, lua }: Electronics,
	add: { u16: Add; u32: Add; f32: (address: number, value: number) => unknown },
): void {
	add.f32(at.PRODUCT_ID, at.PRODUCT_ID_T7);
	add.f32(at.HARDWARE_VERSION, 1.35);
	add.f32(at.FIRMWARE_VERSION, 1.0306);
	add.u32(at.SERIAL_NUMBER, () => serial);
	add.u32(at.TEST, () => at.TEST_VALUE);
	add.f32(at.TEST_FLOAT32, -9_999);
	let test16 = 0;
	let test32 = 0;
	add.u16(
		at.TEST_UINT16,
		() => test16,
		(value) => {
			test16 = value;
		},
	);
	add.u32(
		at.TEST_UINT32,
		() => test32,
		(value) => {
			test32 = value;
		},
	);
	add.u16(at.LAST_ERR_DETAIL, lastError);
	add.u32(at.LUA_RUN, lua.read, lua.write);
	add.u32(at.CORE_TIMER, () => Math.floor(nowMs() * CORE_TIMER_TICKS_PER_MS) % 2 ** 32);
}

function addLines({ lines, timers, nowMs }: Electronics, u16: Add, u32: Add): void {
	for (let line = 0; line < at.LINE_COUNT; line += 1) {
		u16(
			at.dio(line),
			() => {
				lines.float(line, nowMs());
				return lines.level(line);
			},
			(value) => {
				if (timers.owns(line)) throw new LabjackError(2560);
				lines.drive(line, value === 0 ? 0 : 1, nowMs());
			},
		);
	}
	u32(
		at.DIO_STATE,
		() => lines.stateMask,
		(mask) => lines.writeState(mask, lines.inhibitMask, nowMs()),
	);
	u32(
		at.DIO_DIRECTION,
		() => lines.directionMask,
		(mask) => lines.writeDirection(mask, lines.inhibitMask, nowMs()),
	);
	u32(
		at.DIO_INHIBIT,
		() => lines.inhibitMask,
		(mask) => {
			lines.inhibitMask = mask;
		},
	);
}

function addTimers({ timers, nowMs }: Electronics, u16: Add, u32: Add): void {
	for (const number of [0, 1, 2] as const) {
		const clock = timers.clocks[number];
		const base = at.CLOCK0_ENABLE + 10 * number;
		u16(
			base,
			() => (clock.enabled ? 1 : 0),
			(value) => timers.enableClock(number, value !== 0, nowMs()),
		);
		u16(
			base + 1,
			() => clock.divisor,
			(value) => timers.setDivisor(number, value, nowMs()),
		);
		u32(
			base + 2,
			() => clock.options,
			(value) => {
				clock.options = value;
			},
		);
		u32(
			base + 4,
			() => clock.roll,
			(value) => timers.setRoll(number, value, nowMs()),
		);
		u32(base + 8, () => clock.count(nowMs()));
	}
	for (const [line, feature] of timers.features.entries()) {
		u32(
			at.efEnable(line),
			() => (feature.enabled ? 1 : 0),
			(value) => timers.enableFeature(line, value !== 0, nowMs()),
		);
		u32(
			at.efIndex(line),
			() => feature.index,
			(value) => timers.setIndex(line, value),
		);
		u32(
			at.efClockSource(line),
			() => feature.clockSource,
			(value) => {
				feature.clockSource = value;
			},
		);
		for (const [address, key] of [
			[at.efConfigA(line), "configA"],
			[at.efConfigB(line), "configB"],
			[at.efConfigC(line), "configC"],
			[at.efConfigD(line), "configD"],
		] as const) {
			u32(
				address,
				() => feature[key],
				(value) => timers.setConfig(line, key, value),
			);
		}
		u32(at.efReadA(line), () => feature.pulsesMade);
		u32(at.efReadB(line), () => feature.pulsesOrdered);
	}
}

function addWatchdog({ watchdog, nowMs }: Electronics, table: Map<number, SimulatedRegister>): void {
	for (const address of WATCHDOG_SETTINGS) {
		table.set(address, {
			words: 2,
			read: () => watchdog.words(address),
			write: (words) => watchdog.writeSetting(address, words),
		});
	}
	table.set(at.WATCHDOG_ENABLE, {
		words: 2,
		read: () => watchdog.words(at.WATCHDOG_ENABLE),
		write: (words) => watchdog.enable(words, nowMs()),
	});
	table.set(at.WATCHDOG_STRICT_CLEAR, {
		words: 2,
		write: (words) => watchdog.strictClear(u32At(words), nowMs()),
	});
}
