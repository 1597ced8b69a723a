import type { Problem } from "#core/errors.js";

export interface NumberRange {
	readonly above?: number;
	readonly min?: number;
	readonly max?: number;
}

export const POSITIVE: NumberRange = { above: 0 };
export const NOT_NEGATIVE: NumberRange = { min: 0 };
export const FRACTION: NumberRange = { min: 0, max: 1 };
/** Anything a reactor of this kind can be at, in degC. */
export const TEMPERATURE_C: NumberRange = { min: -50, max: 1500 };

/**
 * Reads one mapping of a parsed document. Every wrong, missing or unknown key becomes a Problem with its path and value;
 * reading goes on with a harmless substitute so that all problems come together. The caller throws when there are any.
 */
export class Fields {
	private readonly known = new Set<string>();
	private readonly values: Readonly<Record<string, unknown>>;

	constructor(
		value: unknown,
		private readonly path: string,
		private readonly problems: Problem[],
	) {
		const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
		if (!isMapping) this.problem(path, value, "must be a mapping");
		this.values = isMapping ? (value as Record<string, unknown>) : {};
	}

	number(key: string, range: NumberRange): number {
		const value = this.take(key);
		const path = this.at(key);
		if (typeof value !== "number" || !Number.isFinite(value)) {
			this.problem(path, value, "must be a number");
			return 1;
		}
		if (range.above !== undefined && value <= range.above) this.problem(path, value, `must be above ${range.above}`);
		if (range.min !== undefined && value < range.min) this.problem(path, value, `must be at least ${range.min}`);
		if (range.max !== undefined && value > range.max) this.problem(path, value, `must be at most ${range.max}`);
		return value;
	}

	numberOrNull(key: string, range: NumberRange): number | null {
		if (Object.hasOwn(this.values, key) && this.values[key] === null) {
			this.known.add(key);
			return null;
		}
		return this.number(key, range);
	}

	text(key: string, allowed?: readonly string[]): string {
		const value = this.take(key);
		if (typeof value !== "string" || value.trim() === "") {
			this.problem(this.at(key), value, "must be a text that is not empty");
			return "";
		}
		if (allowed !== undefined && !allowed.includes(value)) {
			this.problem(this.at(key), value, `must be one of ${allowed.join(", ")}`);
		}
		return value;
	}

	has(key: string): boolean {
		return Object.hasOwn(this.values, key);
	}

	section<T>(key: string, read: (fields: Fields) => T): T {
		return this.nested(this.take(key), this.at(key), read);
	}

	sectionOrNull<T>(key: string, read: (fields: Fields) => T): T | null {
		if (Object.hasOwn(this.values, key) && this.values[key] === null) {
			this.known.add(key);
			return null;
		}
		return this.section(key, read);
	}

	list<T>(key: string, read: (fields: Fields) => T): T[] {
		const value = this.take(key);
		if (!Array.isArray(value)) {
			this.problem(this.at(key), value, "must be a list");
			return [];
		}
		return value.map((item, index) => this.nested(item, `${this.at(key)}[${index}]`, read));
	}

	/** A mapping whose keys are names, with at least one entry. */
	named<T>(key: string, read: (fields: Fields) => T): Record<string, T> {
		return this.section(key, (names) => {
			const entries = Object.keys(names.values).map((name) => [name, names.section(name, read)] as const);
			if (entries.length === 0) this.problem(this.at(key), names.values, "must have at least one entry");
			return Object.fromEntries(entries);
		});
	}

	/** Refuses the value of one of this mapping's own keys. */
	refuse(key: string, value: unknown, rule: string): void {
		this.problem(this.at(key), value, rule);
	}

	/** `path` is the whole path in the document. */
	problem(path: string, value: unknown, rule: string): void {
		const found = value === undefined ? "is missing; it" : `is ${JSON.stringify(value)}; it`;
		this.problems.push({
			severity: "error",
			code: "TWIN_FILE_INVALID",
			message: `${path} ${found} ${rule}.`,
			path,
			value,
		});
	}

	private nested<T>(value: unknown, path: string, read: (fields: Fields) => T): T {
		const fields = new Fields(value, path, this.problems);
		const result = read(fields);
		fields.refuseUnknown();
		return result;
	}

	refuseUnknown(): void {
		for (const key of Object.keys(this.values)) {
			if (!this.known.has(key)) this.problem(this.at(key), this.values[key], "is not a key that is known here");
		}
	}

	private take(key: string): unknown {
		this.known.add(key);
		return Object.hasOwn(this.values, key) ? this.values[key] : undefined;
	}

	private at(key: string): string {
		return this.path === "" ? key : `${this.path}.${key}`;
	}
}
