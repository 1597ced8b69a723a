import { GAS_CONSTANT_J_PER_MOL_K, kelvinFromCelsius } from "#core/units.js";
import type { FoilConstants, SurfaceConstants, TemperatureTable } from "./constants.js";
import type { Vacuum } from "./vacuum.js";

const REFERENCE_DESORPTION_K = kelvinFromCelsius(58);

/** Less water than this on the walls counts as none. */
const TRACE_PA = 1e-7;

/** Straight lines between the points, level beyond the ends. */
export function fromTable(table: TemperatureTable, degC: number): number {
	let before = table[0]!;
	for (const point of table) {
		if (degC < point.atC) {
			if (point === before) return point.nm;
			return before.nm + ((point.nm - before.nm) * (degC - before.atC)) / (point.atC - before.atC);
		}
		before = point;
	}
	return before.nm;
}

/** Rate of a thermally activated process at `degC`, relative to its rate at `referenceK`. */
function arrhenius(activationJPerMol: number, degC: number, referenceK: number): number {
	return Math.exp((-activationJPerMol / GAS_CONSTANT_J_PER_MOL_K) * (1 / kelvinFromCelsius(degC) - 1 / referenceK));
}

/**
 * What grows. All reacting surfaces share one coverage: the fraction of sites that carry methyl groups after TMA; water
 * turns them back. A site grows film when TMA takes it, so that growth saturates by itself. Where TMA and water meet in the
 * gas, film grows without saturating.
 */
export class Surface {
	thicknessNm = 0;
	interlayerNm = 0;
	/** Film that grew without saturation, where both precursors met; part of `thicknessNm`. */
	vapourGrownNm = 0;
	lithiatedFraction = 0;
	methylFraction = 0;
	/** Physisorbed water, as the pressure it would have in the chamber. */
	wallWaterPa: number;

	constructor(
		private readonly constants: SurfaceConstants,
		private readonly foil: FoilConstants,
		wallWaterPa: number,
	) {
		this.wallWaterPa = wallWaterPa;
	}

	/** Moves water between gas and walls; gives the net rate into the gas in Pa/s (negative while it adsorbs). */
	exchangeWater(seconds: number, h2oPa: number, wallC: number): number {
		const c = this.constants;
		if (this.wallWaterPa === 0 && h2oPa === 0) return 0;
		const perS = arrhenius(c.wallWaterDesorptionJPerMol, wallC, REFERENCE_DESORPTION_K) / c.wallWaterDesorptionSAt58C;
		const desorbed = this.wallWaterPa * (1 - Math.exp(-perS * seconds));
		const adsorbed = h2oPa * (1 - Math.exp(-c.wallWaterAdsorptionPerS * seconds));
		this.wallWaterPa += adsorbed - desorbed;
		if (this.wallWaterPa < TRACE_PA) this.wallWaterPa = 0;
		return (desorbed - adsorbed) / seconds;
	}

	/** The half-reactions and the meeting of both, with the gas that the chamber holds now. Takes from it what reacts. */
	react(seconds: number, gas: Vacuum, foilC: number): void {
		const c = this.constants;
		if (gas.tmaPa > 0 && gas.h2oPa > 0) this.meet(seconds, gas, foilC);
		if (gas.tmaPa > 0) {
			const open = 1 - this.methylFraction;
			const wanted = open * (1 - Math.exp(-c.tmaRatePerPaS * gas.tmaPa * seconds));
			const taken = Math.min(wanted, gas.tmaPa / c.saturationUptakePa);
			this.methylFraction += taken;
			gas.tmaPa -= taken * c.saturationUptakePa;
			gas.ch4Pa += taken * c.saturationUptakePa;
			this.grow(taken, foilC);
		}
		if (gas.h2oPa > 0) {
			const wanted = this.methylFraction * (1 - Math.exp(-c.h2oRatePerPaS * gas.h2oPa * seconds));
			const taken = Math.min(wanted, gas.h2oPa / c.saturationUptakePa);
			this.methylFraction -= taken;
			gas.h2oPa -= taken * c.saturationUptakePa;
			gas.ch4Pa += taken * c.saturationUptakePa;
		}
	}

	/** The metal lithiates (sodiates) its oxide; the interlayer thickens with it. */
	anneal(seconds: number, foilC: number): void {
		const law = this.foil.lithiation;
		if (law === null || this.thicknessNm === 0) return;
		const perS = law.perS * arrhenius(law.activationJPerMol, foilC, kelvinFromCelsius(law.atC));
		const gained = (1 - this.lithiatedFraction) * (1 - Math.exp(-perS * seconds));
		this.lithiatedFraction += gained;
		this.interlayerNm += law.interlayerNmPerNm * this.thicknessNm * gained;
	}

	private meet(seconds: number, gas: Vacuum, foilC: number): void {
		const less = Math.min(gas.tmaPa, gas.h2oPa);
		const more = Math.max(gas.tmaPa, gas.h2oPa);
		const reactedPa = less * (1 - Math.exp(-this.constants.meetingRatePerPaS * more * seconds));
		gas.tmaPa -= reactedPa;
		gas.h2oPa -= reactedPa;
		gas.ch4Pa += 2 * reactedPa;
		this.vapourGrownNm += this.grow(reactedPa / this.constants.saturationUptakePa, foilC);
	}

	/** Adds `cycles` (a fraction of one) of film; gives its thickness. */
	private grow(cycles: number, foilC: number): number {
		if (cycles <= 0) return 0;
		const grownNm = cycles * fromTable(this.foil.growthNmPerCycle, foilC) * this.shieldingFactor(foilC);
		this.interlayerNm += cycles * fromTable(this.foil.interlayerNmPerCycle, foilC) * this.shieldingFactor(foilC);
		const before = this.thicknessNm;
		this.thicknessNm += grownNm;
		// New oxide is not lithiated yet.
		if (before > 0) this.lithiatedFraction *= before / this.thicknessNm;
		return grownNm;
	}

	private shieldingFactor(foilC: number): number {
		const law = this.foil.shielding;
		if (law === null || foilC >= law.belowC || this.thicknessNm <= law.fromNm) return 1;
		const share = Math.min(1, (this.thicknessNm - law.fromNm) / (law.toNm - law.fromNm));
		return 1 - share * (1 - law.factor);
	}
}
