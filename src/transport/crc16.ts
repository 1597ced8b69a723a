const TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte += 1) {
	let crc = byte;
	for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
	TABLE[byte] = crc;
}

/**
 * CRC-16/Modbus (polynomial 0xA001 reflected, start 0xFFFF) over `bytes[from..to)`. On the wire the low byte goes first.
 * Source: Modbus over serial line V1.02, section 6.2.2.
 */
export function crc16(bytes: Uint8Array, from = 0, to = bytes.length): number {
	let crc = 0xffff;
	for (let at = from; at < to; at += 1) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!;
	return crc;
}

/** Whether the two bytes at the end of `bytes[from..to)` are the CRC of what precedes them. */
export function crcHolds(bytes: Uint8Array, from: number, to: number): boolean {
	const crc = crc16(bytes, from, to - 2);
	return bytes[to - 2] === (crc & 0xff) && bytes[to - 1] === crc >>> 8;
}

/** Writes the CRC of everything before the last two bytes into them. */
export function sealWithCrc(frame: Uint8Array): Uint8Array {
	const crc = crc16(frame, 0, frame.length - 2);
	frame[frame.length - 2] = crc & 0xff;
	frame[frame.length - 1] = crc >>> 8;
	return frame;
}
