import { AdlayerError } from "#core/errors.js";
import { crcHolds, sealWithCrc } from "./crc16.js";
import type { Exchange } from "./exchange.js";
import type { EncodedRequest } from "./modbus-codec.js";
import { EXCEPTION_NAMES, FUNCTION } from "./modbus-pdu.js";

/** Transaction id, protocol 0, length. */
const MBAP_BYTES = 6;
const RTU_EXCEPTION_BYTES = 5;
/** The exception that asks for patience: the instrument is about something else. */
const DEVICE_BUSY = 6;
/** Unit identifiers of a server that is no gateway (Modbus messaging on TCP/IP V1.0b, section 4.4.2.3). */
const NOBODY_IN_PARTICULAR: readonly number[] = [0, 255];

/** What a Modbus request asks for, for messages and for telling its reply from others. */
export interface Asked {
	/** The instrument's name. */
	readonly instrument: string;
	readonly unit: number;
	readonly code: number;
	readonly address: number;
	/** Registers or bits read or written. */
	readonly count: number;
}

/** A request whose reply is found by its form wherever it stands among other bytes: noise and late replies are passed over. */
abstract class ModbusRequest<Result, Reply> implements Exchange<Reply> {
	abstract readonly bytes: Uint8Array;
	readonly title: string;
	readonly retries?: number;
	readonly beforeSending?: () => void;
	/** Bytes of the expected reply in RTU framing. */
	protected readonly replyBytes: number;

	constructor(
		readonly asked: Asked,
		protected readonly encoded: EncodedRequest<Result>,
		private readonly take: (result: Result) => Reply,
	) {
		this.title = titleOf(asked);
		this.replyBytes = replyBytesOf(asked);
	}

	abstract parse(received: Uint8Array): { reply: Reply; taken: number } | undefined;
	abstract diagnose(received: Uint8Array): string;

	/** Whether the data that follows the function code at `at` answers this very request. */
	protected fits(received: Uint8Array, at: number): boolean {
		const { code } = this.asked;
		if (code <= FUNCTION.readInput) return received[at] === this.replyBytes - 5;
		// Writes are echoed: address, and value (05, 06) or count (15, 16), as they stand in the request.
		const { frame } = this.encoded;
		for (let i = 0; i < 4; i += 1) if (received[at + i] !== frame[2 + i]) return false;
		return true;
	}

	/** The reply of a whole frame in RTU framing; throws MODBUS_EXCEPTION when the instrument refused. */
	protected decode(frame: Buffer): Reply {
		try {
			return this.take(this.encoded.decode(frame));
		} catch (thrown) {
			const code = (thrown as { modbusCode?: number }).modbusCode;
			if (code === undefined) {
				throw new AdlayerError("REPLY_INVALID", `${this.asked.instrument} answered ${this.title} with a bad reply.`, {
					cause: thrown,
				});
			}
			throw exceptionOf(this.asked, this.title, code);
		}
	}
}

/** Modbus RTU: a frame is what has the unit, the function, the length and the CRC of the reply. */
export class RtuRequest<Result, Reply> extends ModbusRequest<Result, Reply> {
	get bytes(): Uint8Array {
		return this.encoded.frame;
	}

	parse(received: Uint8Array): { reply: Reply; taken: number } | undefined {
		const { unit, code } = this.asked;
		for (let at = 0; at + RTU_EXCEPTION_BYTES <= received.length; at += 1) {
			if (received[at] !== unit) continue;
			const length =
				received[at + 1] === code ? this.replyBytes : received[at + 1] === (code | 0x80) ? RTU_EXCEPTION_BYTES : 0;
			const end = at + length;
			if (length === 0 || end > received.length) continue;
			if (received[at + 1] === code && !this.fits(received, at + 2)) continue;
			if (!crcHolds(received, at, end)) continue;
			return { reply: this.decode(Buffer.from(received.buffer, received.byteOffset + at, length)), taken: end };
		}
		return undefined;
	}

	diagnose(received: Uint8Array): string {
		for (let at = 0; at + RTU_EXCEPTION_BYTES <= received.length; at += 1) {
			const code = received[at + 1]!;
			const length = code > 0x80 ? 5 : code <= FUNCTION.readInput ? 5 + received[at + 2]! : 8;
			if (at + length > received.length || !crcHolds(received, at, at + length)) continue;
			const { unit: askedUnit, code: askedCode } = this.asked;
			return `unit ${received[at]} answered function ${code & 0x7f} where unit ${askedUnit} was asked function ${askedCode}, or it answered another request`;
		}
		return `${received.length} bytes came without a frame whose CRC holds`;
	}
}

/** Modbus TCP: a frame is what carries this attempt's transaction id; everything else is somebody's late reply. */
export class TcpRequest<Result, Reply> extends ModbusRequest<Result, Reply> {
	readonly bytes: Uint8Array;
	private transactionId = 0;

	constructor(
		asked: Asked,
		encoded: EncodedRequest<Result>,
		take: (result: Result) => Reply,
		private readonly nextTransactionId: () => number,
	) {
		super(asked, encoded, take);
		const { frame } = encoded;
		const length = frame.length - 2;
		this.bytes = new Uint8Array(MBAP_BYTES + length);
		this.bytes[4] = length >> 8;
		this.bytes[5] = length;
		this.bytes.set(frame.subarray(0, length), MBAP_BYTES);
	}

	prepare(): void {
		this.transactionId = this.nextTransactionId();
		this.bytes[0] = this.transactionId >> 8;
		this.bytes[1] = this.transactionId;
	}

	parse(received: Uint8Array): { reply: Reply; taken: number } | undefined {
		for (let at = 0; at + 9 <= received.length; at += 1) {
			if (((received[at]! << 8) | received[at + 1]!) !== this.transactionId) continue;
			if (received[at + 2] !== 0 || received[at + 3] !== 0) continue;
			const length = (received[at + 4]! << 8) | received[at + 5]!;
			const end = at + MBAP_BYTES + length;
			if (length < 3 || length > 254 || end > received.length) continue;
			this.checkSender(received, at);
			const exception = received[at + 7] !== this.asked.code;
			if (!exception && (length !== this.replyBytes - 2 || !this.fits(received, at + 8))) {
				throw new AdlayerError("REPLY_INVALID", this.misfit(received[at + 8]!));
			}
			const frame = Buffer.allocUnsafe(length + 2);
			frame.set(received.subarray(at + MBAP_BYTES, end));
			frame[0] = this.asked.unit;
			return { reply: this.decode(sealWithCrc(frame) as Buffer), taken: end };
		}
		return undefined;
	}

	diagnose(received: Uint8Array): string {
		const asked = this.transactionId;
		const came = transactionOf(received);
		if (came === undefined) return `${received.length} bytes came without a frame of transaction ${asked}`;
		if (came === asked) return "the frame that came is shorter than its own length says";
		if (this.isLate(received)) return "only the answer to an earlier request came, too late";
		return `what came carries transaction ${came}, not that of the request, ${asked}, as Modbus TCP asks`;
	}

	isLate(received: Uint8Array): boolean {
		const came = transactionOf(received) ?? 0;
		return came !== 0 && came < this.transactionId;
	}

	private misfit(bytes: number): string {
		const { instrument, code } = this.asked;
		const wanted = this.replyBytes - 5;
		if (code > FUNCTION.readInput || bytes === wanted)
			return `${instrument} answered ${this.title} with a reply to another request.`;
		return `${instrument} answered ${this.title} with ${bytes} bytes of data instead of ${wanted}.`;
	}

	private checkSender(received: Uint8Array, at: number): void {
		const { unit, code, instrument } = this.asked;
		const from = received[at + 6]!;
		const what = received[at + 7]!;
		// The transaction id has told whose reply it is. Units 0 and 255 name nobody on TCP, whoever says them.
		const isOurs = from === unit || NOBODY_IN_PARTICULAR.includes(from) || NOBODY_IN_PARTICULAR.includes(unit);
		if (isOurs && (what & 0x7f) === code) return;
		const message = `Unit ${from} answered function ${what & 0x7f} where ${instrument} (unit ${unit}) was asked ${this.title}.`;
		throw new AdlayerError("REPLY_INVALID", message, { context: { unit: from, function: what & 0x7f } });
	}
}

/** Of what begins with a Modbus TCP header; undefined where nothing does. */
function transactionOf(received: Uint8Array): number | undefined {
	if (received.length < MBAP_BYTES + 3 || received[2] !== 0 || received[3] !== 0) return undefined;
	return (received[0]! << 8) | received[1]!;
}

function replyBytesOf({ code, count }: Asked): number {
	if (code === FUNCTION.readCoils || code === FUNCTION.readDiscrete) return 5 + Math.ceil(count / 8);
	if (code === FUNCTION.readHolding || code === FUNCTION.readInput) return 5 + 2 * count;
	return 8;
}

const VERBS: Readonly<Record<number, string>> = {
	[FUNCTION.readCoils]: "read coil",
	[FUNCTION.readDiscrete]: "read discrete input",
	[FUNCTION.readHolding]: "read register",
	[FUNCTION.readInput]: "read input register",
	[FUNCTION.writeCoil]: "write coil",
	[FUNCTION.writeRegister]: "write register",
	[FUNCTION.writeRegisters]: "write register",
};

function titleOf({ code, address, count }: Asked): string {
	return count === 1 ? `${VERBS[code]} ${address}` : `${VERBS[code]}s ${address}..${address + count - 1}`;
}

function exceptionOf(asked: Asked, title: string, exception: number): AdlayerError {
	const name = EXCEPTION_NAMES[exception] ?? "unknown";
	const code = String(exception).padStart(2, "0");
	const message = `${asked.instrument} (unit ${asked.unit}) refused to ${title}: ${name} (exception ${code}).`;
	return new AdlayerError("MODBUS_EXCEPTION", message, {
		context: {
			...(exception === DEVICE_BUSY ? { isBusy: true } : {}),
			exception,
			function: asked.code,
			register: asked.address,
			count: asked.count,
			unit: asked.unit,
		},
	});
}
