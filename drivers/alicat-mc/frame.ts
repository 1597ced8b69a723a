/**
 * The data frame (reply to a bare unit letter) and the table of its columns (`??D*`). The frame has no checksum: what protects
 * it is that every number keeps the width, the decimal point and the sign that it had when the connection was made.
 */
import { AdlayerError } from "#core/errors.js";
import { invalid, parseNumber, readUnitLine } from "./codec.js";
import { MASS_FLOW_UNITS, PRESSURE_UNITS, temperatureUnit } from "./units.js";

export type ColumnRole = "pressure" | "temperature" | "mass" | "setpoint" | "other";

/** A numeric column of the data frame. */
export interface Column {
	readonly name: string;
	readonly role: ColumnRole;
	/** Empty where the table gives none. */
	readonly unit: string;
	/** Upper end of the range, where the table gives it (firmware before 6v). */
	readonly max?: number;
}

/** Roles by the statistic codes of firmware 6v and later (Serial Primer, appendix A; captured tables). */
const ROLE_BY_CODE: Readonly<Record<string, ColumnRole>> = {
	"002": "pressure",
	"003": "temperature",
	"005": "mass",
	"037": "setpoint",
};
/** Roles by name for the table of firmware 5v, which has no codes. */
const ROLE_BY_NAME: Readonly<Record<string, ColumnRole>> = {
	Pressure: "pressure",
	Temperature: "temperature",
	Mass: "mass",
	SetPoint: "setpoint",
};

const ROW = /^[A-Za-z]\s+D(\d\d)\s+(\d{3})\s+(.+?)\s+((?:[su] )?decimal|string)\s+(\S+)\s*(.*?)\s*$/;
const ROW_5V = /^[A-Za-z]\s+D(\d\d)\s+(.+?)\s+(signed|unsigned|string|char)\s+(\S+)\s+(\S+)\s+(\S+)\s*$/;

/**
 * Parser of the reply to `??D*`: the numeric columns in the order of the frame. It ends with the Gas row, because how many rows
 * of status words follow differs between firmwares and nothing marks the last: the caller drains them. Null for `?`.
 */
export function columnTableReply(
	unitId: string,
): (received: Uint8Array) => { reply: Column[] | null; taken: number } | undefined {
	return (received) => {
		const columns: Column[] = [];
		for (let at = 0, row = 0; ; row += 1) {
			const line = readUnitLine(received, unitId, at);
			if (line === undefined) return undefined;
			at = line.next;
			if (line.text === null) return { reply: null, taken: at };
			const number = /^[A-Za-z]\s+D(\d\d)\s/.exec(line.text)?.[1];
			if (Number(number) !== row) throw invalid(`"${line.text.slice(0, 40)}" is not row ${row} of the column table.`);
			if (row === 0) continue;
			const column = parseRow(line.text);
			if (column === "gas") return { reply: columns, taken: at };
			if (column !== "text") columns.push(column);
		}
	};
}

function parseRow(text: string): Column | "gas" | "text" {
	const match = ROW.exec(text);
	if (match !== null) {
		const [, , code, name, type, , notes] = match as unknown as string[];
		if (type === "string") return code === "703" ? "gas" : "text";
		return { name: name!, role: ROLE_BY_CODE[code!] ?? "other", unit: notes!.split(/\s+/).at(-1) ?? "" };
	}
	const old = ROW_5V.exec(text);
	if (old === null) throw invalid(`"${text.slice(0, 40)}" is no row of the column table.`);
	const [, , name, type, , max, unit] = old as unknown as string[];
	if (type === "string" || type === "char") return name === "Gas" ? "gas" : "text";
	const limit = parseNumber(max);
	return {
		name: name!,
		role: ROLE_BY_NAME[name!] ?? "other",
		unit: unit!,
		...(limit === undefined ? {} : { max: limit }),
	};
}

/** The columns of a controller whose firmware has no table (MC manual p 43): factory units of pressure and temperature. */
export function defaultColumns(massFlowUnit: string): Column[] {
	return [
		{ name: "Abs Press", role: "pressure", unit: "PSIA" },
		{ name: "Flow Temp", role: "temperature", unit: "C" },
		{ name: "Volu Flow", role: "other", unit: "" },
		{ name: "Mass Flow", role: "mass", unit: massFlowUnit },
		{ name: "Mass Flow Setpt", role: "setpoint", unit: massFlowUnit },
	];
}

/** How one number stands on the wire. */
interface Shape {
	readonly length: number;
	readonly point: number;
	readonly signed: boolean;
}

/** What a frame says, in the house's units except flow, which is in the instrument's own SCCM. */
export interface Frame {
	readonly pressurePa: number;
	readonly temperatureC: number;
	readonly massInstrumentSccm: number;
	readonly setpointInstrumentSccm: number;
	readonly gas: string;
	/** Status words: "HLD", "MOV", ... */
	readonly words: readonly string[];
}

const NO_WORDS: readonly string[] = [];

/** Reads frames of one instrument. Throws DEVICE_MISCONFIGURED when a column that is needed is missing or in a unit it cannot take. */
export class FrameReader {
	/** SCCM of the instrument per unit of its mass flow column. */
	readonly sccmPerUnit: number;
	readonly massUnit: string;
	/** Which of the instrument's reference conditions its flow refers to. */
	readonly reference: "S" | "N";
	/** Decimals of the setpoint column: the instrument's resolution. */
	readonly setpointDecimals: number;
	private readonly shapes: readonly Shape[];
	private readonly at: Readonly<Record<Exclude<ColumnRole, "other">, number>>;
	private readonly toPascal: (value: number) => number;
	private readonly toCelsius: (value: number) => number;
	/** The numbers of the frame at hand. */
	private readonly numbers: number[];

	/** `sample` is a frame of this instrument, from which the widths are learned. */
	constructor(
		readonly columns: readonly Column[],
		sample: string,
	) {
		const place = (role: ColumnRole): number => {
			const found = columns.findIndex((column) => column.role === role);
			if (found >= 0) return found;
			const others = columns.map((column) => column.name).join(", ");
			throw new AdlayerError(
				"DEVICE_MISCONFIGURED",
				`The data frame has no ${role} of mass flow control (it has ${others}).`,
				{
					hint: "Set the controller to control mass flow, with the standard data frame.",
				},
			);
		};
		this.at = {
			pressure: place("pressure"),
			temperature: place("temperature"),
			mass: place("mass"),
			setpoint: place("setpoint"),
		};
		const [pressure, temperature, mass, setpoint] = [
			columns[this.at.pressure]!,
			columns[this.at.temperature]!,
			columns[this.at.mass]!,
			columns[this.at.setpoint]!,
		];
		const flow = MASS_FLOW_UNITS[mass.unit];
		if (flow === undefined) throw unitRefused(mass);
		if (setpoint.unit !== mass.unit) throw unitRefused(setpoint);
		const toPascal = PRESSURE_UNITS[pressure.unit];
		if (toPascal === undefined) throw unitRefused(pressure);
		const toCelsius = temperatureUnit(temperature.unit);
		if (toCelsius === undefined) throw unitRefused(temperature);
		this.sccmPerUnit = flow.sccm;
		this.reference = flow.reference;
		this.massUnit = mass.unit;
		this.toPascal = toPascal;
		this.toCelsius = toCelsius;

		const tokens = sample.trim().split(/ +/);
		this.shapes = columns.map((column, index) => {
			const token = tokens[index + 1];
			if (parseNumber(token) === undefined)
				throw invalid(`"${sample.slice(0, 60)}" has no ${column.name} in column ${index + 1}.`);
			return shapeOf(token!);
		});
		const shape = this.shapes[this.at.setpoint]!;
		this.setpointDecimals = shape.point < 0 ? 0 : shape.length - shape.point - 1;
		this.numbers = columns.map(() => 0);
		this.read(sample);
	}

	/** A frame's line -> what it says. Throws REPLY_INVALID when anything in it has not the form it always has. */
	read(text: string): Frame {
		const tokens = text.trim().split(/ +/);
		const { numbers, shapes } = this;
		for (let index = 0; index < shapes.length; index += 1) {
			const token = tokens[index + 1];
			const shape = shapes[index]!;
			const number = parseNumber(token);
			if (
				number === undefined ||
				token!.length !== shape.length ||
				token!.indexOf(".") !== shape.point ||
				isSigned(token!) !== shape.signed
			) {
				throw invalid(`Column ${index + 1} of "${text.slice(0, 60)}" has not the form that it always has.`);
			}
			numbers[index] = number;
		}
		const gas = tokens[shapes.length + 1];
		if (gas === undefined || parseNumber(gas) !== undefined) throw invalid(`"${text.slice(0, 60)}" names no gas.`);
		let words = NO_WORDS;
		if (tokens.length > shapes.length + 2) {
			words = tokens.slice(shapes.length + 2);
			if (!words.every((word) => /^[A-Z0-9]{3}$/.test(word)))
				throw invalid(`"${text.slice(0, 80)}" ends in no status words.`);
		}
		return {
			pressurePa: this.toPascal(numbers[this.at.pressure]!),
			temperatureC: this.toCelsius(numbers[this.at.temperature]!),
			massInstrumentSccm: numbers[this.at.mass]! * this.sccmPerUnit,
			setpointInstrumentSccm: numbers[this.at.setpoint]! * this.sccmPerUnit,
			gas,
			words,
		};
	}
}

const isSigned = (token: string): boolean => token[0] === "+" || token[0] === "-";

const shapeOf = (token: string): Shape => ({
	length: token.length,
	point: token.indexOf("."),
	signed: isSigned(token),
});

function unitRefused(column: Column): AdlayerError {
	return new AdlayerError(
		"DEVICE_MISCONFIGURED",
		`The instrument gives ${column.name} in "${column.unit}", which is not taken.`,
		{
			hint: "Set SCCM or SLPM, PSIA and degrees C on the instrument.",
		},
	);
}
