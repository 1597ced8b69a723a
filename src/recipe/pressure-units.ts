/** The units in which a limit of a pressure may be given; a pressure is measured in Pa. Pure. */
import { pascalFromMillibar, pascalFromTorr } from "#core/units.js";

const TO_PASCAL: Readonly<Record<string, (value: number) => number>> = {
	Pa: (pa) => pa,
	Torr: pascalFromTorr,
	mTorr: (mTorr) => pascalFromTorr(mTorr / 1000),
	mbar: pascalFromMillibar,
	hPa: pascalFromMillibar,
};

export const PRESSURE_UNITS: readonly string[] = Object.keys(TO_PASCAL);

/** A value of any unit: a pressure in Pa, everything else as it is. */
export const inSignalUnit = (value: number, unit: string): number =>
	Object.hasOwn(TO_PASCAL, unit) ? TO_PASCAL[unit]!(value) : value;
