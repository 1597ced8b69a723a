/**
 * The records that the database refused, with why. The journal's own files go once everything in them is taken over, so what
 * was passed over is kept here: a file of JSON lines, on the disk before anything after it is acknowledged.
 */
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { AdlayerError } from "#core/errors.js";
import type { JournalRecord } from "#record/records.js";

/** A database that refuses as many is not what it should be: then it is waited for, and the journal keeps the rest. */
const RECORDS_MAX = 10_000;

/** A line of the file. */
interface Refused {
	readonly journal: string;
	readonly reason: string;
	readonly record: JournalRecord;
}

export class RefusedRecords {
	/** Of the file as it was last seen; a person may have taken it away. */
	private known = new Set<string>();
	private bytes = 0;

	constructor(readonly file: string) {}

	/** How many there are. While the file cannot be read: as many as there were; then nothing more can be kept either. */
	get count(): number {
		try {
			this.look();
		} catch {}
		return this.known.size;
	}

	/** Keeps a record, once however often it is refused. Throws when it cannot, or when there are too many. */
	keep(journal: string, record: JournalRecord, reason: string): void {
		this.look();
		const key = `${journal} ${record.seq}`;
		if (this.known.has(key)) return;
		if (this.known.size >= RECORDS_MAX)
			throw new AdlayerError(
				"DATABASE_UNAVAILABLE",
				`The database has refused ${RECORDS_MAX} records (${this.file}); nothing more is passed over.`,
			);
		const line: Refused = { journal, reason, record };
		const text = Buffer.from(`${JSON.stringify(line)}\n`);
		const file = openSync(this.file, "a", 0o640);
		try {
			writeSync(file, text);
			fsyncSync(file);
		} finally {
			closeSync(file);
		}
		this.known.add(key);
		this.bytes += text.length;
	}

	private look(): void {
		const bytes = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
		if (bytes === this.bytes) return;
		const lines = bytes === 0 ? [] : readFileSync(this.file, "utf8").split("\n");
		this.known = new Set(lines.flatMap((line) => keyOf(line)));
		this.bytes = bytes;
	}
}

/** None for a line that a crash cut short: its record is refused again. */
function keyOf(line: string): string[] {
	try {
		const { journal, record } = JSON.parse(line) as Refused;
		return [`${journal} ${record.seq}`];
	} catch {
		return [];
	}
}
