/** A document against a JSON Schema, with every problem at its line and column. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Problem } from "#core/errors.js";
import { type Path, printPath } from "#recipe/path.js";
import { STEP_ACTIONS } from "#recipe/recipe-file.js";
import type { RuleCode } from "#recipe/rule-codes.js";
import { problemAt, type YamlDocument } from "#recipe/yaml-document.js";

/** More than this tells nobody anything. */
export const PROBLEMS_MAX = 200;

export type Validator = ValidateFunction;

/** Compiled once, at start. */
export function compileSchema(schema: object): Validator {
	return new Ajv({
		allErrors: true,
		strict: true,
		strictRequired: false,
		allowUnionTypes: true,
		verbose: true,
	}).compile(schema);
}

export interface SchemaFinding {
	readonly path: Path;
	readonly problem: Problem;
}

/**
 * All problems of `value`, located in `document`; `value` may differ from the document's own where parameters were filled
 * in. Empty when the schema holds.
 */
export function validate(validator: Validator, value: unknown, document: YamlDocument): SchemaFinding[] {
	if (validator(value)) return [];
	const findings: SchemaFinding[] = [];
	const seen = new Set<string>();
	for (const error of validator.errors ?? []) {
		const described = describe(error, value);
		if (!described) continue;
		const key = `${described.code} ${printPath(described.path)}`;
		if (seen.has(key)) continue;
		seen.add(key);
		const { path, part, ...rest } = described;
		findings.push({ path, problem: problemAt(document, { path, part }, { severity: "error", ...rest }) });
		if (findings.length >= PROBLEMS_MAX) break;
	}
	return findings;
}

interface Described {
	path: Path;
	part: "key" | "value";
	code: RuleCode;
	message: string;
	value?: unknown;
	limit?: unknown;
}

function describe(error: ErrorObject, root: unknown): Described | undefined {
	const path = pathOf(error.instancePath, root);
	const value = scalar(error.data);
	const name = printPath(path) || "The document";
	const params = error.params as Record<string, unknown>;
	const at = (code: RuleCode, message: string, limit?: unknown): Described => ({
		path,
		part: "value",
		code,
		message,
		...(value === undefined ? {} : { value }),
		...(limit === undefined ? {} : { limit }),
	});
	// The branches of `oneOf` and the `if` only say in other words what the keyword around them says.
	if (/\/oneOf\/\d+\//.test(error.schemaPath) || error.keyword === "if") return undefined;
	switch (error.keyword) {
		case "additionalProperties": {
			const key = String(params.additionalProperty);
			const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
			const message = `Unknown key "${key}"${path.length > 0 ? ` in ${name}` : ""}; known here: ${known.join(", ")}.`;
			return { path: [...path, key], part: "key", code: "KEY_UNKNOWN", message, value: key, limit: known };
		}
		case "required": {
			const key = String(params.missingProperty);
			const message = `${name} has no "${key}"; it is required, and nothing is assumed in its place.`;
			return { path: [...path, key], part: "key", code: "KEY_MISSING", message };
		}
		case "oneOf": {
			const given = STEP_ACTIONS.filter((action) => isRecord(error.data) && Object.hasOwn(error.data, action));
			const found = given.length === 0 ? "it has none" : `it has ${given.join(" and ")}`;
			const message = `${name} must have exactly one of ${STEP_ACTIONS.join(", ")}; ${found}.`;
			return { path, part: "value", code: "STEP_ACTION", message, value: given, limit: STEP_ACTIONS };
		}
		case "type":
			return at(
				"VALUE_TYPE",
				`${name} is ${print(error.data)}, but must be ${article(String(params.type))}${typeof error.data === "number" && params.type === "string" ? ": write it in quotes" : ""}.`,
				params.type,
			);
		case "minimum":
		case "maximum":
		case "exclusiveMinimum":
		case "exclusiveMaximum": {
			const sign = String(params.comparison);
			return at(
				"VALUE_OUT_OF_RANGE",
				`${name} is ${print(error.data)}, but must be ${sign} ${params.limit}.`,
				params.limit,
			);
		}
		case "const":
			return at(
				"VALUE_NOT_ALLOWED",
				`${name} is ${print(error.data)}, but must be ${print(params.allowedValue)}.`,
				params.allowedValue,
			);
		case "enum": {
			const allowed = params.allowedValues as readonly unknown[];
			return at(
				"VALUE_NOT_ALLOWED",
				`${name} is ${print(error.data)}, but must be one of ${allowed.map(String).join(", ")}.`,
				allowed,
			);
		}
		case "propertyNames": {
			const key = String(params.propertyName);
			const message = `"${key}" in ${name} is not a name: letters, digits and underscores, a letter first.`;
			return { path: [...path, key], part: "key", code: "VALUE_NOT_ALLOWED", message, value: key };
		}
		case "maxLength":
			return at(
				"VALUE_NOT_ALLOWED",
				`${name} has ${String(error.data).length} characters, the most are ${params.limit}.`,
				params.limit,
			);
		case "pattern":
			// Under `propertyNames` the same is said of the key by that keyword.
			if (error.propertyName !== undefined) return undefined;
			return at(
				"VALUE_NOT_ALLOWED",
				`${name} is ${print(error.data)}, which does not have the form ${FORMS[String(params.pattern)] ?? params.pattern}${meaning(error)}.`,
				params.pattern,
			);
		case "false schema":
			return at("VALUE_NOT_ALLOWED", `${name} does not belong to these settings.`);
		default:
			return at("VALUE_NOT_ALLOWED", `${name} ${error.message ?? "is not allowed"}.`, params.limit);
	}
}

/** Text for people. */
export const ONE_LINE = "^[^\\p{Cc}]*$";

/** Patterns as people say what they stand for. */
const FORMS: Readonly<Record<string, string>> = {
	"^\\d{4}-\\d{2}-\\d{2}$": "YYYY-MM-DD",
	"^[A-Za-z][A-Za-z0-9_]{0,31}$": "of a name: letters, digits and underscores, a letter first, 32 at most",
	"^[A-Za-z][A-Za-z0-9_]{0,31}\\.[A-Za-z][A-Za-z0-9_]{0,31}$": "instrument.signal",
	[ONE_LINE]: "of one line of text without control characters",
};

/** From a JSON pointer; list positions become numbers by what the data are. */
function pathOf(pointer: string, root: unknown): Path {
	const path: (string | number)[] = [];
	let here = root;
	for (const raw of pointer.split("/").slice(1)) {
		const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
		if (Array.isArray(here)) {
			path.push(Number(key));
			here = here[Number(key)];
		} else {
			path.push(key);
			here = isRecord(here) ? here[key] : undefined;
		}
	}
	return path;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

/** What is short enough to be shown in a message or carried as a problem's value. */
const scalar = (value: unknown): unknown => (typeof value === "object" && value !== null ? undefined : value);

function print(value: unknown): string {
	if (Array.isArray(value)) return "a list";
	if (value === null) return "empty";
	if (typeof value === "object") return "a mapping";
	if (typeof value !== "string") return String(value);
	return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}

/** What the schema says of a pattern, for those who read none. */
function meaning({ parentSchema }: ErrorObject): string {
	const text: unknown = parentSchema?.description;
	return typeof text === "string" ? `: ${text.replace(/\.$/, "")}` : "";
}

const article = (type: string): string =>
	({
		object: "a mapping",
		array: "a list",
		integer: "a whole number",
		number: "a number",
		string: "text",
		boolean: "true or false",
	})[type] ?? type;
