/**
 * Sample names after the rule `{metal}@{n}{film}[-ex|-in]`: `Li@200LiAlOx-ex` is lithium foil with 200 cycles, made into
 * LiAlOx by an anneal after the deposition; `-in` is made during it. A stack says in brackets what is repeated:
 * `Li@50(4Al2O3+1ZnO)` has 50 times four cycles of one film and one of the other.
 */
export type SampleSuffix = "ex" | "in" | "none";

export interface SampleName {
	/** Name of the material, e.g. `Li`. */
	readonly metal: string;
	/** Deposition cycles, at least 1; of a stack how often it is repeated. */
	readonly cycles: number;
	/** Name of the film, e.g. `Al2O3`. Starts with a capital letter, so that it can be told from the number before it. */
	readonly film: string;
	readonly suffix: SampleSuffix;
}

/** Consecutive cycles of one film. */
export interface Layer {
	readonly cycles: number;
	readonly film: string;
}

/** A sample with more than one film: `layers`, `cycles` times. */
export interface StackName extends Omit<SampleName, "film"> {
	readonly layers: readonly Layer[];
}

const SAMPLE_NAME = /^([A-Za-z][A-Za-z0-9]*)@([1-9][0-9]*)([A-Z][A-Za-z0-9]*)(?:-(ex|in))?$/;
const STACK_NAME = /^([A-Za-z][A-Za-z0-9]*)@([1-9][0-9]*)\(([^()]+)\)(?:-(ex|in))?$/;
const LAYER = /^([1-9][0-9]*)([A-Z][A-Za-z0-9]*)$/;

/** Returns the parts, or undefined when the text does not follow the rule. */
export function parseSampleName(text: string): SampleName | undefined {
	const match = SAMPLE_NAME.exec(text);
	if (!match) return undefined;
	const [, metal, digits, film, suffix] = match;
	const cycles = Number(digits);
	if (!Number.isSafeInteger(cycles)) return undefined;
	return { metal: metal!, cycles, film: film!, suffix: (suffix as "ex" | "in" | undefined) ?? "none" };
}

/** The same for a stack. */
export function parseStackName(text: string): StackName | undefined {
	const match = STACK_NAME.exec(text);
	if (!match) return undefined;
	const [, metal, digits, inside, suffix] = match;
	const layers: Layer[] = [];
	for (const part of inside!.split("+")) {
		const layer = LAYER.exec(part);
		if (!layer || !Number.isSafeInteger(Number(layer[1]))) return undefined;
		layers.push({ cycles: Number(layer[1]), film: layer[2]! });
	}
	const cycles = Number(digits);
	if (!Number.isSafeInteger(cycles)) return undefined;
	return { metal: metal!, cycles, layers, suffix: (suffix as "ex" | "in" | undefined) ?? "none" };
}

export function printSampleName({ metal, cycles, film, suffix }: SampleName): string {
	return `${metal}@${cycles}${film}${ending(suffix)}`;
}

export function printStackName({ metal, cycles, layers, suffix }: StackName): string {
	return `${metal}@${cycles}(${layers.map((layer) => `${layer.cycles}${layer.film}`).join("+")})${ending(suffix)}`;
}

const ending = (suffix: SampleSuffix): string => (suffix === "none" ? "" : `-${suffix}`);

/** The shortest group of layers that, repeated, gives them all. */
export function repeatedLayers(layers: readonly Layer[]): Pick<StackName, "cycles" | "layers"> {
	for (let period = 1; period <= layers.length / 2; period += 1) {
		if (layers.length % period !== 0) continue;
		const isRepeated = layers.every(({ cycles, film }, index) => {
			const first = layers[index % period]!;
			return first.cycles === cycles && first.film === film;
		});
		if (isRepeated) return { cycles: layers.length / period, layers: layers.slice(0, period) };
	}
	return { cycles: 1, layers };
}
