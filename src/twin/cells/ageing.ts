/** What time and charge do to a cell: the electrolyte is used up, a dendrite grows across, micro-bridges come and burn. */
import type { Prng } from "#core/prng.js";
import type { CellConstants, CoupleConstants, CurrentTable, FinishConstants } from "./constants.js";

/** A table's value at a current density, on a logarithmic current axis. */
export function atCurrent(table: CurrentTable, jMAPerCm2: number): number {
	const first = table[0]!;
	if (jMAPerCm2 <= first.atMAPerCm2) return first.value;
	for (let n = 1; n < table.length; n += 1) {
		const high = table[n]!;
		if (jMAPerCm2 > high.atMAPerCm2) continue;
		const low = table[n - 1]!;
		const part = Math.log(jMAPerCm2 / low.atMAPerCm2) / Math.log(high.atMAPerCm2 / low.atMAPerCm2);
		return low.value + part * (high.value - low.value);
	}
	return table.at(-1)!.value;
}

/** How far a coating of this thickness is from bare (0) to itself at its reference thickness (1), and beyond. */
export function protection(thicknessNm: number, referenceNm: number, decayNm: number): number {
	if (referenceNm === 0) return 0;
	return (1 - Math.exp(-thicknessNm / decayNm)) / (1 - Math.exp(-referenceNm / decayNm));
}

/** Where a micro-bridge may form, as part of the way to the bridge. */
const SOFT_FROM = 0.45;
const SOFT_TO = 0.9;

interface MicroBridge {
	readonly at: number;
	/** By this much the voltage falls. */
	readonly drop: number;
	readonly lastsMAhPerCm2: number;
}

export interface AgeingOptions {
	readonly constants: CellConstants;
	readonly couple: CoupleConstants;
	readonly finish: FinishConstants;
	readonly bare: FinishConstants;
	readonly thicknessNm: number;
	readonly prng: Prng;
}

export class Ageing {
	/** Part of the electrolyte, or of an anode's protection, that is used up. */
	worn = 0;
	/** Part of the way that the longest dendrite has come. */
	grown = 0;
	private readonly protected: number;
	private readonly factors: { life: number; bridging: number; dead: number };
	private readonly bridges: MicroBridge[];

	constructor(private readonly options: AgeingOptions) {
		const { prng, constants, finish, thicknessNm } = options;
		const scatter = () => Math.exp(constants.scatter.life * prng.normal());
		this.factors = { life: scatter(), bridging: scatter(), dead: scatter() };
		this.protected = protection(thicknessNm, finish.referenceNm, constants.protectionNm);
		const expected = finish.softShorts;
		this.bridges = [];
		// Knuth's way to a Poisson number.
		for (
			let product = prng.uniform();
			product > Math.exp(-expected) && this.bridges.length < 5;
			product *= prng.uniform()
		)
			this.bridges.push({
				at: prng.between(SOFT_FROM, SOFT_TO),
				drop: prng.between(0.2, 0.4),
				lastsMAhPerCm2: prng.between(2.2, 4.2),
			});
		this.bridges.sort((a, b) => a.at - b.at);
	}

	/** The dead share at a current density. */
	deadShare(j: number): number {
		return Math.min(1, this.mixed("deadShare", j) * this.factors.dead);
	}

	/** Ω cm2 that each electrode gains by so much charge. */
	growthOhmCm2(j: number, charge: number): number {
		return this.mixed("growth", j) * charge;
	}

	pass(j: number, hours: number): void {
		if (j === 0) {
			this.worn += (this.options.couple.drying.wearAtRest * hours) / (this.mixed("lifeH", 0) * this.factors.life);
			return;
		}
		this.worn += hours / (this.mixed("lifeH", j) * this.factors.life);
		this.grown += (j * hours) / (this.mixed("bridging", j) * this.factors.bridging);
	}

	/** The micro-bridge that has just formed, if any. */
	takeMicroBridge(): MicroBridge | undefined {
		const next = this.bridges[0];
		return next !== undefined && this.grown >= next.at ? this.bridges.shift() : undefined;
	}

	private readonly memory = new Map<string, number>();

	/** Between bare and coated, geometrically. */
	private mixed(key: "growth" | "lifeH" | "bridging" | "deadShare", j: number): number {
		const size = Math.abs(j);
		const name = `${key} ${size}`;
		const known = this.memory.get(name);
		if (known !== undefined) return known;
		const { finish, bare } = this.options;
		const coated = atCurrent(finish[key], size);
		const naked = atCurrent(bare[key], size);
		const value = naked * (coated / naked) ** this.protected;
		if (this.memory.size < MEMORY_MAX) this.memory.set(name, value);
		return value;
	}
}

/** A test has few currents; under constant voltage or a parallel path there are many. */
const MEMORY_MAX = 64;
