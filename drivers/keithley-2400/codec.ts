/**
 * SCPI of the Keithley 2400: texts to messages and back, pure. Source: user's manual 2400S-900-01, pages 14-18 and 18-9,
 * 18-49 to 18-53 (output-off states, data elements, status bits).
 */
import { AdlayerError } from "#core/errors.js";

/** The instrument takes CR, LF and both, and ends its own with what it is set to. */
const CR = 0x0d;
const LF = 0x0a;
const REPLY_BYTES_MAX = 512;

export const encode = (command: string): Uint8Array => Buffer.from(`${command}\r`, "latin1");

/** NUL while it is switched on, XON and XOFF: bytes of the serial line, not of a reply. */
const NOT_TEXT: readonly number[] = [0x00, 0x11, 0x13];

/** For `LineRequest.parse`: one line of text, whatever ends it. Empty lines are skipped, and commands that come back as an echo. */
export function lineOf(received: Uint8Array): { reply: string; taken: number } | undefined {
	let start = 0;
	for (let end = 0; end < received.length; end += 1) {
		if (received[end] !== CR && received[end] !== LF) continue;
		const text = received.subarray(start, end).filter((byte) => !NOT_TEXT.includes(byte));
		const reply = Buffer.from(text).toString("latin1").trim();
		const taken = received[end] === CR && received[end + 1] === LF ? end + 2 : end + 1;
		// No reply begins as commands do.
		if (reply !== "" && !/^[:*]/.test(reply)) return { reply, taken };
		start = end + 1;
	}
	if (received.length > REPLY_BYTES_MAX) throw invalid(`More than ${REPLY_BYTES_MAX} bytes came without an end`);
	return undefined;
}

/** What is given in place of a value that is beyond the range; 9.91E37 stands for one that is none. */
const OVERFLOW = 9.9e37;
/** Bits of the status word: measured beyond the range, the real compliance, the protection's voltage, the range's compliance. */
const BEYOND_RANGE = 1 << 0;
const COMPLIANCE = 1 << 3;
const OVER_VOLTAGE = 1 << 4;
const RANGE_COMPLIANCE = 1 << 16;
/** The word has 24 bits. */
const STATUS_MAX = (1 << 24) - 1;
const NUMBER = /^[+-]?\d+(\.\d*)?(E[+-]?\d{1,3})?$/i;

/** What the elements that were asked for come as; and all that there are, of an instrument that does not choose. */
const VOLT_CURR_STAT = 3;
const VOLT_CURR_RES_TIME_STAT = 5;

export interface Measured {
	readonly voltageV: number;
	readonly currentA: number;
	readonly isInCompliance: boolean;
	/** In how many elements the reading came. */
	readonly elements: number;
}

/** `+1.000206E+00,+1.000000E-04,+2.150800E+04` -> volt, ampere, status. Throws REPLY_INVALID, also for what is beyond a range. */
export function parseReading(reply: string): Measured {
	const parts = reply.split(",").map((part) => part.trim());
	const elements = parts.length;
	if (
		(elements !== VOLT_CURR_STAT && elements !== VOLT_CURR_RES_TIME_STAT) ||
		!parts.every((part) => NUMBER.test(part))
	)
		throw invalid(`"${printable(reply)}" came, which is not volt, ampere and status`);
	// With commas for decimals the parts of three numbers would be five.
	if (!parts.slice(0, 2).every((part) => /[.E]/i.test(part)))
		throw invalid(`"${printable(reply)}" came, whose volt and ampere have neither point nor exponent`);
	const [voltageV, currentA] = parts.map(Number) as [number, number];
	const status = Number(parts.at(-1));
	if (Math.abs(voltageV) >= OVERFLOW || Math.abs(currentA) >= OVERFLOW)
		throw invalid(`"${printable(reply)}" came: a value is beyond the measuring range`);
	if (!Number.isInteger(status) || status < 0 || status > STATUS_MAX)
		throw invalid(`"${printable(reply)}" came, whose status is none`);
	if ((status & (BEYOND_RANGE | OVER_VOLTAGE)) !== 0)
		throw invalid(`"${printable(reply)}" came: its status tells of a value beyond the range or of over-voltage`);
	return { voltageV, currentA, isInCompliance: (status & (COMPLIANCE | RANGE_COMPLIANCE)) !== 0, elements };
}

/** `1`, `+0`, `ON`. Throws REPLY_INVALID. */
export function parseSwitch(reply: string): boolean {
	const match = /^(?:\+?([01])|(ON)|(OFF))$/i.exec(reply);
	if (match === null) throw invalid(`"${printable(reply)}" came, which is neither on nor off`);
	return match[1] === "1" || match[2] !== undefined;
}

/** `HIMP`, in short or long. Throws REPLY_INVALID for a word that is no output-off state. */
export function parseOffState(reply: string): "HIMP" | "NORM" | "ZERO" | "GUAR" {
	const match = /^(?:(HIMP)(?:EDANCE)?|(NORM)(?:AL)?|(ZERO)|(GUAR)(?:D)?)$/i.exec(reply);
	if (match === null) throw invalid(`"${printable(reply)}" came, which is no output-off state`);
	return match[0].slice(0, 4).toUpperCase() as "HIMP";
}

/** Throws REPLY_INVALID. */
export function parseNumber(reply: string): number {
	if (NUMBER.test(reply)) return Number(reply);
	throw invalid(`"${printable(reply)}" came, which is no number`);
}

export interface IdentityReply {
	readonly manufacturer: string | null;
	readonly model: string | null;
	readonly serial: string | null;
	readonly firmware: string | null;
}

/** `KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C30   Mar 17 2006 09:29:29/A02  /K/J`; REPLY_INVALID on what is no list. */
export function parseIdentity(reply: string): IdentityReply {
	// A serial server's greeting is no answer to *IDN?, which has a maker or commas.
	if (!reply.includes(",") && !/keithley/i.test(reply))
		throw invalid(`"${printable(reply)}" came, which is no identity`);
	const [manufacturer = null, model = null, serial = null, firmware = null] = reply
		.split(",")
		.map((part) => part.trim() || null);
	return { manufacturer, model, serial, firmware };
}

/** `native` speaks this language and no other, `by-mode` only in its mode SCPI2400. */
export function kindOf({ manufacturer, model }: IdentityReply): "native" | "by-mode" | "other" {
	if (!/keithley/i.test(manufacturer ?? "")) return "other";
	const number = /(?<!\d)24\d\d(?!\d)/.exec(model ?? "")?.[0] ?? "";
	if (/^24[0-4]\d$/.test(number)) return "native";
	return /^24[5-7]\d$/.test(number) ? "by-mode" : "other";
}

/** `-113,"Undefined header"` -> code and text. */
export function parseError(reply: string): { readonly code: number; readonly text: string } {
	const match = /^([+-]?\d+)\s*,\s*"?(.*?)"?$/.exec(reply);
	if (match === null) throw invalid(`"${printable(reply)}" came, which is no entry of the error queue`);
	return { code: Number(match[1]), text: match[2]! };
}

/** `1.5E-3` with the digits that the instrument keeps. */
export const number = (value: number): string => Number(value.toPrecision(7)).toExponential();

export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, ".").slice(0, 60);
export const invalid = (message: string): AdlayerError => new AdlayerError("REPLY_INVALID", `${message}.`);
