/** A T7 driver on its simulator over a link in memory, under a clock that moves only when told to. */
import { SteppedClock } from "#core/clock.js";
import type { ByteStream } from "#core/wire.js";
import type { LabjackT7Settings } from "#drivers/labjack-t7/config.js";
import { LabjackT7 } from "#drivers/labjack-t7/driver.js";
import type { LineLevel } from "#drivers/labjack-t7/index.js";
import { LabjackT7Simulator } from "#drivers/labjack-t7/simulator.js";
import { parseAddress } from "#transport/address.js";
import { memoryPair } from "#transport/memory.js";
import { Ports } from "#transport/ports.js";

export const SETTINGS: LabjackT7Settings = {
	watchdog_s: 2,
	pulse_outputs: { TMA: "DIO2", H2O: "DIO3" },
	outputs: { stop: "DIO8" },
	watchdog_high: ["stop"],
	inputs: { pump_running: "DIO16", lid_closed: "DIO17" },
};
export const TMA = 2;
export const H2O = 3;
export const STOP = 8;

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

export class Bench {
	readonly clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	/** What each line does now; a line never moved floats. */
	readonly wired = new Map<number, LineLevel>();
	readonly sensed = new Map<number, 0 | 1>();
	/** Requests as hex, since the last `forget()`. */
	sent: string[] = [];
	/** Drops requests for which it says true: they never reach the instrument. */
	losesRequest: (hex: string) => boolean = () => false;
	/** Drops replies to the requests for which it says true. */
	losesReplyTo: (hex: string) => boolean = () => false;
	readonly simulator: LabjackT7Simulator;
	readonly device: LabjackT7;

	constructor(readonly settings: LabjackT7Settings = SETTINGS) {
		this.simulator = new LabjackT7Simulator({
			name: "io",
			settings,
			seed: 1,
			unit: 1,
			port: {
				drive: (line, level) => void this.wired.set(line, level),
				sense: (line) => this.sensed.get(line) ?? 1,
			},
		});
		const address = parseAddress("simulated:io");
		const ports = new Ports(this.clock, () => async () => this.openLink());
		const { modbus } = ports.connect({
			name: "io",
			address,
			schemes: ["modbus-tcp"],
			timing: { timeoutMs: 500, retries: 1 },
		});
		this.device = new LabjackT7({ name: "io", settings, clock: this.clock, modbus: modbus! });
	}

	valve(line: number): LineLevel {
		return this.wired.get(line) ?? "floating";
	}

	/** Feeds the watchdog every half second for that long. */
	async feedFor(durationMs: number): Promise<void> {
		const endMs = this.clock.nowMs() + durationMs;
		while (this.clock.nowMs() < endMs) {
			await this.clock.advance(Math.min(500, endMs - this.clock.nowMs()));
			await this.device.watchdog.feed();
		}
	}

	forget(): void {
		this.sent = [];
	}

	private openLink(): ByteStream {
		const [near, far] = memoryPair("io");
		let loseReply = false;
		const connection = {
			send: (bytes: Uint8Array) => {
				if (!loseReply) far.write(bytes);
			},
			state: undefined as unknown,
		};
		far.onBytes((bytes) => {
			const request = hexOf(bytes);
			this.sent.push(request);
			if (this.losesRequest(request)) return;
			this.simulator.advance(this.clock.nowMs());
			loseReply = this.losesReplyTo(request);
			this.simulator.receive(bytes, connection);
			this.wakeForEvent();
		});
		return near;
	}

	private wakeAtMs = Number.POSITIVE_INFINITY;

	/** The instrument's own events happen at their time, with or without traffic. */
	private wakeForEvent(): void {
		const nextMs = this.simulator.nextEventMs();
		if (!(nextMs < this.wakeAtMs)) return;
		this.wakeAtMs = nextMs;
		this.clock.setTimer(nextMs - this.clock.nowMs(), () => {
			this.wakeAtMs = Number.POSITIVE_INFINITY;
			this.simulator.advance(Math.max(this.clock.nowMs(), nextMs));
			this.wakeForEvent();
		});
	}
}

/** A bench whose driver has connected and fed the watchdog. */
export async function connectedBench(settings?: LabjackT7Settings): Promise<Bench> {
	const bench = new Bench(settings);
	await bench.device.connect();
	bench.forget();
	return bench;
}
