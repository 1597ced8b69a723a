/** The form of a bench's result (docs/contracts). */
export interface Bar {
	readonly id: string;
	readonly value: number | null;
	readonly unit: string;
	readonly op: "<=" | ">=" | "==";
	readonly limit: number;
	readonly pass: boolean;
}

export interface BenchResult {
	readonly bars: readonly Bar[];
	readonly detail: object;
}

/** A bench by name; `seed` makes it repeatable. */
export type Bench = (seed: number) => Promise<BenchResult>;

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

export const atMost = (id: string, value: number, unit: string, limit: number): Bar => ({
	id,
	value: finite(value),
	unit,
	op: "<=",
	limit,
	pass: value <= limit,
});
export const atLeast = (id: string, value: number, unit: string, limit: number): Bar => ({
	id,
	value: finite(value),
	unit,
	op: ">=",
	limit,
	pass: value >= limit,
});
export const equals = (id: string, value: number, unit: string, limit: number): Bar => ({
	id,
	value: finite(value),
	unit,
	op: "==",
	limit,
	pass: value === limit,
});
export const isTrue = (id: string, value: boolean): Bar => equals(id, value ? 1 : 0, "bool", 1);

/** The value below which the fraction `q` of the samples lies; NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
	const sorted = [...samples].sort((a, b) => a - b);
	if (sorted.length === 0) return Number.NaN;
	return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);
