/** Finds out from a file's first bytes what it is: format, encoding, delimiter, title line, and what each column means. */
import { meaningOf, type Role } from "#analysis/formats/columns.js";
import type { DecimalMark } from "#analysis/formats/decimals.js";
import { checkRepeated, checkWidth, decimalOf, usualCells } from "#analysis/formats/first-rows.js";
import { binaryKind, foreignKind } from "#analysis/formats/foreign.js";
import {
	cellsOf,
	DELIMITERS,
	type LayoutColumn,
	missing,
	refuse,
	type TitleLine,
	titleLine,
	unitsBelow,
} from "#analysis/formats/title-line.js";

export const CYCLING_FORMATS = ["biologic-mpt", "neware-csv", "arbin-csv", "landt-csv", "bdf"] as const;
export type CyclingFormat = (typeof CYCLING_FORMATS)[number];

export interface Layout {
	readonly format: CyclingFormat;
	readonly delimiter: "\t" | "," | ";";
	readonly decimal: DecimalMark;
	/** Cells of a row: as many as titles, or as most rows have. */
	readonly rowCells: number;
	readonly newline: "\n" | "\r";
	readonly encoding: TextEncoding;
	/** Lines before the first row of data. */
	readonly headLines: number;
	/** Bytes of a byte order mark. */
	readonly bomBytes: number;
	/** One column a role. */
	readonly columns: Readonly<Partial<Record<Role, LayoutColumn>>>;
	readonly titles: readonly string[];
	/** Neware's report: cycle rows, step rows below them, records below those, told apart by empty leading cells. */
	readonly threeLevel: ThreeLevel | null;
	/** How the test's time is had. */
	readonly timeFrom: "testTime" | "stepTime" | "date" | "unixTime";
	/** Titles of which there is more than one; the first is used. */
	readonly repeated: readonly LayoutColumn[];
}

export type TextEncoding = "utf-8" | "gb18030" | "latin1";

export interface ThreeLevel {
	/** Cells of a cycle row; in some exports the cycle's first step follows in the same line. */
	readonly cycleCells: number;
	readonly cycle: number;
	readonly step: number;
	readonly stepType: number;
}

/** Looked at to find the titles; a file whose titles come later is not a cycler's. */
export const HEAD_BYTES_MAX = 512 * 1_024;
const HEAD_LINES_MAX = 2_000;

function decode(bytes: Uint8Array): { text: string; encoding: TextEncoding } {
	try {
		// A head that ends within a character is still UTF-8.
		return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }), encoding: "utf-8" };
	} catch {
		const text = new TextDecoder("gb18030").decode(bytes);
		return /[电压流循环工步]{2}/.test(text)
			? { text, encoding: "gb18030" }
			: { text: new TextDecoder("latin1").decode(bytes), encoding: "latin1" };
	}
}

function formatOf(lines: readonly string[], { titles, columns }: TitleLine, threeLevel: boolean): CyclingFormat {
	const all = titles.map((title) => title.toLowerCase());
	const has = (...names: string[]): boolean => names.some((name) => all.includes(name));
	const isBioLogic = (title: string): boolean => /^(<?(ewe|ecell)>?|ewe-ece)\/m?v$|^\(q-qo\)\//.test(title);
	if (/^﻿?(ec|bt)-lab ascii file/i.test(lines[0] ?? "") || all.some(isBioLogic)) return "biologic-mpt";
	if (has("test_time_second", "voltage_volt") || all.some((title) => /^(test time|voltage) \/ \S+$/.test(title)))
		return "bdf";
	const neware =
		/^(record ?(id|index|number|no\.?)|datapoint|cumulative time|total ?time.*|realtime|step type|数据序号|(d?chg|dchg)\. ?cap.*|cap(acitance|acity)?[_-]d?chg.*)$/i;
	if (
		has("test_time_s", "step_time_s", "voltage_v", "channel_index") ||
		(has("rec#") && has("cyc#")) ||
		all.some((title) => /^((testtime|steptime|systime|cycle-index|step-index)(\/|$)|(测试时间|步骤时间)\/)/.test(title))
	)
		return "landt-csv";
	if (threeLevel || columns.voltage?.title.includes("电压")) return "neware-csv";
	if (all.some((title) => neware.test(title))) return "neware-csv";
	if (has("data_point", "data point") || all.some((title) => /^(test|run)[_ ]?time ?[_([]?/.test(title)))
		return "arbin-csv";
	throw refuse(
		`The titles are those of none of the formats known: ${titles
			.filter((title) => title !== "")
			.slice(0, 12)
			.join(", ")}.`,
		`Say which it is with --format ${CYCLING_FORMATS.join("|")}.`,
	);
}

function threeLevelOf(lines: readonly string[], at: TitleLine): ThreeLevel | null {
	const { index, delimiter, titles } = at;
	if (index < 2 || titles[0] !== "" || titles[1] !== "") return null;
	const cycle = cellsOf(lines[index - 2]!, delimiter);
	const step = cellsOf(lines[index - 1]!, delimiter);
	if (cycle[0] === "" || step[0] !== "" || step[1] === "") return null;
	const find = (cells: readonly string[], roles: readonly Role[]): number =>
		cells.findIndex((title) => roles.includes(meaningOf(title)?.role ?? "mode"));
	let cycleCells = cycle.length;
	while (cycle[cycleCells - 1] === "") cycleCells -= 1;
	return {
		cycleCells,
		cycle: Math.max(0, find(cycle, ["cycle"])),
		step: find(step, ["step"]),
		stepType: find(step, ["stepType"]),
	};
}

/** In BDF Step Index counted the rows of a step (Step Record Index since ontology 1.3.0): it names no step. */
function withoutRecordIndex(
	format: CyclingFormat,
	columns: Readonly<Partial<Record<Role, LayoutColumn>>>,
): Partial<Record<Role, LayoutColumn>> {
	const { step, ...others } = columns;
	if (step === undefined) return others;
	return format === "bdf" && /^step[ _]index/i.test(step.title) ? others : { ...others, step };
}

function timeOf(format: CyclingFormat, columns: Partial<Record<Role, LayoutColumn>>): Layout["timeFrom"] {
	const { time } = columns;
	if (time !== undefined) {
		const isTest = format !== "neware-csv" && columns.testTime === undefined;
		const role = isTest ? "testTime" : "stepTime";
		columns[role] ??= { ...time, role };
	}
	for (const role of ["testTime", "stepTime", "date", "unixTime"] as const)
		if (columns[role] !== undefined) return role;
	throw refuse("There is no column of time.");
}

/** A clock time says its unit itself. */
function saidByClock(
	columns: Partial<Record<Role, LayoutColumn>>,
	role: Layout["timeFrom"],
	row: readonly string[],
): void {
	const column = columns[role]!;
	if (/^[-+.,\d]*$/.test(row[column.index] ?? "")) return;
	columns[role] = { ...column, isUnitSaid: true };
}

/**
 * The layout of a text file, from its first bytes. Throws CYCLING_FILE_REFUSED, naming what is missing.
 * `format` overrules what the titles say.
 */
export function layoutOf(head: Uint8Array, format?: CyclingFormat): Layout {
	if (head.length === 0) throw refuse("The file is empty.");
	if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
		throw refuse("The file is UTF-16.", "Save it as UTF-8 text.");
	const binary = binaryKind(head);
	if (binary !== undefined) throw refuse(`The file is ${binary.what}.`, binary.hint);
	const bomBytes = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
	const { text, encoding } = decode(head.subarray(bomBytes));
	const newline = text.includes("\n") ? "\n" : text.includes("\r") ? "\r" : "\n";
	const lines = text.split(newline, HEAD_LINES_MAX).map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
	const titled = findTitles(lines);
	const units = unitsBelow(lines[titled.index + 1], titled);
	const at = units === undefined ? titled : { ...titled, columns: units };
	const threeLevel = threeLevelOf(lines, at);
	const foreign =
		format === undefined && threeLevel === null ? foreignKind(lines[0] ?? "", at.titles, true) : undefined;
	if (foreign !== undefined) throw refuse(`Line ${at.index + 1}: this is ${foreign.what}.`, foreign.hint);
	const named = format ?? formatOf(lines, at, threeLevel !== null);
	const headLines = at.index + (units === undefined ? 1 : 2);
	const rows = lines
		.slice(headLines)
		.filter((line) => line.trim() !== "" && (threeLevel === null || line.startsWith(at.delimiter.repeat(2))))
		.map((line) => cellsOf(line, at.delimiter));
	const decimal = decimalOf(rows, at);
	checkWidth(rows, at, headLines, decimal);
	checkRepeated(lines, at, headLines);
	const columns = withoutRecordIndex(named, at.columns);
	const timeFrom = timeOf(named, columns);
	saidByClock(columns, timeFrom, rows[0] ?? []);
	return {
		format: named,
		delimiter: at.delimiter,
		decimal,
		rowCells: usualCells(rows, at.titles.length),
		newline,
		encoding,
		headLines,
		bomBytes,
		timeFrom,
		columns,
		titles: at.titles,
		threeLevel,
		repeated: at.repeated,
	};
}

/** The layout of a table whose titles are known, as of a Parquet file. Throws CYCLING_FILE_REFUSED. */
export function layoutOfTitles(titles: readonly string[], format: CyclingFormat): Layout {
	const at = titleLine(titles.join("\t"), 0, "\t");
	if (missing(at).length > 0)
		throw refuse(`There is no column of ${missing(at).join(", ")}; there are ${titles.join(", ")}.`);
	const columns = withoutRecordIndex(format, at.columns);
	return {
		format,
		delimiter: "\t",
		decimal: "point",
		rowCells: titles.length,
		newline: "\n",
		encoding: "utf-8",
		headLines: 1,
		bomBytes: 0,
		timeFrom: timeOf(format, columns),
		columns,
		titles,
		threeLevel: null,
		repeated: at.repeated,
	};
}

function findTitles(lines: readonly string[]): TitleLine {
	const said =
		/^(?:ec|bt)-lab ascii file/i.test(lines[0] ?? "") && /^Nb header lines\s*:\s*(\d+)/i.exec(lines[1] ?? "");
	if (said) {
		const index = Number(said[1]) - 1;
		const line = index >= 0 && index < lines.length ? titleLine(lines[index]!, index, "\t") : undefined;
		if (line !== undefined && missing(line).length === 0) return line;
	}
	let best: TitleLine | undefined;
	const roles = (line: TitleLine): number => Object.keys(line.columns).length;
	for (const [index, text] of lines.entries()) {
		if (text.length > 20_000) continue;
		for (const delimiter of DELIMITERS) {
			if (!text.includes(delimiter)) continue;
			const line = titleLine(text, index, delimiter);
			if (roles(line) === 0) continue;
			if (missing(line).length === 0) return line;
			if (best === undefined || missing(line).length < missing(best).length) best = line;
		}
	}
	const foreign = foreignKind(lines[0] ?? "", best?.titles ?? [], false);
	if (foreign !== undefined) throw refuse(`This is ${foreign.what}.`, foreign.hint);
	if (best === undefined || roles(best) < 2)
		throw refuse("No line of titles with time, voltage and current was found: this is no cycling file that is known.");
	throw refuse(
		`Line ${best.index + 1} has no column of ${missing(best).join(", ")}; it has ${best.titles.filter((title) => title !== "").join(", ")}.`,
	);
}
