/** The register map of the 3200 series (wire addresses) and how values stand in it. Source: HA028651 issue 7, pages 81-82. */

export const REGISTER = {
	processValue: 1,
	/** EEPROM, some 100,000 writes: never written by the driver, nor are the two local setpoints. */
	targetSetpoint: 2,
	manualOutput: 3,
	workingOutput: 4,
	workingSetpoint: 5,
	proportionalBand: 6,
	controlAction: 7,
	integralTime: 8,
	derivativeTime: 9,
	rangeLow: 11,
	rangeHigh: 12,
	setpointSelect: 15,
	setpoint1: 24,
	setpoint2: 25,
	/** RAM: for values that change all the time; must be refreshed. */
	remoteSetpoint: 26,
	outputHigh: 30,
	setpointRate: 35,
	status: 75,
	statusInverse: 76,
	forcedOutput: 84,
	forcedOutputMode: 85,
	digitalInputs: 87,
	processValueRate: 103,
	setpointHigh: 111,
	setpointLow: 112,
	sensorBreak: 258,
	autoManual: 273,
	localRemote: 276,
} as const;

/** Where the value of a register stands once more as an IEEE single, more significant word first. Not confirmed. */
export const floatOf = (register: number): number => 0x8000 + 2 * register;

export const STATUS = {
	manual: 1 << 4,
	sensorBreak: 1 << 5,
	overRange: 1 << 10,
	remoteFailed: 1 << 14,
} as const;

/** Of register 87: the power has failed since alarms were last acknowledged. */
export const POWER_FAILED = 1 << 7;

const INT16_MAX = 32_767;
const INT16_MIN = -32_768;

export const signed = (word: number): number => (word > INT16_MAX ? word - 0x1_0000 : word);

/** Numbers as the instrument keeps them: with the decimal point of its display removed, in signed 16 bits. */
export class Scale {
	private readonly factor: number;

	constructor(decimals: number) {
		this.factor = 10 ** decimals;
	}

	/** The largest and smallest number a register can hold. */
	get max(): number {
		return INT16_MAX / this.factor;
	}

	get min(): number {
		return INT16_MIN / this.factor;
	}

	/** From a register's unsigned word. */
	fromWord(word: number): number {
		return this.fromRaw(signed(word));
	}

	/** From a register's signed number. */
	fromRaw(raw: number): number {
		return raw / this.factor;
	}

	/** To a register's unsigned word, rounded to the instrument's decimals and limited to what the register holds. */
	toWord(value: number): number {
		return Math.min(INT16_MAX, Math.max(INT16_MIN, Math.round(value * this.factor))) & 0xffff;
	}
}
