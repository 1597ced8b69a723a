/** The instrument's end of Modbus, for simulators: framing over a register map. */
import { crcHolds, sealWithCrc } from "./crc16.js";
import { answer, FUNCTION, type RegisterMap } from "./modbus-pdu.js";

export { ModbusException, type RegisterMap } from "./modbus-pdu.js";

/** Where a request came from and the reply goes; the device room's SimulatorConnection is one. */
export interface SlaveConnection {
	send(bytes: Uint8Array): void;
	/** Free for the slave: bytes not yet understood. */
	state: unknown;
}

/** The longest RTU frame: address, 253 bytes of data unit, CRC (Modbus over serial line V1.02, section 2.5.1.1). */
const RTU_FRAME_BYTES_MAX = 256;
/** The header of Modbus TCP before the unit byte, and the largest length it may announce (unit and 253 bytes of data unit). */
const MBAP_BYTES = 6;
const MBAP_LENGTH_MAX = 254;
const NOTHING = new Uint8Array(0);

/**
 * One RTU unit. Silent on a bad CRC and when another unit is addressed; obeys broadcasts (unit 0) without answering. A
 * request may come split or joined with others, and noise before it is skipped: a frame is recognised by its length and
 * CRC, since a simulator is not told of the silences between frames.
 */
export class RtuSlave {
	constructor(
		private readonly unit: number,
		private readonly map: RegisterMap,
	) {}

	/** Takes bytes of the line, answers on `connection`. Keeps what it could not use yet in `connection.state`. */
	receive(bytes: Uint8Array, connection: SlaveConnection): void {
		const kept = pendingOf(connection);
		const data = kept.length === 0 ? bytes : joined(kept, bytes);
		let start = 0;
		for (let at = 0; at + 4 <= data.length; at += 1) {
			let end = requestEnd(data, at);
			while (end !== undefined) {
				this.obey(data, at, end, connection);
				start = end;
				at = end;
				end = requestEnd(data, at);
			}
		}
		start = Math.max(start, data.length - RTU_FRAME_BYTES_MAX);
		connection.state = start >= data.length ? undefined : data.slice(start);
	}

	private obey(data: Uint8Array, at: number, end: number, connection: SlaveConnection): void {
		const unit = data[at]!;
		if (unit !== this.unit && unit !== 0) return;
		const reply = answer(this.map, data, at + 1, end - 2, 1, 2);
		if (unit === 0) return;
		reply[0] = unit;
		connection.send(sealWithCrc(reply));
	}
}

/** Where the request that begins at `at` ends, when it is complete and its CRC holds. */
function requestEnd(data: Uint8Array, at: number): number | undefined {
	if (at + 4 > data.length) return undefined;
	const code = data[at + 1]!;
	if (code >= 1 && code <= 6) return endIfSound(data, at, at + 8);
	if (code === FUNCTION.writeCoils || code === FUNCTION.writeRegisters) {
		return at + 7 > data.length ? undefined : endIfSound(data, at, at + 9 + data[at + 6]!);
	}
	// The length of an unknown function is unknown; what has come must be the whole of it.
	return code < 0x80 ? endIfSound(data, at, data.length) : undefined;
}

function endIfSound(data: Uint8Array, at: number, end: number): number | undefined {
	return end <= data.length && crcHolds(data, at, end) ? end : undefined;
}

/** A Modbus TCP instrument. With `unit` it is silent to other units; without, it answers to any, as most instruments do. */
export class TcpSlave {
	private readonly unit: number | undefined;

	constructor(
		private readonly map: RegisterMap,
		options: { readonly unit?: number } = {},
	) {
		this.unit = options.unit;
	}

	/** Takes bytes of one connection, answers on it. Keeps what it could not use yet in `connection.state`. */
	receive(bytes: Uint8Array, connection: SlaveConnection): void {
		const kept = pendingOf(connection);
		const data = kept.length === 0 ? bytes : joined(kept, bytes);
		let at = 0;
		while (at + MBAP_BYTES <= data.length) {
			const protocol = (data[at + 2]! << 8) | data[at + 3]!;
			const length = (data[at + 4]! << 8) | data[at + 5]!;
			if (protocol !== 0 || length < 2 || length > MBAP_LENGTH_MAX) {
				// A stream out of step cannot be put right; what follows a fresh connection can.
				at = data.length;
				break;
			}
			const end = at + MBAP_BYTES + length;
			if (end > data.length) break;
			const unit = data[at + 6]!;
			if (this.unit === undefined || unit === this.unit) connection.send(this.reply(data, at, end));
			at = end;
		}
		connection.state = at === data.length ? undefined : data.slice(at);
	}

	private reply(data: Uint8Array, at: number, end: number): Uint8Array {
		const reply = answer(this.map, data, at + 7, end, 7, 0);
		const length = reply.length - MBAP_BYTES;
		reply[0] = data[at]!;
		reply[1] = data[at + 1]!;
		reply[4] = length >> 8;
		reply[5] = length;
		reply[6] = data[at + 6]!;
		return reply;
	}
}

function pendingOf(connection: SlaveConnection): Uint8Array {
	return connection.state instanceof Uint8Array ? connection.state : NOTHING;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
	const both = new Uint8Array(a.length + b.length);
	both.set(a);
	both.set(b, a.length);
	return both;
}
