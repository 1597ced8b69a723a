/**
 * Recipe tables of Savannah and Fiji reactors: text, one `command argument value unit` a line, separated by tabs, Latin-1.
 * Trailing fields may be missing, blank lines are allowed. Pure: text to rows with every problem by line, and back.
 */
import type { Problem } from "#core/errors.js";

/** A table is typed by hand; a longer one is something else. */
export const TABLE_BYTES_MAX = 256 * 1024;
export const TABLE_LINES_MAX = 2000;

/** What the commands that are understood take: a channel, valve or line number, a value, both. */
const COMMANDS = {
	flow: { takes: "both", units: ["sccm"] },
	heater: { takes: "both", units: ["°C", "C", "degC", "Â°C"] },
	stabilize: { takes: "number", units: [] },
	wait: { takes: "value", units: ["sec", "s"] },
	pulse: { takes: "both", units: ["sec", "s"] },
	goto: { takes: "both", units: ["cycles", "cycle"] },
	stopvalve: { takes: "value", units: [] },
} as const;
export type Command = keyof typeof COMMANDS;

/** Known, and nothing in a recipe says the same. */
const UNTRANSLATABLE: Readonly<Record<string, string>> = {
	plasma: "Plasma has no counterpart: a recipe here is thermal.",
	mfcvalve: "Valves of single flow controllers have no counterpart; the carrier is shut by flow 0.",
	"line ac out": "Mains outlets have no counterpart: what they switch is not known.",
};

export interface Row {
	/** Line of the file, from 1. */
	readonly line: number;
	readonly command: Command;
	/** Channel of a heater or flow controller, valve of a pulse, line of a goto; null where the command has none. */
	readonly number: number | null;
	/** sccm, °C, s, cycles, or 0 and 1; null where the command has none. */
	readonly value: number | null;
}

export interface Table {
	/** Lines of the file as they are, without their ends. */
	readonly lines: readonly string[];
	readonly rows: readonly Row[];
	readonly problems: readonly Problem[];
}

/** A problem at a line of the table. */
export function atLine(line: number, code: string, message: string, details: Partial<Problem> = {}): Problem {
	return { severity: "error", code, message: `Line ${line}: ${message}`, line, column: 1, ...details };
}

/** `bytes` are those of the file: the degree sign is the one byte B0. */
export function readTable(bytes: Uint8Array): Table {
	if (bytes.length > TABLE_BYTES_MAX) {
		const message = `the table has ${bytes.length} bytes; the longest that is read has ${TABLE_BYTES_MAX}.`;
		const problem = atLine(1, "TABLE_TOO_LONG", message, { value: bytes.length, limit: TABLE_BYTES_MAX });
		return { lines: [], rows: [], problems: [problem] };
	}
	const lines = Buffer.from(bytes)
		.toString("latin1")
		.replace(/^ï»¿/, "")
		.split(/\r\n|\n|\r/);
	if (lines.at(-1) === "") lines.pop();
	if (lines.length > TABLE_LINES_MAX) {
		const message = `the table has ${lines.length} lines; the longest that is read has ${TABLE_LINES_MAX}.`;
		const problem = atLine(TABLE_LINES_MAX + 1, "TABLE_TOO_LONG", message, {
			value: lines.length,
			limit: TABLE_LINES_MAX,
		});
		return { lines, rows: [], problems: [problem] };
	}
	const rows: Row[] = [];
	const problems: Problem[] = [];
	for (const [index, text] of lines.entries()) {
		if (text.trim() === "") continue;
		const read = readLine(text, index + 1);
		if ("code" in read) problems.push(read);
		else rows.push(read);
	}
	if (rows.length === 0 && problems.length === 0)
		problems.push(atLine(1, "TABLE_EMPTY", "the table has no command at all."));
	return { lines, rows, problems };
}

function readLine(text: string, line: number): Row | Problem {
	const lower = text.trim().toLowerCase().replace(/\s+/g, " ");
	for (const [name, why] of Object.entries(UNTRANSLATABLE)) {
		if (lower === name || lower.startsWith(`${name} `))
			return atLine(line, "TABLE_UNTRANSLATABLE", why, { value: name });
	}
	const cells = (text.includes("\t") ? text.split("\t") : text.trim().split(/\s+/)).map((cell) => cell.trim());
	const word = cells[0]!.toLowerCase();
	const name = word === "stabilise" ? "stabilize" : word;
	if (!Object.hasOwn(COMMANDS, name)) {
		const known = Object.keys(COMMANDS);
		const isNumbered = /^\d+$/.test(word) && Object.hasOwn(COMMANDS, cells[1]?.toLowerCase() ?? "");
		const advice = isNumbered
			? "Line numbers are no part of a table: take them away."
			: `A table has ${known.join(", ")}.`;
		const message = `there is no command ${JSON.stringify(cells[0]!.slice(0, 40))}. ${advice}`;
		return atLine(line, "TABLE_COMMAND_UNKNOWN", message, { value: cells[0]!.slice(0, 40), limit: known });
	}
	const command = name as Command;
	const { takes, units } = COMMANDS[command];
	const wrong = (message: string, value?: unknown): Problem =>
		atLine(line, "TABLE_FIELD", `${command}: ${message}`, value === undefined ? {} : { value });

	const given = cells.slice(1).map((cell) => (cell === "-" ? "" : cell));
	while (given.at(-1) === "") given.pop();
	// A column that the command leaves empty may be there or not.
	const fields = takes === "both" ? given : given.filter((cell) => cell !== "");
	const numbers = takes === "both" ? 2 : 1;
	const [unit, ...more] = fields.slice(numbers);
	if (more.length > 0) return wrong(`there are more fields than the command has: ${more.join(" ").slice(0, 40)}.`);
	if (unit !== undefined && unit !== "" && !(units as readonly string[]).includes(unit)) {
		const known = units.length === 0 ? "it has none" : `it is ${units[0]}`;
		return wrong(`the unit ${JSON.stringify(unit.slice(0, 20))} is not known; ${known}.`, unit.slice(0, 20));
	}
	const field = (at: number, what: string): number | Problem => {
		const cell = fields[at] ?? "";
		if (cell === "") return wrong(`${what} is missing.`);
		if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(cell) || !Number.isFinite(Number(cell))) {
			const comma = /^\d+,\d+$/.test(cell) ? " Write a decimal point." : "";
			return wrong(`${what} is not a number: ${JSON.stringify(cell.slice(0, 20))}.${comma}`, cell.slice(0, 20));
		}
		return Number(cell);
	};
	const whole = (at: number, what: string): number | Problem => {
		const read = field(at, what);
		if (typeof read !== "number") return read;
		return Number.isSafeInteger(read) && read >= 0
			? read
			: wrong(`${what} ${read} is not a whole number from 0.`, read);
	};
	const number = takes === "value" ? null : whole(0, command === "goto" ? "the line" : "the number");
	if (number !== null && typeof number !== "number") return number;
	const value = takes === "number" ? null : field(takes === "both" ? 1 : 0, "the value");
	if (value !== null && typeof value !== "number") return value;
	if (command === "goto" && !(Number.isInteger(value) && value! >= 1))
		return wrong(`${value} cycles are not a whole number from 1.`, value);
	if (command === "stopvalve" && value !== 0 && value !== 1) return wrong(`${value} is neither 0 nor 1.`, value);
	if ((command === "wait" || command === "pulse" || command === "flow") && value! < 0)
		return wrong(`${value} is below 0.`, value);
	return { line, command, number, value };
}

/** One line of a table as it is written, without its end. */
export function printRow({ command, number, value }: Pick<Row, "command" | "number" | "value">): string {
	const { takes, units } = COMMANDS[command];
	const cells: (string | number)[] = [command];
	if (takes === "both") cells.push(number!, value!);
	else if (takes === "number") cells.push(number!);
	// wait has an empty column where others have a number.
	else if (command === "wait") cells.push("", value!);
	else cells.push(value!);
	if (units.length > 0) cells.push(units[0]!);
	return cells.join("\t");
}

/** The file's bytes: Latin-1, CRLF. */
export function printTable(rows: readonly Pick<Row, "command" | "number" | "value">[]): Buffer {
	return Buffer.from(rows.map((row) => `${printRow(row)}\r\n`).join(""), "latin1");
}
