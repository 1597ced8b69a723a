/**
 * The module's watchdog is fed by any traffic. It is a dead-man for control only if traffic ends when control no longer feeds:
 * from then on nothing is sent until the module has been without traffic for so long that it must have acted.
 */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { ModbusMaster, WriteOptions } from "#core/wire.js";
import type { Watchdog } from "#device/contract.js";

/** The module's own timer is not as exact as ours, and a request may be on its way. */
const ACTED_AFTER = 1.5;

export class QuietLink implements Watchdog {
	private fedMs = 0;
	private sentMs = Number.NEGATIVE_INFINITY;
	/** Fed by control since the connection; a look at the module needs no feeding. */
	private isGuarded = false;
	private isQuiet = false;

	constructor(
		private readonly name: string,
		private readonly modbus: ModbusMaster,
		private readonly clock: Clock,
		readonly timeoutMs: number,
	) {}

	/** From now on traffic ends when nobody feeds. */
	guard(): void {
		this.isGuarded = true;
		this.fedMs = this.clock.nowMs();
	}

	async feed(): Promise<void> {
		this.assertMaySend();
		this.fedMs = this.clock.nowMs();
		await this.readCoils(0, 1);
	}

	readCoils(address: number, count: number): Promise<boolean[]> {
		this.sending();
		return this.modbus.readCoils(address, count);
	}

	readDiscrete(address: number, count: number): Promise<boolean[]> {
		this.sending();
		return this.modbus.readDiscrete(address, count);
	}

	readHolding(address: number, count: number): Promise<number[]> {
		this.sending();
		return this.modbus.readHolding(address, count);
	}

	writeCoil(address: number, on: boolean): Promise<void> {
		this.sending();
		return this.modbus.writeCoil(address, on);
	}

	writeRegisters(address: number, words: readonly number[], options?: WriteOptions): Promise<void> {
		this.sending();
		return this.modbus.writeRegisters(address, words, options);
	}

	private sending(): void {
		this.assertMaySend();
		this.sentMs = this.clock.nowMs();
	}

	private assertMaySend(): void {
		const nowMs = this.clock.nowMs();
		if (this.isGuarded && nowMs - this.fedMs > this.timeoutMs) {
			this.isQuiet = true;
			this.isGuarded = false;
		}
		if (!this.isQuiet) return;
		if (nowMs - this.sentMs >= this.timeoutMs * ACTED_AFTER) {
			this.isQuiet = false;
			return;
		}
		throw new AdlayerError(
			"DEVICE_NOT_READY",
			`${this.name} was not fed for ${this.timeoutMs / 1_000} s and is left without traffic until its watchdog has acted.`,
		);
	}
}
