/**
 * The voltage of one half-cycle along its charge, in bounded memory. Up to `PROFILE_SLOTS` rows are kept as they are; of
 * longer half-cycles each slot stands for 2, 4, 8 … rows by one of them, drawn with the weight of its charge by a
 * generator that begins anew at each half-cycle: no ripple can keep step with it, and the same rows give the same profile.
 */
export const PROFILE_SLOTS = 4_096;
/** Of these the 10 % and 90 % are told. */
const SPREAD_SLOTS = 512;

export class Profile {
	/** Charge passed up to the end of each slot, Ah. */
	private readonly q = new Float64Array(PROFILE_SLOTS);
	private readonly v = new Float64Array(PROFILE_SLOTS);
	private readonly w = new Float64Array(PROFILE_SLOTS);
	private slots = 0;
	private stride = 1;
	private pendingRows = 0;
	private pendingW = 0;
	private pendingV = 0;
	private seed = 1;
	/** Charge passed so far, Ah. */
	chargeAh = 0;

	clear(): void {
		this.slots = 0;
		this.stride = 1;
		this.pendingRows = 0;
		this.pendingW = 0;
		this.seed = 1;
		this.chargeAh = 0;
	}

	/** One row: its voltage, and the charge that passed until it since the row before. */
	push(voltageV: number, chargeAh: number): void {
		this.chargeAh += chargeAh;
		if (this.stride > 1) {
			this.pendingW += chargeAh;
			if (this.pendingRows === 0 || this.random() * this.pendingW < chargeAh) this.pendingV = voltageV;
			this.pendingRows += 1;
			if (this.pendingRows < this.stride) return;
			this.store(this.pendingV, this.pendingW);
			this.pendingRows = 0;
			this.pendingW = 0;
		} else this.store(voltageV, chargeAh);
	}

	private store(voltageV: number, weight: number): void {
		const n = this.slots;
		this.q[n] = this.chargeAh;
		this.v[n] = voltageV;
		this.w[n] = weight;
		this.slots = n + 1;
		if (this.slots === PROFILE_SLOTS) this.halve();
	}

	private halve(): void {
		const { q, v, w } = this;
		for (let n = 0; n < PROFILE_SLOTS / 2; n += 1) {
			const a = 2 * n;
			const weight = w[a]! + w[a + 1]!;
			v[n] = this.random() * weight < w[a]! ? v[a]! : v[a + 1]!;
			q[n] = q[a + 1]!;
			w[n] = weight;
		}
		this.slots = PROFILE_SLOTS / 2;
		this.stride *= 2;
	}

	/** Numerical Recipes' linear congruential generator; only evenness matters here. */
	private random(): number {
		this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
		return this.seed / 4_294_967_296;
	}

	/** The voltage at parts of the charge within a window of the whole, each weighted by its charge: [10 %, 50 %, 90 %]. */
	quantiles(from: number, to: number): readonly [low: number, median: number, high: number] {
		const { q, v, w } = this;
		const begin = from * this.chargeAh;
		const end = to * this.chargeAh;
		let n = 0;
		let total = 0;
		for (let i = 0; i < this.slots; i += 1) {
			// A slot belongs where its middle lies; half-cycles of a few rows still have one.
			const middle = q[i]! - w[i]! / 2;
			if (w[i]! <= 0 || middle < begin || middle > end) continue;
			values[n] = v[i]!;
			weights[n] = w[i]!;
			total += w[i]!;
			n += 1;
		}
		if (n === 0) return from > 0 || to < 1 ? this.quantiles(0, 1) : [Number.NaN, Number.NaN, Number.NaN];
		const median = select(0, n - 1, total / 2);
		// The spread need not be as exact: every few of them will do.
		const stride = Math.ceil(n / SPREAD_SLOTS);
		let few = 0;
		let fewTotal = 0;
		for (let i = 0; i < n; i += stride) {
			values[few] = values[i]!;
			weights[few] = weights[i]!;
			fewTotal += weights[few]!;
			few += 1;
		}
		const high = select(0, few - 1, fewTotal * 0.9);
		return [select(0, few - 1, fewTotal * 0.1), median, high];
	}

	/** Largest size of the voltage within the first part of the charge. */
	peak(to: number): number {
		let peak = 0;
		for (let i = 0; i < this.slots && (i === 0 || this.q[i]! <= to * this.chargeAh); i += 1)
			if (this.w[i]! > 0 && Math.abs(this.v[i]!) > Math.abs(peak)) peak = this.v[i]!;
		return peak;
	}

	/** Median of the last few rows that passed charge: one spike at the end does not count. */
	end(): number {
		const last: number[] = [];
		for (let i = this.slots - 1; i >= 0 && last.length < 3; i -= 1) if (this.w[i]! > 0) last.push(this.v[i]!);
		last.sort((a, b) => a - b);
		return last.length === 0 ? Number.NaN : last[last.length >> 1]!;
	}
}

const values = new Float64Array(PROFILE_SLOTS);
const weights = new Float64Array(PROFILE_SLOTS);

/** The value up to which `target` of the weight lies, by partition around pivots: linear time, no sorting. */
function select(from: number, to: number, target: number): number {
	let low = from;
	let high = to;
	let rest = target;
	while (low < high) {
		const pivot = values[(low + high) >> 1]!;
		let i = low;
		let j = low;
		let k = high;
		let below = 0;
		let equal = 0;
		while (j <= k) {
			const value = values[j]!;
			if (value < pivot) {
				below += weights[j]!;
				swap(i, j);
				i += 1;
				j += 1;
			} else if (value > pivot) {
				swap(j, k);
				k -= 1;
			} else {
				equal += weights[j]!;
				j += 1;
			}
		}
		if (rest <= below && i > low) high = i - 1;
		else if (rest <= below + equal || k === high) return pivot;
		else {
			rest -= below + equal;
			low = k + 1;
		}
	}
	return values[low]!;
}

function swap(a: number, b: number): void {
	const value = values[a]!;
	values[a] = values[b]!;
	values[b] = value;
	const weight = weights[a]!;
	weights[a] = weights[b]!;
	weights[b] = weight;
}
