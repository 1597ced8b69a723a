/**
 * Instruments as strangers write them: plain sockets and bytes, nothing of the product's codecs. Each keeps what it was sent.
 */
import { createServer, type Socket } from "node:net";
import * as nodePty from "@lydell/node-pty";

const cleanUp: (() => unknown)[] = [];

export async function closeEmulators(): Promise<void> {
	for (const end of cleanUp.splice(0).reverse()) await end();
}

export interface Served {
	readonly port: number;
	/** Everything received, in order. */
	readonly received: Buffer[];
}

type Serve = (bytes: Buffer, send: (reply: Buffer | string) => void) => void;

/** Serves `make()` for each connection on a free TCP port of this machine. */
export async function serveTcp(make: () => Serve, greet?: (socket: Socket) => void): Promise<Served> {
	const received: Buffer[] = [];
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on("error", () => {});
		const serve = make();
		greet?.(socket);
		socket.on("data", (bytes) => {
			received.push(bytes);
			serve(bytes, (reply) => socket.write(typeof reply === "string" ? Buffer.from(reply, "latin1") : reply));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	cleanUp.push(() => {
		for (const socket of sockets) socket.destroy();
		return new Promise((resolve) => server.close(resolve));
	});
	return { port: (server.address() as { port: number }).port, received };
}

/** Serves on a new pty; gives the path to open. */
export function servePty(serve: Serve): { path: string; received: Buffer[] } {
	const { open } = nodePty as unknown as { open(options: object): { _slave: Socket; _pty: string; master: Socket } };
	const terminal = open({ encoding: null });
	// The opener's own handle would steal bytes.
	terminal._slave.destroy();
	terminal.master.on("error", () => {});
	const received: Buffer[] = [];
	terminal.master.on("data", (bytes: Buffer) => {
		received.push(bytes);
		serve(bytes, (reply) => terminal.master.write(typeof reply === "string" ? Buffer.from(reply, "latin1") : reply));
	});
	cleanUp.push(() => terminal.master.destroy());
	return { path: terminal._pty, received };
}

export interface ModbusOptions {
	/** Words by address; one that is not there is exception 02, or silence. */
	readonly words: ReadonlyMap<number, number> | ((address: number) => number | undefined);
	/** Functions that are known; others are exception 01. */
	readonly functions?: readonly number[];
	/** No reply at all where an exception is due. */
	readonly silent?: boolean;
	/** The most registers of one read. */
	readonly countMax?: number;
	/** Reads of more registers are passed over in silence. */
	readonly silentBeyond?: number;
	/** What stands in the reply as unit, instead of the unit that was asked. */
	readonly unit?: number;
	readonly write?: (address: number, word: number) => void;
	/** Levels of coils; without it functions 01 and 02 are not known. */
	readonly coils?: (address: number) => boolean;
	/** What is said of a register that is not there: 2 unless said otherwise. */
	readonly exception?: number;
	/** One register is given, however many were asked for. */
	readonly oneWord?: boolean;
}

/** One request's data unit -> that of the reply. */
function modbusReply(pdu: Buffer, options: ModbusOptions): Buffer | undefined {
	const code = pdu[0]!;
	const { words, functions = [3, 4, 6], silent = false, countMax = 125, coils, exception = 2 } = options;
	const refuse = (why: number) => (silent ? undefined : Buffer.from([code | 0x80, why]));
	if ((code === 1 || code === 2) && coils !== undefined) {
		const [from, count] = [pdu.readUInt16BE(1), pdu.readUInt16BE(3)];
		const bits = Buffer.alloc(Math.ceil(count / 8));
		for (let at = 0; at < count; at += 1) if (coils(from + at)) bits[at >> 3]! |= 1 << (at & 7);
		return Buffer.concat([Buffer.from([code, bits.length]), bits]);
	}
	if (!functions.includes(code)) return refuse(1);
	const address = pdu.readUInt16BE(1);
	const argument = pdu.readUInt16BE(3);
	if (code === 6) {
		options.write?.(address, argument);
		return pdu;
	}
	if (argument > (options.silentBeyond ?? countMax)) return undefined;
	if (argument > countMax) return refuse(3);
	const given = options.oneWord === true ? 1 : argument;
	const out = Buffer.alloc(2 + 2 * given);
	out[0] = code;
	out[1] = 2 * given;
	for (let i = 0; i < given; i += 1) {
		const word = typeof words === "function" ? words(address + i) : words.get(address + i);
		if (word === undefined) return refuse(exception);
		out.writeUInt16BE(word & 0xffff, 2 + 2 * i);
	}
	return out;
}

export const modbusTcp = (options: ModbusOptions) => (): Serve => {
	let pending = Buffer.alloc(0);
	return (bytes, send) => {
		pending = Buffer.concat([pending, bytes]);
		while (pending.length >= 6 && pending.length >= 6 + pending.readUInt16BE(4)) {
			const end = 6 + pending.readUInt16BE(4);
			const pdu = modbusReply(pending.subarray(7, end), options);
			if (pdu !== undefined) {
				const head = Buffer.from(pending.subarray(0, 7));
				head.writeUInt16BE(pdu.length + 1, 4);
				if (options.unit !== undefined) head[6] = options.unit;
				send(Buffer.concat([head, pdu]));
			}
			pending = pending.subarray(end);
		}
	};
};

function crc(bytes: Buffer): Buffer {
	let sum = 0xffff;
	for (const byte of bytes) {
		sum ^= byte;
		for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >> 1) ^ 0xa001 : sum >> 1;
	}
	return Buffer.from([sum & 0xff, sum >> 8]);
}

/** Requests of 8 bytes alone: functions 03, 04 and 06. */
export const modbusRtu = (unit: number, options: ModbusOptions) => (): Serve => {
	let pending = Buffer.alloc(0);
	return (bytes, send) => {
		pending = Buffer.concat([pending, bytes]);
		while (pending.length >= 8) {
			const frame = pending.subarray(0, 8);
			pending = pending.subarray(8);
			if (frame[0] !== unit || !crc(frame.subarray(0, 6)).equals(frame.subarray(6))) continue;
			const pdu = modbusReply(frame.subarray(1, 6), options);
			if (pdu === undefined) continue;
			const body = Buffer.concat([Buffer.from([unit]), pdu]);
			send(Buffer.concat([body, crc(body)]));
		}
	};
};

export interface GaugeOptions {
	/** Answers by mnemonic; others are NAK. */
	readonly answers: Readonly<Record<string, string>>;
	/** Behind ACK, NAK and data. */
	readonly end?: string;
	readonly ackEnd?: string;
	/** In front of data. */
	readonly before?: string;
	/** ENQ is understood only as a whole line. */
	readonly linesOnly?: boolean;
}

/** The mnemonic protocol: a line, ACK or NAK, then ENQ and the data. */
export const gaugeController = (options: GaugeOptions) => (): Serve => {
	const { answers, end = "\r\n", ackEnd = end, before = "", linesOnly = false } = options;
	let line = "";
	let data = "0001";
	return (bytes, send) => {
		for (const char of bytes.toString("latin1")) {
			if (char === "\x03") line = "";
			else if (char === "\x05" && !linesOnly) send(before + data + end);
			else if (char === "\r" || char === "\n") {
				if (line === "\x05") send(before + data + end);
				else if (line !== "") {
					const answer = answers[line.replaceAll(" ", "")];
					data = answer ?? "0001";
					send((answer === undefined ? "\x15" : "\x06") + ackEnd);
				}
				line = "";
			} else line += char;
		}
	};
};

/** Lines closed by CR, answered by what `answers` has for them; `?` for others. */
export const lineInstrument =
	(answers: Readonly<Record<string, string>>, options: { otherwise?: string | null } = {}) =>
	(): Serve => {
		const { otherwise = "?\r" } = options;
		let line = "";
		return (bytes, send) => {
			for (const char of bytes.toString("latin1")) {
				if (char !== "\r") {
					line += char;
					continue;
				}
				const answer = line === "" ? null : (answers[line.toUpperCase()] ?? otherwise);
				if (answer !== null) send(answer);
				line = "";
			}
		};
	};

/** Reads whole lines that end with `end`; each reply is closed by `closing`. */
export const lineEnded =
	(end: string, make: () => (line: string) => string | undefined, closing = end) =>
	(): Serve => {
		const answer = make();
		let pending = "";
		return (bytes, send) => {
			pending += bytes.toString("latin1");
			for (let at = pending.indexOf(end); at >= 0; at = pending.indexOf(end)) {
				const line = pending.slice(0, at);
				pending = pending.slice(at + end.length);
				const reply = answer(line);
				if (reply !== undefined) send(reply + closing);
			}
		};
	};
