/** The quality of a value: fresh and trusted, too old, or known to be no measurement. */
export type Quality = "good" | "stale" | "fault";

/** A measurement with its quality and time. A fault or a value never measured carries `null`. */
export interface Reading {
	readonly value: number | null;
	readonly unit: Unit;
	readonly quality: Quality;
	/** Clock time (monotonic ms) at which the value was measured. */
	readonly atMs: number;
	/** What is wrong, when quality is fault. */
	readonly detail?: string;
}

/** Units inside the house: SI and degC; flow in standard cm3/min (0 degC, 101325 Pa); "1" is dimensionless, "bool" 0 or 1. */
export type Unit =
	| "Pa"
	| "degC"
	| "sccm"
	| "%"
	| "ms"
	| "s"
	| "1"
	| "bool"
	| "V"
	| "A"
	| "Ah"
	| "Wh"
	| "h"
	| "Hz"
	| "nm"
	| "nm/s"
	| "ppm"
	| "g"
	| "degC/min"
	| "W"
	| "mg";
