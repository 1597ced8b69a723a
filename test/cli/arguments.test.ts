import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseSet, readRecipe } from "#cli/arguments.js";

describe("arguments", () => {
	it("set each name once: of two values nobody knows which is meant", () => {
		const once = parseSet("cycles=20", {});
		expect(parseSet("stop_s=5", once)).toEqual({ cycles: 20, stop_s: 5 });
		expect(() => parseSet("cycles=30", once)).toThrow("cycles is given twice.");
	});

	it("say in words why a recipe file cannot be read", () => {
		const folder = mkdtempSync(join(tmpdir(), "adl-arguments-"));
		expect(() => readRecipe(join(folder, "none.yaml"))).toThrow("there is no such file");
		expect(() => readRecipe(folder)).toThrow("it is a folder");
	});

	it("refuse a recipe in another encoding than UTF-8 at the byte that shows it", () => {
		const path = join(mkdtempSync(join(tmpdir(), "adl-arguments-")), "x.recipe.yaml");
		writeFileSync(path, Buffer.from("adlayer: recipe/1\ntitle: B\u00e4nk\n", "latin1"));
		expect(() => readRecipe(path)).toThrow(/x\.recipe\.yaml:2:9: The byte 0xe4 here is no UTF-8/);
	});
});
