/**
 * The Alicat ASCII protocol: lines to messages and back, pure. Sources: Alicat Serial Primer (2023-02), MC manual p 43, and
 * lines captured from MC-500SCCM-D 10v20.0-R24, MCR-200SLPM-D 8v17.0-R23 and MC-500SCCM-D 5v12.0-R22.
 */
import { AdlayerError } from "#core/errors.js";
import { TURN_AROUND } from "#transport/turn-around.js";

const CR = 0x0d;
const LF = 0x0a;

/** Ends of lines, and what a two-wire line may give while it turns around. */
const BETWEEN_LINES: readonly number[] = [CR, LF, ...TURN_AROUND];

/** No line of this protocol is longer: a row of the column table has 85 characters. */
export const LINE_BYTES_MAX = 200;

/** `A` and `LS 50` -> the bytes of the request. */
export const encodeCommand = (unitId: string, command: string): Uint8Array =>
	Buffer.from(`${unitId}${command}\r`, "latin1");

/**
 * The first whole, non-empty line of `received` from `from` on, without its end: CR, or of some servers LF. Gives undefined while no line is whole; throws
 * REPLY_INVALID on one that is too long or holds unprintable bytes.
 */
export function readLine(received: Uint8Array, from = 0): { text: string; next: number } | undefined {
	let start = from;
	while (start < received.length && BETWEEN_LINES.includes(received[start]!)) start += 1;
	let end = start;
	while (end < received.length && received[end] !== CR && received[end] !== LF) {
		const byte = received[end]!;
		// 0xB0 is the degree sign of some firmware.
		if ((byte < 0x20 || byte > 0x7e) && byte !== 0xb0) throw invalid(`Byte ${byte} came inside a line.`);
		end += 1;
	}
	if (end - start > LINE_BYTES_MAX) throw invalid(`A line of more than ${LINE_BYTES_MAX} bytes came.`);
	if (end === received.length) return undefined;
	const text = Buffer.from(received.buffer, received.byteOffset + start, end - start).toString("latin1");
	return { text, next: end + 1 };
}

/** A line that is for us: its text, or null when the unit answered `?` (it does not know the command). */
export interface UnitLine {
	readonly text: string | null;
	readonly next: number;
}

/**
 * What a two-wire adapter gives back of a request: no line of an instrument is the unit's letter alone or begins with a
 * letter and no space.
 */
const ECHO = /^[A-Za-z](\?\?[A-Z]\*|[A-Z]{1,5}( [\w.]+)*)?$/;

/** The first line that `unitId` sent; lines of other units on the line (late ones) and echoes of requests are skipped. */
export function readUnitLine(received: Uint8Array, unitId: string, from = 0): UnitLine | undefined {
	for (let at = from; ; ) {
		const line = readLine(received, at);
		if (line === undefined) return undefined;
		at = line.next;
		const text = line.text.trim();
		// Unit letters are not case-sensitive (Serial Primer); some answer in the case that they were asked in.
		const isOurs = text[0]?.toUpperCase() === unitId.toUpperCase() && text[1] === " ";
		if (text === "?" || (isOurs && text.slice(1).trim() === "?")) return { text: null, next: at };
		if (isOurs) return { text, next: at };
		if (ECHO.test(text)) continue;
		if (!/^[A-Za-z] /.test(text)) throw invalid(`"${line.text.slice(0, 40)}" is no line of unit ${unitId}.`);
	}
}

/** Parser of a one-line reply: the line's text, or null for `?`. */
export function oneLine(unitId: string): (received: Uint8Array) => { reply: string | null; taken: number } | undefined {
	return (received) => {
		const line = readUnitLine(received, unitId);
		return line === undefined ? undefined : { reply: line.text, taken: line.next };
	};
}

const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/** A number as the instrument writes it, e.g. `+078.95`; undefined when it is not one. */
export const parseNumber = (text: string | undefined): number | undefined =>
	text !== undefined && NUMBER.test(text) ? Number(text) : undefined;

/** `A +078.94 +078.94 12 SCCM` (reply to LS): current and requested setpoint in the unit that it names. */
export function parseSetpoint(text: string): { current: number; requested: number; unit: string } | undefined {
	const [, current, requested, code, unit, ...rest] = text.trim().split(/ +/);
	const currentValue = parseNumber(current);
	const requestedValue = parseNumber(requested);
	if (currentValue === undefined || requestedValue === undefined) return undefined;
	if (unit === undefined || code === undefined || !/^\d+$/.test(code) || rest.length > 0) return undefined;
	return { current: currentValue, requested: requestedValue, unit };
}

/** `A +500.00 12 SCCM` (reply to FPF, DCFRT, DCFRP): one value with unit code and unit. */
export function parseQuantity(text: string): { value: number; unit: string } | undefined {
	const [, number, code, unit, ...rest] = text.trim().split(/ +/);
	const value = parseNumber(number);
	if (value === undefined || unit === undefined || code === undefined || !/^\d+$/.test(code) || rest.length > 0) {
		return undefined;
	}
	return { value, unit };
}

/** Lines of `??M*` (reply M00 to M09), by their number: maker, model, serial number, firmware. */
export interface Manufacturing {
	readonly maker: string;
	readonly model: string;
	readonly serial: string;
	readonly firmware: string;
}

const MANUFACTURING_LAST = 9;
const MANUFACTURING_LABELS: Readonly<Record<number, RegExp>> = {
	0: /^(.+)$/,
	4: /^Model Number\s+(\S+)$/,
	5: /^Serial Number\s+(\S+)$/,
	9: /^Software Revision\s+(\S+)$/,
};

/** Parser of the reply to `??M*`, whose last line is M09; null for `?`. */
export function manufacturingReply(
	unitId: string,
): (received: Uint8Array) => { reply: Manufacturing | null; taken: number } | undefined {
	return (received) => {
		const found = new Map<number, string>();
		for (let at = 0; ; ) {
			const line = readUnitLine(received, unitId, at);
			if (line === undefined) return undefined;
			at = line.next;
			if (line.text === null) return { reply: null, taken: at };
			const match = /^[A-Za-z]\s+M(\d\d)\s+(.*?)\s*$/.exec(line.text);
			if (match === null) throw invalid(`"${line.text.slice(0, 40)}" is no line of the manufacturing table.`);
			const number = Number(match[1]);
			const label = MANUFACTURING_LABELS[number];
			if (label !== undefined) {
				const value = label.exec(match[2]!)?.[1];
				if (value === undefined) throw invalid(`"${line.text.slice(0, 40)}" is no line of the manufacturing table.`);
				found.set(number, value);
			}
			if (number !== MANUFACTURING_LAST) continue;
			const [maker, model, serial, firmware] = [0, 4, 5, 9].map((wanted) => found.get(wanted));
			if (maker === undefined || model === undefined || serial === undefined || firmware === undefined) {
				throw invalid("A line of the manufacturing table is missing.");
			}
			return { reply: { maker, model, serial, firmware }, taken: at };
		}
	};
}

/** `10v20.0-R24` anywhere in a text -> that, and major * 100 + minor (1020) for comparisons; undefined for GP and others. */
export function parseFirmware(text: string): { text: string; version: number } | undefined {
	const match = /\b(\d{1,2})v(\d{2})\S*/.exec(text);
	return match === null ? undefined : { text: match[0], version: Number(match[1]) * 100 + Number(match[2]) };
}

export function invalid(message: string): AdlayerError {
	return new AdlayerError("REPLY_INVALID", message);
}
