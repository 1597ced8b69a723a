/** The arguments of every command as JSON Schemas: control takes nothing from the outside that it has not checked. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { AdlayerError, type Problem } from "#core/errors.js";
import { CELL_TESTS_PAGE } from "#record/cell-tests.js";
import { BY_CHARS_MAX, PLAIN } from "#record/plain-name.js";
import type { TuneOrder } from "#record/tune.js";
import type { CommandName } from "./messages.js";

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const name = { ...text(200), pattern: PLAIN };
const by = { ...text(BY_CHARS_MAX), pattern: PLAIN };
const reason = text(500);
const amount = { type: "number", exclusiveMinimum: 0 };
/** What the service says of its database and broker; longer words are cut by the service. */
export const DETAIL_CHARS_MAX = 500;
const detail = { type: "string", maxLength: DETAIL_CHARS_MAX };
const strict = (properties: Record<string, object>, optional: readonly string[] = []) => ({
	type: "object",
	additionalProperties: false,
	required: Object.keys(properties).filter((key) => !optional.includes(key)),
	properties,
});

const TUNE_NUMBERS = [
	"lowC",
	"highC",
	"aroundC",
	"hysteresisC",
	"cycles",
	"stepS",
	"watchS",
	"limitC",
	"secondsMax",
	"silenceSMax",
	"answerSMax",
] as const satisfies readonly (keyof TuneOrder)[];

const SCHEMAS: Readonly<Record<CommandName, object>> = {
	status: strict({}),
	launch: strict(
		{
			recipe: name,
			recipeText: text(60_000),
			set: { type: "object", maxProperties: 100, additionalProperties: { type: ["number", "string"] } },
			sample: name,
			operator: by,
			acknowledge: { type: "array", maxItems: 100, items: name },
		},
		["sample"],
	),
	command: strict(
		{
			run: name,
			// Which commands a run knows, it says itself.
			command: { type: "string", maxLength: 40 },
			by,
			annealMinutes: { type: "number", minimum: 0 },
		},
		["run", "annealMinutes"],
	),
	confirm: strict({ run: name, prompt: name, by }, ["run"]),
	campaigns: strict({}),
	campaign: strict({ campaign: name }),
	"create-campaign": strict({
		document: text(60_000),
		recipes: { type: "object", maxProperties: 20, additionalProperties: text(60_000) },
		by,
		check: { type: "boolean" },
	}),
	"command-campaign": strict(
		{
			campaign: name,
			// Which commands a campaign knows, it says itself.
			command: { type: "string", maxLength: 40 },
			by,
			entry: { type: "integer" },
			order: { type: "array", maxItems: 100, items: { type: "integer" } },
			loaded: name,
			barcode: name,
			acknowledge: { type: "array", maxItems: 100, items: name },
		},
		["entry", "order", "loaded", "barcode", "acknowledge"],
	),
	tune: strict({
		order: strict({
			zone: name,
			kind: { enum: ["relay", "step"] },
			...Object.fromEntries(TUNE_NUMBERS.map((key) => [key, { type: "number" }])),
		}),
		by,
	}),
	"tune-progress": strict({ tune: name, fromRow: { type: "integer", minimum: 0 } }),
	"loop-settings": strict({ zone: name }),
	"apply-loop-settings": strict({
		zone: name,
		settings: strict({
			proportionalBandC: { type: "number" },
			integralS: { type: "number" },
			derivativeS: { type: "number" },
		}),
		by,
	}),
	maintenance: strict({}),
	"change-bottle": strict({ precursor: name, grams: { type: "number" }, by }),
	"manual-set": strict(
		{
			actuator: name,
			value: { anyOf: [{ type: "number" }, { type: "string", minLength: 1, maxLength: 40 }] },
			neverAboveC: { type: "number" },
			by,
		},
		["neverAboveC"],
	),
	"manual-dose": strict({ precursor: name, ms: { type: "number", exclusiveMinimum: 0 }, by }),
	"make-safe": strict({ by }),
	"acknowledge-alarm": strict({ alarm: name, by }),
	"shelve-alarm": strict({
		alarm: name,
		by,
		reason,
		for: { anyOf: [{ type: "number", exclusiveMinimum: 0 }, { const: "one-shot" }] },
	}),
	"unshelve-alarm": strict({ alarm: name, by }),
	"remove-alarm": strict({ alarm: name, by, reason }),
	"return-alarm": strict({ alarm: name, by }),
	cyclers: strict({}),
	"cell-tests": strict(
		{
			cellTest: name,
			offset: { type: "integer", minimum: 0 },
			limit: { type: "integer", minimum: 1, maximum: CELL_TESTS_PAGE },
		},
		["cellTest", "offset", "limit"],
	),
	"start-cell-test": strict(
		{
			cell: { ...text(60), pattern: "^[^\\s\\p{Cc}][^\\p{Cc}]*$" },
			cycler: name,
			channel: name,
			protocolText: text(60_000),
			areaCm2: amount,
			activeMassG: amount,
			operator: by,
			attendedBy: by,
		},
		["channel", "areaCm2", "activeMassG", "attendedBy"],
	),
	"stop-cell-test": strict({ cellTest: name, by }),
	"report-service": strict({
		instance: name,
		leaving: { type: "boolean" },
		database: strict({
			state: { enum: ["ready", "unavailable", "starting"] },
			detail,
			refusedRecords: { type: "integer", minimum: 0 },
		}),
		broker: strict({ state: { enum: ["ready", "unavailable"] }, detail }),
	}),
	"reset-interlock": strict({ interlock: name, by }),
};

const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, verbose: true });
const validators = Object.fromEntries(
	Object.entries(SCHEMAS).map(([command, schema]) => [command, ajv.compile(schema)]),
) as Record<CommandName, ValidateFunction>;

/** Throws USAGE with every problem at once. */
export function checkArguments(command: CommandName, args: unknown): void {
	if (!Object.hasOwn(validators, command)) throw new AdlayerError("USAGE", `There is no command ${command}.`);
	const valid = validators[command];
	if (valid(args)) return;
	const problems = (valid.errors ?? []).map((error) => problemOf(error));
	throw new AdlayerError(
		"USAGE",
		`The arguments of ${command} are wrong: ${problems.map(({ message }) => message).join(" ")}`,
		{
			problems,
		},
	);
}

function problemOf({ instancePath, keyword, params, message, data }: ErrorObject): Problem {
	const at = instancePath.slice(1).replaceAll("/", ".");
	const what = at === "" ? "The object" : at;
	const named = params as { missingProperty?: string; additionalProperty?: string; limit?: unknown };
	const member = named.missingProperty ?? named.additionalProperty;
	const path = member === undefined ? at : at === "" ? member : `${at}.${member}`;
	const limit = named.limit === undefined ? {} : { limit: named.limit };
	const said =
		keyword === "required"
			? `${named.missingProperty} is missing.`
			: keyword === "additionalProperties"
				? `There is no argument ${named.additionalProperty}.`
				: keyword === "pattern"
					? `${what} must not contain control characters.`
					: `${what} ${message}.`;
	const isScalar = data === null || ["string", "number", "boolean"].includes(typeof data);
	return { severity: "error", code: "USAGE", message: said, path, ...(isScalar ? { value: data } : {}), ...limit };
}
