/**
 * The framed protocol of the INFICON SQM-160: bytes to messages and back, pure. Bytes from 0x80 on occur in checksums.
 * Sources: SQM-160 manual, chapter on communications; exchanges of the public pymeasure driver.
 */
import { AdlayerError } from "#core/errors.js";

/** `!` begins every message and occurs nowhere else. */
const SYNC = 0x21;
const REQUEST_LENGTH_OFFSET = 34;
const REPLY_LENGTH_OFFSET = 35;
const CRC_OFFSET = 34;
/** Sync and length before, checksum after. */
const FRAME_BYTES = 4;
/** A length byte says 220 at most. */
const REPLY_BYTES_MAX = 255 - REPLY_LENGTH_OFFSET + FRAME_BYTES;

/** CRC of 14 bits over everything after the sync byte, as the two bytes that are sent. */
export function checksum(bytes: Uint8Array): [number, number] {
	let crc = 0x3fff;
	for (const byte of bytes) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0x2001 : crc >> 1;
		crc &= 0x3fff;
	}
	return [(crc & 0x7f) + CRC_OFFSET, ((crc >> 7) & 0x7f) + CRC_OFFSET];
}

function frame(text: string, lengthOffset: number): Uint8Array {
	const body = Uint8Array.of(text.length + lengthOffset, ...Buffer.from(text, "latin1"));
	return Uint8Array.of(SYNC, ...body, ...checksum(body));
}

export const encodeRequest = (message: string): Uint8Array => frame(message, REQUEST_LENGTH_OFFSET);
export const encodeReply = (status: Status, data: string): Uint8Array => frame(status + data, REPLY_LENGTH_OFFSET);

/** A understood; B understood, and the instrument was reset before; C unknown command; D bad data; E not in this mode. */
export type Status = "A" | "B" | "C" | "D" | "E";

export const STATUS: Readonly<Record<Status, string>> = {
	A: "understood",
	B: "understood; the instrument was reset",
	C: "the instrument does not know the command",
	D: "the instrument has no such data",
	E: "the instrument is in another mode",
};

export interface Reply {
	readonly status: Status;
	readonly data: string;
}

/** The content of the first whole frame; undefined while there is none. What stands before a sync byte is no part of any. */
function readFrame(received: Uint8Array, lengthOffset: number): { text: string; taken: number } | undefined {
	const start = received.indexOf(SYNC);
	if (start < 0) {
		if (received.length > REPLY_BYTES_MAX)
			throw invalid(`${received.length} bytes came without the start of a message`);
		return undefined;
	}
	if (start + 1 >= received.length) return undefined;
	const length = received[start + 1]! - lengthOffset;
	if (length < 1) throw invalid(`a message of length ${length} came`);
	const end = start + FRAME_BYTES + length;
	// The next message begins inside this one: bytes are lost.
	const next = received.indexOf(SYNC, start + 1);
	if (next >= 0 && next < end) throw invalid("a message was cut short");
	if (received.length < end) return undefined;
	const [low, high] = checksum(received.subarray(start + 1, end - 2));
	if (received[end - 2] !== low || received[end - 1] !== high) throw invalid("a message has a wrong checksum");
	return { text: Buffer.from(received.subarray(start + 2, end - 2)).toString("latin1"), taken: end };
}

/** Throws REPLY_INVALID on a damaged message. The echo of `request` in front of it is skipped. */
export function parseReply(
	received: Uint8Array,
	request: Uint8Array = new Uint8Array(),
): { reply: Reply; taken: number } | undefined {
	const echoed = request.findIndex((byte, at) => received[at] !== byte);
	// A reply and its request differ within the bytes that both have.
	if (echoed >= received.length) return undefined;
	const start = echoed < 0 ? request.length : 0;
	const found = readFrame(received.subarray(start), REPLY_LENGTH_OFFSET);
	if (found === undefined) return undefined;
	const status = found.text[0]!;
	if (!Object.hasOwn(STATUS, status)) throw invalid(`"${status}" is no status`);
	return { reply: { status: status as Status, data: found.text.slice(1) }, taken: start + found.taken };
}

/** For the instrument's side; throws REPLY_INVALID on a damaged message. */
export function parseRequest(received: Uint8Array): { reply: string; taken: number } | undefined {
	const found = readFrame(received, REQUEST_LENGTH_OFFSET);
	return found === undefined ? undefined : { reply: found.text, taken: found.taken };
}

/** ` 0.01 ` -> 0.01; undefined for what is no number. */
export function decodeNumber(data: string): number | undefined {
	const text = data.trim();
	return /^[+-]?\d{1,9}(\.\d{1,6})?(E[+-]?\d{1,2})?$/i.test(text) ? Number(text) : undefined;
}

function invalid(what: string): AdlayerError {
	return new AdlayerError("REPLY_INVALID", `${what[0]!.toUpperCase()}${what.slice(1)}.`);
}
