/**
 * The register maps of the EZ-ZONE PM (wire addresses) and how values stand in them. Sources: the PM's parameter list (Map 1,
 * watlowlib `pm_parameters.json`), Watlow's EZ-ZONE communications guide (float layout, non-volatile save), CsHeater (Map 2).
 */

export type MapNumber = 1 | 2;
/** Which half of a 32-bit value stands at the lower address. */
export type WordOrder = "low-first" | "high-first";
export type TemperatureUnit = "F" | "C";

export const MAPS: readonly MapNumber[] = [1, 2];
export const WORD_ORDERS: readonly WordOrder[] = ["low-first", "high-first"];

/** In both maps. */
export const HARDWARE_ID = 0;
export const SOFTWARE_REVISION = 4;
export const SERIAL_NUMBER = 12;
export const ANALOG_INPUT = 360;
/** PV as a float, then the input's error. */
export const ANALOG_INPUT_WORDS = 3;
export const INPUT_ERROR = 362;

/** Freescale and ARM processor. */
export const HARDWARE_IDS: readonly number[] = [19, 28];

export interface LoopRegisters {
	readonly controlMode: number;
	/** Read only. */
	readonly activeMode: number;
	readonly proportionalBand: number;
	readonly integralTime: number;
	readonly derivativeTime: number;
	readonly heatPower: number;
	readonly outputPower: number;
	/** EEPROM unless non-volatile save is off. */
	readonly setpoint: number;
	readonly manualPower: number;
	readonly setpointMin: number;
	readonly setpointMax: number;
	/** Read only. */
	readonly activeSetpoint: number;
	readonly displayUnits: number;
	/** Of temperatures over communications, whatever the display shows. */
	readonly commsUnits: number;
	readonly nonVolatileSave: number;
}

const MAP_1: LoopRegisters = {
	controlMode: 1880,
	activeMode: 1882,
	proportionalBand: 1890,
	integralTime: 1894,
	derivativeTime: 1896,
	heatPower: 1904,
	outputPower: 1908,
	setpoint: 2160,
	manualPower: 2162,
	setpointMin: 2164,
	setpointMax: 2166,
	activeSetpoint: 2172,
	displayUnits: 1838,
	commsUnits: 2490,
	nonVolatileSave: 2494,
};

/** Mode, set point and powers of Map 2 are 480 above Map 1; that the others are too is inferred. */
const MAP_2_OFFSET = 480;

export const REGISTERS: Readonly<Record<MapNumber, LoopRegisters>> = {
	1: MAP_1,
	2: Object.fromEntries(
		Object.entries(MAP_1).map(([name, address]) => [name, address + MAP_2_OFFSET]),
	) as unknown as LoopRegisters,
};

/** An EZ-ZONE gateway shows each controller behind it at this distance from the one before. */
export const GATEWAY_ZONE_OFFSET = 5000;

export const MODE = { off: 62, auto: 10, manual: 54 } as const;
const MODES: readonly number[] = Object.values(MODE);

export const isMode = (word: number): boolean => MODES.includes(word);

export const modeName = (word: number): string =>
	Object.entries(MODE).find(([, code]) => code === word)?.[0] ?? `mode ${word}`;

export const UNIT_CODES: Readonly<Record<TemperatureUnit, number>> = { F: 30, C: 15 };

export function unitOfCode(word: number): TemperatureUnit | undefined {
	if (word === UNIT_CODES.F) return "F";
	return word === UNIT_CODES.C ? "C" : undefined;
}

/** Whether writes over communications are kept in EEPROM. */
export const SAVE = { yes: 106, no: 59 } as const;

export const NO_INPUT_ERROR = 61;
/** Codes besides these are an error too; what they mean is not confirmed. */
const INPUT_ERRORS: Readonly<Record<number, string>> = {
	65: "the sensor is open",
	127: "the sensor is shorted",
	140: "the input has a measurement error",
};

export const isInputError = (code: number): boolean => Object.hasOwn(INPUT_ERRORS, code);
export const inputErrorName = (code: number): string => INPUT_ERRORS[code] ?? `the input reports error ${code}`;

/** Exact: the Fahrenheit scale has 9 degrees for 5 of Celsius, and 32 at 0. */
export const celsiusFromFahrenheit = (degF: number): number => ((degF - 32) * 5) / 9;
export const fahrenheitFromCelsius = (degC: number): number => (degC * 9) / 5 + 32;

export const celsiusFrom = (value: number, unit: TemperatureUnit): number =>
	unit === "F" ? celsiusFromFahrenheit(value) : value;
export const temperatureIn = (unit: TemperatureUnit, degC: number): number =>
	unit === "F" ? fahrenheitFromCelsius(degC) : degC;

const scratch = new DataView(new ArrayBuffer(4));

/** The float in two neighbouring words; big endian within a word. */
export function floatFromWords(words: readonly number[], order: WordOrder): number {
	const [first = 0, second = 0] = words;
	scratch.setUint16(order === "high-first" ? 0 : 2, first);
	scratch.setUint16(order === "high-first" ? 2 : 0, second);
	return scratch.getFloat32(0);
}

export function wordsFromFloat(value: number, order: WordOrder): [number, number] {
	scratch.setFloat32(0, value);
	const [high, low] = [scratch.getUint16(0), scratch.getUint16(2)];
	return order === "high-first" ? [high, low] : [low, high];
}

export function int32FromWords(words: readonly number[], order: WordOrder): number {
	const [first = 0, second = 0] = words;
	const [high, low] = order === "high-first" ? [first, second] : [second, first];
	return (high << 16) | low;
}

export function wordsFromInt32(value: number, order: WordOrder): [number, number] {
	const [high, low] = [(value >>> 16) & 0xffff, value & 0xffff];
	return order === "high-first" ? [high, low] : [low, high];
}
