/**
 * The T7's own watchdog: when it is not fed in time it drives the lines by itself. Its settings live in flash (each
 * *_DEFAULT register), so they are compared first and written only when they differ.
 */
import { AdlayerError } from "#core/errors.js";
import type { Watchdog } from "#device/contract.js";
import { wordsOfU32 } from "./codec.js";
import type { Wiring } from "./config.js";
import type { RegisterAccess } from "./register-access.js";
import {
	ALL_LINES_MASK,
	WATCHDOG_ADVANCED,
	WATCHDOG_DAC0_ENABLE,
	WATCHDOG_DAC1_ENABLE,
	WATCHDOG_DIO_ENABLE,
	WATCHDOG_ENABLE,
	WATCHDOG_RESET_ENABLE,
	WATCHDOG_STRICT_CLEAR,
	WATCHDOG_STRICT_ENABLE,
} from "./registers.js";

/** In strict mode only this value, written to STRICT_CLEAR, feeds the watchdog: other traffic does not. "ADLY". */
export const STRICT_KEY = 0x4144_4c59;
const STRICT_KEY_WORDS = wordsOfU32(STRICT_KEY);

/** Neighbouring registers and what they must hold. */
interface Block {
	readonly address: number;
	readonly words: readonly number[];
}

const block = (address: number, ...values: readonly number[]): Block => ({
	address,
	words: values.flatMap((value) => wordsOfU32(value)),
});

/** Everything but the enable register. */
export function watchdogBlocks(wiring: Wiring): readonly Block[] {
	return [
		// ADVANCED 0: no reload of start-up or factory I/O settings on time-out.
		block(WATCHDOG_ADVANCED, 0, wiring.watchdogS, wiring.watchdogStartupS),
		block(WATCHDOG_STRICT_ENABLE, 1, STRICT_KEY),
		// No reset on time-out: it would leave every line floating, the stop valve included.
		block(WATCHDOG_RESET_ENABLE, 0),
		// DIO_ENABLE, DIO_STATE, DIO_DIRECTION, DIO_INHIBIT: only driven lines, all outputs.
		block(
			WATCHDOG_DIO_ENABLE,
			1,
			wiring.watchdogHighMask,
			wiring.drivenMask,
			(ALL_LINES_MASK & ~wiring.drivenMask) >>> 0,
		),
		block(WATCHDOG_DAC0_ENABLE, 0),
		block(WATCHDOG_DAC1_ENABLE, 0),
	];
}

export class T7Watchdog implements Watchdog {
	readonly timeoutMs: number;
	private readonly blocks: readonly Block[];

	constructor(
		private readonly name: string,
		private readonly registers: RegisterAccess,
		wiring: Wiring,
	) {
		this.timeoutMs = wiring.watchdogS * 1_000;
		this.blocks = watchdogBlocks(wiring);
	}

	feed(): Promise<void> {
		return this.registers.write(WATCHDOG_STRICT_CLEAR, STRICT_KEY_WORDS);
	}

	async isEnabled(): Promise<boolean> {
		return (await this.registers.readU32(WATCHDOG_ENABLE)) === 1;
	}

	/**
	 * Brings the watchdog into force: configured, enabled, read back. `feed` feeds it once, which ends its start-up delay.
	 * Gives whether flash was written. READBACK_MISMATCH when the instrument did not take the settings over.
	 */
	async ensure(options: { feed: boolean }): Promise<boolean> {
		const asWanted = (await this.isEnabled()) && (await this.firstDifference()) === undefined;
		if (!asWanted) await this.configure();
		if (options.feed) await this.feed();
		return !asWanted;
	}

	private async configure(): Promise<void> {
		// The other registers accept nothing while it is enabled (error 2671).
		await this.registers.writeU32(WATCHDOG_ENABLE, 0);
		for (const { address, words } of this.blocks) {
			if (await this.differs({ address, words })) await this.registers.write(address, words);
		}
		await this.registers.writeU32(WATCHDOG_ENABLE, 1);
		const address = (await this.isEnabled()) ? await this.firstDifference() : WATCHDOG_ENABLE;
		if (address !== undefined) {
			throw new AdlayerError(
				"READBACK_MISMATCH",
				`${this.name} did not take over its watchdog settings at ${address}.`,
				{
					context: { address },
				},
			);
		}
	}

	private async firstDifference(): Promise<number | undefined> {
		for (const each of this.blocks) if (await this.differs(each)) return each.address;
		return undefined;
	}

	private async differs({ address, words }: Block): Promise<boolean> {
		const held = await this.registers.read(address, words.length);
		return words.some((word, index) => held[index] !== word);
	}
}
