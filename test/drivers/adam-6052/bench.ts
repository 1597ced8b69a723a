/** An ADAM-6052 driver on its simulator over a link in memory, under a clock that moves only when told to. */
import { SteppedClock } from "#core/clock.js";
import type { ByteStream } from "#core/wire.js";
import type { Adam6052Settings } from "#drivers/adam-6052/config.js";
import { Adam6052 } from "#drivers/adam-6052/driver.js";
import { Adam6052Simulator } from "#drivers/adam-6052/simulator.js";
import { parseAddress } from "#transport/address.js";
import { memoryPair } from "#transport/memory.js";
import { Ports } from "#transport/ports.js";

const SEEN = { verified: "2026-10-01", by: "commissioning" } as const;

export const SETTINGS: Adam6052Settings = {
	watchdog: { timeout_s: 2, ...SEEN },
	pulse_timing: { unit_ms: 0.1, ...SEEN },
	pulse_outputs: { TMA: "DO0", H2O: "DO1" },
	outputs: { stop: "DO2" },
	watchdog_high: ["stop"],
	inputs: { pump_running: "DI0", lid_closed: "DI1" },
};
export const TMA = 0;
export const H2O = 1;
export const STOP = 2;
export const timing = (unit_ms: number): Adam6052Settings => ({ ...SETTINGS, pulse_timing: { unit_ms, ...SEEN } });

export type Piece = { readonly bytes: Uint8Array; readonly delayMs: number };

export class Bench {
	readonly clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	readonly wired = new Map<number, 0 | 1>();
	readonly sensed = new Map<number, 0 | 1>();
	/** Requests as hex without transaction and length, since the last `forget()`. */
	sent: string[] = [];
	losesRequest: (hex: string) => boolean = () => false;
	losesReplyTo: (hex: string) => boolean = () => false;
	distort: ((reply: Uint8Array) => readonly Piece[]) | undefined;
	readonly simulator: Adam6052Simulator;
	readonly device: Adam6052;
	private wakeAtMs = Number.POSITIVE_INFINITY;

	constructor(
		readonly settings: Adam6052Settings = SETTINGS,
		private readonly registers: { readonly name?: number } = {},
	) {
		this.simulator = new Adam6052Simulator({
			name: "io",
			settings,
			seed: 1,
			unit: 1,
			port: {
				drive: (output, level) => void this.wired.set(output, level),
				sense: (input) => this.sensed.get(input) ?? 1,
			},
		});
		if (this.registers.name !== undefined) {
			const read = this.simulator.readHolding.bind(this.simulator);
			this.simulator.readHolding = (address, count) =>
				address === 210 ? [this.registers.name!, 0] : read(address, count);
		}
		const ports = new Ports(this.clock, () => async () => this.openLink());
		const { modbus } = ports.connect({
			name: "io",
			address: parseAddress("simulated:io"),
			schemes: ["modbus-tcp"],
			timing: { timeoutMs: 500, retries: 1 },
		});
		this.device = new Adam6052({ name: "io", settings, clock: this.clock, modbus: modbus! });
	}

	valve(output: number): 0 | 1 {
		return this.wired.get(output) ?? 0;
	}

	/** Width in ms of every pulse that an output has made. */
	widths(output: number): number[] {
		const widths: number[] = [];
		let riseMs: number | undefined;
		for (const edge of this.simulator.edges) {
			if (edge.output !== output) continue;
			if (edge.level === 1) riseMs = edge.atMs;
			else if (riseMs !== undefined) widths.push(edge.atMs - riseMs);
		}
		return widths;
	}

	/** Feeds the watchdog every half second for that long. */
	async feedFor(durationMs: number): Promise<void> {
		const endMs = this.clock.nowMs() + durationMs;
		while (this.clock.nowMs() < endMs) {
			await this.clock.advance(Math.min(500, endMs - this.clock.nowMs()));
			await this.device.watchdog!.feed();
		}
	}

	feed(): Promise<void> {
		return this.run(this.device.watchdog!.feed());
	}

	/** Advances time until the promise has ended; gives or throws its end. */
	async run<T>(promise: Promise<T>): Promise<T> {
		let ended = false;
		const end = () => {
			ended = true;
		};
		promise.then(end, end);
		await this.clock.advanceUntil(() => ended, 60_000);
		return promise;
	}

	forget(): void {
		this.sent = [];
	}

	private openLink(): ByteStream {
		const [near, far] = memoryPair("io");
		let losesReply = false;
		const connection = {
			state: undefined as unknown,
			send: (reply: Uint8Array) => {
				if (losesReply) return;
				for (const { bytes, delayMs } of this.distort?.(reply) ?? [{ bytes: reply, delayMs: 0 }]) {
					const write = () => {
						if (far.isOpen) far.write(bytes);
					};
					if (delayMs === 0) write();
					else this.clock.setTimer(delayMs, write);
				}
			},
		};
		far.onBytes((bytes) => {
			const hex = Buffer.from(bytes).toString("hex").slice(14);
			this.sent.push(hex);
			if (this.losesRequest(hex)) return;
			this.simulator.advance(this.clock.nowMs());
			losesReply = this.losesReplyTo(hex);
			this.simulator.receive(bytes, connection);
			this.wakeForEvent();
		});
		return near;
	}

	/** The module's own events happen at their time, with or without traffic. */
	private wakeForEvent(): void {
		const nextMs = this.simulator.nextEventMs();
		if (!(nextMs < this.wakeAtMs)) return;
		this.wakeAtMs = nextMs;
		this.clock.setTimer(Math.max(0, nextMs - this.clock.nowMs()), () => {
			this.wakeAtMs = Number.POSITIVE_INFINITY;
			this.simulator.advance(Math.max(this.clock.nowMs(), nextMs));
			this.wakeForEvent();
		});
	}
}

/** A bench whose driver has connected and fed the watchdog. */
export async function connectedBench(settings?: Adam6052Settings): Promise<Bench> {
	const bench = new Bench(settings);
	await bench.device.connect();
	bench.forget();
	return bench;
}
