/** One door of the product and how it is knocked at. */
import fc from "fast-check";
import { AdlayerError, type Problem } from "#core/errors.js";

/** What a case may come to, besides passing. */
export type Fault = "crash" | "server-error" | "no-place" | "wrong";

/** What is wrong with the answer to a case. */
export class Finding extends Error {
	constructor(
		readonly fault: Fault,
		message: string,
	) {
		super(message);
	}
}

/** A door with one kind of case; `Case` is what fast-check makes. */
export interface Area<Case = unknown> {
	readonly name: string;
	/** Cases of a whole bench. */
	readonly cases: number;
	readonly arbitrary: fc.Arbitrary<Case>;
	/** Throws a Finding, or whatever the product throws: anything but an AdlayerError is a crash. */
	run(one: Case): unknown;
	/** The case as a person can use it. */
	show(one: Case): string;
}

export const area = <Case>(one: Area<Case>): Area => one as unknown as Area;

/** The case of a number: the same for the same seed, whatever came before it. */
export function caseOf(one: Area, seed: number, index: number): unknown {
	const own = [...one.name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed) | 0;
	const mixed = Math.imul(own ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b) | 0;
	return fc.sample(one.arbitrary, { seed: mixed, numRuns: 1 })[0];
}

/** Runs one case; undefined when all is well. */
export async function verdictOf(one: Area, given: unknown): Promise<{ fault: Fault; message: string } | undefined> {
	try {
		await one.run(given);
		return undefined;
	} catch (thrown) {
		if (thrown instanceof Finding) return { fault: thrown.fault, message: thrown.message };
		const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
		return { fault: "crash", message: message.split("\n").slice(0, 6).join("\n") };
	}
}

/** A message that shows the inside instead of saying something. */
const BROKEN = /\bundefined\b|\[object |\bNaN\b/;

/** Every problem of a document names its line and column, a path, and says something. */
export function expectPlaced(problems: readonly Problem[], text: string): void {
	const lines = text.split(/\r\n|\n|\r/).length;
	for (const problem of problems) {
		const { line, column, path, message, code } = problem;
		const said = `${code} at ${line}:${column} ${path}: ${message}`;
		if (line === undefined || column === undefined || path === undefined)
			throw new Finding("no-place", `A refusal without a place: ${said}`);
		if (!(line >= 1 && line <= lines + 1 && column >= 1)) throw new Finding("no-place", `No such place: ${said}`);
		if (!/^[A-Z0-9_]+$/.test(code) || message.length < 5) throw new Finding("no-place", `Says nothing: ${said}`);
		if (BROKEN.test(message) && !/\.nan|NaN|undefined|\[object /i.test(text))
			throw new Finding("no-place", `Shows the inside: ${said}`);
	}
}

/** A refusal of arguments: every problem with its path, or with its line where a text was given. */
export function expectPaths(problems: readonly Problem[], what: string): void {
	if (problems.length === 0) throw new Finding("no-place", `Refused without any place: ${what}`);
	for (const { path, line, message } of problems)
		if ((path === undefined && line === undefined) || message.length < 5)
			throw new Finding("no-place", `A problem without a place: ${JSON.stringify(message)}`);
}

/** What `act` gives, or the AdlayerError that it refuses with; anything else thrown goes on as the crash that it is. */
export function refusalOf(act: () => unknown): AdlayerError | undefined {
	try {
		act();
		return undefined;
	} catch (thrown) {
		if (thrown instanceof AdlayerError) return thrown;
		throw thrown;
	}
}
