import type { AppDeps } from "#api/ports.js";
import { usage } from "#api/problem.js";
import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { boolean, list, number, recipeName, recipeText, ref, setValues, shape, string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";
import { declaredParameters } from "#recipe/parameters.js";

export interface RecipeChoice {
	recipe?: string;
	recipeText?: string;
	set?: Record<string, number | string>;
}

/** The recipe's text: given in the body, or from the shelf by name. Throws USAGE or RECIPE_NOT_FOUND. */
export async function chosenRecipe(deps: AppDeps, choice: RecipeChoice): Promise<{ fileName: string; text: string }> {
	const { recipe, recipeText: text } = choice;
	if (text !== undefined) return { fileName: recipe ?? "recipe.yaml", text };
	if (recipe === undefined) throw usage("body.recipe", "The body needs recipe (a name) or recipeText.");
	const found = await deps.recipes.read(recipe);
	if (found === undefined) throw new AdlayerError("RECIPE_NOT_FOUND", `There is no recipe ${recipe}.`);
	return { fileName: found.fileName, text: found.text };
}

export function recipeRoutes({ api, deps }: RouteGroup): void {
	const entry = { name: string, fileName: string, title: string };
	const parameter = shape({
		name: string,
		title: string,
		unit: string,
		min: number,
		max: number,
		default: number,
		integer: boolean,
	});
	const listSchema = routeSchema({
		tag: "recipes",
		summary: "All recipes of this service",
		answer: envelope({ recipes: list(shape(entry)) }),
	});
	api.get("/recipes", { schema: listSchema }, async () => ({
		simulated: deps.live.simulated,
		recipes: await deps.recipes.list(),
	}));

	const oneSchema = routeSchema({
		tag: "recipes",
		summary: "One recipe with its text and its parameters",
		params: { name: recipeName },
		answer: shape({ ...entry, text: string, parameters: list(parameter) }),
		errors: ["RECIPE_NOT_FOUND"],
	});
	api.get<{ Params: { name: string } }>("/recipes/:name", { schema: oneSchema }, async ({ params }) => {
		const found = await deps.recipes.read(params.name);
		if (found === undefined) throw new AdlayerError("RECIPE_NOT_FOUND", `There is no recipe ${params.name}.`);
		return { ...found, parameters: declaredParameters(found.text) };
	});

	const checkSchema = routeSchema({
		tag: "recipes",
		summary: "Validate a recipe against this reactor and run it dry",
		description: "Answers 200 also when the recipe has problems: `ok` says whether it may be launched.",
		body: strictBody({ recipe: recipeName, recipeText, set: setValues }, [], {
			recipe: "li-lialox-ex",
			set: { cycles: 200 },
		}),
		answer: ref("CheckReport"),
		errors: ["RECIPE_NOT_FOUND", "MESSAGE_TOO_LARGE"],
	});
	api.post<{ Body: RecipeChoice }>("/recipes/check", { schema: checkSchema }, async ({ body }) => {
		const { fileName, text } = await chosenRecipe(deps, body);
		return deps.check({ text, fileName, set: body.set ?? {} });
	});
}
