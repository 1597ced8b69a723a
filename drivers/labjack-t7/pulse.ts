/**
 * A pulse as the T7's timer makes it: the counter of clock 0 runs from 0 to ROLL_VALUE - 1 at 80 MHz / divisor; the line
 * goes high when it equals CONFIG_B, low when it equals CONFIG_A, CONFIG_C times. Pure.
 *
 * Why B is never 0: whether a match with 0 fires on the very first count or only after the first roll is not confirmed. On
 * the latter, the match with A comes first, finds the line low already, and may be counted as the one pulse ordered. With
 * 0 < B < A < ROLL every reading of the manual gives the same thing: the counter passes B, then A, and the width is A - B
 * ticks. Should the counter start at 1 instead of 0, both edges move alike.
 *
 * Why ROLL is as long as it can be: even if the pulse count were misunderstood, a second pulse could come only after 53 s
 * (divisor 1) or more, long after the clock has been switched off; and until then the counter is a stop-watch of the pulse.
 */
import { type ClockDivisor, CORE_CLOCK_HZ } from "./registers.js";

/** Largest 32-bit roll; 0 would mean 2^32. */
export const ROLL_TICKS = 2 ** 32 - 1;

/** From the start of the clock to the rising edge: long enough to be past any start-up of the counter, too short to matter. */
const LEAD_MS = 0.02;

/** Far below the shortest pulse of any valve, far above one tick of the slowest clock (0.0032 ms). */
export const WIDTH_MS_MIN = 0.1;
/** Bounds how long a precursor valve can stay open without the host; below the roll of the fastest clock (53 s). */
export const WIDTH_MS_MAX = 10_000;

/** The registers that decide a pulse. */
export interface PulseRegisters {
	readonly divisor: number;
	readonly rollValue: number;
	readonly configA: number;
	readonly configB: number;
	readonly configC: number;
}

export interface PulseEdges {
	/** From the start of the clock, in ms. */
	readonly riseMs: number;
	readonly fallMs: number;
}

export const ticksPerMs = (divisor: number): number => CORE_CLOCK_HZ / 1_000 / (divisor === 0 ? 1 : divisor);
export const msFromTicks = (ticks: number, divisor: number): number => ticks / ticksPerMs(divisor);

/** The registers of one pulse whose width is the nearest the timer can make: half a tick off at most. */
export function pulseRegisters(widthMs: number, divisor: ClockDivisor): PulseRegisters {
	const perMs = ticksPerMs(divisor);
	const configB = Math.ceil(LEAD_MS * perMs);
	const widthTicks = Math.max(1, Math.round(widthMs * perMs));
	return { divisor, rollValue: ROLL_TICKS, configA: configB + widthTicks, configB, configC: 1 };
}

/** Width in ms that the registers give; 0 when they give no pulse. */
export function widthMsOf(registers: PulseRegisters): number {
	const first = edgesFromRegisters(registers)[0];
	return first === undefined ? 0 : msFromTicks(registers.configA - registers.configB, registers.divisor);
}

/** Where the timer acts next. `ticks` count from the start of the clock, through all rolls. */
export interface TimerMatch {
	readonly ticks: number;
	readonly level: 0 | 1;
}

/**
 * The next match with CONFIG_A or CONFIG_B after `afterTicks` (-1: from the very start, so that a match with 0 counts at
 * once). Undefined when the registers cannot make a pulse.
 */
export function nextMatch(registers: PulseRegisters, afterTicks: number): TimerMatch | undefined {
	const roll = registers.rollValue === 0 ? 2 ** 32 : registers.rollValue;
	const { configA, configB } = registers;
	if (configA === configB || configA >= roll || configB >= roll) return undefined;
	const following = (match: number): number => {
		const turns = Math.max(0, Math.floor((afterTicks - match) / roll) + 1);
		return match + turns * roll;
	};
	const fall = following(configA);
	const rise = following(configB);
	return rise < fall ? { ticks: rise, level: 1 } : { ticks: fall, level: 0 };
}

/** Bound on what is computed of an endless train of pulses. */
const EDGES_MAX = 1_000;

/**
 * The pulses that the timer makes from these registers, from the start of the clock.
 * `firstCountMatches` says how a match with count 0 at the very start is read (see above); pulses of this driver do not
 * depend on it.
 */
export function edgesFromRegisters(
	registers: PulseRegisters,
	options: { firstCountMatches?: boolean } = {},
): PulseEdges[] {
	const edges: PulseEdges[] = [];
	let afterTicks = options.firstCountMatches === true ? -1 : 0;
	let riseTicks: number | undefined;
	while (edges.length < Math.min(registers.configC, EDGES_MAX)) {
		const match = nextMatch(registers, afterTicks);
		if (match === undefined) break;
		afterTicks = match.ticks;
		if (match.level === 1) {
			riseTicks = match.ticks;
		} else if (riseTicks !== undefined) {
			edges.push({
				riseMs: msFromTicks(riseTicks, registers.divisor),
				fallMs: msFromTicks(match.ticks, registers.divisor),
			});
			riseTicks = undefined;
		}
	}
	return edges;
}
