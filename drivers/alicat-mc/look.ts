/** A data frame of which less may be known than control needs. */
import type { PolledValue, PolledValues } from "#device/contract.js";
import { parseNumber } from "./codec.js";
import { type Column, type ColumnRole, defaultColumns } from "./frame.js";
import { faultsOf } from "./status-words.js";
import { MASS_FLOW_UNITS, PRESSURE_UNITS, temperatureUnit } from "./units.js";

export interface Known {
	/** The instrument's own column table; null when it has none. */
	readonly columns: readonly Column[] | null;
	/** Of the mass flow, where no table says it. */
	readonly massUnit?: string;
	/** sccm at 0 degC per SCCM of the instrument; absent where its standard temperature is not known. */
	readonly sccmPerInstrumentSccm?: number;
	/** The gas that is to be selected. */
	readonly gas?: string;
}

/** The factory frame of a meter is that of a controller without its setpoint. */
const METER_COLUMNS = 4;

/** What a frame says as far as it is known what stands where, and in which unit; the rest is a fault that names the number. */
export function look(text: string, known: Known): PolledValues {
	const tokens = text.trim().split(/ +/).slice(1);
	const end = tokens.findIndex((token) => parseNumber(token) === undefined);
	const numbers = tokens.slice(0, end < 0 ? tokens.length : end).map(Number);
	const [gas, ...words] = end < 0 ? [] : tokens.slice(end);
	const columns = columnsFor(numbers.length, known);
	const faults = faultsOf(words);
	if (known.gas !== undefined && gas !== known.gas) {
		faults.flow = `the gas selected on the instrument is ${gas ?? "not said"}, not ${known.gas}`;
	}
	const of = (role: ColumnRole, convert: (value: number, unit: string) => number | string): PolledValue => {
		if (columns === undefined)
			return fault(`"${text.slice(0, 60)}" has ${numbers.length} numbers, and nothing says which is which`);
		const index = columns.findIndex((column) => column.role === role);
		if (index < 0) return fault(`the instrument has no ${role} in its data frame`);
		const { unit } = columns[index]!;
		const value = numbers[index]!;
		const converted = convert(value, unit);
		if (typeof converted === "string") return fault(`${value}${unit === "" ? "" : ` ${unit}`}: ${converted}`);
		const signal = role === "mass" ? "flow" : (role as "setpoint" | "pressure" | "temperature");
		const why = faults[signal];
		if (why !== undefined) return fault(why);
		return known.columns === null
			? { value: converted, quality: "good", detail: "by the factory's data frame, for want of a column table" }
			: { value: converted, quality: "good" };
	};
	const sccm = (value: number, unit: string): number | string => {
		const factor = MASS_FLOW_UNITS[unit]?.sccm;
		if (factor === undefined) {
			return `in which unit of mass flow is not known: --option flow_unit=${Object.keys(MASS_FLOW_UNITS).join(", ")}`;
		}
		// None is none, whatever the standard temperature.
		if (value === 0) return 0;
		if (known.sccmPerInstrumentSccm !== undefined) return value * factor * known.sccmPerInstrumentSccm;
		return "at the instrument's own standard temperature, which --option standard_degC says";
	};
	return {
		flow: of("mass", sccm),
		setpoint: of("setpoint", sccm),
		pressure: of(
			"pressure",
			(value, unit) => PRESSURE_UNITS[unit]?.(value) ?? "in which unit of absolute pressure is not known",
		),
		temperature: of(
			"temperature",
			(value, unit) => temperatureUnit(unit)?.(value) ?? "in which unit of temperature is not known",
		),
	};
}

function columnsFor(count: number, { columns, massUnit = "" }: Known): readonly Column[] | undefined {
	if (columns !== null) return columns.length === count ? columns : undefined;
	const factory = defaultColumns(massUnit);
	if (count === factory.length) return factory;
	return count === METER_COLUMNS ? factory.filter((column) => column.role !== "setpoint") : undefined;
}

const fault = (detail: string): PolledValue => ({ value: null, quality: "fault", detail });
