/** JSON Schemas (draft-07) of material and film files; recipes/*.schema.json are kept equal to them by a test. */
import { NAME_PATTERN, object } from "#recipe/recipe-schema.js";

const name = { type: "string", pattern: NAME_PATTERN };
const line = (description: string) => ({ description, type: "string", minLength: 1, maxLength: 500 });
const degC = (description: string) => ({ description, type: "number", minimum: -273.15, maximum: 4000 });
const list = (items: object) => ({ type: "array", minItems: 1, maxItems: 64, items });

export const materialSchema = {
	$schema: "http://json-schema.org/draft-07/schema#",
	$id: "https://adlayer.dev/schemas/material-1.json",
	...object(
		"Adlayer material: what is coated.",
		{
			adlayer: { const: "material/1" },
			name,
			title: line("One line for people."),
			melting_degC: {
				description: "Melting point in °C; null for what does not melt in range.",
				type: ["number", "null"],
			},
			source: line("Where the melting point comes from."),
		},
		{
			carrier_limits: {
				description: "Carrier gases that are reported inert to the material only up to a temperature.",
				...list(
					object("One gas.", {
						gas: { type: "string", minLength: 1, maxLength: 16 },
						above_degC: degC("Above this the launch must be acknowledged."),
						code: { description: "Code of the acknowledgement.", type: "string", pattern: "^[A-Z][A-Z0-9_]*$" },
						reason: line("What is known, one sentence without its full stop."),
					}),
				),
			},
		},
	),
};

const films = {
	deposited: object("Deposited cycle by cycle.", {
		precursors: { description: "All that one cycle doses.", ...list(name), uniqueItems: true },
		growth: {
			description: "Growth per cycle by material; material `any` serves those not named.",
			...list(
				object(
					"Growth on one material.",
					{
						material: name,
						nm_per_cycle: list(
							object("One measured point, temperatures rising.", {
								at_degC: degC("Foil."),
								nm: { type: "number", exclusiveMinimum: 0 },
							}),
						),
						source: line("Where the numbers come from."),
					},
					{
						shielding: object("How growth falls as the film shields what it grows on.", {
							from_nm: { description: "Full growth up to this thickness.", type: "number", minimum: 0 },
							to_nm: { description: "From here on only a share of it.", type: "number", exclusiveMinimum: 0 },
							share: { description: "That share.", type: "number", exclusiveMinimum: 0, maximum: 1 },
							below_degC: degC("Only below this; a hotter film does not shield."),
						}),
					},
				),
			),
		},
		purge_minimum: {
			description:
				"Shortest purge after each precursor by the coldest surface of the chamber. Hotter than the table: its last value.",
			type: "object",
			propertyNames: { pattern: NAME_PATTERN },
			additionalProperties: list(
				object("One point, temperatures rising.", {
					at_degC: degC("Coldest surface."),
					s: { type: "number", exclusiveMinimum: 0 },
				}),
			),
		},
		purge_source: line("Where the purge times come from."),
	}),
	formed: object("Formed from a deposited film by the material itself.", {
		from: { description: "The deposited film.", ...name },
		thickness_ratio: { description: "Thickness after over thickness before.", type: "number", exclusiveMinimum: 0 },
		source: line("Where the ratio comes from."),
	}),
};

export const filmSchema = {
	$schema: "http://json-schema.org/draft-07/schema#",
	$id: "https://adlayer.dev/schemas/film-1.json",
	...object(
		"Adlayer film: what a coating consists of; either `deposited` or `formed`.",
		{
			adlayer: { const: "film/1" },
			name: { ...name, pattern: "^[A-Z][A-Za-z0-9]*$" },
			title: line("One line for people."),
			made: {
				description: "The ways it is made, as the sample name tells them apart.",
				...list(
					object("One way.", {
						suffix: { enum: ["ex", "in", "none"] },
						anneal: { description: "Whether the recipe anneals after the deposition.", type: "boolean" },
					}),
				),
			},
		},
		{ materials: { description: "The only materials it is made on.", ...list(name) }, ...films },
	),
	oneOf: [{ required: ["deposited"] }, { required: ["formed"] }],
};
