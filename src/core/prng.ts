/** A seeded generator (sfc32): the same seed gives the same numbers on every machine. */
export class Prng {
	private a: number;
	private b: number;
	private c: number;
	private d = 1;
	private spare: number | undefined;

	/** `stream` separates independent uses of one seed by name. */
	constructor(
		readonly seed: number,
		stream = "",
	) {
		this.a = seed | 0;
		this.b = hash(stream) | 0;
		this.c = 0x9e3779b9 | 0;
		for (let i = 0; i < 16; i += 1) this.uint32();
	}

	uint32(): number {
		const t = (((this.a + this.b) | 0) + this.d) | 0;
		this.d = (this.d + 1) | 0;
		this.a = this.b ^ (this.b >>> 9);
		this.b = (this.c + (this.c << 3)) | 0;
		this.c = ((this.c << 21) | (this.c >>> 11)) + t;
		this.c |= 0;
		return t >>> 0;
	}

	/** Uniform in [0, 1). */
	uniform(): number {
		return this.uint32() / 4_294_967_296;
	}

	between(low: number, high: number): number {
		return low + (high - low) * this.uniform();
	}

	/** Integer in [low, high]. */
	integer(low: number, high: number): number {
		return low + Math.floor(this.uniform() * (high - low + 1));
	}

	/** Standard normal deviate (Box-Muller). */
	normal(): number {
		if (this.spare !== undefined) {
			const value = this.spare;
			this.spare = undefined;
			return value;
		}
		const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
		const angle = 2 * Math.PI * this.uniform();
		this.spare = radius * Math.sin(angle);
		return radius * Math.cos(angle);
	}
}

function hash(text: string): number {
	let h = 0x811c9dc5;
	for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
	return h;
}
