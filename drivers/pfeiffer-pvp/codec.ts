/**
 * The Pfeiffer Vacuum Protocol: telegrams and their data types, bytes to messages and back, pure.
 * Sources: TC 400 manual page 25; PPT 100 manual page 13; HiLobe manual pages 34 to 38.
 */
import { AdlayerError } from "#core/errors.js";

export const CR = 0x0d;
/** No telegram is longer: 10 characters of head, 99 of data, 3 of checksum, CR. */
export const TELEGRAM_BYTES_MAX = 113;
/** What a read sends as its data. */
export const QUERY = "=?";

export interface Telegram {
	/** RS-485 address; 9xx is a group, 0 everybody: those are not answered. */
	readonly address: number;
	/** A query; otherwise a write or an answer. */
	readonly isQuery: boolean;
	readonly parameter: number;
	readonly data: string;
}

const digits = (number: number, count: number): string => String(number).padStart(count, "0");

/** Sum of the ASCII codes modulo 256, as 3 digits. */
export function checksum(text: string): string {
	let sum = 0;
	for (let at = 0; at < text.length; at += 1) sum += text.charCodeAt(at);
	return digits(sum % 256, 3);
}

export function encodeTelegram({ address, isQuery, parameter, data }: Telegram): Uint8Array {
	const text = `${digits(address, 3)}${isQuery ? "0" : "1"}0${digits(parameter, 3)}${digits(data.length, 2)}${data}`;
	return Buffer.from(`${text}${checksum(text)}\r`, "latin1");
}

export const encodeQuery = (address: number, parameter: number): Uint8Array =>
	encodeTelegram({ address, isQuery: true, parameter, data: QUERY });

const HEAD = /^(\d{3})([01])0(\d{3})(\d{2})/;

/** A telegram without its CR; undefined when form, length or checksum is wrong. Unprintable bytes are no part of it. */
export function decodeTelegram(text: string): Telegram | undefined {
	const head = HEAD.exec(text);
	if (head === null) return undefined;
	const [, address, action, parameter, length] = head as unknown as [string, string, string, string, string];
	const end = 10 + Number(length);
	if (text.length !== end + 3 || text.slice(end) !== checksum(text.slice(0, end))) return undefined;
	return {
		address: Number(address),
		isQuery: action === "0",
		parameter: Number(parameter),
		data: text.slice(10, end),
	};
}

/**
 * The first line of `received` from `from` on, up to its CR. Older gauges put bytes such as FF in front of a telegram:
 * what is not printable ASCII is left out. Undefined while no CR has come; REPLY_INVALID when more has come than any telegram has.
 */
export function readLine(received: Uint8Array, from = 0): { text: string; next: number } | undefined {
	const end = received.indexOf(CR, from);
	if (end < 0) {
		if (received.length - from > 2 * TELEGRAM_BYTES_MAX) {
			throw new AdlayerError("REPLY_INVALID", `${received.length - from} bytes came without the end of a telegram.`);
		}
		return undefined;
	}
	const text = Buffer.from(received.subarray(from, end).filter((byte) => byte >= 0x20 && byte <= 0x7e)).toString(
		"latin1",
	);
	return { text, next: end + 1 };
}

/**
 * The data of the answer to a telegram of ours. Sound telegrams of others on the line are passed over, also our own query as
 * an adapter with an echo gives it back. Throws REPLY_INVALID on a damaged telegram.
 */
export function parseAnswer(
	received: Uint8Array,
	address: number,
	parameter: number,
): { reply: string; taken: number } | undefined {
	for (let at = 0; ; ) {
		const line = readLine(received, at);
		if (line === undefined) return undefined;
		at = line.next;
		const telegram = decodeTelegram(line.text);
		if (telegram === undefined) {
			throw new AdlayerError(
				"REPLY_INVALID",
				`"${line.text.slice(0, 40)}" is no telegram: its form or checksum is wrong.`,
			);
		}
		if (telegram.isQuery || telegram.address !== address || telegram.parameter !== parameter) continue;
		return { reply: telegram.data, taken: at };
	}
}

/** The instrument does not have the parameter at all. */
export const NOT_DEFINED = "NO_DEF";

/** What an instrument says as data instead of a value. */
export const DATA_ERRORS: Readonly<Record<string, string>> = {
	NO_DEF: "the instrument does not know this parameter (NO_DEF)",
	_RANGE: "the value is outside the instrument's range (_RANGE)",
	_LOGIC: "the instrument does not allow this access now (_LOGIC)",
};

/** How values are written: number and name as in the manuals. Decoders give undefined for text of another form. */
export interface DataType<Value> {
	readonly number: number;
	readonly decode: (data: string) => Value | undefined;
	/** The value must fit; RangeError otherwise. */
	readonly encode: (value: Value) => string;
}

/** 0: six zeros or six ones. */
export const BOOLEAN_OLD: DataType<boolean> = {
	number: 0,
	decode: (data) => (data === "111111" ? true : data === "000000" ? false : undefined),
	encode: (value) => (value ? "111111" : "000000"),
};

/** 6: one digit. */
export const BOOLEAN_NEW: DataType<boolean> = {
	number: 6,
	decode: (data) => (data === "1" ? true : data === "0" ? false : undefined),
	encode: (value) => (value ? "1" : "0"),
};

/** 1: six digits. */
export const U_INTEGER: DataType<number> = {
	number: 1,
	decode: (data) => (/^\d{6}$/.test(data) ? Number(data) : undefined),
	encode: (value) => whole(value, 6),
};

/** 7: three digits. */
export const U_SHORT: DataType<number> = {
	number: 7,
	decode: (data) => (/^\d{3}$/.test(data) ? Number(data) : undefined),
	encode: (value) => whole(value, 3),
};

/** 2: six digits, hundredths. */
export const U_REAL: DataType<number> = {
	number: 2,
	decode: (data) => (/^\d{6}$/.test(data) ? Number(data) / 100 : undefined),
	encode: (value) => whole(Math.round(value * 100), 6),
};

/** 10: four digits of mantissa in thousandths, two of exponent plus 20: 100023 is 1.000e3. */
export const U_EXPO: DataType<number> = {
	number: 10,
	decode: (data) =>
		/^\d{6}$/.test(data) ? Number(`${Number(data.slice(0, 4))}e${Number(data.slice(4)) - 23}`) : undefined,
	encode: (value) => {
		if (value === 0) return "000000";
		const [mantissa, exponent] = value.toExponential(3).split("e") as [string, string];
		return `${whole(Number(mantissa.replace(".", "")), 4)}${whole(Number(exponent) + 20, 2)}`;
	},
};

/** 4 and 11: six or sixteen characters, filled with spaces. */
const text = (number: number, length: number): DataType<string> => ({
	number,
	decode: (data) => (data.length === length ? data.trim() : undefined),
	encode: (value) => {
		if (value.length > length || !/^[\x20-\x7e]*$/.test(value))
			throw new RangeError(`"${value}" is not ${length} characters`);
		return value.padEnd(length, " ");
	},
});
export const STRING = text(4, 6);
export const STRING_LONG = text(11, 16);
/** A name: newer instruments take more than six characters. */
export const TEXT: DataType<string> = { ...STRING, decode: (data) => data.trim() };

function whole(value: number, count: number): string {
	if (!Number.isInteger(value) || value < 0 || value >= 10 ** count) {
		throw new RangeError(`${value} is no whole number of ${count} digits`);
	}
	return digits(value, count);
}

/** What parameter 303 says: an error stops the pump or spoils the measurement, a warning does not. */
export interface ErrorState {
	readonly error: number;
	readonly warning: number;
}

/** `000000` or `no Err`, `Err001`, `Wrn003`; undefined for anything else. */
export function decodeErrorState(data: string): ErrorState | undefined {
	if (/^(0{6}|no ?err ?)$/i.test(data)) return { error: 0, warning: 0 };
	const match = /^(err|wrn)(\d{3})$/i.exec(data);
	if (match === null) return undefined;
	const code = Number(match[2]);
	return match[1]!.toLowerCase() === "err" ? { error: code, warning: 0 } : { error: 0, warning: code };
}
