import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { filmSchema, materialSchema } from "#recipe/library-schemas.js";
import { recipeSchema } from "#recipe/recipe-schema.js";
import { RECIPE_NAMES, RECIPES, recipeText } from "./support.js";

const schemaFile = (name: string): unknown => JSON.parse(readFileSync(`${RECIPES}${name}.schema.json`, "utf8"));

describe("schema files for editors", () => {
	it("say the same as the program", () => {
		const plain = (schema: unknown): unknown => JSON.parse(JSON.stringify(schema));
		expect(schemaFile("recipe")).toEqual(plain(recipeSchema({ references: true })));
		expect(schemaFile("materials")).toEqual(plain(materialSchema));
		expect(schemaFile("films")).toEqual(plain(filmSchema));
	});

	it("accept the shipped recipes as they are written, references included", () => {
		const validate = new Ajv({ strict: false }).compile(schemaFile("recipe") as object);
		for (const name of RECIPE_NAMES) {
			expect(validate(parse(recipeText(name))), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
		}
	});
});
