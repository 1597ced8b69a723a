/** 1 Torr = 101325/760 Pa exactly. */
const PASCAL_PER_TORR = 101_325 / 760;
const PASCAL_PER_MILLIBAR = 100;
/** 1 psi = 6894.757293168 Pa (pound-force per square inch). */
const PASCAL_PER_PSI = 6_894.757_293_168;
const ZERO_CELSIUS_K = 273.15;
/** Molar gas constant in J/(mol K), exact since 2019. */
export const GAS_CONSTANT_J_PER_MOL_K = 8.314_462_618;

export const pascalFromTorr = (torr: number): number => torr * PASCAL_PER_TORR;
export const torrFromPascal = (pa: number): number => pa / PASCAL_PER_TORR;
export const pascalFromMillibar = (mbar: number): number => mbar * PASCAL_PER_MILLIBAR;
export const pascalFromPsi = (psi: number): number => psi * PASCAL_PER_PSI;
export const kelvinFromCelsius = (degC: number): number => degC + ZERO_CELSIUS_K;
export const celsiusFromKelvin = (kelvin: number): number => kelvin - ZERO_CELSIUS_K;
/** Throughput in Pa m3/s of a flow in sccm (standard: 0 degC, 101325 Pa), as seen by gas at `gasK`. */
export const pascalCubicMetrePerSecondFromSccm = (sccm: number, gasK: number = ZERO_CELSIUS_K): number =>
	((sccm * 1e-6) / 60) * 101_325 * (gasK / ZERO_CELSIUS_K);
