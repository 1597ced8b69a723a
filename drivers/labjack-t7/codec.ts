/** Values of the T7 as 16-bit words: big endian, the more significant word first. */

/** The two words of an unsigned 32-bit value. */
export function wordsOfU32(value: number): [number, number] {
	return [(value >>> 16) & 0xffff, value & 0xffff];
}

/** The unsigned 32-bit value that begins at `words[at]`. */
export function u32At(words: readonly number[], at = 0): number {
	return ((words[at] ?? 0) * 0x1_0000 + (words[at + 1] ?? 0)) >>> 0;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The two words of an IEEE 754 single. */
export function wordsOfF32(value: number): [number, number] {
	scratch.setFloat32(0, value);
	return [scratch.getUint16(0), scratch.getUint16(2)];
}

/** The IEEE 754 single that begins at `words[at]`. */
export function f32At(words: readonly number[], at = 0): number {
	scratch.setUint16(0, words[at] ?? 0);
	scratch.setUint16(2, words[at + 1] ?? 0);
	return scratch.getFloat32(0);
}

/** The bit of `line` in DIO_STATE, DIO_DIRECTION and the watchdog's masks. */
export const bitOf = (line: number): number => 2 ** line;

export const hasBit = (mask: number, line: number): boolean => ((mask >>> line) & 1) === 1;

export const maskOf = (lines: Iterable<number>): number => {
	let mask = 0;
	for (const line of lines) mask |= bitOf(line);
	return mask >>> 0;
};
