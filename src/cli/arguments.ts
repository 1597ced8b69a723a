/** Arguments as typed values; what cannot be read is a usage error that names the argument. */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { InvalidArgumentError } from "commander";
import { AdlayerError } from "#core/errors.js";
import { textOf } from "#recipe/text-of.js";

export function parsePort(text: string): number {
	const port = Number(text);
	if (text !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
	throw new InvalidArgumentError("A port is a whole number from 0 to 65535.");
}

export function parseSpeed(text: string): number {
	const speed = Number(text);
	if (text !== "" && Number.isFinite(speed) && speed > 0) return speed;
	throw new InvalidArgumentError("A speed is a number above 0: lab time per real time.");
}

export function parseMilliseconds(text: string): number {
	const ms = Number(text);
	if (text.trim() !== "" && Number.isFinite(ms) && ms > 0) return ms;
	throw new InvalidArgumentError("A width is a number of milliseconds above 0.");
}

export function parseTemperature(text: string): number {
	const celsius = Number(text);
	if (text.trim() !== "" && Number.isFinite(celsius)) return celsius;
	throw new InvalidArgumentError("A temperature is a number of °C.");
}

/** At most an hour: longer is no bound. */
const SECONDS_MAX = 3600;

export function parseSeconds(text: string): number {
	const seconds = Number(text);
	if (text !== "" && seconds > 0 && seconds <= SECONDS_MAX) return seconds;
	throw new InvalidArgumentError(`Seconds are a number above 0 and at most ${SECONDS_MAX}.`);
}

export function parseFullPower(text: string): number {
	const value = Number(text);
	if (text !== "" && Number.isFinite(value) && value > 0) return value;
	throw new InvalidArgumentError("Full power is a number above 0, in the unit of the power column.");
}

export function parseNumber(text: string): number {
	const value = Number(text);
	if (text.trim() !== "" && Number.isFinite(value)) return value;
	throw new InvalidArgumentError("It is no number.");
}

/** Gives a parser of plain numbers; `what` says which. */
export function parseQuantity(what: string): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (text.trim() !== "" && Number.isFinite(value)) return value;
		throw new InvalidArgumentError(`Not ${what}.`);
	};
}

/** Collects name=value; a value that reads as a number is one. */
export function parseSet(text: string, before: Record<string, number | string>): Record<string, number | string> {
	const equals = text.indexOf("=");
	if (equals < 1) throw new InvalidArgumentError("Write it as name=value.");
	const name = text.slice(0, equals);
	if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice.`);
	const value = text.slice(equals + 1);
	const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
	return { ...before, [name]: isNumber ? Number(value) : value };
}

export function parseMinutes(text: string): number {
	const minutes = Number(text);
	if (text.trim() !== "" && Number.isFinite(minutes) && minutes >= 0) return minutes;
	throw new InvalidArgumentError("Minutes are a number, 0 or more.");
}

export const collect = (text: string, before: string[]): string[] => [...before, text];

/** A recipe argument: a file when there is one or it looks like one, otherwise a name for the service to know. */
export function recipeArgument(argument: string): { recipe: string; recipeText?: string } {
	const isFile = existsSync(argument) || /[\\/]|\.ya?ml$/.test(argument);
	if (!isFile) return { recipe: argument };
	return { recipe: basename(argument), recipeText: readRecipe(argument) };
}

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
	ENOENT: "there is no such file",
	EISDIR: "it is a folder",
	EACCES: "it may not be read by this user",
};

/** A recipe file's text. Throws RECIPE_NOT_FOUND, and RECIPE_INVALID where it is no UTF-8. */
export function readRecipe(path: string): string {
	let bytes: Uint8Array;
	try {
		bytes = readFileSync(path);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		const why = code === undefined ? String(cause) : (WHY_UNREADABLE[code] ?? code);
		const hint = "Give the path of a recipe file, or the name of a recipe that the service lists.";
		throw new AdlayerError("RECIPE_NOT_FOUND", `The recipe file ${path} cannot be read (${why}).`, { cause, hint });
	}
	const { text, problem } = textOf(bytes);
	if (problem === undefined) return text;
	throw new AdlayerError("RECIPE_INVALID", `${path}:${problem.line}:${problem.column}: ${problem.message}`, {
		problems: [problem],
	});
}

/** Nobody shelves an alarm into the next day; control has the same bound. */
const SHELVE_S_MAX = 43_200;

/** For how long an alarm is shelved, s. */
export function parseShelving(text: string): number {
	const seconds = Number(text);
	if (text !== "" && seconds > 0 && seconds <= SHELVE_S_MAX) return seconds;
	throw new InvalidArgumentError(`An alarm is shelved for more than 0 s and at most ${SHELVE_S_MAX} s.`);
}
