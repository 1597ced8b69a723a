import { Prng } from "#core/prng.js";

/** A part of a reply and how long it is held back. */
export interface ReplyPiece {
	readonly bytes: Uint8Array;
	readonly delayMs: number;
}

const BITS_PER_BYTE = 8;
/** The second of two equal replies comes this much after the first. */
const DOUBLED_AFTER_MS = 1;
/** Of late replies: one in so many is, by chance. */
const LATE_ONE_IN = 3;

/** What becomes of everything that one instrument sends. Chance is seeded: the same bytes are spoilt in the same way. */
export class ReplyFaults {
	/** Every reply is held back by this. */
	slowMs = 0;
	isDoubled = false;
	private garbling: { readonly rate: number; readonly chance: Prng } | undefined;
	private lateness: { readonly ms: number; readonly chance: Prng } | undefined;

	/** `rate` is the probability that a byte arrives with one bit wrong; undefined mends. */
	garble(rate: number | undefined, seed: number): void {
		this.garbling = rate === undefined ? undefined : { rate, chance: new Prng(seed, "garbling") };
	}

	/** One reply in three comes this much late; undefined mends. */
	delaySome(ms: number | undefined, seed: number): void {
		this.lateness = ms === undefined ? undefined : { ms, chance: new Prng(seed, "late replies") };
	}

	/** What arrives instead of `bytes`; undefined when they arrive as they are, at once. */
	apply(bytes: Uint8Array): readonly ReplyPiece[] | undefined {
		const { garbling, lateness, slowMs, isDoubled } = this;
		if (garbling === undefined && lateness === undefined && slowMs === 0 && !isDoubled) return undefined;
		const isLate = lateness !== undefined && lateness.chance.integer(1, LATE_ONE_IN) === 1;
		const delayMs = slowMs + (isLate ? lateness.ms : 0);
		const arriving = garbling === undefined ? bytes : garbled(bytes, garbling.rate, garbling.chance);
		const piece = { bytes: arriving, delayMs };
		return isDoubled ? [piece, { bytes: arriving, delayMs: delayMs + DOUBLED_AFTER_MS }] : [piece];
	}
}

function garbled(bytes: Uint8Array, rate: number, chance: Prng): Uint8Array {
	return bytes.map((byte) => (chance.uniform() < rate ? byte ^ (1 << chance.integer(0, BITS_PER_BYTE - 1)) : byte));
}
