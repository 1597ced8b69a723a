/** Vapour pressure of a liquid from one known point. */
import { GAS_CONSTANT_J_PER_MOL_K, kelvinFromCelsius } from "#core/units.js";

export interface VapourData {
	/** Vapour pressure in Pa at `atC`. */
	readonly pa: number;
	readonly atC: number;
	/** Enthalpy of vaporisation. */
	readonly vaporisationJPerMol: number;
}

/** Clausius-Clapeyron with constant enthalpy: ln(p/p1) = -dH/R (1/T - 1/T1). Gives Pa; good for some tens of kelvin around the point. */
export function vapourPressurePa({ pa, atC, vaporisationJPerMol }: VapourData, celsius: number): number {
	const slopeK = vaporisationJPerMol / GAS_CONSTANT_J_PER_MOL_K;
	return pa * Math.exp(-slopeK * (1 / kelvinFromCelsius(celsius) - 1 / kelvinFromCelsius(atC)));
}
