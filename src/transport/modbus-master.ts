import { assert } from "#core/errors.js";
import type { ExchangeCounters, LineRequest, ModbusMaster, WriteOptions } from "#core/wire.js";
import type { LineTiming } from "./exchange.js";
import type { Line } from "./line.js";
import { type EncodedRequest, ModbusCodec } from "./modbus-codec.js";
import { FUNCTION, READ_BITS_MAX, READ_REGISTERS_MAX, WRITE_REGISTERS_MAX } from "./modbus-pdu.js";
import { type Asked, RtuRequest, TcpRequest } from "./modbus-request.js";
import { StreamRequestLine } from "./request-line.js";

export type ModbusFraming = "rtu" | "tcp";

export interface ModbusUnitOptions {
	/** The instrument's name, for messages. */
	readonly name: string;
	readonly unit: number;
	readonly framing: ModbusFraming;
	readonly timing: LineTiming;
	/** Silence between a reply and the next request in RTU framing, ms; none when absent. */
	readonly gapMs?: number;
}

/**
 * One Modbus unit on a line, RTU or TCP. Besides what the line itself rejects with (LINK_UNREACHABLE, LINK_LOST,
 * LINE_BUSY, DEVICE_SILENT, REPLY_INVALID) a refusal is MODBUS_EXCEPTION, with `exception`, `function` and `register` in
 * its context. A reply of another unit, function or length is never taken.
 */
export class ModbusUnit implements ModbusMaster {
	private readonly codec: ModbusCodec;
	private readonly line: StreamRequestLine;
	private readonly unit: number;
	private readonly nextTransactionId: () => number;
	/** A read that the instrument has answered: the one to come back into step with. */
	private answeredRead: Asked | undefined;

	constructor(
		line: Line,
		private readonly options: ModbusUnitOptions,
	) {
		this.unit = options.unit;
		this.codec = new ModbusCodec(options.unit);
		this.nextTransactionId = () => line.nextTransactionId();
		this.line = new StreamRequestLine(line, {
			name: options.name,
			timing: options.timing,
			...(options.framing === "tcp"
				? { repliesCarryIds: true }
				: {
						...(options.gapMs === undefined ? {} : { gapMs: options.gapMs }),
						resynchronise: (lost: LineRequest<unknown>) => this.resynchronise(lost),
					}),
		});
	}

	get counters(): ExchangeCounters {
		return this.line.counters;
	}

	readHolding(address: number, count: number): Promise<number[]> {
		checkSpan(address, count, READ_REGISTERS_MAX);
		const asked = this.asked(FUNCTION.readHolding, address, count);
		return this.exchange(asked, this.codec.read(FUNCTION.readHolding, address, count), (result) => {
			this.answeredRead = asked;
			return result.data;
		});
	}

	readInput(address: number, count: number): Promise<number[]> {
		checkSpan(address, count, READ_REGISTERS_MAX);
		const asked = this.asked(FUNCTION.readInput, address, count);
		return this.exchange(asked, this.codec.read(FUNCTION.readInput, address, count), (result) => result.data);
	}

	readCoils(address: number, count: number): Promise<boolean[]> {
		checkSpan(address, count, READ_BITS_MAX);
		const asked = this.asked(FUNCTION.readCoils, address, count);
		return this.exchange(asked, this.codec.read(FUNCTION.readCoils, address, count), (result) =>
			result.data.slice(0, count),
		);
	}

	readDiscrete(address: number, count: number): Promise<boolean[]> {
		checkSpan(address, count, READ_BITS_MAX);
		const asked = this.asked(FUNCTION.readDiscrete, address, count);
		return this.exchange(asked, this.codec.read(FUNCTION.readDiscrete, address, count), (result) =>
			result.data.slice(0, count),
		);
	}

	writeRegister(address: number, word: number, options: WriteOptions = {}): Promise<void> {
		checkSpan(address, 1, 1);
		checkWord(word);
		const asked = this.asked(FUNCTION.writeRegister, address, 1);
		return this.exchange(asked, this.codec.writeRegister(address, word), done, options);
	}

	writeRegisters(address: number, words: readonly number[], options: WriteOptions = {}): Promise<void> {
		checkSpan(address, words.length, WRITE_REGISTERS_MAX);
		for (const word of words) checkWord(word);
		const asked = this.asked(FUNCTION.writeRegisters, address, words.length);
		return this.exchange(asked, this.codec.writeRegisters(address, words), done, options);
	}

	writeCoil(address: number, on: boolean): Promise<void> {
		checkSpan(address, 1, 1);
		const asked = this.asked(FUNCTION.writeCoil, address, 1);
		return this.exchange(asked, this.codec.writeCoil(address, on), done);
	}

	open(): Promise<void> {
		return this.line.open();
	}

	close(): Promise<void> {
		return this.line.close();
	}

	private asked(code: number, address: number, count: number): Asked {
		return { instrument: this.options.name, unit: this.unit, code, address, count };
	}

	private exchange<Result, Reply>(
		asked: Asked,
		encoded: EncodedRequest<Result>,
		take: (result: Result) => Reply,
		options: WriteOptions = {},
	): Promise<Reply> {
		const request =
			this.options.framing === "tcp"
				? new TcpRequest(asked, encoded, take, this.nextTransactionId)
				: new RtuRequest(asked, encoded, take);
		return this.line.request(Object.assign(request, options));
	}

	/** A read of holding registers whose reply has another function or length than the reply to `lost`. */
	private resynchronise(lost: LineRequest<unknown>): LineRequest<unknown> {
		const { asked } = lost as RtuRequest<unknown, unknown>;
		const base = this.answeredRead ?? asked;
		const count = asked.code === FUNCTION.readHolding && asked.count === 1 ? 2 : 1;
		const address = Math.min(base.address, 0x1_0000 - count);
		return new RtuRequest(
			this.asked(FUNCTION.readHolding, address, count),
			this.codec.read(FUNCTION.readHolding, address, count),
			done,
		);
	}
}

function done(): void {}

function checkSpan(address: number, count: number, countMax: number): void {
	assert(
		Number.isInteger(address) && address >= 0 && address + count <= 0x1_0000,
		`Modbus address ${address} of ${count}`,
	);
	assert(Number.isInteger(count) && count >= 1 && count <= countMax, `Modbus count ${count} of at most ${countMax}`);
}

function checkWord(word: number): void {
	assert(Number.isInteger(word) && word >= 0 && word <= 0xffff, `Modbus word ${word}`);
}
