/**
 * The mnemonic protocol of Pfeiffer TPG 26x/36x and INFICON VGC40x/50x: bytes to messages and back, pure.
 * Sources: TPG 261 manual BG 5195 BEN/A (2011-05) pp 67-77, 86; VGC 50x manual p 72.
 */
import { AdlayerError } from "#core/errors.js";
import { pascalFromMillibar, pascalFromTorr } from "#core/units.js";

/** Clears the controller's input buffer and stops its continuous output. */
export const ETX = 0x03;
/** Asks for the data of the item last acknowledged; repeated, it reads the same item again. */
export const ENQ = 0x05;
export const ACK = 0x06;
export const NAK = 0x15;
export const CR = 0x0d;
export const LF = 0x0a;

/** No line of this protocol is longer: six gauges of 13 characters are 83. */
export const LINE_BYTES_MAX = 160;

/** `PRX` -> the bytes of the request, closed by CR LF. */
export const encodeMnemonic = (mnemonic: string): Uint8Array => Buffer.from(`${mnemonic}\r\n`, "latin1");

/**
 * The first whole line of `received` from `from` on, without its ending. A line ends at CR or LF; the other half of a CR LF
 * may still be on its way and is skipped in front of the next line. Gives undefined while no line is whole.
 * Throws REPLY_INVALID when the line is longer than any that the protocol has.
 */
export function readLine(received: Uint8Array, from = 0): { text: string; next: number } | undefined {
	let start = from;
	while (start < received.length && (received[start] === CR || received[start] === LF)) start += 1;
	let end = start;
	while (end < received.length && received[end] !== CR && received[end] !== LF) end += 1;
	if (end - start > LINE_BYTES_MAX) {
		throw invalid(`A line of more than ${LINE_BYTES_MAX} bytes came.`);
	}
	if (end === received.length) return undefined;
	let next = end + 1;
	if (received[end] === CR && received[next] === LF) next += 1;
	const text = Buffer.from(received.buffer, received.byteOffset + start, end - start).toString("latin1");
	return { text, next };
}

const ACK_LINE = String.fromCharCode(ACK);
const NAK_LINE = String.fromCharCode(NAK);

/** What is left of a measurement line of which the beginning was lost. */
const FRAGMENT = /^[-+.,E \d]*$/;

/** The reply to a mnemonic: ACK or NAK. */
export interface Acknowledgement {
	readonly taken: boolean;
	/** The line's end has not come, and may not come at all: some relatives of the family leave it out. */
	readonly bare: boolean;
}

/**
 * The reply to `mnemonic`. Measurement lines in front of it are what the controller streamed before it heard us, and are
 * skipped like the echo of a two-wire adapter. Throws REPLY_INVALID on anything else.
 */
export function parseAcknowledgement(
	received: Uint8Array,
	mnemonic = "",
): { reply: Acknowledgement; taken: number } | undefined {
	for (let at = 0; ; ) {
		const line = readLine(received, at);
		if (line === undefined) return parseBareAcknowledgement(received, at);
		at = line.next;
		const text = line.text.trim();
		if (text === ACK_LINE) return { reply: { taken: true, bare: false }, taken: at };
		if (text === NAK_LINE) return { reply: { taken: false, bare: false }, taken: at };
		if (text === mnemonic) continue;
		if (!FRAGMENT.test(text)) throw invalid(`"${printable(line.text)}" came instead of ACK or NAK.`);
	}
}

function parseBareAcknowledgement(
	received: Uint8Array,
	from: number,
): { reply: Acknowledgement; taken: number } | undefined {
	const last = received[received.length - 1];
	if (last !== ACK && last !== NAK) return undefined;
	for (let at = from; at < received.length - 1; at += 1)
		if (received[at] !== CR && received[at] !== LF) return undefined;
	return { reply: { taken: last === ACK, bare: true }, taken: received.length };
}

/** An ACK without a line's end and the echo of ENQ stand right in front of the data. */
const BEFORE_DATA = new RegExp(`^[${String.fromCharCode(ENQ, ACK)}]+`);

/** The reply to ENQ: one line of text. A doubled ACK in front of it is skipped. Throws REPLY_INVALID on unprintable bytes. */
export function parseData(received: Uint8Array): { reply: string; taken: number } | undefined {
	for (let at = 0; ; ) {
		const line = readLine(received, at);
		if (line === undefined) return undefined;
		at = line.next;
		const text = line.text.replace(BEFORE_DATA, "");
		if (text === "") continue;
		if (!/^[\x20-\x7e]+$/.test(text)) throw invalid(`"${printable(text)}" came instead of data.`);
		return { reply: text, taken: at };
	}
}

/** One gauge of a measurement line, in the controller's own unit. */
export interface GaugeMeasurement {
	/** 0 ok, 1 underrange, 2 overrange, 3 sensor error, 4 sensor off, 5 no sensor, 6 identification error, 7 gauge error (VGC). */
	readonly status: number;
	/** A pressure only when `status` is 0. */
	readonly value: number;
	/** Digits after the decimal point on the wire. A line with another number of them than usual has lost or gained bytes. */
	readonly decimals: number;
	/** Digits of the exponent, likewise. */
	readonly exponentDigits: number;
}

/** A TPG 366 has six channels. */
export const GAUGES_MAX = 6;
const VALUE = /^[+-]?\d\.(\d{1,6})[Ee][+-](\d{1,3})$/;

/** As other makes of the protocol write it: `1013.25`, `2.0`, `1.2e-05`. */
const FREE_VALUE = /^[+-]?\d{1,7}(?:\.(\d{1,7}))?(?:[Ee][+-]?(\d{1,3}))?$/;

/**
 * `s,sx.xxxxEsxx[,s,sx.xxxxEsxx ...]` -> one entry per gauge, in order of the channels; undefined when the text is not of
 * that form. Spaces are ignored, as the instruments do; how many digits an exponent has differs in the family. `free` takes
 * numbers of any form: nothing then shows that one has lost a byte.
 */
export function parseMeasurements(text: string, free = false): GaugeMeasurement[] | undefined {
	const form = free ? FREE_VALUE : VALUE;
	const parts = (text.includes(" ") ? text.replaceAll(" ", "") : text).split(",");
	if (parts.length % 2 !== 0 || parts.length > 2 * GAUGES_MAX) return undefined;
	const gauges: GaugeMeasurement[] = [];
	for (let at = 0; at < parts.length; at += 2) {
		const status = parts[at]!;
		const number = parts[at + 1]!;
		const match = form.exec(number);
		if (match === null || status.length !== 1 || status < "0" || status > "7") return undefined;
		gauges.push({
			status: Number(status),
			value: Number(number),
			decimals: match[1]?.length ?? 0,
			exponentDigits: match[2]?.length ?? 0,
		});
	}
	return gauges;
}

/** What each status digit says about a gauge; null for a valid measurement. */
export const GAUGE_STATUS: readonly (string | null)[] = [
	null,
	"below the gauge's measuring range (underrange)",
	"above the gauge's measuring range (overrange)",
	"sensor error",
	"sensor switched off",
	"no sensor connected",
	"gauge identification error",
	"gauge error",
];

/** Statuses of a sound gauge: under- and overrange. */
export const BEYOND_RANGE: readonly number[] = [1, 2];

/** The ERROR word is 4 binary digits, "0000" when there is no error. Gives what is wrong, or undefined when it is no ERROR word. */
export function decodeErrorWord(text: string): string | undefined {
	if (!/^[01]{4}$/.test(text)) return undefined;
	const names = ["controller error", "hardware not installed", "inadmissible parameter", "syntax error"];
	const found = names.filter((_name, bit) => text[bit] === "1");
	return found.length === 0 ? "no error" : found.join(", ");
}

/** A unit the controller can report pressures in. */
export interface PressureUnit {
	readonly name: string;
	readonly toPascal: (value: number) => number;
}

/** The codes of `UNI`; 3 and 4 exist on the 36x only. 5 is volts of the gauge's signal, which is no pressure, and is left out. */
export const PRESSURE_UNITS: Readonly<Record<string, PressureUnit>> = {
	"0": { name: "mbar", toPascal: pascalFromMillibar },
	"1": { name: "Torr", toPascal: pascalFromTorr },
	"2": { name: "Pa", toPascal: (pa) => pa },
	"3": { name: "micron", toPascal: (micron) => pascalFromTorr(micron / 1000) },
	"4": { name: "hPa", toPascal: pascalFromMillibar },
};

/** Names of units for an instrument that does not say its own, and their codes. */
export const UNIT_CODES = { mbar: "0", Torr: "1", Pa: "2", micron: "3", hPa: "4" } as const;
export type UnitName = keyof typeof UNIT_CODES;

/** What `AYT` says. Relatives leave out the last parts. */
export interface AreYouThere {
	readonly type: string;
	readonly part: string | null;
	readonly serial: string | null;
	readonly firmware: string | null;
	readonly hardware: string | null;
}

/** `TPG362,PTG28290,44990000,010400,010100` -> type, part number, serial, firmware, hardware; undefined when it is not of that form. */
export function parseAreYouThere(text: string): AreYouThere | undefined {
	const parts = text.split(",").map((part) => part.trim());
	const [type, part = null, serial = null, firmware = null, hardware = null] = parts;
	if (parts.length > 5 || !/^[A-Z]{2,4} ?\w{2,8}$/.test(type!)) return undefined;
	return { type: type!.replace(" ", ""), part, serial, firmware, hardware };
}

/** What `TID` calls the gauges of the family, and the absence of one (BG 5195 BEN/A); relatives join two by a slash. */
const GAUGE_ID = /^(TPR|PKR|IKR?|PBR|IMR|CMR|APR|PCR|PSG|BPG|BCG|HPG|CDG|MPG|noSen|noSensor|noid)\d*$/i;

/** Whether `text` is a list of gauges as only this family gives it. */
export const isGaugeList = (text: string): boolean =>
	text.split(/[,/]/).every((id) => GAUGE_ID.test(id.replaceAll(" ", "")));

function invalid(message: string): AdlayerError {
	return new AdlayerError("REPLY_INVALID", message);
}

/** Text for a message: other characters than ASCII's own as `<06>`, cut at 40. */
export function printable(text: string): string {
	return text.replace(/[^\x20-\x7e]/g, (each) => `<${each.charCodeAt(0).toString(16).padStart(2, "0")}>`).slice(0, 40);
}
