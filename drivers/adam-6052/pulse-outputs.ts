/** Pulses timed by the module: widths written and read back during the purge before, started by one write, read back after. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { PulseOutputs } from "#device/contract.js";
import { assertMayStart } from "#device/pulse-start.js";
import type { Wiring } from "./config.js";
import type { QuietLink } from "./quiet-link.js";
import {
	absolutePulses,
	counter,
	OUTPUT_COILS,
	pulseHighWidth,
	pulseLowWidth,
	u32FromWords,
	wordsFromU32,
} from "./registers.js";

/** A count more or less, as at its start, must not change a dose by more than a tenth. */
const UNITS_MIN = 10;
/** Whether a running pulse can be cut is not confirmed: a safe state may have to wait for its end. */
const WIDTH_MS_MAX = 1_000;
/** Whether a pulse begins with its low or its high time is not confirmed: the low time is as short as can be. */
const LOW_UNITS = 1;

interface Pulse {
	readonly output: string;
	readonly line: number;
	readonly highUnits: number;
	phase: "arming" | "armed" | "fired" | "ending";
	firedMs: number;
	/** Of the counter input before the start; undefined without one. */
	countBefore: number | undefined;
}

export class AdamPulseOutputs implements PulseOutputs {
	readonly limits: PulseOutputs["limits"];
	private current: Pulse | undefined;
	private releasing = 0;

	constructor(
		private readonly name: string,
		private readonly link: QuietLink,
		private readonly clock: Clock,
		private readonly wiring: Wiring,
		private readonly unitMs: number,
	) {
		this.limits = { widthMsMin: UNITS_MIN * unitMs, widthMsMax: WIDTH_MS_MAX, resolutionMs: unitMs };
	}

	/** The line with a pulse on its way, if there is one. */
	get busyLine(): number | undefined {
		return this.current?.line;
	}

	async arm(output: string, widthMs: number): Promise<{ widthMs: number }> {
		const line = this.wiring.pulseLines.get(output);
		if (line === undefined) throw new AdlayerError("SIGNAL_UNKNOWN", `${this.name} has no pulse output ${output}.`);
		const { widthMsMin, widthMsMax } = this.limits;
		if (!(widthMs >= widthMsMin && widthMs <= widthMsMax)) {
			throw new AdlayerError(
				"SETPOINT_OUT_OF_RANGE",
				`A pulse of ${widthMs} ms on ${output} is outside ${widthMsMin} to ${widthMsMax} ms: ${this.name} times it in steps of ${this.unitMs} ms.`,
				{ context: { output, widthMs, widthMsMin, widthMsMax } },
			);
		}
		if (this.releasing > 0) throw new AdlayerError("OUTPUT_BUSY", `${this.name} is being made safe.`);
		if (this.current !== undefined) this.assertReplaceable(this.current);
		const pulse: Pulse = {
			output,
			line,
			highUnits: Math.round(widthMs / this.unitMs),
			phase: "arming",
			firedMs: 0,
			countBefore: undefined,
		};
		this.current = pulse;
		try {
			await this.prepare(pulse);
		} catch (error) {
			if (this.current === pulse) this.current = undefined;
			throw error;
		}
		pulse.phase = "armed";
		return { widthMs: pulse.highUnits * this.unitMs };
	}

	async fire(): Promise<void> {
		const pulse = this.current;
		if (pulse === undefined || pulse.phase !== "armed") {
			throw new AdlayerError("OUTPUT_BUSY", `${this.name} has no armed pulse to start.`);
		}
		pulse.phase = "fired";
		pulse.firedMs = this.clock.nowMs();
		await this.link.writeRegisters(absolutePulses(pulse.line), wordsFromU32(1), {
			// A second start would be a second dose, a late one a dose that nobody has permitted at that moment.
			retries: 0,
			beforeSending: () => this.assertStillOrdered(pulse),
		});
	}

	async confirm(): Promise<{ completed: boolean; widthMs: number; lineLow: boolean }> {
		const pulse = this.current;
		if (pulse === undefined || pulse.phase !== "fired") {
			throw new AdlayerError("OUTPUT_BUSY", `${this.name} has no started pulse to confirm.`);
		}
		const { line } = pulse;
		const lineLow = !(await this.isHigh(line));
		const heldUnits = u32FromWords(await this.link.readHolding(pulseHighWidth(line), 2));
		const pulses = u32FromWords(await this.link.readHolding(absolutePulses(line), 2));
		const counted = pulse.countBefore === undefined ? 1 : (await this.count(line)) - pulse.countBefore;
		const widthMs = heldUnits * this.unitMs;
		const completed =
			lineLow &&
			// The coil may show the latch and not the pulse: before its time has passed a low line proves nothing.
			this.clock.nowMs() >= this.endMs(pulse) &&
			heldUnits === pulse.highUnits &&
			// Kept as ordered, or counted down; both readings of the manual are possible.
			(pulses === 1 || pulses === 0) &&
			counted === 1;
		if (completed && this.current === pulse) this.current = undefined;
		return { completed, widthMs, lineLow };
	}

	async disarm(): Promise<void> {
		const pulse = this.current;
		if (pulse === undefined) return;
		await this.release([pulse.line]);
	}

	/** Shuts every pulse line, verified after the end of a pulse that could not be cut. */
	releaseAll(): Promise<void> {
		return this.release([...this.wiring.pulseLines.values()]);
	}

	private async release(lines: readonly number[]): Promise<void> {
		const pulse = this.current;
		const endMs = pulse?.phase === "fired" || pulse?.phase === "ending" ? this.endMs(pulse) : 0;
		if (pulse !== undefined) pulse.phase = "ending";
		this.releasing += 1;
		try {
			let failure: unknown;
			for (const line of lines) {
				try {
					await this.link.writeCoil(OUTPUT_COILS + line, false);
				} catch (error) {
					failure ??= error;
				}
			}
			if (failure !== undefined) throw failure;
			const waitMs = endMs - this.clock.nowMs();
			if (waitMs > 0) await this.clock.sleep(waitMs);
			for (const line of lines) {
				if (!(await this.isHigh(line))) continue;
				throw new AdlayerError("READBACK_MISMATCH", `${this.name}: DO${line} reads 1 where 0 was written.`);
			}
			if (this.current === pulse) this.current = undefined;
		} finally {
			this.releasing -= 1;
		}
	}

	/** Nothing here starts anything: the number of pulses alone does. */
	private async prepare(pulse: Pulse): Promise<void> {
		const { line, highUnits } = pulse;
		const values = [
			["low width", pulseLowWidth(line), LOW_UNITS],
			["high width", pulseHighWidth(line), highUnits],
		] as const;
		for (const [, address, units] of values) {
			this.assertStillArming(pulse);
			await this.link.writeRegisters(address, wordsFromU32(units));
		}
		for (const [title, address, units] of values) {
			const held = u32FromWords(await this.link.readHolding(address, 2));
			if (held === units) continue;
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.name}: the ${title} of ${pulse.output} reads ${held} where ${units} was written.`,
				{ context: { held, units } },
			);
		}
		if (await this.isHigh(line)) {
			throw new AdlayerError("OUTPUT_BUSY", `${pulse.output} is open; shut it before arming a pulse.`);
		}
		if (this.wiring.counterLines.has(line)) pulse.countBefore = await this.count(line);
		this.assertStillArming(pulse);
	}

	private async count(line: number): Promise<number> {
		return u32FromWords(await this.link.readHolding(counter(this.wiring.counterLines.get(line)!), 2));
	}

	private async isHigh(line: number): Promise<boolean> {
		return (await this.link.readCoils(OUTPUT_COILS + line, 1))[0]!;
	}

	/** When the pulse is over by any reading of the manual, a count late. */
	private endMs(pulse: Pulse): number {
		return pulse.firedMs + (LOW_UNITS + pulse.highUnits + 1) * this.unitMs;
	}

	private assertStillOrdered(pulse: Pulse): void {
		assertMayStart({
			instrument: this.name,
			output: pulse.output,
			waitedMs: this.clock.nowMs() - pulse.firedMs,
			isOrdered: this.current === pulse && pulse.phase === "fired",
		});
	}

	private assertStillArming(pulse: Pulse): void {
		if (this.current === pulse && pulse.phase === "arming") return;
		throw new AdlayerError("OUTPUT_BUSY", `The arming of ${pulse.output} was cancelled.`);
	}

	private assertReplaceable(pulse: Pulse): void {
		if (pulse.phase === "arming" || pulse.phase === "ending") {
			throw new AdlayerError(
				"OUTPUT_BUSY",
				`${pulse.output} is being ${pulse.phase === "arming" ? "armed" : "disarmed"}.`,
			);
		}
		if (pulse.phase === "fired" && this.clock.nowMs() < this.endMs(pulse)) {
			throw new AdlayerError("OUTPUT_BUSY", `The pulse on ${pulse.output} has not ended yet.`);
		}
	}
}
