/**
 * How ProPar messages are put on the line, pure: as lines of hex digits, or as bytes between DLE STX and DLE ETX. Sources: RS232
 * interface, 9.17.027, pp 12 to 14; for the binary form Bronkhorst's own bronkhorst-propar package (its provider).
 */
import { AdlayerError } from "#core/errors.js";
import { TURN_AROUND } from "#transport/turn-around.js";

export const FORMS = ["ascii", "binary"] as const;
export type Form = (typeof FORMS)[number];

/** A message to or from a node, or the code of an error message. */
export type Frame = { readonly node: number; readonly data: readonly number[] } | { readonly error: number };

/** One request on the line and what may answer it. */
export interface Framing {
	encode(node: number, data: readonly number[]): Uint8Array;
	/** The first whole message from `from` on; throws REPLY_INVALID on what is none. */
	next(received: Uint8Array, from: number): { readonly frame: Frame; readonly next: number } | undefined;
}

/** The length byte counts what follows it, at most 255 bytes: 514 characters and the ending. */
export const LINE_BYTES_MAX = 520;
/** 255 bytes of data with sequence, node and length, each of them doubled, between its two ends. */
const BINARY_BYTES_MAX = 2 * (255 + 3) + 4;

const CR = 0x0d;
const LF = 0x0a;
const DLE = 0x10;
const STX = 0x02;
const ETX = 0x03;

/** `:0403000005` CR LF: length, node and data. */
export const ASCII: Framing = {
	encode(node, data) {
		const hex = Buffer.from([data.length + 1, node, ...data])
			.toString("hex")
			.toUpperCase();
		return Buffer.from(`:${hex}\r\n`, "latin1");
	},
	next(received, from) {
		const line = readLine(received, from);
		return line === undefined ? undefined : { frame: decodeFrame(line.text), next: line.next };
	},
};

/**
 * Sequence, node, length and data between DLE STX and DLE ETX, every DLE in it doubled. A reply carries the sequence number of
 * its request: others are late ones and are passed over.
 */
export const binary = (sequence: number): Framing => ({
	encode(node, data) {
		const content = [sequence, node, data.length, ...data].flatMap((byte) => (byte === DLE ? [DLE, DLE] : [byte]));
		return Uint8Array.of(DLE, STX, ...content, DLE, ETX);
	},
	next(received, from) {
		for (let at = from; ; ) {
			const message = readBinary(received, at);
			if (message === undefined) return undefined;
			at = message.next;
			const [came, node, length, ...data] = message.content as [number, number, number, ...number[]];
			if (data.length !== length || length === 0) throw invalid("a message has another length than it says");
			if (came !== sequence) continue;
			const frame = length === 1 ? { error: data[0]! } : { node, data };
			return { frame, next: at };
		}
	},
});

/** The bytes between the ends of the first message from `from` on. */
export function readBinary(
	received: Uint8Array,
	from: number,
): { readonly content: readonly number[]; readonly next: number } | undefined {
	for (const [at, byte] of [DLE, STX].entries()) {
		if (received.length <= from + at) return undefined;
		if (received[from + at] !== byte) throw invalid(`${received.length - from} bytes came that begin no message`);
	}
	const content: number[] = [];
	for (let at = from + 2; at < received.length; at += 1) {
		if (at - from > BINARY_BYTES_MAX) throw invalid(`more than ${BINARY_BYTES_MAX} bytes came without an end`);
		const byte = received[at]!;
		if (byte !== DLE) {
			content.push(byte);
			continue;
		}
		at += 1;
		if (received[at] === DLE) content.push(DLE);
		else if (received[at] === ETX) return { content, next: at + 1 };
		else if (at < received.length) throw invalid("a message was cut short");
	}
	return undefined;
}

/**
 * `:0403000005` -> node and data, or the code of an error message (`:0104`). Throws REPLY_INVALID when it is not of that
 * form or another number of bytes than the length byte says: the protocol has no checksum, this catches lost characters.
 */
export function decodeFrame(text: string): Frame {
	if (!/^:(?:[0-9A-Fa-f]{2}){2,}$/.test(text)) throw invalid(`"${printable(text)}" came`);
	const bytes = [...Buffer.from(text.slice(1), "hex")];
	const [length, node, ...data] = bytes as [number, number, ...number[]];
	if (length !== bytes.length - 1) throw invalid(`"${printable(text)}" has another length than it says`);
	if (length === 1) return { error: node };
	return { node, data };
}

/** The first whole line from `from` on, without its ending. Throws REPLY_INVALID on one that is too long. */
function readLine(received: Uint8Array, from: number): { text: string; next: number } | undefined {
	let start = from;
	while (start < received.length && (isEnding(received[start]!) || TURN_AROUND.includes(received[start]!))) start += 1;
	let end = start;
	while (end < received.length && !isEnding(received[end]!)) end += 1;
	if (end - start > LINE_BYTES_MAX) throw invalid(`a line of more than ${LINE_BYTES_MAX} bytes came`);
	if (end === received.length) return undefined;
	const text = Buffer.from(received.buffer, received.byteOffset + start, end - start).toString("latin1");
	return { text, next: received[end + 1] === LF ? end + 2 : end + 1 };
}

const isEnding = (byte: number): boolean => byte === CR || byte === LF;

/** Text for a message: control characters as dots, cut at 40. */
export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, ".").slice(0, 40);

export function invalid(message: string): AdlayerError {
	return new AdlayerError("REPLY_INVALID", `No valid ProPar reply: ${message}.`);
}
