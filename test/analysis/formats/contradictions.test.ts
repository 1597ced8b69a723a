/** Files that contradict themselves or physics: rows that come twice, in no order, in the wrong unit, beyond any cell. */
import { describe, expect, it } from "vitest";
import { PAST_ROWS } from "#analysis/past-rows.js";
import { bdfOf, type Row, read, symmetricRows } from "../support.js";

const CELL = symmetricRows({ halfCycles: 8, levelV: () => 0.05 });
const ARBIN = "Data_Point,Test_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V)";
const arbin = (rows: readonly Row[]): string[] =>
	rows.map(({ t, v, i, cycle, step }, n) => `${n + 1},${t},${step},${cycle},${i},${v.toFixed(5)}`);
const file = (lines: readonly string[], titles = ARBIN): string => `${titles}\n${lines.join("\n")}\n`;
const LINES = arbin(CELL);
const TRUE = read(file(LINES));
const withCell = (at: number, column: number, text: string): string =>
	file(LINES.map((line, n) => (n === at ? line.split(",").with(column, text).join(",") : line)));

describe("rows that come a second time", () => {
	it.each<[string, string[], number]>([
		["a stretch in the middle", [...LINES.slice(0, 100), ...LINES.slice(90)], 102],
		["the whole file again, titles too", [...LINES, ARBIN, ...LINES], 483],
		["the last row but one, at the end", [...LINES, LINES.at(-2)!], 482],
	])("are left out: %s", (_name, lines, row) => {
		const { rows, result, defects } = read(file(lines));
		expect(rows).toEqual(TRUE.rows);
		expect(result.hours).toBe(TRUE.result.hours);
		expect(defects.filter(({ code }) => code !== "CELL_NOT_A_NUMBER")).toEqual([
			expect.objectContaining({ row, code: "ROW_REPEATED" }),
		]);
	});

	it("are known however the bytes come, and across chunks", () => {
		const long = symmetricRows({ halfCycles: 200, levelV: () => 0.05 });
		const lines = arbin(long);
		const twice = file([...lines.slice(0, 9_000), ...lines.slice(200)]);
		expect(read(twice).rows).toEqual(read(file(lines)).rows);
		expect(read(twice, { pieces: [1_000, 7] }).defects).toEqual([
			expect.objectContaining({ row: 9_002, message: expect.stringMatching(/^8800 rows from this one on/) }),
		]);
	});

	it("are the rows of another test where the clock begins anew with other values, or nothing tells", () => {
		const anew = [...LINES.slice(0, 240), ...LINES.slice(0, 240).map((line) => line.replace(/\d$/, "9"))];
		expect(read(file(anew)).codes).toContain("TIME_JUMPED_BACK");
		const bare = CELL.slice(0, 120).map(({ t, v, i }) => `${t},${v},${i}`);
		const both = read(file([...bare, ...bare], "Test Time / s,Voltage / V,Current / A"));
		expect(both.codes).toEqual(["TIME_JUMPED_BACK"]);
		expect(both.rows).toHaveLength(240);
	});

	it("are not known when they lie too far back", () => {
		const many = symmetricRows({ halfCycles: 2, rowsEach: PAST_ROWS, intervalS: 1, levelV: () => 0.05 });
		expect(read(bdfOf([...many, ...many.slice(0, 5), ...many.slice(0, 5)])).codes).toContain("TIME_JUMPED_BACK");
	});
});

it("rows in the order of newest first are refused", () =>
	expect(() => read(file(LINES.toReversed()))).toThrow(
		expect.objectContaining({
			message: expect.stringMatching(/^Time falls in \d+ of 480 rows/),
			hint: expect.stringMatching(/^Sort the rows by time/),
		}),
	));

describe("a value that no cell has", () => {
	it.each([
		[5, "9.9E37"],
		[5, "-1001"],
		[4, "9.9E37"],
		[4, "-9999"],
	])("costs its row, which is said (column %i, %s)", (column, text) => {
		const { rows, defects } = read(withCell(200, column, text));
		expect(rows).toEqual(TRUE.rows.filter((_row, n) => n !== 200));
		expect(defects).toEqual([
			expect.objectContaining({ row: 202, code: "VALUE_IMPOSSIBLE", message: expect.stringContaining(`"${text}"`) }),
		]);
	});
});

describe("units against the file's own counters", () => {
	const counted = (timesI: number, timesT: number, titles: string): string => {
		let ah = 0;
		let last = 0;
		const lines = CELL.map(({ t, v, i, cycle }, n) => {
			const isNew = n === 0 || i * CELL[n - 1]!.i < 0;
			ah = isNew ? 0 : ah + (Math.abs(i) * (t - last)) / 3_600;
			last = t;
			return `${n},${t * timesT},${cycle},${i * timesI},${v},${i > 0 ? "CC Chg" : "CC DChg"},${ah}`;
		});
		return file(lines, titles);
	};
	const titles = (current: string, time: string): string =>
		`DataPoint,${time},Cycle Index,${current},Voltage(V),Step Type,Capacity(Ah)`;

	it.each<[number, number, string, string, number]>([
		[1_000, 1, "Current(A)", "Total Time(s)", 1_000],
		[1, 1, "Current(mA)", "Total Time(s)", 1_000],
		[1, 1 / 3_600, "Current(A)", "Total Time", 3_600],
		[1, 1 / 60, "Current(A)", "Total Time(s)", 60],
		[1, 1_000, "Current(A)", "Total Time", 1_000],
	])("%d × current, %d × time under %s and %s is refused", (timesI, timesT, current, time, factor) =>
		expect(() => read(counted(timesI, timesT, titles(current, time)))).toThrow(
			expect.objectContaining({
				code: "CYCLING_FILE_REFUSED",
				message: expect.stringMatching(
					new RegExp(`^The units contradict each other: Current.*Capacity\\(Ah\\).*, ${factor} times`),
				),
			}),
		),
	);

	it("that agree are read, and those that are merely off are said half-cycle by half-cycle", () => {
		expect(read(counted(1, 1, titles("Current(A)", "Total Time(s)"))).codes).toEqual([]);
		const unsaid = counted(1e3, 1, titles("Current(mA)", "Total Time(s)").replace("Capacity(Ah)", "Capacity"));
		expect(read(unsaid).result.halfCycles).toHaveLength(8);
		const off = read(counted(2, 1, titles("Current(A)", "Total Time(s)"))).codes;
		expect(new Set(off)).toEqual(new Set(["COUNTER_DISAGREES"]));
	});
});

describe("titles of other exports", () => {
	it.each([
		["Record,Total Time(s),Step,Cycle,Curr(A),Vol(V)", 1],
		["DataPoint,Total Time(s),Step Index,Cycle Index,Channel Current(A),Channel Voltage(V)", 1],
		["Rec#,TestTime(s),Step,Cyc#,mAmps,Volts", 1e3],
	])("%s", (titles, timesI) => {
		const lines = CELL.map(({ t, v, i, cycle, step }, n) => `${n},${t},${step},${cycle},${i * timesI},${v.toFixed(5)}`);
		expect(read(file(lines, titles)).rows.map(({ i }) => Number(i.toFixed(9)))).toEqual(TRUE.rows.map(({ i }) => i));
	});

	it("minutes and seconds under a title that says hours are no times: a spreadsheet has dropped the hours", () => {
		const dropped = CELL.map(
			({ t, v, i, cycle, step }, n) =>
				`${n},${String(Math.floor(t / 60) % 60).padStart(2, "0")}:00.0,${step},${cycle},${i},${v}`,
		);
		const { rows, defects } = read(file(dropped, "Record ID,Time(h:min:s.ms),Step ID,Cycle ID,Current(A),Voltage(V)"));
		expect(rows).toEqual([]);
		expect(defects).toContainEqual(expect.objectContaining({ message: '"00:00.0" is no time; the row was left out.' }));
	});

	it("BDF's titles with other units are BDF", () => {
		const hours = CELL.map(({ t, v, i }) => `${t / 3_600},${v * 1e3},${i}`);
		const { layout, result } = read(file(hours, "Test Time / h,Voltage / mV,Current / A"));
		expect(layout.format).toBe("bdf");
		expect(result.hours).toBeCloseTo(TRUE.result.hours, 9);
	});
});
