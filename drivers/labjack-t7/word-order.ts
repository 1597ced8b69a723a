/** Servers of a T7's map that put words, bytes or addresses otherwise than a T7 does, told by the register TEST. */
import { AdlayerError } from "#core/errors.js";
import { f32At, u32At } from "./codec.js";
import { PRODUCT_ID_T7, TEST_VALUE } from "./registers.js";

const TEST_HIGH = TEST_VALUE >>> 16;
const TEST_LOW = TEST_VALUE & 0xffff;
const swapped = (word: number): number => ((word & 0xff) << 8) | (word >>> 8);

/** What is other about the server, from the two words at TEST; undefined when they are right or tell nothing. */
export function orderOfTest(words: readonly number[]): string | undefined {
	const [first, second] = words as [number, number];
	if (first === TEST_HIGH && second === TEST_LOW) return undefined;
	if (first === TEST_LOW && second === TEST_HIGH) return "its words are swapped, the less significant one comes first";
	if (first === swapped(TEST_HIGH) && second === swapped(TEST_LOW)) return "the bytes of its words are swapped";
	if (first === swapped(TEST_LOW) && second === swapped(TEST_HIGH)) return "its bytes are in little-endian order";
	if (first === TEST_LOW) return "its registers are one address too low, as of a server that counts from 1";
	if (second === TEST_HIGH) return "its registers are one address too high";
	return undefined;
}

/**
 * Whether 32-bit values can be believed, from the words of TEST and of PRODUCT_ID as far as they are there. Throws
 * IDENTITY_MISMATCH when the server is seen to put them in another order: every value of it would be another one.
 */
export function proveWordOrder(
	name: string,
	test: readonly number[] | undefined,
	product: readonly number[] | undefined,
): boolean {
	const order = test === undefined ? undefined : orderOfTest(test);
	const productSwapped = product !== undefined && f32At([product[1]!, product[0]!]) === PRODUCT_ID_T7;
	const swappedWords = test === undefined ? "its words are swapped" : "the words of its floats are swapped";
	const why = order ?? (productSwapped ? swappedWords : undefined);
	if (why !== undefined) {
		throw new AdlayerError("IDENTITY_MISMATCH", `${name} serves a T7's registers otherwise than a T7: ${why}.`, {
			context: { test: test ?? null },
			hint: "A T7 puts the more significant word at the lower address, counted from 0: set the server or gateway so.",
		});
	}
	if (test !== undefined) return u32At(test) === TEST_VALUE;
	return product !== undefined && f32At(product) === PRODUCT_ID_T7;
}
