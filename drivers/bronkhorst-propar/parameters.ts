/**
 * The parameters that the driver reads, and what they mean. Addresses (process/number): 9.17.023 and the parameter table of
 * Bronkhorst's own bronkhorst-propar package; DDE numbers in brackets.
 */
import type { Parameter } from "./codec.js";

/** Those of one type that may be asked for next to each other have different indexes: a late reply is told by it. */
export const PARAMETERS = {
	/** [8] 32000 for 100 %, see `signedCounts`. */
	measure: { name: "measure", process: 1, number: 0, type: "int" },
	/** [9] 0 to 32000. */
	setpoint: { name: "setpoint", process: 1, number: 1, type: "int" },
	/** [12] */
	controlMode: { name: "control mode", process: 1, number: 4, type: "char", index: 4 },
	/** [21] Full scale in the capacity unit. */
	capacity: { name: "capacity", process: 1, number: 13, type: "float", index: 13 },
	/** [129] */
	capacityUnit: { name: "capacity unit", process: 1, number: 31, type: "string", length: 7, index: 31 },
	/** [25] */
	fluidName: { name: "fluid name", process: 1, number: 17, type: "string", length: 10, index: 17 },
	/** [91] */
	model: { name: "model number", process: 113, number: 2, type: "string", index: 2 },
	/** [92] */
	serial: { name: "serial number", process: 113, number: 3, type: "string", index: 3 },
	/** [105] */
	firmware: { name: "firmware version", process: 113, number: 5, type: "string", index: 5 },
} as const satisfies Record<string, Parameter>;

/** Modes in which a setpoint from the line counts: any bus or RS-232, and RS-232 alone. */
export const MODE_BUS = 0;
export const MODE_RS232 = 18;

/** Control mode (setpoint source), 9.17.023 section 4.10. */
const CONTROL_MODES: Readonly<Record<number, string>> = {
	0: "bus or RS-232",
	1: "analog input",
	2: "FLOW-BUS slave",
	3: "valve closed",
	4: "controller idle",
	5: "testing",
	6: "tuning",
	7: "setpoint 100 %",
	8: "valve fully open",
	9: "calibration",
	10: "analog slave",
	12: "setpoint 0 %",
	13: "FLOW-BUS analog slave",
	18: "RS-232",
	20: "valve steering",
	21: "analog valve steering",
	22: "safe state",
};

export const controlModeText = (mode: number): string => `${mode} (${CONTROL_MODES[mode] ?? "unknown"})`;

export const takesOurSetpoint = (mode: number): boolean => mode === MODE_BUS || mode === MODE_RS232;

const ZERO_DEGC_K = 273.15;
/** European standard conditions of an `s` unit: 20 degC, 101325 Pa. */
const PER_STANDARD = ZERO_DEGC_K / (ZERO_DEGC_K + 20);

/**
 * sccm (0 degC, 101325 Pa) per capacity unit. `n` is 0 degC and `s` behind the litre 20 degC; sccm and slm are 0 degC with
 * Bronkhorst (its page on volume and mass flow). Volume at line conditions and mass need the gas's density and are not taken.
 */
const SCCM_PER_UNIT: Readonly<Record<string, number>> = {
	"mln/min": 1,
	"mln/h": 1 / 60,
	"ln/min": 1_000,
	"ln/h": 1_000 / 60,
	"m3n/h": 1_000_000 / 60,
	"mls/min": PER_STANDARD,
	"mls/h": PER_STANDARD / 60,
	"ls/min": 1_000 * PER_STANDARD,
	"ls/h": (1_000 * PER_STANDARD) / 60,
	"m3s/h": (1_000_000 * PER_STANDARD) / 60,
	sccm: 1,
	slm: 1_000,
};

export const sccmPerUnit = (unit: string): number | undefined =>
	Object.hasOwn(SCCM_PER_UNIT, unit) ? SCCM_PER_UNIT[unit] : undefined;
