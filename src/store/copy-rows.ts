/** Rows in PostgreSQL's binary COPY format (manual, "COPY", section "Binary Format"). */
const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const TRAILER = Buffer.from([0xff, 0xff]);
/** PostgreSQL counts microseconds from the start of 2000. */
const EPOCH_2000_MS = 946_684_800_000;
const TWO_32 = 2 ** 32;
const FIRST_BYTES = 64 * 1024;

/** Collects rows in one growing buffer. After `row(n)` come exactly n columns, in the order of the COPY command. */
export class CopyRows {
	private buffer = Buffer.allocUnsafe(FIRST_BYTES);
	private at = SIGNATURE.copy(this.buffer);
	rows = 0;

	row(columns: number): void {
		this.room(2);
		this.at = this.buffer.writeInt16BE(columns, this.at);
		this.rows += 1;
	}

	/** One row of samples: signal_id int4, time timestamptz, value float8, quality int2. The hot path. */
	sample(signalId: number, wallMs: number, value: number | null, quality: number): void {
		this.room(48);
		const { buffer } = this;
		let at = buffer.writeInt16BE(4, this.at);
		at = buffer.writeInt32BE(4, at);
		at = buffer.writeInt32BE(signalId, at);
		at = buffer.writeInt32BE(8, at);
		at = writeInt64(buffer, Math.round((wallMs - EPOCH_2000_MS) * 1000), at);
		if (value === null) at = buffer.writeInt32BE(-1, at);
		else {
			at = buffer.writeInt32BE(8, at);
			at = buffer.writeDoubleBE(value, at);
		}
		at = buffer.writeInt32BE(2, at);
		this.at = buffer.writeInt16BE(quality, at);
		this.rows += 1;
	}

	int4(value: number | null | undefined): void {
		if (!this.length(value, 4)) return;
		this.at = this.buffer.writeInt32BE(value, this.at);
	}

	int8(value: number): void {
		if (!this.length(value, 8)) return;
		this.at = writeInt64(this.buffer, value, this.at);
	}

	float8(value: number | null | undefined): void {
		if (!this.length(value, 8)) return;
		this.at = this.buffer.writeDoubleBE(value, this.at);
	}

	/** Unix ms, to the microsecond. */
	timestamp(wallMs: number): void {
		if (!this.length(wallMs, 8)) return;
		this.at = writeInt64(this.buffer, Math.round((wallMs - EPOCH_2000_MS) * 1000), this.at);
	}

	/** The 16 bytes of a UUID. */
	uuid(bytes: Buffer): void {
		this.bytes(bytes);
	}

	/** PostgreSQL's text cannot hold a zero byte, which the reply of a broken instrument may bring. */
	text(value: string | null | undefined): void {
		if (value === null || value === undefined) this.length(value, 0);
		else this.bytes(Buffer.from(cleanText(value)));
	}

	/** Text or json, given as bytes. */
	bytes(value: Buffer): void {
		this.room(4 + value.length);
		this.at = this.buffer.writeInt32BE(value.length, this.at);
		this.at += value.copy(this.buffer, this.at);
	}

	/** The whole stream for COPY. */
	finish(): Buffer {
		this.room(2);
		this.at += TRAILER.copy(this.buffer, this.at);
		return this.buffer.subarray(0, this.at);
	}

	private length(value: unknown, bytes: number): value is number {
		this.room(4 + bytes);
		const isNull = value === null || value === undefined;
		this.at = this.buffer.writeInt32BE(isNull ? -1 : bytes, this.at);
		return !isNull;
	}

	private room(bytes: number): void {
		if (this.at + bytes <= this.buffer.length) return;
		const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
		this.buffer.copy(larger, 0, 0, this.at);
		this.buffer = larger;
	}
}

export function cleanText(text: string): string {
	return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text;
}

export function uuidBytes(uuid: string): Buffer {
	return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

function writeInt64(buffer: Buffer, value: number, at: number): number {
	const high = Math.floor(value / TWO_32);
	const next = buffer.writeInt32BE(high, at);
	return buffer.writeUInt32BE(value - high * TWO_32, next);
}
