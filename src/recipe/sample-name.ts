/**
 * Sample names after the rule `{metal}@{n}{film}[-ex|-in]`: `Li@200LiAlOx-ex` is lithium foil with 200 cycles, made into
 * LiAlOx by an anneal after the deposition; `-in` is made during it.
 */
export type SampleSuffix = "ex" | "in" | "none";

export interface SampleName {
	/** Name of the material, e.g. `Li`. */
	readonly metal: string;
	/** Deposition cycles, at least 1. */
	readonly cycles: number;
	/** Name of the film, e.g. `Al2O3`. Starts with a capital letter, so that it can be told from the number before it. */
	readonly film: string;
	readonly suffix: SampleSuffix;
}

const SAMPLE_NAME = /^([A-Za-z][A-Za-z0-9]*)@([1-9][0-9]*)([A-Z][A-Za-z0-9]*)(?:-(ex|in))?$/;

/** Returns the parts, or undefined when the text does not follow the rule. */
export function parseSampleName(text: string): SampleName | undefined {
	const match = SAMPLE_NAME.exec(text);
	if (!match) return undefined;
	const [, metal, digits, film, suffix] = match;
	const cycles = Number(digits);
	if (!Number.isSafeInteger(cycles)) return undefined;
	return { metal: metal!, cycles, film: film!, suffix: (suffix as "ex" | "in" | undefined) ?? "none" };
}

export function printSampleName({ metal, cycles, film, suffix }: SampleName): string {
	return `${metal}@${cycles}${film}${suffix === "none" ? "" : `-${suffix}`}`;
}
