/** What one control process has of the world in virtual time, so that it can be killed: from then on nothing of it has any effect. */
import type { Clock, SteppedClock, Timer } from "#core/clock.js";
import type { ByteStream, MqttLink, OpenByteStream } from "#core/wire.js";
import type { MemoryJournal } from "#journal/memory.js";
import type { RecordBody, RecordSink } from "#record/records.js";

const NEVER = new Promise<never>(() => {});

export class Mortal {
	private dead = false;
	private readonly closers: (() => void)[] = [];
	private readonly cutters: (() => void)[] = [];
	readonly clock: Clock;

	/** `wallShiftMs` is how wrong the machine's clock is at the moment. */
	constructor(
		base: SteppedClock,
		wallShiftMs: () => number,
		/** What becomes of the bytes that arrive. */
		private readonly arriving: (bytes: Uint8Array, wire: string) => Uint8Array = (bytes) => bytes,
	) {
		// A process's monotonic time begins with it; the first one's with the world, so that its journal is the same as ever.
		const startMs = base.nowMs();
		const isDead = () => this.dead;
		this.clock = {
			nowMs: () => base.nowMs() - startMs,
			wallMs: () => base.wallMs() + wallShiftMs(),
			setTimer: (delayMs: number, fn: () => void): Timer =>
				base.setTimer(delayMs, () => {
					if (!isDead()) fn();
				}),
			sleep: (delayMs: number, signal?: AbortSignal) =>
				base.sleep(delayMs, signal).then(
					() => (isDead() ? NEVER : undefined),
					(thrown) => (isDead() ? NEVER : Promise.reject(thrown)),
				),
			expectAnswer: () => base.expectAnswer(),
		};
	}

	get isDead(): boolean {
		return this.dead;
	}

	/** As by -9: nothing is said to anybody, and the system closes what was open. */
	kill(): void {
		this.dead = true;
		for (const close of this.closers) close();
	}

	/** Every connection ends; it can be opened again. */
	cutWires(): void {
		for (const cut of this.cutters.splice(0)) cut();
	}

	journal(to: MemoryJournal): RecordSink & { readonly lastSeq: number } {
		const isDead = () => this.dead;
		return {
			get lastSeq() {
				return to.lastSeq;
			},
			append: (body: RecordBody) => (isDead() ? to.lastSeq : to.append(body)),
			synced: () => (isDead() ? NEVER : to.synced()),
		};
	}

	opener(open: OpenByteStream): OpenByteStream {
		return async () => {
			if (this.dead) return NEVER;
			const inner = await open();
			this.closers.push(() => void inner.close());
			return this.stream(inner);
		};
	}

	link(inner: MqttLink): MqttLink {
		this.closers.push(() => void inner.close());
		return inner;
	}

	private stream(inner: ByteStream): ByteStream {
		const isDead = () => this.dead;
		let closed: ((cause?: Error) => void) | undefined;
		this.cutters.push(() => {
			void inner.close();
			closed?.();
		});
		return {
			name: inner.name,
			get isOpen() {
				return inner.isOpen;
			},
			write: (bytes) => {
				if (!isDead()) inner.write(bytes);
			},
			onBytes: (listener) =>
				inner.onBytes((bytes) => {
					const arrived = this.arriving(bytes, inner.name);
					if (!isDead() && arrived.length > 0) listener(arrived);
				}),
			onClose: (listener) => {
				closed = (cause) => {
					if (!isDead()) listener(cause);
				};
				inner.onClose(closed);
			},
			close: () => inner.close(),
		};
	}
}
