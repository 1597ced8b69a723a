/** Modbus function codes. Source: Modbus application protocol V1.1b3, section 6. */
export const FUNCTION = {
	readCoils: 1,
	readDiscrete: 2,
	readHolding: 3,
	readInput: 4,
	writeCoil: 5,
	writeRegister: 6,
	writeCoils: 15,
	writeRegisters: 16,
} as const;

/** The most registers of one read and one write, and the most bits, that a protocol data unit can carry (V1.1b3, section 6). */
export const READ_REGISTERS_MAX = 125;
export const WRITE_REGISTERS_MAX = 123;
export const READ_BITS_MAX = 2000;
export const WRITE_BITS_MAX = 1968;

/** Exception codes of V1.1b3, section 7. */
export const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
	1: "illegal function",
	2: "illegal data address",
	3: "illegal data value",
	4: "device failure",
	5: "acknowledge, still working",
	6: "device busy",
	8: "memory parity error",
	10: "gateway path unavailable",
	11: "gateway target did not respond",
};

/** Thrown by a register map to answer with a Modbus exception (1 function, 2 address, 3 value, 4 failure ...). */
export class ModbusException extends Error {
	constructor(readonly code: number) {
		super(`Modbus exception ${code} (${EXCEPTION_NAMES[code] ?? "unknown"})`);
		this.name = "ModbusException";
	}
}

/** What a simulated Modbus instrument holds, by wire address (0-based). A table that is absent answers "illegal function". */
export interface RegisterMap {
	/** `count` words (0..65535; more bits are cut off, so that negative numbers come out in two's complement). */
	readHolding?(address: number, count: number): readonly number[];
	readInput?(address: number, count: number): readonly number[];
	readCoils?(address: number, count: number): readonly boolean[];
	readDiscrete?(address: number, count: number): readonly boolean[];
	/** Functions 06 and 16. */
	writeHolding?(address: number, words: readonly number[]): void;
	/** Functions 05 and 15. */
	writeCoils?(address: number, bits: readonly boolean[]): void;
}

/**
 * Answers one request. `frame[at..end)` is the protocol data unit (function code and data). The reply is written to a
 * new frame with `head` free bytes before the reply's data unit and `tail` free bytes after it.
 */
export function answer(
	map: RegisterMap,
	frame: Uint8Array,
	at: number,
	end: number,
	head: number,
	tail: number,
): Uint8Array {
	const code = frame[at]!;
	try {
		return reply(map, frame, at, end, head, tail);
	} catch (thrown) {
		if (!(thrown instanceof ModbusException)) throw thrown;
		const out = new Uint8Array(head + 2 + tail);
		out[head] = code | 0x80;
		out[head + 1] = thrown.code;
		return out;
	}
}

function reply(map: RegisterMap, frame: Uint8Array, at: number, end: number, head: number, tail: number): Uint8Array {
	const code = frame[at]!;
	if (!(code >= 1 && code <= 6) && code !== FUNCTION.writeCoils && code !== FUNCTION.writeRegisters) {
		throw new ModbusException(1);
	}
	if (end - at < 5) throw new ModbusException(3);
	const address = (frame[at + 1]! << 8) | frame[at + 2]!;
	const argument = (frame[at + 3]! << 8) | frame[at + 4]!;
	switch (code) {
		case FUNCTION.readCoils:
		case FUNCTION.readDiscrete: {
			const known = code === FUNCTION.readCoils ? map.readCoils !== undefined : map.readDiscrete !== undefined;
			if (!known) throw new ModbusException(1);
			checkSpan(address, argument, READ_BITS_MAX);
			const bits =
				code === FUNCTION.readCoils ? map.readCoils!(address, argument) : map.readDiscrete!(address, argument);
			return bitsReply(code, bits, argument, head, tail);
		}
		case FUNCTION.readHolding:
		case FUNCTION.readInput: {
			const known = code === FUNCTION.readHolding ? map.readHolding !== undefined : map.readInput !== undefined;
			if (!known) throw new ModbusException(1);
			checkSpan(address, argument, READ_REGISTERS_MAX);
			const words =
				code === FUNCTION.readHolding ? map.readHolding!(address, argument) : map.readInput!(address, argument);
			return wordsReply(code, words, argument, head, tail);
		}
		case FUNCTION.writeCoil:
			if (map.writeCoils === undefined) throw new ModbusException(1);
			if (argument !== 0 && argument !== 0xff00) throw new ModbusException(3);
			map.writeCoils(address, [argument === 0xff00]);
			return echo(frame, at, head, tail);
		case FUNCTION.writeRegister:
			if (map.writeHolding === undefined) throw new ModbusException(1);
			map.writeHolding(address, [argument]);
			return echo(frame, at, head, tail);
		case FUNCTION.writeCoils: {
			if (map.writeCoils === undefined) throw new ModbusException(1);
			checkSpan(address, argument, WRITE_BITS_MAX);
			if (frame[at + 5] !== Math.ceil(argument / 8) || end - at !== 6 + frame[at + 5]!) throw new ModbusException(3);
			const bits: boolean[] = [];
			for (let i = 0; i < argument; i += 1) bits.push(((frame[at + 6 + (i >> 3)]! >> (i & 7)) & 1) === 1);
			map.writeCoils(address, bits);
			return echo(frame, at, head, tail);
		}
		default: {
			if (map.writeHolding === undefined) throw new ModbusException(1);
			checkSpan(address, argument, WRITE_REGISTERS_MAX);
			if (frame[at + 5] !== 2 * argument || end - at !== 6 + frame[at + 5]!) throw new ModbusException(3);
			const words: number[] = [];
			for (let i = 0; i < argument; i += 1) words.push((frame[at + 6 + 2 * i]! << 8) | frame[at + 7 + 2 * i]!);
			map.writeHolding(address, words);
			return echo(frame, at, head, tail);
		}
	}
}

function checkSpan(address: number, count: number, countMax: number): void {
	if (count < 1 || count > countMax) throw new ModbusException(3);
	if (address + count > 0x1_0000) throw new ModbusException(2);
}

function wordsReply(code: number, words: readonly number[], count: number, head: number, tail: number): Uint8Array {
	const out = new Uint8Array(head + 2 + 2 * count + tail);
	out[head] = code;
	out[head + 1] = 2 * count;
	for (let i = 0, to = head + 2; i < count; i += 1, to += 2) {
		const word = words[i]!;
		out[to] = word >> 8;
		out[to + 1] = word;
	}
	return out;
}

function bitsReply(code: number, bits: readonly boolean[], count: number, head: number, tail: number): Uint8Array {
	const byteCount = Math.ceil(count / 8);
	const out = new Uint8Array(head + 2 + byteCount + tail);
	out[head] = code;
	out[head + 1] = byteCount;
	for (let i = 0; i < count; i += 1) if (bits[i] === true) out[head + 2 + (i >> 3)]! |= 1 << (i & 7);
	return out;
}

/** The reply to a write: the function, the address and the value or count of the request. */
function echo(frame: Uint8Array, at: number, head: number, tail: number): Uint8Array {
	const out = new Uint8Array(head + 5 + tail);
	out.set(frame.subarray(at, at + 5), head);
	return out;
}
