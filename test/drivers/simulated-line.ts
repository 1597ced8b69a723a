/** A driver's request line with a simulated instrument at the other end of a memory link, under a clock that only moves when told to. */
import { SteppedClock } from "#core/clock.js";
import type { ByteStream, RequestLine } from "#core/wire.js";
import type { DriverContext, InstrumentSimulator, SimulatorConnection } from "#device/contract.js";
import { memoryPair } from "#transport/memory.js";
import { requestLine } from "#transport/request-line.js";

/** What becomes of the bytes that an instrument sends at once: pieces, each after a delay. Nothing at all is silence. */
export type WireFault = (bytes: Uint8Array) => readonly { readonly bytes: Uint8Array; readonly delayMs: number }[];

export const splitAt =
	(position: number, delayMs = 5): WireFault =>
	(bytes) => [
		{ bytes: bytes.slice(0, position), delayMs: 0 },
		{ bytes: bytes.slice(position), delayMs },
	];
export const silent: WireFault = () => [];
export const late =
	(delayMs: number): WireFault =>
	(bytes) => [{ bytes, delayMs }];
export const doubled: WireFault = (bytes) => [
	{ bytes, delayMs: 0 },
	{ bytes, delayMs: 1 },
];
export const withoutByte =
	(position: number): WireFault =>
	(bytes) => [{ bytes: Uint8Array.from([...bytes.slice(0, position), ...bytes.slice(position + 1)]), delayMs: 0 }];
export const instead =
	(text: string): WireFault =>
	() => [{ bytes: Buffer.from(text, "latin1"), delayMs: 0 }];

export class SimulatedLine {
	readonly clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	readonly line: RequestLine;
	/** Everything the driver sent, as text. */
	readonly sent: string[] = [];
	/** Applied to what the instrument sends while it is set. */
	fault: WireFault | undefined;
	/** Applied to what the driver sends. */
	requestFault: ((bytes: Uint8Array) => Uint8Array) | undefined;
	private far: ByteStream | undefined;
	private connection: SimulatorConnection = this.newConnection();
	private timerMs = Number.POSITIVE_INFINITY;
	private busyUntilMs = 0;

	constructor(
		private readonly simulator: InstrumentSimulator,
		timing: { timeoutMs: number; retries: number },
	) {
		this.line = requestLine({
			name: "instrument",
			timing,
			clock: this.clock,
			open: async () => {
				const [near, far] = memoryPair("instrument");
				this.far = far;
				this.connection = this.newConnection();
				far.onBytes((bytes) => this.receive(bytes));
				return near;
			},
		});
	}

	context<Settings>(name: string, settings: Settings): DriverContext<Settings> {
		return { name, settings, clock: this.clock, line: this.line };
	}

	/** Moves the clock until the promise has ended, and gives or throws its end. */
	async run<T>(promise: Promise<T>): Promise<T> {
		let ended = false;
		const end = () => {
			ended = true;
		};
		promise.then(end, end);
		await this.clock.advanceUntil(() => ended, 120_000);
		return promise;
	}

	/** Applies `change` to the instrument at the present time. */
	atInstrument(change: () => void): void {
		this.simulator.advance(this.clock.nowMs());
		change();
		this.schedule();
	}

	private receive(bytes: Uint8Array): void {
		const arriving = this.requestFault?.(bytes) ?? bytes;
		this.sent.push(Buffer.from(bytes).toString("latin1"));
		this.simulator.advance(this.clock.nowMs());
		this.simulator.receive(arriving, this.connection);
		this.schedule();
	}

	private schedule(): void {
		const nextMs = this.simulator.nextEventMs();
		if (!Number.isFinite(nextMs) || nextMs >= this.timerMs) return;
		this.timerMs = nextMs;
		this.clock.setTimer(nextMs - this.clock.nowMs(), () => {
			this.timerMs = Number.POSITIVE_INFINITY;
			this.simulator.advance(this.clock.nowMs());
			this.schedule();
		});
	}

	private newConnection(): SimulatorConnection {
		return { state: undefined, send: (bytes) => this.deliver(bytes) };
	}

	private deliver(bytes: Uint8Array): void {
		const { far } = this;
		const pieces = this.fault === undefined ? [{ bytes, delayMs: 0 }] : this.fault(bytes);
		for (const piece of pieces) {
			if (piece.bytes.length === 0) continue;
			const write = () => {
				if (far?.isOpen) far.write(piece.bytes);
			};
			// A line never changes the order of its bytes.
			const nowMs = this.clock.nowMs();
			this.busyUntilMs = Math.max(this.busyUntilMs, nowMs + piece.delayMs);
			if (this.busyUntilMs === nowMs) write();
			else this.clock.setTimer(this.busyUntilMs - nowMs, write);
		}
	}
}
