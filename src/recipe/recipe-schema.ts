/**
 * The JSON Schema (draft-07) of a recipe. Two readings of one description: with references, as editors use it
 * (recipes/recipe.schema.json, kept equal by a test), and without, for the document whose parameters are filled in.
 *
 * The ranges here are those of common sense; what the reactor, the film and the metal allow is for the rules.
 */
import { STEP_ACTIONS } from "#recipe/recipe-file.js";
import { OVERRIDE_CODES } from "#recipe/rule-codes.js";

/** Two days: a step that lasts longer is a slip of the pen. */
const STEP_SECONDS_MAX = 172_800;
const REPEAT_TIMES_MAX = 10_000;
const STEPS_IN_LIST_MAX = 200;

export const NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
export const PARAMETER_PATTERN = "^[a-z][a-z0-9_]{0,31}$";
export const REFERENCE_PATTERN = "^\\$[a-z][a-z0-9_]{0,31}$";

interface Range {
	readonly minimum?: number;
	readonly exclusiveMinimum?: number;
	readonly maximum?: number;
}

type Schema = Readonly<Record<string, unknown>>;

export function recipeSchema({ references }: { references: boolean }): Schema {
	const numeric = (type: "number" | "integer", description: string, range: Range): Schema =>
		references
			? { description, anyOf: [{ type, ...range }, { $ref: "#/definitions/reference" }] }
			: { description, type, ...range };
	const number = (description: string, range: Range): Schema => numeric("number", description, range);
	const temperature = (description: string): Schema => number(description, { minimum: -50, maximum: 1000 });
	const seconds = (description: string): Schema => number(description, { minimum: 0, maximum: STEP_SECONDS_MAX });
	const timeout = number("The step fails when it has not ended after this many seconds.", {
		exclusiveMinimum: 0,
		maximum: STEP_SECONDS_MAX,
	});
	const rate = (description: string): Schema => number(description, { exclusiveMinimum: 0, maximum: 100 });
	const band = (description: string, maximum = 50): Schema => number(description, { exclusiveMinimum: 0, maximum });
	const onTimeout: Schema = {
		description:
			"What happens then: hold, abort, or continue with a record; continue only where nothing dangerous follows.",
		enum: ["hold", "abort", "continue"],
	};
	const precursor: Schema = { description: "A precursor of the lab file.", type: "string", pattern: NAME_PATTERN };
	const zone: Schema = { description: "A heated zone of the lab file.", type: "string", pattern: NAME_PATTERN };

	const actions: Record<(typeof STEP_ACTIONS)[number], Schema> = {
		flow: object("Sets the carrier flow.", {
			sccm: number("Flow in sccm; 0 shuts it.", { minimum: 0, maximum: 10_000 }),
		}),
		pump_down: object("Waits until the chamber is below a pressure.", {
			below_torr: number("Pressure in Torr.", { exclusiveMinimum: 0, maximum: 760 }),
			timeout_s: timeout,
		}),
		heat: {
			description: "Starts zones on the way to new temperatures and goes on at once; stabilise waits.",
			type: "object",
			minProperties: 1,
			propertyNames: { pattern: NAME_PATTERN },
			additionalProperties: { $ref: "#/definitions/heat_zone" },
		},
		stabilise: object("Waits until all zones stay in band around the target of the last heat step.", {
			zones: {
				description: "Zones to wait for.",
				type: "array",
				minItems: 1,
				maxItems: 32,
				uniqueItems: true,
				items: zone,
			},
			within_degC: band("Half width of the band in °C."),
			for_s: seconds("Seconds for which all zones must stay in band."),
			timeout_s: timeout,
		}),
		repeat: object(
			"Does the steps several times.",
			{
				times: numeric("integer", "How often.", { minimum: 1, maximum: REPEAT_TIMES_MAX }),
				steps: { $ref: "#/definitions/steps" },
			},
			{
				film: {
					description:
						"Which film of the product these cycles deposit; required where the product is a stack of films.",
					type: "string",
					pattern: NAME_PATTERN,
				},
			},
		),
		pulse: object("Opens a precursor valve; the instrument's hardware times the width.", {
			precursor,
			ms: number("Width in ms.", { exclusiveMinimum: 0, maximum: 10_000 }),
		}),
		exposure: object(
			"Shuts the carrier and the stop valve, doses, lets the precursor soak, and opens again. Its purge comes next.",
			{
				precursor,
				ms: number("Width of the pulse in ms.", { exclusiveMinimum: 0, maximum: 10_000 }),
				soak_s: number("Seconds with the stop valve shut after the pulse.", { exclusiveMinimum: 0, maximum: 3600 }),
			},
		),
		purge: object("Lets the carrier clear the precursor that was dosed just before.", { for_s: seconds("Seconds.") }),
		wait: object("Lets time pass.", { for_s: seconds("Seconds.") }),
		anneal: object("Slowly approaches a temperature, then counts the time in band.", {
			zone,
			at_degC: temperature("Anneal temperature in °C."),
			within_degC: band("Time counts while the zone is within this of the anneal temperature, in °C.", 5),
			for_s: number("Seconds in band.", { exclusiveMinimum: 0, maximum: STEP_SECONDS_MAX }),
			ramp_degC_per_min: rate("Ramp of the first part in °C/min."),
			approach_last_degC: number("The last so many °C are approached slowly.", { minimum: 0, maximum: 500 }),
			approach_degC_per_min: rate("Ramp of the last part in °C/min."),
			never_above_degC: temperature("A foil temperature above this trips the heaters off."),
			timeout_s: timeout,
		}),
		cool: object("Switches all heaters off and waits until a zone is cold.", {
			zone,
			below_degC: temperature("Ends when the zone is below this, in °C."),
			timeout_s: timeout,
		}),
		prompt: object(
			"Asks a person, and waits for the answer under a name.",
			{
				id: { description: "Short name, given with the answer.", type: "string", pattern: NAME_PATTERN },
				text: text("What to do.", 500),
				confirm: text("What the person confirms by answering.", 200),
				timeout_s: number("Seconds until nobody has answered.", { exclusiveMinimum: 0, maximum: STEP_SECONDS_MAX }),
				on_timeout: onTimeout,
			},
			{
				lid: {
					description: "The lid may be open while this is asked, and must be closed when it is answered.",
					const: "may_open",
				},
			},
		),
		wait_until: object("Waits until a measured value has been above or below a limit for a time.", {
			of: {
				description: "chamber, foreline, carrier, foil, a zone of the lab file, or a signal as instrument.signal.",
				type: "string",
				pattern: "^[A-Za-z][A-Za-z0-9_-]{0,63}(\\.[A-Za-z][A-Za-z0-9_]{0,31})?$",
			},
			is: { enum: ["above", "below"] },
			value: number("The limit, in `unit`.", { minimum: -1e9, maximum: 1e9 }),
			unit: {
				description: "Unit of the value: Torr or that of the signal.",
				type: "string",
				minLength: 1,
				maxLength: 16,
			},
			for_s: seconds("Seconds for which it must hold."),
			timeout_s: number("Seconds to wait at most.", { exclusiveMinimum: 0, maximum: STEP_SECONDS_MAX }),
			on_timeout: onTimeout,
		}),
		leak_check: object("Shuts the stop valve and measures how fast the chamber's pressure rises.", {
			settle_s: seconds("Seconds between shutting and the first measurement."),
			for_s: number("Seconds of measurement, five minutes at least.", { minimum: 300, maximum: STEP_SECONDS_MAX }),
		}),
		line_evacuate: object(
			"Pulses each line, its hand valve being shut, until a pulse brings only a share of what a full line brings.",
			{
				precursors: {
					description: "One line after the other.",
					type: "array",
					minItems: 1,
					maxItems: 16,
					uniqueItems: true,
					items: precursor,
				},
				ms: number("Width of each pulse in ms.", { exclusiveMinimum: 0, maximum: 10_000 }),
				purge_s: number("Seconds after each pulse.", { minimum: 5, maximum: 3600 }),
				below_percent: number("Share of the normal pressure area at which a line counts as empty, in %.", {
					exclusiveMinimum: 0,
					maximum: 50,
				}),
				pulses_max: numeric("integer", "More pulses than this for one line fail the step.", {
					minimum: 1,
					maximum: 500,
				}),
			},
		),
		backfill: object("Shuts the stop valve and fills the cold chamber with carrier.", {
			to_torr: number("Pressure at the end in Torr.", { exclusiveMinimum: 0, maximum: 760 }),
			sccm: number("Flow in sccm.", { exclusiveMinimum: 0, maximum: 10_000 }),
			foil_below_degC: temperature("Every zone that heats the foil must be below this, in °C."),
			timeout_s: timeout,
		}),
		glovebox: object("Waits until the glovebox atmosphere is within the limits that the lab file declares for it.", {
			for_s: seconds("Seconds for which it must hold."),
			timeout_s: number("Seconds to wait at most.", { exclusiveMinimum: 0, maximum: STEP_SECONDS_MAX }),
			on_timeout: onTimeout,
		}),
	};

	return {
		$schema: "http://json-schema.org/draft-07/schema#",
		$id: "https://adlayer.dev/schemas/recipe-1.json",
		title: "Adlayer recipe",
		...object(
			"A coating recipe. Units are in the keys; nothing that is missing is assumed.",
			{
				adlayer: { description: "Kind and version of this file.", const: "recipe/1" },
				name: { description: "Short name, as in the file name.", type: "string", pattern: NAME_PATTERN },
				title: text("One line for people.", 120),
				version: { description: "Version of the recipe, in quotes.", type: "string", minLength: 1, maxLength: 32 },
				material: { description: "What is coated: a file in materials/.", type: "string", pattern: NAME_PATTERN },
				product: {
					if: { type: "object" },
					// biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema
					then: {
						if: { type: "object", required: ["films"] },
						// biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema
						then: object("A stack of films. The sample is named {material}@{n}({a}{film}+{b}{film})[-ex|-in].", {
							films: {
								description: "The films, each a file in films/; repeats name the one that they deposit.",
								type: "array",
								minItems: 2,
								maxItems: 8,
								uniqueItems: true,
								items: { type: "string", pattern: NAME_PATTERN },
							},
							suffix,
						}),
						else: object("What comes out. The sample is named {material}@{cycles}{film}[-ex|-in].", {
							film: { description: "The film at the end: a file in films/.", type: "string", pattern: NAME_PATTERN },
							suffix,
						}),
					},
					else: { description: "The recipe coats nothing.", const: "none" },
				},
				steps: { type: "array", minItems: 1, maxItems: STEPS_IN_LIST_MAX, items: { $ref: "#/definitions/top_step" } },
			},
			{
				description: {
					description: "What the recipe is for, and where its numbers come from.",
					type: "string",
					maxLength: 8000,
				},
				parameters: {
					description:
						"Numbers that may be changed at launch. A value `$name` anywhere below stands for the parameter.",
					type: "object",
					maxProperties: 64,
					propertyNames: { pattern: PARAMETER_PATTERN },
					additionalProperties: { $ref: "#/definitions/parameter" },
				},
				overrides: {
					description: "What would be refused, declared on purpose with a reason.",
					type: "array",
					maxItems: OVERRIDE_CODES.length,
					items: object("One declaration.", {
						code: { enum: OVERRIDE_CODES },
						reason: {
							...text("Why, for the record, in words.", 500),
							pattern: "\\p{L}{2}.*\\P{L}.*\\p{L}{2}",
						},
					}),
				},
				foil_never_above_degC: temperature(
					"The foil's ceiling for the whole run; required where no anneal states one.",
				),
				hold_degC: temperature("Temperature of the foil zones while held, in °C."),
				max_pause_s: seconds("Longest pause in seconds; 1800 when not given."),
			},
		),
		definitions: {
			...(references
				? { reference: { description: "The value of a parameter.", type: "string", pattern: REFERENCE_PATTERN } }
				: {}),
			parameter: object(
				"A number that may be changed at launch.",
				{
					title: text("What it is.", 120),
					unit: text("Its unit, for messages.", 24),
					min: { type: "number" },
					max: { type: "number" },
					default: { type: "number" },
				},
				{ integer: { description: "Only whole numbers.", type: "boolean" } },
			),
			heat_zone: object("Where to, and how fast.", {
				to_degC: temperature("Target in °C."),
				ramp_degC_per_min: rate("Ramp in °C/min."),
			}),
			top_step: {
				if: { type: "object", required: ["phase"] },
				// biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema
				then: { $ref: "#/definitions/phase" },
				else: { $ref: "#/definitions/step" },
			},
			phase: object("Steps that belong together.", {
				phase: {
					description: "e.g. prepare, deposit, anneal, cool.",
					type: "string",
					pattern: "^[a-z][a-z0-9-]{0,31}$",
				},
				steps: { $ref: "#/definitions/steps" },
			}),
			steps: { type: "array", minItems: 1, maxItems: STEPS_IN_LIST_MAX, items: { $ref: "#/definitions/step" } },
			step: {
				description: `One step: exactly one of ${STEP_ACTIONS.join(", ")}.`,
				type: "object",
				additionalProperties: false,
				properties: { title: text("One line for people, in place of the made one.", 120), ...actions },
				oneOf: STEP_ACTIONS.map((action) => ({ required: [action] })),
			},
		},
	};
}

const suffix: Schema = {
	description: "ex: made by an anneal after the deposition; in: made during it; none: the name has no suffix.",
	enum: ["ex", "in", "none"],
};

const text = (description: string, maxLength: number): Schema => ({
	description,
	type: "string",
	minLength: 1,
	maxLength,
});

/** An object all of whose `properties` are required, and that has no others but `optional`. */
export function object(description: string, properties: Schema, optional: Schema = {}): Schema {
	return {
		description,
		type: "object",
		additionalProperties: false,
		required: Object.keys(properties),
		properties: { ...properties, ...optional },
	};
}
