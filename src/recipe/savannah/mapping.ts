/**
 * What a table does not say: which number is which part of this reactor, and everything that a recipe needs besides. One
 * file serves both ways; flags add to it. Nothing of it is assumed.
 */
import type { Problem } from "#core/errors.js";
import type { ProductEntry } from "#recipe/recipe-file.js";
import { object, recipeSchema } from "#recipe/recipe-schema.js";
import { compileSchema, isRecord, validate } from "#recipe/schema.js";
import { readYaml } from "#recipe/yaml-document.js";

/** A number that this reactor has no counterpart of: its lines are left out, on purpose. */
export const NONE = "none";

export interface Mapping {
	/** Number of the table to `carrier`, or `none`. */
	readonly flow: Readonly<Record<string, string>>;
	/** Heater channel to zone, or `none`. */
	readonly heater: Readonly<Record<string, string>>;
	/** Valve to precursor. */
	readonly valve: Readonly<Record<string, string>>;
	/** Which value of `stopvalve` opens it. */
	readonly stopvalve?: { readonly open: 0 | 1 };
	readonly recipe: RecipeHead;
}

/** A recipe's header, and the numbers that the table leaves to the tool. */
export interface RecipeHead {
	readonly name?: string;
	readonly title?: string;
	readonly version?: string;
	readonly material?: string;
	readonly product?: ProductEntry;
	readonly foil_never_above_degC?: number;
	readonly ramp_degC_per_min?: number;
	readonly stabilise?: { readonly within_degC: number; readonly for_s: number; readonly timeout_s: number };
	/** Done before the table: the carrier is shut and the chamber pumped down. */
	readonly pump_down?: { readonly below_torr: number; readonly timeout_s: number };
	/** Done after the table. */
	readonly cool?: { readonly zone: string; readonly below_degC: number; readonly timeout_s: number };
}

export const EMPTY_MAPPING: Mapping = { flow: {}, heater: {}, valve: {}, recipe: {} };

const whole = recipeSchema({ references: false }) as {
	properties: Record<string, object>;
	definitions: { step: { properties: Record<string, { properties: Record<string, object> }> } };
};
const of = (action: string, names: readonly string[]): object => {
	const { properties } = whole.definitions.step.properties[action]!;
	return object(action, Object.fromEntries(names.map((name) => [name, properties[name]!])));
};
const numbered = (pattern: string): object => ({
	type: "object",
	maxProperties: 64,
	propertyNames: { pattern: "^(0|[1-9][0-9]{0,5})$" },
	additionalProperties: { type: "string", pattern },
});
const NAME = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";

const validateMapping = compileSchema(
	object(
		"Numbers of a Savannah or Fiji table, and what the table does not say.",
		{ adlayer: { const: "savannah/1" } },
		{
			flow: numbered("^(carrier|none)$"),
			heater: numbered(NAME),
			valve: numbered(NAME),
			stopvalve: object("Which value opens it.", { open: { enum: [0, 1] } }),
			recipe: object(
				"Header of the recipe.",
				{},
				{
					...Object.fromEntries(
						["name", "title", "version", "material", "product", "foil_never_above_degC"].map((name) => [
							name,
							whole.properties[name]!,
						]),
					),
					ramp_degC_per_min: { type: "number", exclusiveMinimum: 0, maximum: 100 },
					stabilise: of("stabilise", ["within_degC", "for_s", "timeout_s"]),
					pump_down: of("pump_down", ["below_torr", "timeout_s"]),
					cool: of("cool", ["zone", "below_degC", "timeout_s"]),
				},
			),
		},
	),
);

/** A mapping file's text. Every problem at its line and column of that file. */
export function readMapping(text: string): { mapping: Mapping; problems: readonly Problem[] } {
	const document = readYaml(text);
	if (document.problems.length > 0) return { mapping: EMPTY_MAPPING, problems: document.problems };
	const findings = validate(validateMapping, document.value, document);
	if (findings.length > 0 || !isRecord(document.value))
		return { mapping: EMPTY_MAPPING, problems: findings.map(({ problem }) => problem) };
	const given = document.value as unknown as Partial<Mapping>;
	const mapping = {
		flow: given.flow ?? {},
		heater: given.heater ?? {},
		valve: given.valve ?? {},
		recipe: given.recipe ?? {},
		...(given.stopvalve === undefined ? {} : { stopvalve: given.stopvalve }),
	};
	return { mapping, problems: twice(mapping) };
}

/** `heater.12=stage`, `valve.0=TMA`, `flow.0=carrier`, `stopvalve.open=1`; gives the sentence that says what is wrong. */
export function addFlag(mapping: Mapping, flag: string): Mapping | string {
	const match = /^(flow|heater|valve)\.(0|[1-9]\d{0,5})=([A-Za-z][A-Za-z0-9_-]{0,63})$/.exec(flag);
	if (match) {
		const [, kind, number, role] = match as unknown as [string, "flow" | "heater" | "valve", string, string];
		if (kind === "flow" && role !== "carrier" && role !== NONE)
			return `A flow controller is the carrier or none, not ${role}.`;
		return { ...mapping, [kind]: { ...mapping[kind], [number]: role } };
	}
	const stop = /^stopvalve\.open=([01])$/.exec(flag);
	if (stop) return { ...mapping, stopvalve: { open: Number(stop[1]) as 0 | 1 } };
	return `A mapping is heater.N=ZONE, valve.N=PRECURSOR, flow.N=carrier or stopvalve.open=0|1, not ${flag.slice(0, 60)}.`;
}

/** Each part of the reactor has one number, or the way back would not be known. */
export function twice(mapping: Mapping): Problem[] {
	return (["flow", "heater", "valve"] as const).flatMap((kind) => {
		const seen = new Map<string, string>();
		return Object.entries(mapping[kind]).flatMap(([number, role]): Problem[] => {
			if (role === NONE) return [];
			const before = seen.get(role);
			seen.set(role, number);
			if (before === undefined) return [];
			const message = `${role} is both ${kind}.${before} and ${kind}.${number}; each part has one number.`;
			return [{ severity: "error", code: "TABLE_MAPPING", message, path: `${kind}.${number}`, value: role }];
		});
	});
}
