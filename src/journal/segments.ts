/** The journal's files: segments named by their first sequence number, each beginning with a header line. */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { AdlayerError } from "#core/errors.js";
import type { AlarmRecord, InterlockRecord } from "#record/records.js";
import { checkedJson, parseLines, type ReadLine } from "./line.js";

const NAME = /^(\d{16})\.journal$/;
const READ_BYTES = 1024 * 1024;
/** A header is a few hundred bytes; with every alarm of a reactor in it, some ten thousand. */
const HEADER_BYTES_MAX = 256 * 1024;

/** What a new segment takes over from those before it, so that a crash can be understood without reading them. */
export interface Carry {
	/** The run that is created but not finished, and the number of its run-created record. */
	readonly openRun: { readonly run: string; readonly seq: number } | null;
	/** By precursor: the last pulse that was or may have been delivered. */
	readonly lastDose: Readonly<Record<string, LastDose>>;
	/** The last leak check: when it ended, Unix ms, and how. */
	readonly leakCheck?: { readonly wall: number; readonly passed: boolean };
	/** The last command of manual operation that has not come to rest. */
	readonly manual?: { readonly by: string; readonly order: string };
	/** Pulses announced whose fate is not recorded. */
	readonly intended: readonly IntendedPulse[];
	/** Number of the record from which on the open battery tests can be told; absent before the first test. */
	readonly cellTestsSeq?: number;
	/** The last record of each interlock that is latched, and of each alarm that is not normal. Absent in older segments. */
	readonly interlocks?: readonly InterlockRecord[];
	readonly alarms?: readonly AlarmRecord[];
}

export interface IntendedPulse {
	readonly seq: number;
	readonly wall: number;
	readonly run: string | null;
	readonly pulse: number;
	readonly precursor: string;
	readonly valve: string;
	readonly commandedMs: number;
	readonly cycle?: number;
	readonly index?: number;
}

export interface LastDose {
	readonly seq: number;
	readonly wall: number;
	readonly fate: "delivered" | "unknown";
}

export interface SegmentHeader extends Carry {
	/** UUID of the journal, the same in all its segments. */
	readonly journal: string;
	readonly schema: number;
	readonly firstSeq: number;
	readonly station: string;
	/** Unix ms. */
	readonly createdWall: number;
	/** The boot of the machine during which it was written; null where the system does not tell. */
	readonly boot: string | null;
}

export interface Segment {
	readonly firstSeq: number;
	readonly file: string;
}

export function segmentFile(dir: string, firstSeq: number): string {
	return join(dir, `${String(firstSeq).padStart(16, "0")}.journal`);
}

/** All segments, oldest first; none when the folder does not exist. */
export function listSegments(dir: string): Segment[] {
	if (!existsSync(dir)) return [];
	return readdirSync(dir)
		.filter((name) => NAME.test(name))
		.sort()
		.map((name) => ({ firstSeq: Number(name.slice(0, 16)), file: join(dir, name) }));
}

/** The header and where the records begin; undefined while the header is not completely there. */
export function readHeader(fd: number, file: string): { header: SegmentHeader; bytes: number } | undefined {
	const buffer = Buffer.allocUnsafe(HEADER_BYTES_MAX);
	const length = readSync(fd, buffer, 0, buffer.length, 0);
	const end = buffer.subarray(0, length).indexOf(10);
	if (end < 0) return undefined;
	const json = checkedJson(buffer, 0, end);
	if (json === undefined) throw corrupt(file, 1, 0);
	return { header: JSON.parse(json.toString("utf8")) as SegmentHeader, bytes: end + 1 };
}

export function headerOf(file: string): SegmentHeader | undefined {
	const fd = openSync(file, "r");
	try {
		return readHeader(fd, file)?.header;
	} finally {
		closeSync(fd);
	}
}

export function corrupt(file: string, line: number, byte: number): AdlayerError {
	return new AdlayerError(
		"JOURNAL_CORRUPT",
		`The journal does not match its checksum in ${file}, line ${line}, byte ${byte}.`,
		{
			context: { file, line, byte },
		},
	);
}

export interface ScanEnd {
	/** Bytes up to the end of the last good line. */
	readonly goodBytes: number;
	readonly fileBytes: number;
	readonly lastSeq: number;
}

/**
 * Reads a whole segment in order. In the last segment the last line may be torn by a crash: reading ends before it. A bad
 * line anywhere else is JOURNAL_CORRUPT.
 */
export function scanSegment(
	segment: Segment,
	isLast: boolean,
	onLine: (line: ReadLine) => void,
): ScanEnd & { header: SegmentHeader | undefined } {
	const fd = openSync(segment.file, "r");
	try {
		const fileBytes = fstatSync(fd).size;
		const head = readHeader(fd, segment.file);
		if (head === undefined) {
			if (!isLast) throw corrupt(segment.file, 1, 0);
			return { goodBytes: 0, fileBytes, lastSeq: segment.firstSeq - 1, header: undefined };
		}
		let good = head.bytes;
		let line = 1;
		let lastSeq = head.header.firstSeq - 1;
		let size = READ_BYTES;
		for (;;) {
			const buffer = Buffer.allocUnsafe(size);
			const bytes = buffer.subarray(0, readSync(fd, buffer, 0, size, good));
			const parsed = parseLines(bytes);
			for (const entry of parsed.lines) {
				onLine(entry);
				lastSeq = entry.record.seq;
			}
			good += parsed.consumed;
			line += parsed.lines.length;
			if (parsed.stop === "bad-checksum" && !(isLast && isTornTail(fd, good, fileBytes)))
				throw corrupt(segment.file, line + 1, good);
			const isAtEnd = bytes.length < size;
			if (parsed.stop === "bad-checksum" || isAtEnd) {
				if (!isLast && good < fileBytes) throw corrupt(segment.file, line + 1, good);
				return { goodBytes: good, fileBytes, lastSeq, header: head.header };
			}
			// A line longer than the buffer.
			if (parsed.consumed === 0) size *= 2;
		}
	} finally {
		closeSync(fd);
	}
}

/** True when no good line follows `from`: what is there was being written when the machine stopped. */
export function isTornTail(fd: number, from: number, to: number): boolean {
	const buffer = Buffer.alloc(Math.max(0, to - from));
	const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, from));
	for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
		const end = bytes.indexOf(10, at + 1);
		if (end < 0) return true;
		if (checkedJson(bytes, at + 1, end) !== undefined) return false;
	}
	return true;
}
