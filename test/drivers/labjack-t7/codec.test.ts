import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { f32At, u32At, wordsOfF32, wordsOfU32 } from "#drivers/labjack-t7/codec.js";

describe("words of a T7", () => {
	it("puts the more significant word first, as the TEST register does", () => {
		expect(u32At([0x0011, 0x2233])).toBe(0x0011_2233);
		expect(wordsOfU32(0xffff_fffe)).toEqual([0xffff, 0xfffe]);
	});

	it("reads TEST_FLOAT32, -9999.0, from its IEEE 754 words", () => {
		expect(f32At([0xc61c, 0x3c00])).toBe(-9_999);
	});

	it("gives back every value it has taken apart", () => {
		fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (n) => u32At(wordsOfU32(n)) === n));
		fc.assert(fc.property(fc.float({ noNaN: true }), (x) => Object.is(f32At(wordsOfF32(x)), x)));
	});
});
