import type { JournalRecord } from "#record/records.js";

/**
 * The newest records of the journal, as many as `capacity`, addressed by an index that rises by one per record and is
 * never used twice. Followers keep an index of their own, so that a slow one costs no memory: it is overtaken instead.
 */
export class EventRing {
	private readonly slots: (JournalRecord | undefined)[];
	private pushed = 0;
	/** Records up to this journal sequence number may be missing from the ring. */
	lostThrough = Number.POSITIVE_INFINITY;

	constructor(readonly capacity: number) {
		this.slots = new Array(capacity);
	}

	/** Says where the journal begins for this ring: everything after `seq` will be pushed. */
	beginAfter(seq: number): void {
		this.lostThrough = seq;
	}

	/** The index the next record will get. */
	get end(): number {
		return this.pushed;
	}

	/** The index of the oldest record still held. */
	get begin(): number {
		return Math.max(0, this.pushed - this.capacity);
	}

	push(record: JournalRecord): void {
		const slot = this.pushed % this.capacity;
		const overwritten = this.slots[slot];
		if (overwritten !== undefined) this.lostThrough = overwritten.seq;
		this.slots[slot] = record;
		this.pushed += 1;
	}

	/** The record at an index; undefined when it is not yet there or already gone. */
	at(index: number): JournalRecord | undefined {
		return index < this.begin || index >= this.pushed ? undefined : this.slots[index % this.capacity];
	}

	/** The index of the first record after journal sequence number `seq`. */
	firstAfter(seq: number): number {
		let low = this.begin;
		let high = this.pushed;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.slots[middle % this.capacity]!.seq > seq) high = middle;
			else low = middle + 1;
		}
		return low;
	}
}
