/** Clock sources and pulse-out features of a simulated T7, in exact time. */
import { msFromTicks, nextMatch, type PulseRegisters, ticksPerMs } from "./pulse.js";
import { CLOCK_DIVISORS, EF_INDEX_PULSE_OUT, LINE_COUNT, PULSE_LINES } from "./registers.js";
import type { SimulatedLines } from "./simulated-lines.js";

/** Refuses with a LabJack error code. */
export class LabjackError extends Error {
	constructor(readonly code: number) {
		super(`LabJack error ${code}`);
	}
}

class Clock {
	enabled = false;
	divisor = 1;
	options = 0;
	roll = 0;
	startMs = 0;
	/** Held while the clock is stopped. */
	private stoppedCount = 0;

	count(nowMs: number): number {
		if (!this.enabled) return this.stoppedCount;
		return this.ticks(nowMs) % (this.roll === 0 ? 2 ** 32 : this.roll);
	}

	/** Ticks since the start, through all rolls. A time computed from ticks gives the same ticks again. */
	ticks(nowMs: number): number {
		return Math.floor((nowMs - this.startMs) * ticksPerMs(this.divisor) + 1e-3);
	}

	stop(nowMs: number): void {
		this.stoppedCount = this.count(nowMs);
		this.enabled = false;
	}
}

class Feature {
	enabled = false;
	index = 0;
	clockSource = 0;
	configA = 0;
	configB = 0;
	configC = 0;
	configD = 0;
	pulsesMade = 0;
	pulsesOrdered = 0;
	/** Matches up to this count have been made. */
	doneTicks = 0;
}

export class SimulatedTimers {
	readonly clocks = [new Clock(), new Clock(), new Clock()] as const;
	readonly features: readonly Feature[] = Array.from({ length: LINE_COUNT }, () => new Feature());

	constructor(private readonly lines: SimulatedLines) {}

	boot(): void {
		for (const clock of this.clocks) Object.assign(clock, new Clock());
		for (const feature of this.features) Object.assign(feature, new Feature());
	}

	/** Whether the timer owns the line. */
	owns(line: number): boolean {
		const feature = this.features[line]!;
		return feature.enabled && feature.index === EF_INDEX_PULSE_OUT;
	}

	/** What decides the pulses of a line. */
	pulseRegisters(line: number): PulseRegisters {
		const { configA, configB, configC, clockSource } = this.features[line]!;
		const clock = this.clocks[clockSource] ?? this.clocks[0];
		return { divisor: clock.divisor, rollValue: clock.roll, configA, configB, configC };
	}

	enableClock(number: 0 | 1 | 2, on: boolean, nowMs: number): void {
		const clock = this.clocks[number];
		if (!on) {
			clock.stop(nowMs);
			return;
		}
		const [clock0, clock1, clock2] = this.clocks;
		if (number === 0 && (clock1.enabled || clock2.enabled)) throw new LabjackError(2558);
		if (number !== 0 && clock0.enabled) throw new LabjackError(2556);
		clock.enabled = true;
		this.restart(number, nowMs);
	}

	setDivisor(number: 0 | 1 | 2, divisor: number, nowMs: number): void {
		if (divisor !== 0 && !CLOCK_DIVISORS.some((allowed) => allowed === divisor)) throw new LabjackError(2559);
		this.clocks[number].divisor = divisor;
		this.restart(number, nowMs);
	}

	setRoll(number: 0 | 1 | 2, roll: number, nowMs: number): void {
		if (number !== 0 && roll > 0xffff) throw new LabjackError(2555);
		this.clocks[number].roll = roll;
		this.restart(number, nowMs);
	}

	setIndex(line: number, index: number): void {
		const feature = this.features[line]!;
		if (feature.enabled) throw new LabjackError(2566);
		feature.index = index;
	}

	setConfig(line: number, key: "configA" | "configB" | "configC" | "configD", value: number): void {
		const feature = this.features[line]!;
		feature[key] = value;
		if (!this.owns(line)) return;
		this.checkAgainstClock(feature);
		if (key === "configC") this.order(feature);
	}

	/** Disabling a feature in the middle of a pulse leaves its line as it is: the worst a driver has to reckon with. */
	enableFeature(line: number, on: boolean, nowMs: number): void {
		const feature = this.features[line]!;
		if (on && !feature.enabled && feature.index === EF_INDEX_PULSE_OUT) {
			if (!PULSE_LINES.includes(line)) throw new LabjackError(2553);
			if (!this.lines.isOutput(line) || this.lines.level(line) !== 0) throw new LabjackError(2563);
			this.checkAgainstClock(feature);
			this.order(feature);
			feature.doneTicks = this.clockOf(feature).enabled ? this.clockOf(feature).ticks(nowMs) : 0;
		}
		feature.enabled = on;
	}

	/** When the next edge is due; Infinity when there is none. */
	nextEdgeMs(): number {
		let next = Number.POSITIVE_INFINITY;
		for (const line of PULSE_LINES) next = Math.min(next, this.nextMatchOf(line)?.atMs ?? next);
		return next;
	}

	/** Makes every edge that is due at `nowMs`. */
	makeEdges(nowMs: number): void {
		for (const line of PULSE_LINES) {
			const match = this.nextMatchOf(line);
			if (match === undefined || match.atMs > nowMs) continue;
			const feature = this.features[line]!;
			feature.doneTicks = match.ticks;
			if (match.level === 0 && this.lines.level(line) === 1) feature.pulsesMade += 1;
			this.lines.latch(line, match.level, match.atMs);
		}
	}

	private nextMatchOf(line: number): { ticks: number; level: 0 | 1; atMs: number } | undefined {
		const feature = this.features[line]!;
		if (!this.owns(line) || feature.pulsesMade >= feature.pulsesOrdered) return undefined;
		const clock = this.clockOf(feature);
		if (!clock.enabled) return undefined;
		const match = nextMatch(this.pulseRegisters(line), feature.doneTicks);
		if (match === undefined) return undefined;
		return { ...match, atMs: clock.startMs + msFromTicks(match.ticks, clock.divisor) };
	}

	private clockOf(feature: Feature): Clock {
		return this.clocks[feature.clockSource] ?? this.clocks[0];
	}

	private checkAgainstClock(feature: Feature): void {
		const clock = this.clockOf(feature);
		if (feature.clockSource !== 0 && Math.max(feature.configA, feature.configB) > 0xffff) throw new LabjackError(2555);
		const roll = clock.roll === 0 ? 2 ** 32 : clock.roll;
		if (feature.configA >= roll || feature.configB >= roll) throw new LabjackError(2565);
	}

	private order(feature: Feature): void {
		feature.pulsesOrdered = feature.configC;
		feature.pulsesMade = 0;
	}

	/** The counter begins at 0, also when a running clock is enabled again; a match with 0 waits for the first roll. */
	private restart(number: 0 | 1 | 2, nowMs: number): void {
		const clock = this.clocks[number];
		clock.startMs = nowMs;
		for (const feature of this.features) if (feature.clockSource === number) feature.doneTicks = 0;
	}
}
