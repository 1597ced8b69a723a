/** The table of a heater test as text (CSV) to numbers. What is wrong is named by row and column. Pure. */
import { AdlayerError, type Problem } from "#core/errors.js";
import type { TestData } from "./response.js";

export const TIME_UNITS = { ms: 0.001, s: 1, min: 60, h: 3600 } as const;
export type TimeUnit = keyof typeof TIME_UNITS;
export const TEMPERATURE_UNITS = ["C", "F", "K"] as const;
export type TemperatureUnit = (typeof TEMPERATURE_UNITS)[number];

export interface TestFileOptions {
	/** Columns by header or by number from 1; found by their headers when absent. */
	readonly time?: string;
	readonly power?: string;
	readonly temperature?: string;
	/** Other zones' temperatures: name of the zone to column. */
	readonly neighbours?: Readonly<Record<string, string>>;
	/** Units; from the headers, or s and degC, when absent. */
	readonly timeUnit?: TimeUnit;
	readonly temperatureUnit?: TemperatureUnit;
	/** The number in the power column that means full power; 100 when absent. */
	readonly powerFull?: number;
}

export interface Defect {
	/** Line of the file, from 1. */
	readonly row: number;
	readonly column: string;
	readonly code: "NOT_A_NUMBER" | "CELL_MISSING" | "TIME_NOT_RISING" | "POWER_OUT_OF_RANGE" | "TEMPERATURE_IMPOSSIBLE";
	readonly message: string;
}

export interface TestFile {
	readonly data: TestData;
	/** Rows that were left out, each with its reason; the first of them when there are many. */
	readonly defects: readonly Defect[];
	readonly defectRows: number;
	/** How the file was read. */
	readonly reading: {
		readonly delimiter: string;
		readonly decimalComma: boolean;
		readonly header: boolean;
		readonly columns: Readonly<Record<string, string>>;
		readonly timeUnit: string;
		readonly temperatureUnit: TemperatureUnit;
		readonly powerFull: number;
	};
}

const DEFECTS_LISTED_MAX = 100;
/** More rows than this left out, and the table is not what it is taken for. */
const DEFECT_SHARE_MAX = 0.2;
const DELIMITERS = [";", "\t", ","] as const;
/** Nothing that is heated here is colder or hotter. */
const POSSIBLE_C = [-200, 2000] as const;
const POWER_SLACK_PERCENT = 0.5;

const HEADERS = {
	time: /^(time|zeit|elapsed|timestamp|date|datum|seconds|minutes|t$|t[_ ([])/,
	power: /(power|output|leistung|heater|^op\b|^u$|percent|wrk)/,
	temperature: /(temp|^pv\b|^degc|^°c|process)/,
} as const;

/** Throws TUNE_DATA_INVALID when the table cannot be used at all, with every problem. */
export function readTestFile(text: string, options: TestFileOptions = {}): TestFile {
	const lines = text
		.replace(/^\uFEFF/, "")
		.split(/\r\n|\n|\r/)
		.map((line, i) => ({ row: i + 1, line }))
		.filter(({ line }) => line.trim() !== "" && !line.startsWith("#"));
	if (lines.length < 2) refuse([problem(`The file has ${lines.length} rows with content.`)]);
	const delimiter = delimiterOf(lines.slice(0, 20).map(({ line }) => line));
	const table = lines.map(({ row, line }) => ({ row, cells: cellsOf(line, delimiter) }));
	const decimalComma = table.some(({ cells }) => cells.some((cell) => /^[-+]?[\d.]+,\d+$/.test(cell)));
	const number = (cell: string): number => {
		const plain = decimalComma ? cell.replace(/\.(?=\d{3}(\D|$))(?=.*,)/g, "").replace(",", ".") : cell;
		return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(plain.trim()) ? Number(plain) : Number.NaN;
	};
	const first = table[0]!.cells;
	const isTime = (cell: string) => !Number.isNaN(number(cell)) || timestampS(cell) !== undefined;
	const header = !first.some((cell) => cell !== "" && isTime(cell));
	const names = header ? first : first.map((_, i) => String(i + 1));
	const columns = findColumns(names, header, options);
	const places = { ...columns.places };
	const timeUnit = options.timeUnit ?? unitIn(names[places.time!]!, /(?:^|[^a-z])(ms|s|sec|min|h)(?:[^a-z]|$)/i) ?? "s";
	const temperatureUnit = options.temperatureUnit ?? temperatureUnitIn(names[places.temperature!]!) ?? "C";
	const powerName = names[places.power!]!;
	const inWatts = /[[(/_ ](k?W)[\])]?$/.exec(powerName)?.[1];
	if (inWatts !== undefined && options.powerFull === undefined)
		refuse([problem(`The power column ${powerName} is in ${inWatts}: say what full power is (--power-full).`)]);
	const powerFull = options.powerFull ?? 100;
	const perTime = TIME_UNITS[(timeUnit.toLowerCase() === "sec" ? "s" : timeUnit.toLowerCase()) as TimeUnit];

	const rows: number[][] = [];
	const defects: Defect[] = [];
	let defectRows = 0;
	const keys = Object.keys(places);
	for (const { row, cells } of table.slice(header ? 1 : 0)) {
		const found: Defect[] = [];
		const values = keys.map((key) => {
			const column = names[places[key]!]!;
			const cell = cells[places[key]!];
			if (cell === undefined || cell === "") {
				found.push({ row, column, code: "CELL_MISSING", message: `Row ${row} has no ${key} (column ${column}).` });
				return Number.NaN;
			}
			const stamp = key === "time" ? timestampS(cell) : undefined;
			const value = stamp ?? number(cell) * (key === "time" ? perTime : 1);
			if (Number.isNaN(value))
				found.push({ row, column, code: "NOT_A_NUMBER", message: `Row ${row}: ${key} "${cell}" is no number.` });
			if (key === "power") return (100 * value) / powerFull;
			return key === "time" ? value : celsiusFrom(value, temperatureUnit);
		});
		if (found.length === 0) {
			const [timeS, powerPercent] = values as [number, number];
			const lastS = rows.at(-1)?.[0];
			const column = (key: string) => names[places[key]!]!;
			if (lastS !== undefined && timeS <= lastS)
				found.push({
					row,
					column: column("time"),
					code: "TIME_NOT_RISING",
					message: `Row ${row}: the time ${timeS.toFixed(3)} s is not after ${lastS.toFixed(3)} s.`,
				});
			if (powerPercent < -POWER_SLACK_PERCENT || powerPercent > 100 + POWER_SLACK_PERCENT)
				found.push({
					row,
					column: column("power"),
					code: "POWER_OUT_OF_RANGE",
					message: `Row ${row}: the power ${powerPercent.toFixed(1)} % does not lie between 0 and 100 %.`,
				});
			keys.slice(2).forEach((key, i) => {
				const degC = values[i + 2]!;
				if (degC < POSSIBLE_C[0] || degC > POSSIBLE_C[1])
					found.push({
						row,
						column: column(key),
						code: "TEMPERATURE_IMPOSSIBLE",
						message: `Row ${row}: ${key} ${degC.toFixed(1)} °C does not lie between ${POSSIBLE_C[0]} and ${POSSIBLE_C[1]} °C.`,
					});
			});
		}
		if (found.length === 0) rows.push(values);
		else {
			defectRows += 1;
			for (const defect of found) if (defects.length < DEFECTS_LISTED_MAX) defects.push(defect);
		}
	}
	const total = rows.length + defectRows;
	if (defectRows > DEFECT_SHARE_MAX * total) {
		const problems = defects.slice(0, 20).map(({ message, row }) => ({ ...problem(message), line: row }));
		refuse([
			problem(`${defectRows} of ${total} rows are defective; at most ${100 * DEFECT_SHARE_MAX} % may be.`),
			...problems,
		]);
	}
	const column = (i: number) => rows.map((values) => values[i]!);
	const neighbours = keys.slice(3).map((key, i) => [key.replace(/^temperature of /, ""), column(i + 3)] as const);
	return {
		data: {
			timeS: column(0).map((atS) => atS - (rows[0]?.[0] ?? 0)),
			powerPercent: column(1),
			temperatureC: column(2),
			...(neighbours.length > 0 ? { neighboursC: Object.fromEntries(neighbours) } : {}),
		},
		defects,
		defectRows,
		reading: {
			delimiter,
			decimalComma,
			header,
			columns: Object.fromEntries(keys.map((key) => [key, names[places[key]!]!])),
			timeUnit,
			temperatureUnit,
			powerFull,
		},
	};
}

function delimiterOf(lines: readonly string[]): string {
	const counts = DELIMITERS.map((delimiter) => Math.min(...lines.map((line) => cellsOf(line, delimiter).length)));
	// A comma may be a decimal comma; a semicolon or tab that cuts three columns wins.
	const place = counts.findIndex((count) => count >= 3);
	if (place >= 0) return DELIMITERS[place]!;
	refuse([problem("The rows have no three columns divided by semicolon, tab or comma: time, power, temperature.")]);
}

function cellsOf(line: string, delimiter: string): string[] {
	const cells: string[] = [];
	let cell = "";
	let quoted = false;
	for (let i = 0; i < line.length; i += 1) {
		const letter = line[i]!;
		if (letter === '"') {
			if (quoted && line[i + 1] === '"') {
				cell += '"';
				i += 1;
			} else quoted = !quoted;
		} else if (letter === delimiter && !quoted) {
			cells.push(cell.trim());
			cell = "";
		} else cell += letter;
	}
	return [...cells, cell.trim()];
}

/** Date and time of day, in seconds; undefined for anything else. */
function timestampS(cell: string): number | undefined {
	const date = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(cell) ? Date.parse(cell.replace(" ", "T")) : Number.NaN;
	if (!Number.isNaN(date)) return date / 1000;
	const clock = /^(\d{1,3}):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(cell);
	return clock === null ? undefined : Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
}

function findColumns(names: readonly string[], header: boolean, options: TestFileOptions) {
	const problems: Problem[] = [];
	const places: Record<string, number> = {};
	const listed = names.join(", ");
	const named = (wanted: string): number => {
		const exact = names.indexOf(wanted);
		if (exact >= 0) return exact;
		const same = names.findIndex((name) => name.toLowerCase() === wanted.toLowerCase());
		return same >= 0 || !/^\d+$/.test(wanted) ? same : Number(wanted) - 1;
	};
	const find = (key: "time" | "power" | "temperature", wanted: string | undefined, order: number) => {
		if (wanted !== undefined) {
			const place = named(wanted);
			if (place < 0 || place >= names.length)
				problems.push(problem(`There is no column ${wanted} for the ${key}; there are ${listed}.`));
			places[key] = place;
			return;
		}
		if (!header) {
			places[key] = order;
			return;
		}
		const fits = names
			.map((name, i) => ({ name, i }))
			.filter(({ name }) =>
				name === "T"
					? key === "temperature"
					: HEADERS[key].test(name.toLowerCase()) && !/setpoint|soll|target/i.test(name),
			);
		if (fits.length !== 1)
			problems.push(
				problem(
					fits.length === 0
						? `No header says ${key}; there are ${listed}. Name it with --${key}.`
						: `Several headers say ${key}: ${fits.map(({ name }) => name).join(", ")}. Name one with --${key}.`,
				),
			);
		places[key] = fits[0]?.i ?? -1;
	};
	find("time", options.time, 0);
	find("power", options.power, 1);
	find("temperature", options.temperature, 2);
	for (const [zone, wanted] of Object.entries(options.neighbours ?? {})) {
		const place = named(wanted);
		if (place < 0 || place >= names.length)
			problems.push(problem(`There is no column ${wanted} for the neighbour ${zone}; there are ${listed}.`));
		places[`temperature of ${zone}`] = place;
	}
	if (problems.length > 0) refuse(problems);
	return { places };
}

function unitIn(name: string, pattern: RegExp): string | undefined {
	// The unit stands after the name: time_s, time [min], t/h.
	return pattern.exec(name.replace(/^[a-z]+/i, ""))?.[1];
}

function temperatureUnitIn(name: string): TemperatureUnit | undefined {
	const unit = /(?:[°_ [(/]|deg)(C|F|K)(?:[^a-z]|$)/i.exec(name.replace(/deg[_ ]?/i, "°"))?.[1]?.toUpperCase();
	return TEMPERATURE_UNITS.find((each) => each === unit);
}

function celsiusFrom(value: number, unit: TemperatureUnit): number {
	if (unit === "F") return ((value - 32) * 5) / 9;
	return unit === "K" ? value - 273.15 : value;
}

const problem = (message: string): Problem => ({ severity: "error", code: "TUNE_DATA_INVALID", message });

function refuse(problems: Problem[]): never {
	throw new AdlayerError("TUNE_DATA_INVALID", problems[0]!.message, { problems });
}
