import type { Clock } from "#core/clock.js";
import type { JournalRecord, RecordBody, RecordSink } from "#record/records.js";
import { recordLine } from "./line.js";

/** A journal that stays in memory, for virtual time: everything is on the "disk" as soon as it is appended. */
export class MemoryJournal implements RecordSink {
	readonly records: JournalRecord[] = [];
	private readonly listeners: ((record: JournalRecord) => void)[] = [];

	constructor(private readonly clock: Clock) {}

	get lastSeq(): number {
		return this.records.length;
	}

	append(body: RecordBody): number {
		const seq = this.records.length + 1;
		const record: JournalRecord = { seq, t: this.clock.nowMs(), wall: this.clock.wallMs(), ...body };
		this.records.push(record);
		for (const listener of this.listeners) listener(record);
		return seq;
	}

	synced(): Promise<void> {
		return Promise.resolve();
	}

	/** Calls `listener` with each record as it is appended. */
	onRecord(listener: (record: JournalRecord) => void): void {
		this.listeners.push(listener);
	}

	/** The lines as they would stand in a file (without a header), for comparison byte for byte. */
	bytes(): Buffer {
		const lines = this.records.map((record) => {
			const { seq, t, wall, ...body } = record;
			return recordLine(seq, t, wall, body as RecordBody);
		});
		return Buffer.from(lines.join(""));
	}
}
