import modbusSerial from "modbus-serial";
import { FUNCTION } from "./modbus-pdu.js";

/** Transactions the library keeps apart: more than a line lets wait, so that none is overwritten while it is in use. */
const TRANSACTIONS = 256;

type Callback<Result> = (error: Error | null, result: Result) => void;
type Receive = (frame: Buffer) => void;

/** Stands where the library expects a serial port: keeps what it sends, hands it what is to be decoded. No timers, no events. */
class CapturePort {
	readonly isOpen = true;
	_transactionIdWrite = 1;
	_transactionIdRead = 1;
	sent: Buffer = Buffer.alloc(0);
	receive: Receive = () => {};

	open(done: () => void): void {
		done();
	}

	on(event: string, listener: Receive): void {
		if (event === "data") this.receive = listener;
	}

	once(): void {}

	removeListener(): void {}

	write(frame: Buffer): void {
		this.sent = frame;
	}
}

/** A request in RTU framing and how to read its reply, in RTU framing as well. */
export interface EncodedRequest<Result> {
	readonly frame: Buffer;
	/** Decodes a frame whose length and CRC have been checked. Throws the library's error; `modbusCode` is set on an exception reply. */
	decode(frame: Buffer): Result;
}

/** One unit's requests and replies as bytes, encoded and decoded by the modbus-serial library. */
export class ModbusCodec {
	private readonly port = new CapturePort();
	private readonly client = new modbusSerial.default(this.port);
	private transaction = 0;

	constructor(private readonly unit: number) {
		this.client.open(() => {});
	}

	read(code: 1 | 2, address: number, count: number): EncodedRequest<{ data: boolean[] }>;
	read(code: 3 | 4, address: number, count: number): EncodedRequest<{ data: number[] }>;
	read(code: number, address: number, count: number): EncodedRequest<{ data: boolean[] | number[] }> {
		const { client, unit } = this;
		switch (code) {
			case FUNCTION.readCoils:
				return this.encode((done) => client.writeFC1(unit, address, count, done));
			case FUNCTION.readDiscrete:
				return this.encode((done) => client.writeFC2(unit, address, count, done));
			case FUNCTION.readHolding:
				return this.encode((done) => client.writeFC3(unit, address, count, done));
			default:
				return this.encode((done) => client.writeFC4(unit, address, count, done));
		}
	}

	writeCoil(address: number, on: boolean): EncodedRequest<{ address: number; state: boolean }> {
		return this.encode((done) => this.client.writeFC5(this.unit, address, on, done));
	}

	writeRegister(address: number, word: number): EncodedRequest<{ address: number; value: number }> {
		return this.encode((done) => this.client.writeFC6(this.unit, address, word, done));
	}

	writeRegisters(address: number, words: readonly number[]): EncodedRequest<{ address: number; length: number }> {
		return this.encode((done) => this.client.writeFC16(this.unit, address, words as number[], done));
	}

	private encode<Result>(write: (done: Callback<Result>) => void): EncodedRequest<Result> {
		const { port } = this;
		this.transaction = (this.transaction + 1) % TRANSACTIONS;
		const transaction = this.transaction;
		let failure: Error | null = null;
		let result: Result | undefined;
		port._transactionIdWrite = transaction;
		write((error, value) => {
			failure = error;
			result = value;
		});
		return {
			frame: port.sent,
			decode: (frame) => {
				port._transactionIdRead = transaction;
				port.receive(frame);
				if (failure !== null) throw failure;
				return result as Result;
			},
		};
	}
}
