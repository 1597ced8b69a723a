/** A first-in first-out queue that drops its oldest entry when full and counts what it dropped. */
export class BoundedQueue<T> {
	private readonly slots: (T | undefined)[];
	private head = 0;
	private count = 0;
	dropped = 0;

	constructor(readonly capacity: number) {
		this.slots = new Array(capacity);
	}

	get length(): number {
		return this.count;
	}

	push(value: T): void {
		if (this.count === this.capacity) {
			this.shift();
			this.dropped += 1;
		}
		this.slots[(this.head + this.count) % this.capacity] = value;
		this.count += 1;
	}

	shift(): T | undefined {
		if (this.count === 0) return undefined;
		const value = this.slots[this.head];
		this.slots[this.head] = undefined;
		this.head = (this.head + 1) % this.capacity;
		this.count -= 1;
		return value;
	}
}
