/** The engineering units an Alicat may be set to, as far as the driver takes them. What is not here is refused, not guessed. */
import { celsiusFromKelvin, pascalFromMillibar, pascalFromPsi, pascalFromTorr } from "#core/units.js";

/** SCCM (the instrument's own) per unit of mass flow. S units refer to its standard, N units to its normal conditions. */
export const MASS_FLOW_UNITS: Readonly<Record<string, { sccm: number; reference: "S" | "N" }>> = {
	SCCM: { sccm: 1, reference: "S" },
	"SmL/m": { sccm: 1, reference: "S" },
	SLPM: { sccm: 1000, reference: "S" },
	"SL/m": { sccm: 1000, reference: "S" },
	NCCM: { sccm: 1, reference: "N" },
	"NmL/m": { sccm: 1, reference: "N" },
	NLPM: { sccm: 1000, reference: "N" },
	"NL/m": { sccm: 1000, reference: "N" },
};

/** Pa of an absolute pressure; case matters (mbar, Mbar), and gauge pressures are refused. */
export const PRESSURE_UNITS: Readonly<Record<string, (value: number) => number>> = {
	PSIA: pascalFromPsi,
	PaA: (pa) => pa,
	hPaA: pascalFromMillibar,
	kPaA: (kPa) => kPa * 1000,
	mbarA: pascalFromMillibar,
	barA: (bar) => pascalFromMillibar(bar * 1000),
	torrA: pascalFromTorr,
};

/** degC of a temperature. Firmware writes the degree sign as a backquote, as byte B0 or not at all. */
export const TEMPERATURE_UNITS: Readonly<Record<string, (value: number) => number>> = {
	C: (degC) => degC,
	F: (degF) => (degF - 32) / 1.8,
	K: celsiusFromKelvin,
};

export const temperatureUnit = (label: string): ((value: number) => number) | undefined =>
	TEMPERATURE_UNITS[label.replace(/^[`°]/, "")];
