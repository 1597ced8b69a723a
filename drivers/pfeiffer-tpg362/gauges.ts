/** The gauges that the simulated controller can carry, as data: what they measure and how the controller shows it. */
export interface GaugeType {
	readonly model: string;
	/** What `TID` answers for it. */
	readonly id: string;
	/** Measuring range in Pa: below it the controller reports underrange, above it overrange. */
	readonly pressurePaMin: number;
	readonly pressurePaMax: number;
	/** Digits that carry information; of logarithmic gauges the 3rd and 4th decimals are always 0 (BG 5195 BEN/A p 71). */
	readonly decimals: number;
}

/**
 * A capacitance gauge of 10 hPa full scale (CMR 363): gas-independent, where the process is (13 to 266 Pa). A linear gauge
 * reads through zero into the negative; underrange begins a twentieth of full scale below zero (its exact place is not confirmed).
 */
export const CMR_363: GaugeType = {
	model: "CMR 363",
	id: "CMR",
	pressurePaMin: -50,
	pressurePaMax: 1_100,
	decimals: 4,
};

/** A Pirani-capacitance gauge (PCR 280): from 0.05 Pa to above atmosphere, logarithmic. */
export const PCR_280: GaugeType = {
	model: "PCR 280",
	id: "TPR",
	pressurePaMin: 0.05,
	pressurePaMax: 150_000,
	decimals: 2,
};
