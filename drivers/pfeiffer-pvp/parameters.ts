/** The parameters that the driver and the simulator know, with their data types. TC 400 manual; PPT 100 manual. */
import type { Unit } from "#core/reading.js";
import { BOOLEAN_OLD, type DataType, STRING, TEXT, U_EXPO, U_INTEGER, U_REAL } from "./codec.js";

export interface Parameter<Value> {
	readonly number: number;
	readonly title: string;
	readonly type: DataType<Value>;
}

const parameter = <Value>(number: number, title: string, type: DataType<Value>): Parameter<Value> => ({
	number,
	title,
	type,
});

/** Pumping station on or off. */
export const PUMP_ON = parameter(10, "pump on", BOOLEAN_OLD);
export const ERROR_STATE = parameter(303, "error", STRING);
export const SPEED_HZ = parameter(309, "speed (Hz)", U_INTEGER);
export const HOURS = parameter(311, "operating hours", U_INTEGER);
export const FIRMWARE = parameter(312, "firmware", TEXT);
export const NAME = parameter(349, "name", TEXT);
export const SPEED_RPM = parameter(398, "speed (rpm)", U_INTEGER);
/** hPa. */
export const PRESSURE = parameter(740, "pressure", U_EXPO);

/** What a pump may tell beside. */
export const PUMP_READINGS: Readonly<
	Record<string, { readonly parameter: Parameter<number>; readonly unit: Unit; readonly description: string }>
> = {
	current: { parameter: parameter(310, "current", U_REAL), unit: "A", description: "Motor current" },
	voltage: { parameter: parameter(313, "voltage", U_REAL), unit: "V", description: "Motor voltage" },
	power: { parameter: parameter(316, "power", U_INTEGER), unit: "W", description: "Motor power" },
	temperature_power_stage: {
		parameter: parameter(324, "power stage temperature", U_INTEGER),
		unit: "degC",
		description: "Temperature of the power stage",
	},
	temperature_electronics: {
		parameter: parameter(326, "electronics temperature", U_INTEGER),
		unit: "degC",
		description: "Temperature of the electronics",
	},
	temperature_motor: {
		parameter: parameter(346, "motor temperature", U_INTEGER),
		unit: "degC",
		description: "Temperature of the motor",
	},
};
