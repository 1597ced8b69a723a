/** Bytes of one reply as they grow. */
export class ReceiveBuffer {
	private store = new Uint8Array(512);
	private length = 0;

	constructor(private readonly bytesMax: number) {}

	get isEmpty(): boolean {
		return this.length === 0;
	}

	get isFull(): boolean {
		return this.length >= this.bytesMax;
	}

	/** Everything received; valid until the next append or clear. */
	get bytes(): Uint8Array {
		return this.store.subarray(0, this.length);
	}

	/** Appends; what exceeds the bound is cut off. */
	append(bytes: Uint8Array): void {
		const room = this.bytesMax - this.length;
		const taken = bytes.length <= room ? bytes : bytes.subarray(0, room);
		const needed = this.length + taken.length;
		if (needed > this.store.length) {
			const larger = new Uint8Array(Math.max(needed, 2 * this.store.length));
			larger.set(this.bytes);
			this.store = larger;
		}
		this.store.set(taken, this.length);
		this.length = needed;
	}

	clear(): void {
		this.length = 0;
	}
}
