/**
 * ProPar, the protocol of Bronkhorst instruments: messages to parameters and back, pure; frames.ts has what is around them.
 * Sources: RS232 interface with FLOW-BUS protocol, 9.17.027, pp 12 to 16 (commands, status), 20 to 26 (examples).
 */
import { asAdlayerError } from "#core/errors.js";
import { ASCII, type Framing, invalid } from "./frames.js";

/** Type bits of a parameter byte. */
export const TYPE = { char: 0x00, int: 0x20, float: 0x40, string: 0x60 } as const;
export type ParameterType = keyof typeof TYPE;

/** One parameter of an instrument, by process and number (FBnr). */
export interface Parameter {
	readonly name: string;
	readonly process: number;
	readonly number: number;
	readonly type: ParameterType;
	/** Characters of a string; 0 or absent for one that ends with NUL. */
	readonly length?: number;
	/** By which a reply says what it answers, when it is asked for alone; 1 when absent. */
	readonly index?: number;
}

export type Value = number | string;

const COMMAND = { status: 0x00, writeWithStatus: 0x01, write: 0x02, read: 0x04 } as const;
const CHAINED = 0x80;
const NUMBER_MASK = 0x1f;
const TYPE_MASK = 0x60;

/** How a request is numbered and framed. */
export interface Addressing {
	readonly firstIndex?: number;
	readonly framing?: Framing;
}

/**
 * A request for several parameters at once. The reply carries, instead of each parameter's own number, the index that the
 * request gives it: 1, 2, 3 ... from `firstIndex` on.
 */
export function encodeRead(
	node: number,
	parameters: readonly Parameter[],
	{ firstIndex = 1, framing = ASCII }: Addressing = {},
): Uint8Array {
	const data: number[] = [COMMAND.read];
	for (const [i, { process, number, type, length }] of parameters.entries()) {
		const { opens, processChained, parameterChained } = chaining(parameters, i);
		if (opens) data.push(process | (processChained ? CHAINED : 0));
		data.push((firstIndex + i) | TYPE[type] | (parameterChained ? CHAINED : 0), process, number | TYPE[type]);
		if (type === "string") data.push(length ?? 0);
	}
	return framing.encode(node, data);
}

/** Where a parameter stands in a chain: those of one process in a row hang together, then the next process. */
function chaining(parameters: readonly Parameter[], i: number) {
	const { process } = parameters[i]!;
	const rest = parameters.slice(i);
	return {
		opens: parameters[i - 1]?.process !== process,
		parameterChained: parameters[i + 1]?.process === process,
		processChained: rest.some((later) => later.process !== process),
	};
}

/** Writes an integer parameter; the instrument answers with a status. */
export function encodeWriteInt(
	node: number,
	{ process, number }: Parameter,
	value: number,
	framing: Framing = ASCII,
): Uint8Array {
	return framing.encode(node, [COMMAND.writeWithStatus, process, number | TYPE.int, value >> 8, value & 0xff]);
}

/** What is wrong with a message, by the instrument's own word. */
export interface Refusal {
	readonly refused: number;
}

export type ReadReply = { readonly values: readonly Value[] } | Refusal;

/** An error message (9.17.027 p 13) stands for a refusal in this range, away from the status codes. */
const ERROR_MESSAGES_FROM = 0x100;
/** Stands for a refusal where a question was passed over. */
export const SILENCE = -1;

/**
 * Parser of the reply to `encodeRead`. Throws REPLY_INVALID on what is no reply to just this request; with `lenient` an error
 * message, which a damaged request draws as well, is a refusal.
 */
export function readReply(
	node: number,
	parameters: readonly Parameter[],
	{ firstIndex = 1, framing = ASCII, lenient = false }: Addressing & { readonly lenient?: boolean } = {},
): (received: Uint8Array) => { reply: ReadReply; taken: number } | undefined {
	return replyFrom<ReadReply>(
		node,
		framing,
		(data) => {
			const refusal = refusalOf(data);
			if (refusal !== undefined && refusal.refused !== 0) return refusal;
			if (data[0] !== COMMAND.write) throw invalid(`command ${data[0]} came instead of values`);
			return { values: decodeValues(data, parameters, firstIndex) };
		},
		lenient ? (error) => ({ refused: ERROR_MESSAGES_FROM + error }) : undefined,
	);
}

/** One sentence about what came instead of a reply of `node`. */
export function diagnose(node: number, received: Uint8Array, framing: Framing = ASCII): string {
	try {
		for (let came = framing.next(received, 0); came !== undefined; came = framing.next(received, came.next)) {
			const { frame } = came;
			if ("node" in frame && frame.node !== node) return `node ${frame.node} answered, not node ${node}`;
		}
	} catch (thrown) {
		return asAdlayerError(thrown).message;
	}
	return `${received.length} bytes came that hold no reply`;
}

/** Parser of the status that answers a write. 0 is success. */
export function statusReply(
	node: number,
	framing: Framing = ASCII,
): (received: Uint8Array) => { reply: Refusal; taken: number } | undefined {
	return replyFrom(node, framing, (data) => {
		const status = refusalOf(data);
		if (status === undefined) throw invalid(`command ${data[0]} came instead of a status`);
		return status;
	});
}

function refusalOf(data: readonly number[]): Refusal | undefined {
	return data[0] === COMMAND.status && data.length === 3 ? { refused: data[1]! } : undefined;
}

function decodeValues(data: readonly number[], parameters: readonly Parameter[], firstIndex: number): Value[] {
	const reader = new Reader(data);
	reader.byte();
	const values: Value[] = [];
	for (const [i, { process, type, name }] of parameters.entries()) {
		const { opens, processChained, parameterChained } = chaining(parameters, i);
		if (opens && reader.byte() !== (process | (processChained ? CHAINED : 0))) {
			throw invalid(`the process of ${name} is another one`);
		}
		const header = reader.byte();
		const isExpected =
			(header & NUMBER_MASK) === ((firstIndex + i) & NUMBER_MASK) && (header & TYPE_MASK) === TYPE[type];
		if (!isExpected || (header & CHAINED) !== (parameterChained ? CHAINED : 0)) {
			throw invalid(`${header.toString(16)} came where ${name} was asked for`);
		}
		values.push(reader.value(type));
	}
	reader.end();
	return values;
}

class Reader {
	private at = 0;

	constructor(private readonly data: readonly number[]) {}

	byte(): number {
		const byte = this.data[this.at];
		if (byte === undefined) throw invalid("it ends too early");
		this.at += 1;
		return byte;
	}

	value(type: ParameterType): Value {
		switch (type) {
			case "char":
				return this.byte();
			case "int":
				return this.byte() * 256 + this.byte();
			case "float":
				return Buffer.from([this.byte(), this.byte(), this.byte(), this.byte()]).readFloatBE(0);
			case "string":
				return this.text(this.byte());
		}
	}

	end(): void {
		if (this.at !== this.data.length) throw invalid(`${this.data.length - this.at} bytes came too many`);
	}

	/** Length 0 is a string that ends with NUL. Padding and a NUL within the length are no part of the text. */
	private text(length: number): string {
		const codes: number[] = [];
		if (length === 0) {
			for (let code = this.byte(); code !== 0; code = this.byte()) codes.push(code);
		} else {
			for (let i = 0; i < length; i += 1) codes.push(this.byte());
		}
		const text = String.fromCharCode(...codes).replace(/\0.*$/s, "");
		if (!/^[\x20-\x7e]*$/.test(text)) throw invalid("it has unprintable characters in a text");
		return text.trim();
	}
}

/** Any node's address on a point-to-point line. */
export const NODE_ANY = 128;

/** Only a master asks and writes with status: a two-wire adapter gives back what it was sent. */
const isEcho = (data: readonly number[]): boolean => data[0] === COMMAND.read || data[0] === COMMAND.writeWithStatus;

/** Finds the first reply of `node`; echoes and frames of other nodes (late ones) are skipped, all else throws REPLY_INVALID. */
function replyFrom<Reply>(
	node: number,
	framing: Framing,
	decode: (data: readonly number[]) => Reply,
	ofError?: (error: number) => Reply,
): (received: Uint8Array) => { reply: Reply; taken: number } | undefined {
	return (received) => {
		for (let at = 0; ; ) {
			const came = framing.next(received, at);
			if (came === undefined) return undefined;
			at = came.next;
			const { frame } = came;
			if ("error" in frame) {
				if (ofError !== undefined) return { reply: ofError(frame.error), taken: at };
				throw invalid(`error message ${frame.error}, ${errorText(frame.error)}, came`);
			}
			if (frame.node !== node && node !== NODE_ANY) continue;
			if (isEcho(frame.data)) continue;
			return { reply: decode(frame.data), taken: at };
		}
	};
}

/** Status codes, 9.17.027 p 16, as far as an instrument gives them. */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
	1: "process claimed",
	2: "command error",
	3: "process error",
	4: "parameter error",
	5: "parameter type error",
	6: "parameter value error",
	7: "network not active",
	8: "time-out start character",
	9: "time-out serial line",
	10: "hardware memory error",
	11: "node number error",
	12: "general communication error",
	13: "read-only parameter",
	17: "write-only parameter",
	25: "time-out answer",
	29: "buffer overflow",
	34: "protocol error",
	35: "buffer overflow in module",
};

export function statusText(status: number): string {
	if (status === SILENCE) return "silence";
	const error = status - ERROR_MESSAGES_FROM;
	if (error >= 0) return `error message ${error}, ${errorText(error)}`;
	return `status ${status}${status in STATUS_TEXTS ? `, ${STATUS_TEXTS[status]}` : ""}`;
}

/** Error messages, 9.17.027 p 13. */
function errorText(error: number): string {
	if (error === 3 || error === 4) return "protocol error";
	if (error === 5) return "node address rejected";
	return error === 9 ? "time-out of the response" : "general error";
}

/**
 * A measure as signed counts, 32000 for 100 %. 0 to 41942 (131.07 %) are positive, 41943 to 65535 are -73.73 % to
 * -0.003 % (9.17.116 p 33, Measure): not the usual two's complement at 32768.
 */
export const signedCounts = (raw: number): number => (raw > COUNTS_MAX ? raw - 0x10000 : raw);

export const COUNTS_FULL_SCALE = 32_000;
/** The measure's end, 131.07 %: what is higher reads as this. */
export const COUNTS_MAX = 41_942;
export const COUNTS_MIN = COUNTS_MAX + 1 - 0x10000;
