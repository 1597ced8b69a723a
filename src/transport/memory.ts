import { AdlayerError } from "#core/errors.js";
import type { ByteStream } from "#core/wire.js";

interface Parcel {
	readonly to: MemoryEnd;
	/** Absent: the sender has closed. */
	readonly bytes: Uint8Array | undefined;
}

/** What is on its way between two ends: delivered in order, each in a microtask, never from inside `write`. */
class MemoryWire {
	private parcels: Parcel[] = [];
	private scheduled = false;
	private readonly deliver = () => {
		this.scheduled = false;
		const due = this.parcels;
		this.parcels = [];
		for (const parcel of due) parcel.to.take(parcel.bytes);
	};

	post(to: MemoryEnd, bytes: Uint8Array | undefined): void {
		this.parcels.push({ to, bytes });
		if (this.scheduled) return;
		this.scheduled = true;
		queueMicrotask(this.deliver);
	}
}

class MemoryEnd implements ByteStream {
	peer: MemoryEnd | undefined;
	private open = true;
	private bytesListener: ((bytes: Uint8Array) => void) | undefined;
	private closeListener: ((cause?: Error) => void) | undefined;

	constructor(
		readonly name: string,
		private readonly wire: MemoryWire,
	) {}

	get isOpen(): boolean {
		return this.open;
	}

	write(bytes: Uint8Array): void {
		if (!this.open) throw new AdlayerError("LINK_LOST", `The link ${this.name} is closed.`);
		this.wire.post(this.peer!, bytes);
	}

	onBytes(listener: (bytes: Uint8Array) => void): void {
		this.bytesListener = listener;
	}

	onClose(listener: (cause?: Error) => void): void {
		this.closeListener = listener;
	}

	async close(): Promise<void> {
		if (!this.open) return;
		this.open = false;
		this.wire.post(this.peer!, undefined);
	}

	take(bytes: Uint8Array | undefined): void {
		if (!this.open) return;
		if (bytes !== undefined) {
			this.bytesListener?.(bytes);
			return;
		}
		this.open = false;
		this.closeListener?.();
	}
}

/**
 * Two ends of a byte stream joined in memory. What one end writes the other receives within microtasks, in order and in
 * the chunks it was written; the bytes are handed over, not copied, so the writer must not change them afterwards. A
 * write from inside a receiver is delivered in a later microtask, so that two ends may talk for ever without recursion.
 * Bytes for an end that has no receiver yet are lost, as on a serial line. Closing one end closes the other once it has
 * received what was on its way.
 */
export function memoryPair(name: string): [ByteStream, ByteStream] {
	const wire = new MemoryWire();
	const near = new MemoryEnd(name, wire);
	const far = new MemoryEnd(`${name} (far end)`, wire);
	near.peer = far;
	far.peer = near;
	return [near, far];
}
