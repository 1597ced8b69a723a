/** Pulses timed by the T7: arm during the purge before, start with one exchange, read back, switch off. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { PulseOutputs } from "#device/contract.js";
import { assertMayStart } from "#device/pulse-start.js";
import { hasBit, u32At, wordsOfU32 } from "./codec.js";
import type { Wiring } from "./config.js";
import {
	edgesFromRegisters,
	msFromTicks,
	type PulseRegisters,
	pulseRegisters,
	WIDTH_MS_MAX,
	WIDTH_MS_MIN,
	widthMsOf,
} from "./pulse.js";
import { Attempts, type RegisterAccess } from "./register-access.js";
import {
	CLOCK_BLOCK_WORDS,
	CLOCK0_COUNT,
	CLOCK0_ENABLE,
	DIO_STATE,
	dio,
	EF_INDEX_PULSE_OUT,
	efClockSource,
	efConfigA,
	efConfigB,
	efConfigC,
	efEnable,
	efIndex,
	efReadA,
	efReadB,
} from "./registers.js";

/** One pulse on its way. "ending" while it is being disarmed: it can no longer be started. */
interface Pulse {
	readonly output: string;
	readonly line: number;
	readonly registers: PulseRegisters;
	phase: "arming" | "armed" | "fired" | "ending";
	firedMs: number;
}

export class T7PulseOutputs implements PulseOutputs {
	readonly limits: PulseOutputs["limits"];
	private current: Pulse | undefined;
	/** Nothing is armed while all lines are being released. */
	private releasingAll = 0;

	constructor(
		private readonly name: string,
		private readonly access: RegisterAccess,
		private readonly clock: Clock,
		private readonly wiring: Wiring,
		/** Whether the line was set high by hand. */
		private readonly isHeldHigh: (line: number) => boolean,
	) {
		this.limits = {
			widthMsMin: WIDTH_MS_MIN,
			widthMsMax: WIDTH_MS_MAX,
			resolutionMs: msFromTicks(1, wiring.divisor),
		};
	}

	/** The output with a pulse on its way, if there is one. */
	get busy(): { readonly output: string; readonly line: number } | undefined {
		return this.current;
	}

	async arm(output: string, widthMs: number): Promise<{ widthMs: number }> {
		const line = this.wiring.pulseLines.get(output);
		if (line === undefined) throw new AdlayerError("SIGNAL_UNKNOWN", `${this.name} has no pulse output ${output}.`);
		if (!(widthMs >= WIDTH_MS_MIN && widthMs <= WIDTH_MS_MAX)) {
			throw new AdlayerError(
				"SETPOINT_OUT_OF_RANGE",
				`A pulse of ${widthMs} ms on ${output} is outside ${WIDTH_MS_MIN} to ${WIDTH_MS_MAX} ms.`,
				{ context: { output, widthMs, widthMsMin: WIDTH_MS_MIN, widthMsMax: WIDTH_MS_MAX } },
			);
		}
		if (this.releasingAll > 0) throw new AdlayerError("OUTPUT_BUSY", `${this.name} is being made safe.`);
		if (this.isHeldHigh(line))
			throw new AdlayerError("OUTPUT_BUSY", `${output} is held open; shut it before arming a pulse.`);
		const previous = this.current;
		if (previous !== undefined) this.assertReplaceable(previous);

		const pulse: Pulse = {
			output,
			line,
			registers: pulseRegisters(widthMs, this.wiring.divisor),
			phase: "arming",
			firedMs: 0,
		};
		this.current = pulse;
		try {
			if (previous !== undefined && previous.line !== line) await this.release([previous.line]);
			await this.writeArming(pulse);
			await this.verifyArming(pulse);
		} catch (error) {
			// Nothing can start it any more; its lines are brought back by disarm() or makeSafe().
			if (this.current === pulse) await this.disarm().catch(() => {});
			throw error;
		}
		pulse.phase = "armed";
		return { widthMs: widthMsOf(pulse.registers) };
	}

	async fire(): Promise<void> {
		const pulse = this.current;
		if (pulse === undefined || pulse.phase !== "armed") {
			throw new AdlayerError("OUTPUT_BUSY", `${this.name} has no armed pulse to start.`);
		}
		pulse.phase = "fired";
		pulse.firedMs = this.clock.nowMs();
		await this.access.writeU16(CLOCK0_ENABLE, 1, {
			// A start that comes later than ordered would open a valve that nobody has permitted at that moment.
			retries: 0,
			beforeSending: () => this.assertStillOrdered(pulse),
		});
	}

	private assertStillOrdered(pulse: Pulse): void {
		assertMayStart({
			instrument: this.name,
			output: pulse.output,
			waitedMs: this.clock.nowMs() - pulse.firedMs,
			isOrdered: this.current === pulse && pulse.phase === "fired",
		});
	}

	async confirm(): Promise<{ completed: boolean; widthMs: number; lineLow: boolean }> {
		const pulse = this.current;
		if (pulse === undefined || pulse.phase !== "fired") {
			throw new AdlayerError("OUTPUT_BUSY", `${this.name} has no started pulse to confirm.`);
		}
		const { line, registers } = pulse;
		// The counter is read first: a line that is low after the counter has passed A has come back from its pulse.
		const count = await this.access.readU32(CLOCK0_COUNT);
		const lineLow = !hasBit(await this.access.readU32(DIO_STATE), line);
		if (!lineLow || count < registers.configA) return { completed: false, widthMs: widthMsOf(registers), lineLow };

		const held = await this.readPulseRegisters(line);
		const pulsesMade = await this.access.readU32(efReadA(line));
		const pulsesOrdered = await this.access.readU32(efReadB(line));
		// READ_A and READ_B are believed to be pulses made and ordered. READ_B tells whether that holds; if it does not,
		// the counter and the line decide.
		const countedByTimer = pulsesOrdered !== registers.configC || pulsesMade === registers.configC;
		const completed = countedByTimer && count >= held.configA && edgesFromRegisters(held).length === 1;
		if (completed && this.isStillFired(pulse)) {
			await this.access.writeU32(efEnable(line), 0);
			await this.access.writeU16(CLOCK0_ENABLE, 0);
			if (this.isStillFired(pulse)) this.current = undefined;
		}
		return { completed, widthMs: widthMsOf(held), lineLow };
	}

	async disarm(): Promise<void> {
		const pulse = this.current;
		if (pulse === undefined) return;
		pulse.phase = "ending";
		await this.release([pulse.line]);
		if (this.current === pulse) this.current = undefined;
	}

	/** Disarms whatever is armed or running and drives every pulse line low; verified. Tries everything, then throws the first failure. */
	async releaseAll(): Promise<void> {
		const pulse = this.current;
		if (pulse !== undefined) pulse.phase = "ending";
		this.releasingAll += 1;
		try {
			await this.release([...this.wiring.pulseLines.values()]);
			if (this.current === pulse) this.current = undefined;
		} finally {
			this.releasingAll -= 1;
		}
	}

	/** A pulse that may still be running is not replaced: that would cut it. */
	private assertReplaceable(pulse: Pulse): void {
		const { output, registers, phase } = pulse;
		if (phase === "arming" || phase === "ending") {
			throw new AdlayerError("OUTPUT_BUSY", `${output} is being ${phase === "arming" ? "armed" : "disarmed"}.`);
		}
		const endMs = pulse.firedMs + msFromTicks(registers.configA, registers.divisor);
		if (phase === "fired" && this.clock.nowMs() < endMs) {
			throw new AdlayerError("OUTPUT_BUSY", `The pulse of ${widthMsOf(registers)} ms on ${output} has not ended yet.`);
		}
	}

	/** The order is the manual's: clock off, feature off, line low (error 2563), index and values, feature on. */
	private async writeArming(pulse: Pulse): Promise<void> {
		const { line, registers } = pulse;
		const { access } = this;
		const steps: (() => Promise<void>)[] = [
			() => access.write(CLOCK0_ENABLE, clockBlock(registers)),
			() => access.writeU32(efEnable(line), 0),
			() => access.writeU16(dio(line), 0),
			() => access.writeU32(efIndex(line), EF_INDEX_PULSE_OUT),
			() => access.writeU32(efClockSource(line), 0),
			() => access.writeU32(efConfigA(line), registers.configA),
			() => access.writeU32(efConfigB(line), registers.configB),
			() => access.writeU32(efConfigC(line), registers.configC),
			() => access.writeU32(efEnable(line), 1),
		];
		for (const step of steps) {
			await step();
			this.assertStillArming(pulse);
		}
	}

	private async verifyArming(pulse: Pulse): Promise<void> {
		const { line, registers } = pulse;
		const expected: [number, number][] = [
			[efIndex(line), EF_INDEX_PULSE_OUT],
			[efClockSource(line), 0],
			[efEnable(line), 1],
		];
		for (const [address, value] of expected) {
			const held = await this.access.readU32(address);
			this.assertStillArming(pulse);
			if (held !== value) throw this.notTaken(`register ${address}`, value, held);
		}
		const clockWords = await this.access.read(CLOCK0_ENABLE, CLOCK_BLOCK_WORDS);
		const wantedWords = clockBlock(registers);
		if (wantedWords.some((word, index) => clockWords[index] !== word)) {
			throw this.notTaken("the clock's registers", wantedWords.join(" "), clockWords.join(" "));
		}
		const held = await this.readConfig(line);
		this.assertStillArming(pulse);
		for (const key of ["configA", "configB", "configC"] as const) {
			if (held[key] !== registers[key]) throw this.notTaken(`${key} of ${pulse.output}`, registers[key], held[key]);
		}
		const state = await this.access.readU32(DIO_STATE);
		this.assertStillArming(pulse);
		if (hasBit(state, line)) throw this.notTaken(`line DIO${line} of ${pulse.output}`, 0, 1);
	}

	private assertStillArming(pulse: Pulse): void {
		if (this.current !== pulse || pulse.phase !== "arming") {
			throw new AdlayerError("OUTPUT_BUSY", `The arming of ${pulse.output} was cancelled.`);
		}
	}

	private isStillFired(pulse: Pulse): boolean {
		return this.current === pulse && pulse.phase === "fired";
	}

	private notTaken(what: string, wanted: number | string, held: number | string): AdlayerError {
		return new AdlayerError("READBACK_MISMATCH", `${this.name}: ${what} reads ${held} where ${wanted} was written.`, {
			context: { wanted, held },
		});
	}

	private async readPulseRegisters(line: number): Promise<PulseRegisters> {
		const clock = await this.access.read(CLOCK0_ENABLE, CLOCK_BLOCK_WORDS);
		return { divisor: clock[1] ?? 0, rollValue: u32At(clock, 4), ...(await this.readConfig(line)) };
	}

	private async readConfig(line: number): Promise<Pick<PulseRegisters, "configA" | "configB" | "configC">> {
		const configA = await this.access.readU32(efConfigA(line));
		const configB = await this.access.readU32(efConfigB(line));
		const configC = await this.access.readU32(efConfigC(line));
		return { configA, configB, configC };
	}

	/**
	 * Takes the lines from the timer and drives them low, then stops the clock. The lines come first because each exchange
	 * keeps a valve open; stopping the clock alone would freeze a line that is high.
	 */
	private async release(lines: readonly number[]): Promise<void> {
		const attempts = new Attempts();
		for (const line of lines) {
			await attempts.make(() => this.access.writeU32(efEnable(line), 0));
			await attempts.make(() => this.access.writeU16(dio(line), 0));
		}
		await attempts.make(() => this.access.writeU16(CLOCK0_ENABLE, 0));
		await attempts.make(async () => {
			const state = await this.access.readU32(DIO_STATE);
			const high = lines.filter((line) => hasBit(state, line));
			if (high.length > 0) throw this.notTaken(`line ${high.map((line) => `DIO${line}`).join(", ")}`, 0, 1);
		});
		attempts.throwFirst();
	}
}

/** ENABLE 0, DIVISOR, OPTIONS 0, ROLL_VALUE: the clock stopped and set. */
function clockBlock(registers: PulseRegisters): number[] {
	return [0, registers.divisor, 0, 0, ...wordsOfU32(registers.rollValue)];
}
