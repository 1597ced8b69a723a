import { GAS_CONSTANT_J_PER_MOL_K, kelvinFromCelsius } from "#core/units.js";
import type { PrecursorConstants } from "./constants.js";

const REFERENCE_K = kelvinFromCelsius(25);

/** August's equation through the vapour pressure at 25 degC: ln(p/p25) = -dH/R (1/T - 1/298.15 K). Gives Pa. */
export function vapourPressurePa(precursor: PrecursorConstants, bottleC: number): number {
	const slopeK = precursor.vaporisationJPerMol / GAS_CONSTANT_J_PER_MOL_K;
	return precursor.vapourPaAt25C * Math.exp(-slopeK * (1 / kelvinFromCelsius(bottleC) - 1 / REFERENCE_K));
}

/** A bottle behind its fast valve: vapour waits in the headspace, leaves through the valve and comes back from the liquid. */
export class Bottle {
	isOpen = false;
	/** Between the liquid and the headspace: shut by hand, the line behind it runs empty. */
	isHandValveOpen = true;
	/** What the shut valve lets through, as a share of its open conductance. */
	leakFraction = 0;
	/** Times the valve was opened. */
	doses = 0;
	deliveredMg = 0;
	grams: number;
	bottleC: number;
	private headspacePa: number;
	private readonly gramsPerPaM3: number;

	constructor(
		readonly name: string,
		readonly constants: PrecursorConstants,
		gasK: number,
		private readonly chamberM3: number,
	) {
		this.grams = constants.bottleG;
		this.bottleC = constants.bottleC;
		this.headspacePa = vapourPressurePa(constants, this.bottleC);
		this.gramsPerPaM3 = constants.molarMassGPerMol / (GAS_CONSTANT_J_PER_MOL_K * gasK);
	}

	get pressurePa(): number {
		return this.headspacePa;
	}

	/** Draws what flows in `seconds`; gives the chamber's mean rise in Pa/s. Gas never flows back into the bottle here. */
	step(seconds: number, chamberPa: number): number {
		const { headspaceM3, headspaceRecoveryS, valveM3PerS } = this.constants;
		const fullPa = this.grams > 0 ? vapourPressurePa(this.constants, this.bottleC) : 0;
		if (this.isHandValveOpen)
			this.headspacePa = fullPa + (this.headspacePa - fullPa) * Math.exp(-seconds / headspaceRecoveryS);
		const valveFraction = this.isOpen ? 1 : this.leakFraction;
		if (valveFraction === 0 || this.headspacePa <= chamberPa) return 0;
		const differencePa = this.headspacePa - chamberPa;
		const drawnPa = differencePa * (1 - Math.exp((-valveFraction * valveM3PerS * seconds) / headspaceM3));
		this.headspacePa -= drawnPa;
		const drawnPaM3 = drawnPa * headspaceM3;
		const drawnG = drawnPaM3 * this.gramsPerPaM3;
		this.grams = Math.max(0, this.grams - drawnG);
		this.deliveredMg += drawnG * 1000;
		return drawnPaM3 / this.chamberM3 / seconds;
	}
}
