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

/** For `LineRequest.parse`: one line of text, whatever ends it; empty lines are skipped. */
export function lineOf(received: Uint8Array): { reply: string; taken: number } | undefined {
	let start = 0;
	while (start < received.length && (received[start] === CR || received[start] === LF)) start += 1;
	for (let end = start; end < received.length; end += 1) {
		if (received[end] !== CR && received[end] !== LF) continue;
		const taken = received[end] === CR && received[end + 1] === LF ? end + 2 : end + 1;
		return { reply: Buffer.from(received.subarray(start, end)).toString("latin1").trim(), taken };
	}
	if (received.length > REPLY_BYTES_MAX) throw invalid(`More than ${REPLY_BYTES_MAX} bytes came without an end`);
	return undefined;
}

/** What is given in place of a value that is beyond the range. */
const OVERFLOW = 9.9e37;
/** Bits of the status word: the real compliance, and the compliance of the range. */
const COMPLIANCE = 1 << 3;
const RANGE_COMPLIANCE = 1 << 16;

export interface Measured {
	readonly voltageV: number;
	readonly currentA: number;
	readonly isInCompliance: boolean;
}

/** `+1.000206E+00,+1.000000E-04,+2.150800E+04` -> volt, ampere, status. Throws REPLY_INVALID, also on an overflow. */
export function parseReading(reply: string): Measured {
	const parts = reply.split(",");
	if (parts.length !== 3 || !parts.every((part) => /^[+-]\d\.\d{6}E[+-]\d{2}$/.test(part.trim()))) {
		throw invalid(`"${printable(reply)}" came, which is not volt, ampere and status`);
	}
	const [voltageV, currentA, status] = parts.map(Number) as [number, number, number];
	if (Math.abs(voltageV) >= OVERFLOW || Math.abs(currentA) >= OVERFLOW) {
		throw invalid(`"${printable(reply)}" came: a value is beyond the measuring range`);
	}
	return { voltageV, currentA, isInCompliance: (status & (COMPLIANCE | RANGE_COMPLIANCE)) !== 0 };
}

/** `-113,"Undefined header"` -> code and text. */
export function parseError(reply: string): { readonly code: number; readonly text: string } {
	const match = /^([+-]?\d+),"?(.*?)"?$/.exec(reply);
	if (match === null) throw invalid(`"${printable(reply)}" came, which is no entry of the error queue`);
	return { code: Number(match[1]), text: match[2]! };
}

/** `1.5E-3` with the digits that the instrument keeps. */
export const number = (value: number): string => Number(value.toPrecision(7)).toExponential();

export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, ".").slice(0, 60);
export const invalid = (message: string): AdlayerError => new AdlayerError("REPLY_INVALID", `${message}.`);
