/** The settings of a probe: what the command line says over what the driver needs to look at an instrument. */
import { AdlayerError, type Problem } from "#core/errors.js";
import type { AnyDriver } from "#drivers/index.js";
import { compileSchema, isRecord, validate } from "#recipe/schema.js";
import { readYaml } from "#recipe/yaml-document.js";

type Schema = Readonly<Record<string, unknown>>;

/**
 * `key=value` texts as checked settings; `group.key=value` and JSON values reach into groups. A driver with
 * `probeSettings` can be probed without the settings that it otherwise requires. Throws USAGE with all problems.
 */
export function probeSettings(driver: AnyDriver, options: readonly string[]): Record<string, unknown> {
	const declared = driver.settingsSchema as Schema;
	const schema: Schema = {
		...declared,
		properties: { ...(declared.properties as object | undefined), ...driver.probeProperties },
	};
	const problems: Problem[] = [];
	const said: Record<string, unknown> = {};
	for (const option of options) {
		const equals = option.indexOf("=");
		if (equals < 1) problems.push(problem(`--option ${option} is not of the form key=value.`, option));
		else place(said, option.slice(0, equals).split("."), option.slice(equals + 1), schema, problems);
	}
	const settings = { ...driver.probeSettings, ...said };
	const validator = compileSchema(driver.probeSettings === undefined ? schema : withoutRequired(schema));
	for (const { problem: found } of validate(validator, settings, readYaml("{}"))) {
		const { line: _line, column: _column, ...rest } = found;
		problems.push({ ...rest, code: "USAGE" });
	}
	if (problems.length === 0) return settings;
	const allowed = Object.keys((schema.properties ?? {}) as object);
	const first = problems.map(({ message }) => message.replace(/^The document/, "--option")).join(" ");
	throw new AdlayerError("USAGE", `The options do not fit ${driver.name}: ${first}`, {
		problems,
		context: { allowed },
		hint: `Options of ${driver.name}: ${allowed.join(", ")}; docs/lab-file.md explains them.`,
	});
}

/** Nothing has to be said: neither always nor by the kind of instrument that is said. */
function withoutRequired(schema: Schema): Schema {
	const { required: _required, ...optional } = schema;
	const branches = ["then", "else"].filter((keyword) => isRecord(optional[keyword]));
	return {
		...optional,
		...Object.fromEntries(branches.map((keyword) => [keyword, withoutRequired(optional[keyword] as Schema)])),
	};
}

function place(
	into: Record<string, unknown>,
	path: readonly string[],
	text: string,
	schema: Schema | undefined,
	problems: Problem[],
): void {
	const [key, ...rest] = path as [string, ...string[]];
	const inner = memberOf(schema, key);
	if (rest.length === 0) {
		if (Object.hasOwn(into, key)) problems.push(problem(`${path.join(".")} is given twice.`, text));
		// A key such as "__proto__" becomes a property like any other, and is then found unknown.
		Object.defineProperty(into, key, {
			value: readValue(text, inner),
			enumerable: true,
			configurable: true,
			writable: true,
		});
		return;
	}
	if (!isRecord(into[key]) || !Object.hasOwn(into, key)) {
		Object.defineProperty(into, key, { value: {}, enumerable: true, configurable: true, writable: true });
	}
	place(into[key] as Record<string, unknown>, rest, text, inner, problems);
}

function memberOf(schema: Schema | undefined, key: string): Schema | undefined {
	const properties = isRecord(schema?.properties) ? schema.properties : {};
	const found = Object.hasOwn(properties, key) ? properties[key] : schema?.additionalProperties;
	return isRecord(found) ? found : undefined;
}

/** Text stays text where the schema wants text; elsewhere numbers, true, false, lists and groups are read as JSON, lists as a,b too. */
function readValue(text: string, schema: Schema | undefined): unknown {
	const choices = Array.isArray(schema?.enum) ? schema.enum : [];
	if (schema?.type === "string" || (choices.length > 0 && choices.every((choice) => typeof choice === "string"))) {
		return text;
	}
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return schema?.type === "array" ? text.split(",").map((each) => each.trim()) : text;
	}
}

function problem(message: string, value: unknown): Problem {
	return { severity: "error", code: "USAGE", message, value };
}
