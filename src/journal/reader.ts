import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "#core/clock.js";
import { readAcknowledgement, writeAcknowledgement } from "./acknowledgement.js";
import { parseLines, type ReadLine } from "./line.js";
import { corrupt, isTornTail, listSegments, readHeader, type Segment, type SegmentHeader } from "./segments.js";

/** One read from the file: what a batch holds at most, unless one line alone is longer. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_RECORDS = 20_000;
/** How often a reader at the end looks for more. */
export const POLL_MS = 100;
const TAIL_BYTES = 256 * 1024;

export interface JournalPosition {
	/** UUID of the journal. */
	readonly journal: string;
	/** The last record already taken. */
	readonly seq: number;
}

export interface Batch {
	readonly journal: string;
	readonly station: string;
	readonly lines: readonly ReadLine[];
}

export interface ReaderOptions {
	readonly dir: string;
	/** Names the reader's acknowledgement file; one per purpose, e.g. `store`. */
	readonly name: string;
	readonly clock: Clock;
	/** Where to go on; without it, after what was acknowledged. */
	readonly from?: JournalPosition;
}

interface Current {
	readonly segment: Segment;
	readonly handle: FileHandle;
	readonly header: SegmentHeader;
	offset: number;
	line: number;
}

/**
 * Reads the journal in order, from a position on, while it grows. It writes nothing but its own acknowledgement file, so
 * that a slow reader costs the writer nothing.
 */
export class JournalReader {
	private current: Current | undefined;
	private position: JournalPosition | undefined;

	constructor(private readonly options: ReaderOptions) {
		this.position = options.from ?? readAcknowledgement(options.dir, options.name);
	}

	/** The journal's header: of the segment that is being read. Undefined until there is a journal. */
	get header(): SegmentHeader | undefined {
		return this.current?.header;
	}

	/** What was acknowledged by this reader, in this life or an earlier one. */
	get acknowledged(): JournalPosition | undefined {
		return readAcknowledgement(this.options.dir, this.options.name);
	}

	/** Opens the journal if there is one; its uuid and station. */
	async identify(): Promise<{ journal: string; station: string } | undefined> {
		if (this.current === undefined) await this.enterFirst();
		const header = this.current?.header;
		return header && { journal: header.journal, station: header.station };
	}

	/** Goes to another position: the next record read is the one after it. */
	async seek(position: JournalPosition): Promise<void> {
		await this.leave();
		this.position = position;
	}

	/**
	 * The next records, none at the present end. Throws JOURNAL_CORRUPT naming file, line and byte; the records before that
	 * place have been given out by then. A position that belongs to another journal counts as the beginning of this one.
	 */
	async read(recordsMax = BATCH_RECORDS): Promise<Batch | undefined> {
		if (this.current === undefined) await this.enterFirst();
		while (this.current !== undefined) {
			const { current } = this;
			const { journal, station } = current.header;
			let lines = await this.readLines(current, recordsMax);
			if (lines.length === 0) {
				const next = this.following(current);
				if (next === undefined) return undefined;
				// What the writer added before it began the next segment is all there now.
				lines = await this.readLines(current, recordsMax, true);
				if (lines.length === 0 && !(await this.enter(next))) return undefined;
			}
			lines = this.unseen(lines, journal);
			if (lines.length === 0) continue;
			this.position = { journal, seq: lines.at(-1)!.record.seq };
			return { journal, station, lines };
		}
		return undefined;
	}

	/** Like `read`, but waits for records; undefined once the signal is aborted. */
	async next(signal: AbortSignal, recordsMax = BATCH_RECORDS): Promise<Batch | undefined> {
		while (!signal.aborted) {
			const batch = await this.read(recordsMax);
			if (batch !== undefined) return batch;
			await this.options.clock.sleep(POLL_MS, signal).catch(() => {});
		}
		return undefined;
	}

	/** Says that everything up to `seq` is safe with this reader: the writer may delete it. */
	acknowledge(seq: number): void {
		const journal = this.current?.header.journal ?? this.position?.journal;
		if (journal !== undefined) writeAcknowledgement(this.options.dir, this.options.name, { journal, seq });
	}

	/** Number of the journal's last whole record, 0 without one; for the lag. */
	endSeq(): number {
		const segment = listSegments(this.options.dir).at(-1);
		if (segment === undefined) return 0;
		try {
			return lastSeqIn(segment);
		} catch {
			return segment.firstSeq - 1;
		}
	}

	async close(): Promise<void> {
		await this.leave();
	}

	private async leave(): Promise<void> {
		const { current } = this;
		this.current = undefined;
		await current?.handle.close();
	}

	/** Lines before the position are passed over: a segment is entered at its beginning. */
	private unseen(lines: ReadLine[], journal: string): ReadLine[] {
		const after = this.position?.journal === journal ? this.position.seq : 0;
		return lines.length > 0 && lines[0]!.record.seq <= after ? lines.filter(({ record }) => record.seq > after) : lines;
	}

	private async enterFirst(): Promise<void> {
		const segments = listSegments(this.options.dir);
		const first = segments[0];
		if (first === undefined || !(await this.enter(first))) return;
		const wanted = this.position?.journal === this.current!.header.journal ? this.position.seq + 1 : 0;
		const segment = segments.findLast(({ firstSeq }) => firstSeq <= wanted);
		if (segment === undefined || segment === first) return;
		await this.leave();
		await this.enter(segment);
	}

	/** False when the segment has no whole header yet, or was just deleted. */
	private async enter(segment: Segment): Promise<boolean> {
		let handle: FileHandle;
		try {
			handle = await open(segment.file, "r");
		} catch {
			return false;
		}
		const head = readHeader(handle.fd, segment.file);
		if (head === undefined) {
			await handle.close();
			return false;
		}
		await this.current?.handle.close();
		this.current = { segment, handle, header: head.header, offset: head.bytes, line: 1 };
		return true;
	}

	/** The segment after this one, or the first of another journal that has replaced this one. */
	private following(current: Current): Segment | undefined {
		const segments = listSegments(this.options.dir);
		const isThere = segments.some(({ file }) => file === current.segment.file) && isSameFile(current);
		return isThere ? segments.find(({ firstSeq }) => firstSeq > current.segment.firstSeq) : segments[0];
	}

	private async readLines(current: Current, recordsMax: number, isFinal = false): Promise<ReadLine[]> {
		for (let size = BATCH_BYTES; ; size *= 2) {
			const buffer = Buffer.allocUnsafe(size);
			const { bytesRead } = await current.handle.read(buffer, 0, size, current.offset);
			const parsed = parseLines(buffer.subarray(0, bytesRead), recordsMax);
			current.offset += parsed.consumed;
			current.line += parsed.lines.length;
			if (parsed.lines.length > 0) return parsed.lines;
			// A line longer than the buffer is read with a larger one.
			if (parsed.stop === "unfinished" && bytesRead === size) continue;
			const isBroken = parsed.stop === "bad-checksum" || (parsed.stop === "unfinished" && isFinal);
			if (isBroken && !this.mayBeTorn(current)) throw corrupt(current.segment.file, current.line + 1, current.offset);
			return [];
		}
	}

	/** The writer cuts a torn last line when it opens the journal again; until then a reader waits before it. */
	private mayBeTorn(current: Current): boolean {
		const isLast = listSegments(this.options.dir).at(-1)?.file === current.segment.file;
		return isLast && isTornTail(current.handle.fd, current.offset, fstatSync(current.handle.fd).size);
	}
}

/** A new journal's first segment has the name of the old one's. */
function isSameFile({ handle, segment }: Current): boolean {
	return statSync(segment.file, { throwIfNoEntry: false })?.ino === fstatSync(handle.fd).ino;
}

function lastSeqIn(segment: Segment): number {
	const fd = openSync(segment.file, "r");
	try {
		const size = fstatSync(fd).size;
		const from = Math.max(0, size - TAIL_BYTES);
		const buffer = Buffer.alloc(size - from);
		const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
		const start = from === 0 ? 0 : bytes.indexOf(10) + 1;
		const last = parseLines(bytes.subarray(start)).lines.at(-1)?.record.seq;
		return last ?? segment.firstSeq - 1;
	} finally {
		closeSync(fd);
	}
}
