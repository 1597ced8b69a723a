import { usage } from "#api/problem.js";
import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { chosenRecipe, type RecipeChoice } from "#api/routes/recipes.js";
import { boolean, integer, list, recipeName, recipeText, ref, setValues, string } from "#api/schemas.js";
import { AdlayerError, type Problem } from "#core/errors.js";
import { exportTable } from "#recipe/savannah/export.js";
import { type Mapping, readMapping } from "#recipe/savannah/mapping.js";

interface MappingChoice {
	mapping?: object;
	mappingText?: string;
}
interface ImportBody extends MappingChoice {
	table?: string;
	tableBase64?: string;
	fileName?: string;
	lineBase?: 0 | 1;
	blankLines?: "counted" | "skipped";
}
interface ExportBody extends RecipeChoice, MappingChoice {
	lineBase: 0 | 1;
}

const TEXT_CHARS_MAX = 60_000;
const FILE_CHARS_MAX = 120;
const mappings = {
	mapping: { type: "object", description: "The mapping as JSON" },
	mappingText: { type: "string", minLength: 1, maxLength: TEXT_CHARS_MAX, description: "The mapping as YAML" },
};
const lineBase = { type: "integer", enum: [0, 1], description: "Number of the table's first line, for goto" };
const EXAMPLE_MAPPING = {
	adlayer: "savannah/1",
	flow: { 0: "carrier" },
	heater: { 12: "wall", 13: "stage", 17: "tma_line" },
	valve: { 0: "TMA", 1: "H2O" },
	recipe: { material: "Li", product: { film: "Al2O3", suffix: "none" }, ramp_degC_per_min: 10 },
};

/** Tables of Savannah and Fiji reactors to recipes and back. */
export function recipeTableRoutes({ api, deps }: RouteGroup): void {
	const importSchema = routeSchema({
		tag: "recipes",
		summary: "A Savannah or Fiji table to a recipe, checked against this reactor",
		description:
			"Give the file as `tableBase64`, or its text as `table`. `ok` says whether the recipe may be launched; a recipe with problems is given nevertheless, to be corrected. What cannot be translated is refused by line.",
		body: strictBody(
			{
				table: { type: "string", minLength: 1, description: "Text of the table" },
				tableBase64: { type: "string", minLength: 1, description: "Bytes of the file, Latin-1" },
				fileName: { type: "string", minLength: 1, maxLength: FILE_CHARS_MAX },
				...mappings,
				lineBase,
				blankLines: { type: "string", enum: ["counted", "skipped"], description: "Whether goto counts them" },
			},
			[],
			{ table: "flow\t0\t20\tsccm\r\n", mapping: EXAMPLE_MAPPING, lineBase: 0 },
		),
		answer: envelope({
			ok: boolean,
			lineBase: { type: ["integer", "null"] },
			blankLines: { type: ["string", "null"] },
			problems: list(ref("Found")),
			text: string,
		}),
		errors: ["TABLE_INVALID", "MESSAGE_TOO_LARGE"],
	});
	api.post<{ Body: ImportBody }>("/recipes/import", { schema: importSchema }, async ({ body }) => {
		const { blankLines, lineBase: base, fileName = "table.txt" } = body;
		const { text, count, problems } = deps.importTable({
			bytes: bytesOf(body),
			fileName,
			mapping: mappingOf(body),
			count: { ...(base === undefined ? {} : { base }), ...(blankLines === undefined ? {} : { blank: blankLines }) },
		});
		if (text === undefined) throw refused("The table was not translated", problems);
		const ok = problems.every(({ severity }) => severity !== "error");
		const counted = { lineBase: count?.base ?? null, blankLines: count?.blank ?? null };
		return { simulated: deps.live.simulated, ok, ...counted, problems, text };
	});

	const exportSchema = routeSchema({
		tag: "recipes",
		summary: "A recipe to a Savannah or Fiji table",
		description:
			"Answers the table's text and its bytes in Latin-1. What a table has no words for is refused by step, with line and column of the recipe.",
		body: strictBody({ recipe: recipeName, recipeText, set: setValues, ...mappings, lineBase }, ["lineBase"], {
			recipe: "li-al2o3",
			set: { cycles: 100 },
			mapping: EXAMPLE_MAPPING,
			lineBase: 0,
		}),
		answer: envelope({ lines: integer, lineBase: integer, text: string, base64: string }),
		errors: ["TABLE_INVALID", "RECIPE_NOT_FOUND", "MESSAGE_TOO_LARGE"],
	});
	api.post<{ Body: ExportBody }>("/recipes/export", { schema: exportSchema }, async ({ body }) => {
		const { text } = await chosenRecipe(deps, body);
		const mapping = mappingOf(body);
		const { bytes, lines, problems } = exportTable({ text, set: body.set ?? {}, mapping, lineBase: body.lineBase });
		if (bytes === undefined) throw refused("The recipe was not translated", problems);
		return {
			simulated: deps.live.simulated,
			lines,
			lineBase: body.lineBase,
			text: bytes.toString("latin1"),
			base64: bytes.toString("base64"),
		};
	});
}

/** A character that Latin-1 does not have becomes `?`: no command, number or unit has one. */
function bytesOf({ table, tableBase64 }: ImportBody): Buffer {
	if ((table === undefined) === (tableBase64 === undefined))
		throw usage("body.table", "The body needs either table (its text) or tableBase64 (the file's bytes).");
	if (table !== undefined) return Buffer.from(table.replace(/[^\0-\xff]/gu, "?"), "latin1");
	const bytes = Buffer.from(tableBase64!, "base64");
	if (bytes.toString("base64").replace(/=+$/, "") !== tableBase64!.replace(/=+$/, ""))
		throw usage("body.tableBase64", "tableBase64 is not Base64.");
	return bytes;
}

function mappingOf({ mapping, mappingText }: MappingChoice): Mapping {
	if ((mapping === undefined) === (mappingText === undefined))
		throw usage("body.mapping", "The body needs either mapping (JSON) or mappingText (YAML).");
	const read = readMapping(mappingText ?? JSON.stringify(mapping, null, "\t"));
	if (read.problems.length > 0) throw refused("The mapping was not understood", read.problems);
	return read.mapping;
}

function refused(what: string, problems: readonly Problem[]): AdlayerError {
	const errors = problems.filter(({ severity }) => severity === "error").length;
	return new AdlayerError("TABLE_INVALID", `${what}: ${errors} problem(s).`, { problems: [...problems] });
}
