/** Files as spreadsheets, locales and people leave them: read where it is clear what is meant, refused by row or whole where not. */
import { describe, expect, it } from "vitest";
import { decimalMarkOf, numberIn } from "#analysis/formats/decimals.js";
import { read } from "../support.js";

interface Row {
	readonly n: number;
	readonly t: number;
	readonly i: number;
	readonly v: number;
	readonly cycle: number;
	readonly step: number;
}
/** An hour, ten minutes each way, in A and V. */
const ROWS: Row[] = Array.from({ length: 60 }, (_, n) => {
	const sign = n % 20 < 10 ? 1 : -1;
	const [cycle, step] = [1 + Math.floor(n / 20), 1 + Math.floor(n / 10)];
	return { n: n + 1, t: n * 60, i: sign * 0.001, v: sign * 0.05, cycle, step };
});
const TRUE = ROWS.map(({ t, i, v }) => [t, i, v]);
const ARBIN = "Data_Point,Test_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V)";
type Write = (row: Row) => string;
const plain: Write = ({ n, t, step, cycle, i, v }) => `${n},${t},${step},${cycle},${i},${v}`;
const table = (write: Write, titles = ARBIN): string => `${titles}\n${ROWS.map(write).join("\n")}\n`;
const withComma = (value: number): string => String(value).replace(".", ",");
const grouped = (value: number, mark: string): string => String(value).replace(/(\d)(?=(\d{3})+$)/g, `$1${mark}`);
const semicolons = (text: string): string => text.replaceAll(",", ";");

const valuesOf = (content: string | Uint8Array) => {
	const { rows, defects } = read(content);
	return { values: rows.map(({ t, i, v }) => [t, Number(i.toFixed(9)), Number(v.toFixed(9))]), defects };
};
const codes = (defects: readonly { code: string; row: number | null }[]) => defects.map(({ code, row }) => [code, row]);

const mpt = (write: Write, titles = "mode\tNs\ttime/s\tEwe/V\t<I>/mA\t"): string =>
	`EC-Lab ASCII FILE\r\nNb header lines : 4\r\n\r\n${titles}\r\n${ROWS.map(write).join("\r\n")}\r\n`;

describe("is read as it is meant", () => {
	it.each<[string, string | Uint8Array]>([
		["every cell in quotes", table((row) => `"${plain(row).replaceAll(",", '","')}"`)],
		[
			"decimal commas in quotes between commas",
			table(({ n, t, step, cycle, i, v }) => `${n},${t},${step},${cycle},"${withComma(i)}","${withComma(v)}"`),
		],
		["a byte order mark", `\uFEFF${table(plain)}`],
		["a line that tells a spreadsheet its delimiter", `sep=,\n${table(plain)}`],
		["carriage returns alone", table(plain).replaceAll("\n", "\r")],
		["ends of lines of both kinds", table((row) => `${plain(row)}${row.n % 2 === 0 ? "\r" : ""}`)],
		["empty cells behind each row", table((row) => `${plain(row)},,,`)],
		[
			"a comment with a comma behind a row",
			table((row) => `${plain(row)},${row.n === 30 ? "a, b" : ""}`, `${ARBIN},Note`),
		],
		[
			"a line of units below the titles",
			table(
				({ n, t, step, cycle, i, v }) => `${n},${t},${step},${cycle},${i * 1e3},${v}`,
				"Data_Point,Test_Time,Step_Index,Cycle_Index,Current,Voltage\n,s,,,mA,V",
			),
		],
		[
			"a line of units in brackets",
			table(
				({ n, t, step, cycle, i, v }) => `${n},${t / 60},${step},${cycle},${i * 1e3},${v * 1e3}`,
				"Data_Point,Test_Time,Step_Index,Cycle_Index,Current,Voltage\n[],[min],[],[],[mA],[mV]",
			),
		],
		[
			"microamperes in Latin-1",
			Buffer.from(
				table(
					({ n, t, step, cycle, i, v }) => `${n},${t},${step},${cycle},${i * 1e6},${v}`,
					ARBIN.replace("(A)", "(\xb5A)"),
				),
				"latin1",
			),
		],
		[
			"EC-Lab's exponents with commas",
			mpt(
				({ t, step, i, v }) =>
					`1\t${step}\t${withComma(t).padEnd(1)}\t${v.toExponential(5).replace(".", ",").replace("e-2", "E-002")}\t${withComma(i * 1e3)}\t`,
			),
		],
		[
			"EC-Lab's picoamperes",
			mpt(({ t, step, i, v }) => `1\t${step}\t${t}.0\t${v}\t${i * 1e12}\t`, "mode\tNs\ttime/s\tEwe/V\tI/pA\t"),
		],
		[
			"a cell with its electrodes against a reference: the cell's voltage",
			mpt(
				({ t, step, i, v }) => `1\t${step}\t${t}.0\t${v + 1}\t${i * 1e3}\t${v}\t`,
				"mode\tNs\ttime/s\tEwe/V\t<I>/mA\tEwe-Ece/V\t",
			),
		],
	])("%s", (_name, content) => {
		expect(valuesOf(content)).toEqual({ values: TRUE, defects: [] });
	});

	it.each<[string, string]>([
		[
			"commas, in quotes between commas",
			table(({ n, t, step, cycle, i, v }) => `${n},"${grouped(t, ",")}",${step},${cycle},${i},${v}`),
		],
		[
			"commas and decimals, in quotes",
			table(({ n, t, step, cycle, i, v }) => `${n},"${grouped(t, ",")}.0",${step},${cycle},${i},${v}`),
		],
		[
			"commas, between tabs",
			table(
				({ n, t, step, cycle, i, v }) => `${n}\t${grouped(t, ",")}\t${step}\t${cycle}\t${i}\t${v}`,
				ARBIN.replaceAll(",", "\t"),
			),
		],
		[
			"points, where decimals have commas",
			table(
				({ n, t, step, cycle, i, v }) => `${n};${grouped(t, ".")};${step};${cycle};${withComma(i)};${withComma(v)}`,
				semicolons(ARBIN),
			),
		],
	])("thousands in groups by %s, and that is said", (_name, content) => {
		const { values, defects } = valuesOf(content);
		expect(values).toEqual(TRUE);
		expect(codes(defects)).toEqual([["NUMBERS_GROUPED", 19]]);
	});

	it("three decimals behind a comma, where nothing else has any", () => {
		const content = table(
			({ n, t, step, cycle, i }) =>
				`${n};${t};${step};${cycle};${i > 0 ? "1,250" : "-1,250"};${i > 0 ? "3,512" : "3,401"}`,
			semicolons(ARBIN).replace("(A)", "(mA)"),
		);
		expect(valuesOf(content)).toEqual({
			values: TRUE.map(([t, i]) => [t, i! * 1.25, i! > 0 ? 3.512 : 3.401]),
			defects: [],
		});
	});
});

describe("is refused, and said where", () => {
	it.each<[string, string, RegExp]>([
		[
			"commas both between cells and as decimal points",
			table(({ n, t, step, cycle, i, v }) => `${n},${t},${step},${cycle},${withComma(i)},${withComma(v)}`),
			/^Rows have more cells than there are titles \(line 2: 8, titles: 6\)/,
		],
		[
			"points in one column and commas in another",
			table(
				({ n, t, step, cycle, i }) => `${n};${t};${step};${cycle};${i > 0 ? "1.25" : "-1.25"};3,51`,
				semicolons(ARBIN),
			),
			/^Some numbers have a point before their decimals, others a comma \(1\.25, 3,51\)/,
		],
		[
			"voltages that would be thousands",
			table(
				({ n, t, step, cycle, i }) => `${n};${t}.5;${step};${cycle};${i > 0 ? "1,250" : "-1,250"};3,512`,
				semicolons(ARBIN),
			),
			/^Some numbers have a point/,
		],
		[
			"a second table with another unit behind the first",
			table((row) => `${row.n === 30 ? `${ARBIN.replace("(A)", "(mA)")}\n` : ""}${plain(row)}`),
			/^Line 31 has the title Current\(mA\) where the titles had Current\(A\)/,
		],
		["current for each cm2", table(plain, ARBIN.replace("(A)", "(mA/cm2)")), /has no column of current/],
	])("a file with %s", (_name, content, message) => {
		expect(() => read(content)).toThrowError(
			expect.objectContaining({ code: "CYCLING_FILE_REFUSED", message: expect.stringMatching(message) }),
		);
	});

	it.each<[string, Write, string]>([
		["a decimal comma in one row", (row) => plain(row).replace("0.001", "0,001"), "ROW_TOO_LONG"],
		["an exponent without digits", (row) => plain({ ...row }).replace("0.001", "1E"), "CELL_NOT_A_NUMBER"],
		["a number in hexadecimals", (row) => plain(row).replace(/[^,]+$/, "0x10"), "CELL_NOT_A_NUMBER"],
		["a number with its unit", (row) => plain(row).replace(/([^,]+)$/, "$1V"), "CELL_NOT_A_NUMBER"],
		["an error of a spreadsheet", (row) => plain(row).replace(/[^,]+$/, "#####"), "CELL_NOT_A_NUMBER"],
		["a quote that is not closed", (row) => plain(row).replace("0.001", '"0.001'), "ROW_TOO_SHORT"],
		["thousands by a space", (row) => plain(row).replace(",1740,", ",1 740,"), "CELL_NOT_A_NUMBER"],
		["a minus of typography", (row) => plain(row).replace(/,([^,]+)$/, ",\u2212$1"), "CELL_NOT_A_NUMBER"],
	])("a row with %s", (_name, spoil, code) => {
		const { values, defects } = valuesOf(table((row) => (row.n === 30 ? spoil(row) : plain(row))));
		expect(values).toEqual(TRUE.filter((_row, n) => n !== 29));
		expect(codes(defects)).toEqual([[code, 31]]);
	});
});

it("dates as a spreadsheet's numbers are no time of a test", () => {
	const titles = "Data_Point,Date_Time,Step_Index,Cycle_Index,Current(A),Voltage(V)";
	const { rows, defects } = read(table((row) => plain({ ...row, t: 45_000 + row.t / 86_400 }), titles));
	expect(rows).toEqual([]);
	expect(defects).toContainEqual({
		row: 2,
		column: "Date_Time",
		code: "CELL_NOT_A_NUMBER",
		message: '"45000" is no date; the row was left out.',
	});
});

it.each(["TestTime/Sec.", "Test Time (sec.)", "Test_Time(s)", "Elapsed Time [s]"])(
	"seconds may be written as %s",
	(title) => {
		const titles = `Data_Point,${title},Step_Index,Cycle_Index,Cur(A),Volt(V)`;
		expect(valuesOf(table(plain, titles).replace("Data_Point", "Record ID"))).toEqual({ values: TRUE, defects: [] });
	},
);

it.each([
	["Hour", 3_600],
	["min", 60],
])("a test's time may be in %s", (unit, factor) => {
	const { rows } = read(
		table(
			(row) => plain({ ...row, t: row.t / factor }),
			`Record,TestTime/${unit},Step_Index,Cycle_Index,Current/A,Voltage/V`,
		),
	);
	rows.forEach(({ t }, n) => {
		expect(t).toBeCloseTo(ROWS[n]!.t, 6);
	});
});

it("titles without a unit are taken as V, A and s, and that is said", () => {
	const { values, defects } = valuesOf(table(plain, "Data_Point,Test_Time,Step_Index,Cycle_Index,Current,Voltage"));
	expect(values).toEqual(TRUE);
	expect(codes(defects)).toEqual(Array(3).fill(["UNIT_ASSUMED", 1]));
	expect(defects.map(({ column }) => column)).toEqual(["Voltage", "Current", "Test_Time"]);
});

it("numbers have one meaning or none", () => {
	expect(decimalMarkOf(["3.512", "1,234"])).toEqual({ point: "3.512", comma: "1,234" });
	expect(decimalMarkOf(["0.512", "1,234"])).toBe("point");
	expect(decimalMarkOf(["0,512", "1.234"])).toBe("comma");
	expect(decimalMarkOf(["1.234,5"])).toBe("comma");
	expect(decimalMarkOf(["12", "x", "1:02.5"])).toBe("unsaid");
	expect(numberIn("1,234", "point")).toBe(1_234);
	expect(numberIn("1,234", "comma")).toBe(1.234);
	expect(numberIn("1,234", "unsaid")).toBeNaN();
	expect(numberIn("1,23", "point")).toBeNaN();
	expect(numberIn("1.23", "comma")).toBeNaN();
	expect(numberIn("0,05", "unsaid")).toBe(0.05);
	expect(numberIn("12,34,567", "point")).toBeNaN();
});
