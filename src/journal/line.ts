/** One line of the journal: the CRC-32 of the JSON's bytes as 8 hex digits, a space, the JSON, a line feed. */
import { crc32 } from "node:zlib";
import type { JournalRecord, RecordBody } from "#record/records.js";

const LINE_FEED = 10;
const SPACE = 32;
/** 8 digits and the space. */
export const LINE_PREFIX_BYTES = 9;

/** The record as its line. Times must be finite; numbers in the body that are not become null. */
export function recordLine(seq: number, t: number, wall: number, body: RecordBody): string {
	return jsonLine(`{"seq":${seq},"t":${t},"wall":${wall},${JSON.stringify(body).slice(1)}`);
}

export function jsonLine(json: string): string {
	return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

/** The JSON bytes of the line `bytes[start, end)` (its line feed left out), or undefined when the checksum does not fit. */
export function checkedJson(bytes: Buffer, start: number, end: number): Buffer | undefined {
	if (end - start < LINE_PREFIX_BYTES + 2 || bytes[start + LINE_PREFIX_BYTES - 1] !== SPACE) return undefined;
	let checksum = 0;
	for (let at = start; at < start + 8; at += 1) {
		const digit = hexDigit(bytes[at]!);
		if (digit < 0) return undefined;
		checksum = checksum * 16 + digit;
	}
	const json = bytes.subarray(start + LINE_PREFIX_BYTES, end);
	return crc32(json) === checksum ? json : undefined;
}

function hexDigit(byte: number): number {
	if (byte >= 48 && byte <= 57) return byte - 48;
	if (byte >= 97 && byte <= 102) return byte - 87;
	return -1;
}

/** A record, or a segment's header; undefined where a checksum fits by chance what is neither. */
function recordOf(json: Buffer): JournalRecord | undefined {
	try {
		const record: unknown = JSON.parse(json.toString("utf8"));
		const isObject = typeof record === "object" && record !== null;
		return isObject && ("seq" in record || "journal" in record) ? (record as JournalRecord) : undefined;
	} catch {
		return undefined;
	}
}

export interface ReadLine {
	readonly record: JournalRecord;
	/** The record's JSON as it stands in the file. */
	readonly raw: Buffer;
}

export interface ParsedLines {
	readonly lines: ReadLine[];
	/** Bytes consumed: the end of the last good line. */
	readonly consumed: number;
	/** Why it stopped before the end of the bytes: a line without its end, or one whose checksum does not fit. */
	readonly stop: "end" | "unfinished" | "bad-checksum" | "full";
}

/** Takes whole, good lines from the start of `bytes`, at most `linesMax`. */
export function parseLines(bytes: Buffer, linesMax = Number.POSITIVE_INFINITY): ParsedLines {
	const lines: ReadLine[] = [];
	let at = 0;
	while (at < bytes.length) {
		if (lines.length >= linesMax) return { lines, consumed: at, stop: "full" };
		const end = bytes.indexOf(LINE_FEED, at);
		if (end < 0) return { lines, consumed: at, stop: "unfinished" };
		const raw = checkedJson(bytes, at, end);
		if (raw === undefined) return { lines, consumed: at, stop: "bad-checksum" };
		const record = recordOf(raw);
		if (record === undefined) return { lines, consumed: at, stop: "bad-checksum" };
		lines.push({ record, raw });
		at = end + 1;
	}
	return { lines, consumed: at, stop: "end" };
}
