/** The readings of a controller of which less may be known than control needs. */
import type { PolledValue, PolledValues } from "#device/contract.js";
import type { RegisterReader } from "#transport/register-reader.js";
import { REGISTER, type Scale, STATUS, signed } from "./registers.js";

const ABSOLUTE_ZERO_DEGC = -273.15;

export interface Known {
	/** It has been identified as a controller of this series. */
	readonly confirmed: boolean;
	/** Absent where the decimals of temperatures are not known. */
	readonly scale?: Scale;
	readonly outputScale?: Scale;
	readonly range?: { readonly rangeMinC: number; readonly rangeMaxC: number };
	/** The remote setpoint that was set, as a register word. */
	readonly wanted?: number;
}

/** Reads what is there, and writes nothing; what is missing or ambiguous is a fault that says why. */
export async function look(reader: RegisterReader, known: Known): Promise<PolledValues> {
	const main = await reader.readIfThere(REGISTER.processValue, 5);
	const [status] = await reader.readIfThere(REGISTER.status, 1);
	const at = (register: number) => main[register - REGISTER.processValue];
	const only = known.confirmed ? undefined : onlyWord([...main, status]);
	if (only !== undefined) {
		const nothing = fault(
			`registers 1 to 5 and 75 all read ${only}: nothing shows that a controller stands behind them`,
		);
		return { temperature: nothing, setpoint: nothing, output: nothing, remote: nothing };
	}
	const setpoint = temperature(at(REGISTER.workingSetpoint), REGISTER.workingSetpoint, known);
	const remote = known.wanted !== undefined && at(REGISTER.workingSetpoint) === known.wanted;
	return {
		temperature: sensed(temperature(at(REGISTER.processValue), REGISTER.processValue, known), status, known),
		setpoint,
		output: scaled(at(REGISTER.workingOutput), REGISTER.workingOutput, known.outputScale, "output_decimals"),
		remote:
			status === undefined
				? fault(`register ${REGISTER.status} (status) is not there`)
				: { value: remote ? 1 : 0, quality: "good" },
	};
}

function temperature(word: number | undefined, register: number, { scale }: Known): PolledValue {
	const value = scaled(word, register, scale, "decimals");
	if (value.value === null || value.value >= ABSOLUTE_ZERO_DEGC) return value;
	return fault(`register ${register} reads ${signed(word!)}, with these decimals ${value.value} degC: no temperature`);
}

function sensed(value: PolledValue, status: number | undefined, { range }: Known): PolledValue {
	if (value.value === null) return value;
	if (status === undefined) return { ...value, detail: "without register 75 a broken sensor cannot be told" };
	if ((status & STATUS.sensorBreak) !== 0) return fault("The sensor is broken.");
	if ((status & STATUS.overRange) !== 0) return fault("The process value is over range.");
	if (range !== undefined && (value.value < range.rangeMinC || value.value > range.rangeMaxC)) {
		return fault(`The process value ${value.value} degC is outside the input range.`);
	}
	return value;
}

function scaled(word: number | undefined, register: number, scale: Scale | undefined, option: string): PolledValue {
	if (word === undefined) return fault(`register ${register} is not there`);
	if (scale !== undefined) return { value: scale.fromWord(word), quality: "good" };
	const raw = signed(word);
	const choices = [0, 1, 2].map((decimals) => raw / 10 ** decimals);
	return fault(`register ${register} reads ${raw}: ${choices.join(", ")} with --option ${option}=0, 1, 2`);
}

/** A server that holds one word everywhere, mostly 0, holds no values. */
function onlyWord(words: readonly (number | undefined)[]): number | undefined {
	return words.every((word) => word === words[0]) ? words[0] : undefined;
}

const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
