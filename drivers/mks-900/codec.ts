/**
 * The serial protocol of the MKS 900 series: bytes to messages and back, pure.
 * Sources: 902B manual 100017633 rev. B (2014-12) pp 12, 13, 21, 46; 910 manual pp 24, 46; 971 manual p 26.
 */
import { AdlayerError } from "#core/errors.js";
import { pascalFromMillibar, pascalFromTorr } from "#core/units.js";
import { TURN_AROUND } from "#transport/turn-around.js";

const END = ";FF";
/** No reply is longer: a user tag of some 20 characters. */
export const FRAME_BYTES_MAX = 80;

/** 253 and `PR4?` -> `@253PR4?;FF`. There is no line ending. */
export const encodeRequest = (address: number, command: string): Uint8Array =>
	Buffer.from(`@${addressText(address)}${command}${END}`, "latin1");

export const addressText = (address: number): string => String(address).padStart(3, "0");

/** Whoever is on the line answers to this address: for a line with one transducer on it (902B manual p 12). */
export const ADDRESS_ANY = 254;

/** Some end their replies with a line's end as well, and a two-wire line that turns around may give 00 or FF before one. */
const REPLY = new RegExp(`^[\\r\\n${String.fromCharCode(...TURN_AROUND)}]*@(\\d{3})(ACK|NAK)([\\x20-\\x7e]*)$`);

/** What a transducer answered, and which: data, or the code of its refusal. */
export type Answer = ({ readonly data: string } | { readonly refused: number }) & { readonly from: number };

/**
 * Parser of the reply of `address` to `request`. Replies of other addresses on the line (late ones) and the echo of the
 * request, which two-wire adapters give, are skipped. Anything else throws REPLY_INVALID: with the turn-around delay off
 * (RSD) a reply loses its first characters, and what is left of it is no reply.
 */
export function replyOf(
	address: number,
	request: Uint8Array,
): (received: Uint8Array) => { reply: Answer; taken: number } | undefined {
	// To the broadcast each transducer answers with its own address.
	const own = address === ADDRESS_ANY ? undefined : addressText(address);
	const echo = latin1(request).slice(0, -END.length);
	return (received) => {
		const text = latin1(received);
		for (let at = 0; ; ) {
			const end = text.indexOf(END, at);
			if ((end < 0 ? text.length : end) - at > FRAME_BYTES_MAX)
				throw invalid(`More than ${FRAME_BYTES_MAX} bytes came`);
			if (end < 0) return undefined;
			const frame = text.slice(at, end);
			at = end + END.length;
			if (frame === echo) continue;
			const match = REPLY.exec(frame);
			if (match === null || match[3]!.includes("@")) throw invalid(`"${printable(frame + END)}" came`);
			if (own !== undefined && match[1] !== own) continue;
			const from = Number(match[1]);
			if (match[2] === "ACK") return { reply: { data: match[3]!, from }, taken: at };
			if (!/^\d{1,3}$/.test(match[3]!)) throw invalid(`"${printable(frame + END)}" came`);
			return { reply: { refused: Number(match[3]), from }, taken: at };
		}
	};
}

/** One sentence about what came instead of a reply of `address`. */
export function diagnose(address: number, received: Uint8Array): string {
	const other = /@(\d{3})(?:ACK|NAK)/.exec(latin1(received))?.[1];
	if (other !== undefined && other !== addressText(address)) {
		return `address ${other} answered, not ${addressText(address)}`;
	}
	const came = `"${printable(latin1(received))}" came`;
	return latin1(received).includes(END) ? `${came}, which is no reply` : `${came}, which does not end with ${END}`;
}

/** Codes of a NAK: 902B and 910 manuals, and the MKS 946's table of the same protocol. */
const REFUSALS: Readonly<Record<number, string>> = {
	160: "unrecognised message",
	169: "invalid argument",
	172: "value out of range",
	175: "neither ? nor !",
	180: "protected setting (locked)",
};

/** Stands for a refusal where a question was passed over. */
export const SILENCE = -1;

export const refusalText = (code: number): string =>
	code === SILENCE ? "silence" : `NAK ${code}${code in REFUSALS ? `, ${REFUSALS[code]}` : ""}`;

/** A number as it came, and how it was written. */
export interface WrittenNumber {
	readonly value: number;
	/** Digits after the point and the exponent as written, of a number that has one; null for a plain one, whose digits vary. */
	readonly scientific: { readonly decimals: number; readonly sign: "+" | "-" | ""; readonly exponent: string } | null;
}

/**
 * `1.234E-3`, `1.23E-3`, `2.50E+1` (910, 925, 97x), `1.234E0` or `1.23` (902B) -> the number. Where the transducer gives words
 * instead (out of range, sensor off) these are given. Throws REPLY_INVALID on what is neither, such as a number that lost a
 * digit.
 */
export function parseNumber(reply: string): WrittenNumber | { readonly words: string } {
	const data = reply.trim();
	const match = /^[+-]?\d\.(\d{1,4})[Ee]([+-]?)(\d{1,2})$/.exec(data);
	if (match !== null) {
		const [, decimals, sign, exponent] = match as unknown as [string, string, "+" | "-" | "", string];
		return { value: Number(data), scientific: { decimals: decimals.length, sign, exponent } };
	}
	if (/^[+-]?(0|[1-9]\d{0,5})(\.\d{1,4})?$/.test(data)) return { value: Number(data), scientific: null };
	if (/^[A-Za-z<>][\x20-\x7e]*$/.test(data)) return { words: data };
	throw invalid(`"${printable(data)}" came, which is no pressure`);
}

/**
 * How one transducer writes its numbers. The protocol has no checksum, and `1.234E-3` that lost a character on the line may
 * still be a number: what is written in another way than the numbers before has lost one.
 */
export class Handwriting {
	private form: { readonly decimals: number } | "plain" | undefined;
	private plusIsWritten = false;
	private exponentIsPadded = false;

	/** Learns how exponents are written from a reply that need not be a pressure. */
	learnExponent(text: string): void {
		this.plusIsWritten ||= /E\+/.test(text);
		this.exponentIsPadded ||= /E[+-]?0\d$/.test(text);
	}

	/** Whether a pressure is written as the ones before; the first one is taken as it is. */
	fits(number: WrittenNumber): boolean {
		const { scientific } = number;
		const form = scientific === null ? "plain" : { decimals: scientific.decimals };
		this.form ??= form;
		if (scientific === null || form === "plain") return this.form === "plain";
		if (this.form === "plain" || this.form.decimals !== form.decimals) return false;
		if (this.plusIsWritten && scientific.sign === "") return false;
		if (this.exponentIsPadded && scientific.exponent.length !== 2) return false;
		this.learnExponent(`E${scientific.sign}${scientific.exponent}`);
		// A minus in front of nothing: the digit behind it was lost.
		return scientific.sign !== "-" || Number(scientific.exponent) !== 0;
	}
}

/** Pa of a value in the unit that `U?` names; undefined for a unit that is none of the three. */
export function pressureUnit(name: string): ((value: number) => number) | undefined {
	switch (name.trim().toUpperCase()) {
		case "TORR":
			return pascalFromTorr;
		case "MBAR":
			return pascalFromMillibar;
		case "PASCAL":
			return (pa) => pa;
		default:
			return undefined;
	}
}

/** What the letter of `T?` says is broken; null when all is well. A letter that is not known is no good sign either. */
export function sensorFault(letter: string): string | null {
	switch (letter.trim()) {
		case "O":
			return null;
		case "M":
			return "the Pirani sensor has failed (T: M)";
		case "Z":
			return "the piezo sensor has failed (T: Z)";
		case "C":
			return "the cold cathode has failed (T: C)";
		default:
			return `the transducer's status is "${printable(letter)}" (T), not O`;
	}
}

/** Text for a message: control characters as dots, cut at 40. */
export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, ".").slice(0, 40);

const latin1 = (bytes: Uint8Array): string =>
	Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

export const invalid = (message: string): AdlayerError => new AdlayerError("REPLY_INVALID", `${message}.`);
