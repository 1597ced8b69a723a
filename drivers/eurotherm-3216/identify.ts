import { AdlayerError } from "#core/errors.js";
import type { Identification } from "#device/contract.js";
import type { RegisterReader } from "#transport/register-reader.js";
import { type CompleteSettings, LOCAL_SETPOINT_MAX_DEGC } from "./config.js";
import { floatOf, POWER_FAILED, REGISTER, type Scale, STATUS, signed } from "./registers.js";

const UNKNOWN = { manufacturer: null, model: null, serial: null, firmware: null } as const;
/** Found out, not said by the instrument. */
const FOUND = { manufacturer: "Eurotherm", model: "3200 series", serial: null, firmware: null } as const;

/** What the instrument is set to. */
export interface InstrumentState {
	readonly rangeMinC: number;
	readonly rangeMaxC: number;
	/** SP1 and SP2. */
	readonly localSetpointsC: readonly number[];
	readonly workingSetpointC: number;
	readonly status: number;
}

/** Registers as they stand, signed and without a decimal point. */
export interface RawSetup {
	readonly rangeLow: number;
	readonly rangeHigh: number;
	readonly limitLow: number;
	readonly limitHigh: number;
	readonly controlAction: number;
	readonly workingSetpoint: number;
	/** SP1 and SP2. */
	readonly localSetpoints: readonly number[];
	readonly status: number;
}

export interface Found {
	readonly identification: Identification;
	/** Absent when the instrument could not be identified. */
	readonly setup?: RawSetup;
}

/**
 * Tells a controller of this series from something else that speaks Modbus. There is no identity register that is
 * confirmed; the proof is that register 76 is the bitwise inverse of the status in 75, and that input range, setpoint
 * limits and control action are consistent. Writes nothing.
 */
export async function identify(reader: RegisterReader): Promise<Found> {
	const doubts: string[] = [];
	const read = async (address: number, count: number): Promise<number[]> => {
		const words = await reader.readIfThere(address, count);
		const missing = words.flatMap((word, offset) => (word === undefined ? [address + offset] : []));
		if (missing.length > 0) doubts.push(`It has no register ${missing.join(", ")}, as a 3200 series controller has.`);
		return words.map((word) => word ?? Number.NaN);
	};
	const main = await read(REGISTER.processValue, 9);
	const [status, inverse] = (await read(REGISTER.status, 2)) as [number, number];
	const [rangeLow, rangeHigh] = (await read(REGISTER.rangeLow, 2)).map(signed) as [number, number];
	const [limitHigh, limitLow] = (await read(REGISTER.setpointHigh, 2)).map(signed) as [number, number];
	const localSetpoints = (await read(REGISTER.setpoint1, 2)).map(signed);
	if (doubts.length > 0) return unknown(doubts);

	if ((status ^ inverse) !== 0xffff) {
		doubts.push(
			`Register 76 (${inverse}) is not the inverse of the status in register 75 (${status}), as in a 3200 series controller.`,
		);
	}
	if (!(rangeLow < rangeHigh)) doubts.push(`Its input range ${rangeLow} to ${rangeHigh} (registers 11, 12) is none.`);
	else if (!(limitLow < limitHigh && limitLow >= rangeLow && limitHigh <= rangeHigh)) {
		doubts.push(
			`Its setpoint limits ${limitLow} to ${limitHigh} (registers 112, 111) do not lie in its input range ${rangeLow} to ${rangeHigh}.`,
		);
	}
	if (doubts.length > 0) return unknown(doubts);

	const at = (address: number) => main[address - REGISTER.processValue]!;
	const setup: RawSetup = {
		rangeLow,
		rangeHigh,
		limitLow,
		limitHigh,
		controlAction: at(REGISTER.controlAction),
		workingSetpoint: signed(at(REGISTER.workingSetpoint)),
		localSetpoints,
		status,
	};
	return { identification: { identity: FOUND, confirmed: true, warnings: await warningsOf(reader, status) }, setup };
}

/** What the registers mean in degC. */
export function stateOf(setup: RawSetup, scale: Scale): InstrumentState {
	return {
		rangeMinC: scale.fromRaw(setup.rangeLow),
		rangeMaxC: scale.fromRaw(setup.rangeHigh),
		localSetpointsC: setup.localSetpoints.map((raw) => scale.fromRaw(raw)),
		workingSetpointC: scale.fromRaw(setup.workingSetpoint),
		status: setup.status,
	};
}

/** Registers whose value both as an integer and as a float tells the decimals between them. */
const TELLING = [
	REGISTER.rangeHigh,
	REGISTER.setpointHigh,
	REGISTER.processValue,
	REGISTER.workingSetpoint,
	REGISTER.rangeLow,
];
/** One agreement may be chance; so many, with exactly one number of decimals, are none. */
const AGREEMENTS_MIN = 2;

/**
 * The decimals of the instrument's display, where it gives its values as floats too: the one number of decimals with which
 * all integers agree with their floats. Undefined when that is not proven beyond doubt.
 */
export async function readDecimals(reader: RegisterReader): Promise<number | undefined> {
	let candidates = [0, 1, 2];
	let agreements = 0;
	for (const register of TELLING) {
		const [word] = await reader.readIfThere(register, 1);
		if (word === undefined || word === 0) continue;
		const value = await readFloat(reader, floatOf(register));
		if (value === undefined) return undefined;
		candidates = candidates.filter((decimals) => Math.abs(value * 10 ** decimals - signed(word)) <= 1);
		if (candidates.length === 0) return undefined;
		agreements += 1;
	}
	return agreements >= AGREEMENTS_MIN && candidates.length === 1 ? candidates[0] : undefined;
}

async function readFloat(reader: RegisterReader, address: number): Promise<number | undefined> {
	const [high, low] = await reader.readIfThere(address, 2);
	if (high === undefined || low === undefined) return undefined;
	const view = new DataView(new ArrayBuffer(4));
	view.setUint16(0, high);
	view.setUint16(2, low);
	const value = view.getFloat32(0);
	return Number.isFinite(value) ? value : undefined;
}

function unknown(warnings: string[]): Found {
	return { identification: { identity: UNKNOWN, confirmed: false, warnings } };
}

async function warningsOf(reader: RegisterReader, status: number): Promise<string[]> {
	const warnings: string[] = [];
	if ((status & STATUS.sensorBreak) !== 0) warnings.push("The sensor is broken.");
	if ((status & STATUS.manual) !== 0) warnings.push("The controller is in manual mode: its output is fixed.");
	const [inputs] = await reader.readIfThere(REGISTER.digitalInputs, 1);
	if (inputs !== undefined && (inputs & POWER_FAILED) !== 0) {
		warnings.push("The power has failed since alarms were last acknowledged.");
	}
	return warnings;
}

/** Throws DEVICE_MISCONFIGURED when the instrument is set up so that it cannot be run safely. */
export function refuseUnlessSafe(
	{ name, limitC }: { readonly name: string; readonly limitC: number | undefined },
	settings: CompleteSettings,
	setup: RawSetup,
	scale: Scale,
): void {
	const { setpoint_degC_min: minC, setpoint_degC_max: maxC } = settings;
	const [limitMinC, limitMaxC] = [scale.fromRaw(setup.limitLow), scale.fromRaw(setup.limitHigh)];
	const localMaxC = settings.local_setpoint_degC_max ?? LOCAL_SETPOINT_MAX_DEGC;
	const refuse = (message: string, context: object) => {
		throw new AdlayerError("DEVICE_MISCONFIGURED", message, { context: { instrument: name, ...context } });
	};
	if (limitMinC > minC || limitMaxC < maxC) {
		refuse(
			`${name} has setpoint limits of ${limitMinC} to ${limitMaxC} degC, which do not cover the configured ${minC} to ${maxC} degC.`,
			{ limitMinC, limitMaxC, minC, maxC },
		);
	}
	if (limitC !== undefined && limitMaxC > limitC) {
		refuse(
			`${name} has an upper setpoint limit (SP.HI, register 111) of ${limitMaxC} degC, above the limit of its zone, ${limitC} degC: at its front it could be set to that.`,
			{ limitMaxC, limitC },
		);
	}
	if (setup.controlAction !== 0)
		refuse(`${name} has direct control action (register 7 is not 0): it would heat without end.`, {});
	// Which of the two it goes to is chosen at its front or by a contact, also later.
	for (const [i, raw] of setup.localSetpoints.entries()) {
		const localSetpointC = scale.fromRaw(raw);
		if (localSetpointC <= localMaxC) continue;
		refuse(
			`${name} has a local setpoint SP${i + 1} of ${localSetpointC} degC, above ${localMaxC} degC: it would go there when control falls silent.`,
			{ localSetpointC, localMaxC },
		);
	}
}
