import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { ModbusMaster } from "#core/wire.js";
import type { Identification } from "#device/contract.js";
import { type Eurotherm3216Settings, LOCAL_SETPOINT_MAX_DEGC } from "./config.js";
import { POWER_FAILED, REGISTER, type Scale, STATUS } from "./registers.js";

const UNKNOWN = { manufacturer: null, model: null, serial: null, firmware: null } as const;
/** Found out, not said by the instrument. */
const FOUND = { manufacturer: "Eurotherm", model: "3200 series", serial: null, firmware: null } as const;

/** What the instrument is set to. */
export interface InstrumentState {
	readonly rangeMinC: number;
	readonly rangeMaxC: number;
	readonly localSetpointC: number;
	readonly workingSetpointC: number;
	readonly status: number;
}

export interface Found {
	readonly identification: Identification;
	/** Absent when the instrument could not be identified. */
	readonly state?: InstrumentState;
}

/**
 * Tells a controller of this series from something else that speaks Modbus. There is no identity register that is
 * confirmed; the proof is that register 76 is the bitwise inverse of the status in 75, and that input range, setpoint
 * limits and control action are consistent. Writes nothing. Throws DEVICE_MISCONFIGURED when it is one and is set up so
 * that it cannot be run safely.
 */
export async function identify(
	name: string,
	modbus: ModbusMaster,
	settings: Eurotherm3216Settings,
	scale: Scale,
): Promise<Found> {
	const doubts: string[] = [];
	const read = (address: number, count: number) => readIfThere(modbus, address, count, doubts);
	const pair = await read(REGISTER.status, 2);
	const main = await read(REGISTER.processValue, 9);
	const range = await read(REGISTER.rangeLow, 2);
	const limits = await read(REGISTER.setpointHigh, 2);
	const select = await read(REGISTER.setpointSelect, 1);
	const setpoints = await read(REGISTER.setpoint1, 2);
	if (!pair || !main || !range || !limits || !select || !setpoints) return unknown(doubts);

	const [status, inverse] = pair as [number, number];
	if ((status ^ inverse) !== 0xffff) {
		doubts.push(
			`Register 76 (${inverse}) is not the inverse of the status in register 75 (${status}), as in a 3200 series controller.`,
		);
	}
	const [rangeMinC, rangeMaxC] = range.map((word) => scale.fromWord(word)) as [number, number];
	const [limitMaxC, limitMinC] = limits.map((word) => scale.fromWord(word)) as [number, number];
	if (!(rangeMinC < rangeMaxC)) doubts.push(`Its input range ${rangeMinC} to ${rangeMaxC} degC is none.`);
	else if (!(limitMinC < limitMaxC && limitMinC >= rangeMinC && limitMaxC <= rangeMaxC)) {
		doubts.push(
			`Its setpoint limits ${limitMinC} to ${limitMaxC} degC do not lie in its input range ${rangeMinC} to ${rangeMaxC} degC.`,
		);
	}
	if (doubts.length > 0) return unknown(doubts);

	const at = (address: number) => main[address - REGISTER.processValue]!;
	const sp2 = select[0] === 1;
	const localSetpointC = scale.fromWord(setpoints[sp2 ? 1 : 0]!);
	refuseUnlessSafe(name, settings, {
		limitMinC,
		limitMaxC,
		localSetpointC,
		localName: sp2 ? "SP2" : "SP1",
		direct: at(REGISTER.controlAction) !== 0,
	});
	const state = {
		rangeMinC,
		rangeMaxC,
		localSetpointC,
		workingSetpointC: scale.fromWord(at(REGISTER.workingSetpoint)),
		status,
	};
	return { identification: { identity: FOUND, confirmed: true, warnings: await warningsOf(modbus, status) }, state };
}

function unknown(warnings: string[]): Found {
	return { identification: { identity: UNKNOWN, confirmed: false, warnings } };
}

async function warningsOf(modbus: ModbusMaster, status: number): Promise<string[]> {
	const warnings: string[] = [];
	if ((status & STATUS.sensorBreak) !== 0) warnings.push("The sensor is broken.");
	if ((status & STATUS.manual) !== 0) warnings.push("The controller is in manual mode: its output is fixed.");
	const inputs = await readIfThere(modbus, REGISTER.digitalInputs, 1, []);
	if (inputs !== undefined && (inputs[0]! & POWER_FAILED) !== 0) {
		warnings.push("The power has failed since alarms were last acknowledged.");
	}
	return warnings;
}

interface SafetySetup {
	readonly limitMinC: number;
	readonly limitMaxC: number;
	readonly localSetpointC: number;
	readonly localName: string;
	readonly direct: boolean;
}

function refuseUnlessSafe(name: string, settings: Eurotherm3216Settings, setup: SafetySetup): void {
	const { setpoint_degC_min: minC, setpoint_degC_max: maxC } = settings;
	const { limitMinC, limitMaxC, localSetpointC, localName } = setup;
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
	if (setup.direct) refuse(`${name} has direct control action (register 7 is not 0): it would heat without end.`, {});
	if (localSetpointC > localMaxC) {
		refuse(
			`${name} has a local setpoint ${localName} of ${localSetpointC} degC, above ${localMaxC} degC: it would go there when control falls silent.`,
			{ localSetpointC, localMaxC },
		);
	}
}

/** Undefined, with a doubt added, when the instrument does not have the registers. */
async function readIfThere(
	modbus: ModbusMaster,
	address: number,
	count: number,
	doubts: string[],
): Promise<number[] | undefined> {
	try {
		return await modbus.readHolding(address, count);
	} catch (thrown) {
		const error = asAdlayerError(thrown);
		if (error.code !== "MODBUS_EXCEPTION") throw thrown;
		doubts.push(error.message);
		return undefined;
	}
}
