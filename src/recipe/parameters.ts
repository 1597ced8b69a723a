/** A recipe's parameters: defaults from the file, values from the launch, and the places that refer to them. */
import type { Problem } from "#core/errors.js";
import type { Path } from "#recipe/path.js";
import { PARAMETER_PATTERN } from "#recipe/recipe-schema.js";
import type { RuleCode } from "#recipe/rule-codes.js";
import { isRecord } from "#recipe/schema.js";
import { problemAt, readYaml, type YamlDocument } from "#recipe/yaml-document.js";

export interface Resolution {
	/** The document with every reference replaced; one that could not be is left as it is and its path is in `unresolved`. */
	readonly value: unknown;
	readonly parameters: Readonly<Record<string, number>>;
	readonly problems: readonly Problem[];
	readonly unresolved: readonly Path[];
}

/** One parameter as a launch form asks for it. */
export interface DeclaredParameter {
	readonly name: string;
	readonly title: string;
	readonly unit: string;
	readonly min: number;
	readonly max: number;
	readonly default: number;
	readonly integer: boolean;
}

const PARAMETER_NAME = new RegExp(PARAMETER_PATTERN);
/** Where a text is a text, whatever it starts with. */
const TEXT_KEYS = new Set(["title", "description", "reason", "unit", "text", "confirm"]);
/** Deeper than any recipe can be. */
const DEPTH_MAX = 64;

/**
 * `set` are the values of the launch by parameter name, as numbers or as their text. Each is checked against the
 * parameter's range; one that fails is a problem, and the file's default takes its place so that the rest can be checked.
 */
export function resolveParameters(document: YamlDocument, set: Readonly<Record<string, number | string>>): Resolution {
	const problems: Problem[] = [];
	const declared = isRecord(document.value) && isRecord(document.value.parameters) ? document.value.parameters : {};
	const values = new Map<string, number>();
	const report = (path: Path, code: RuleCode, message: string, value?: unknown, limit?: unknown): void => {
		const details = { ...(value === undefined ? {} : { value }), ...(limit === undefined ? {} : { limit }) };
		problems.push(
			problemAt(
				document,
				{ path },
				{ severity: code === "PARAMETER_UNUSED" ? "warning" : "error", code, message, ...details },
			),
		);
	};

	for (const [name, entry] of Object.entries(declared)) {
		// An entry that is not complete is the schema's to refuse.
		if (!isRecord(entry) || !isFiniteNumber(entry.min) || !isFiniteNumber(entry.max) || !isFiniteNumber(entry.default))
			continue;
		const path = ["parameters", name];
		const unit = typeof entry.unit === "string" ? entry.unit : "";
		const limits = { min: entry.min, max: entry.max, unit, integer: entry.integer === true };
		if (limits.min > limits.max) {
			report(
				[...path, "min"],
				"PARAMETER_RANGE_EMPTY",
				`Parameter ${name} has min ${limits.min} above max ${limits.max} ${unit}.`,
				limits.min,
				limits.max,
			);
			continue;
		}
		const fault = outside(name, entry.default, limits, "The default of parameter");
		if (fault) report([...path, "default"], fault.code, fault.message, entry.default, fault.limit);
		else values.set(name, entry.default);
		if (!Object.hasOwn(set, name)) continue;
		const given = asNumber(set[name]);
		if (given === undefined) {
			report(
				path,
				"PARAMETER_NOT_A_NUMBER",
				`Parameter ${name} is set to "${set[name]}", which is not a number (unit ${unit}).`,
				set[name],
			);
			continue;
		}
		const setFault = outside(name, given, limits, "Parameter");
		if (setFault) report(path, setFault.code, setFault.message, given, setFault.limit);
		else values.set(name, given);
	}
	for (const name of Object.keys(set)) {
		if (Object.hasOwn(declared, name)) continue;
		const known = Object.keys(declared);
		const message = `The recipe has no parameter ${name}; it has ${known.length === 0 ? "none" : known.join(", ")}.`;
		report(["parameters"], "PARAMETER_UNKNOWN", message, name, known);
	}

	const unresolved: Path[] = [];
	const used = new Set<string>();
	const fill = (node: unknown, path: Path): unknown => {
		if (path.length > DEPTH_MAX) return node;
		if (Array.isArray(node)) return node.map((item, index) => fill(item, [...path, index]));
		if (isRecord(node)) {
			if (path.length === 1 && path[0] === "parameters") return node;
			// A null prototype: no key of the file can reach anything but data.
			const copy = Object.create(null) as Record<string, unknown>;
			for (const [key, item] of Object.entries(node))
				copy[key] = TEXT_KEYS.has(key) ? item : fill(item, [...path, key]);
			return copy;
		}
		if (typeof node !== "string" || !node.startsWith("$")) return node;
		const name = node.slice(1);
		used.add(name);
		const value = values.get(name);
		if (value !== undefined) return value;
		unresolved.push(path);
		if (!Object.hasOwn(declared, name)) {
			const known = Object.keys(declared);
			const what = PARAMETER_NAME.test(name)
				? `There is no parameter ${name}`
				: `"${node}" is not a reference of the form $name`;
			report(
				path,
				"PARAMETER_UNKNOWN",
				`${what}; the recipe has ${known.length === 0 ? "none" : known.join(", ")}.`,
				node,
				known,
			);
		}
		return node;
	};
	const value = fill(document.value, []);
	for (const name of Object.keys(declared)) {
		if (!used.has(name))
			report(["parameters", name], "PARAMETER_UNUSED", `Parameter ${name} is not used by any step.`, name);
	}
	return { value, parameters: Object.fromEntries(values), problems, unresolved };
}

function outside(
	name: string,
	value: number,
	{ min, max, unit, integer }: { min: number; max: number; unit: string; integer: boolean },
	subject: string,
): { code: RuleCode; message: string; limit: unknown } | undefined {
	const range = `${min} to ${max} ${unit}`;
	if (value < min || value > max) {
		const message = `${subject} ${name} is ${value} ${unit}, outside its range of ${range}.`;
		return { code: "PARAMETER_OUT_OF_RANGE", message, limit: value < min ? min : max };
	}
	if (integer && !Number.isInteger(value)) {
		const message = `${subject} ${name} is ${value} ${unit}, but only whole numbers are allowed (${range}).`;
		return { code: "PARAMETER_NOT_AN_INTEGER", message, limit: range };
	}
	return undefined;
}

/** What a recipe's text declares, in its order; entries that are not whole are left out, the check says what is wrong. */
export function declaredParameters(text: string): DeclaredParameter[] {
	const { value } = readYaml(text);
	if (!isRecord(value) || !isRecord(value.parameters)) return [];
	return Object.entries(value.parameters).flatMap(([name, entry]) => {
		if (!isRecord(entry)) return [];
		const { title, unit, min, max, default: usual, integer } = entry;
		if (!isFiniteNumber(min) || !isFiniteNumber(max) || !isFiniteNumber(usual)) return [];
		const isText = (part: unknown): part is string => typeof part === "string";
		const texts = { title: isText(title) ? title : name, unit: isText(unit) ? unit : "" };
		return [{ name, ...texts, min, max, default: usual, integer: integer === true }];
	});
}

const isFiniteNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** Numbers as people type them; hexadecimal and empty texts are no numbers here. */
function asNumber(value: number | string | undefined): number | undefined {
	if (typeof value === "string" && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim())) return undefined;
	const number = Number(value);
	return Number.isFinite(number) ? number : undefined;
}
