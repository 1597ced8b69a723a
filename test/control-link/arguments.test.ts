import { describe, expect, it } from "vitest";
import { checkArguments } from "#control-link/arguments.js";
import { AdlayerError } from "#core/errors.js";

const LAUNCH = { recipe: "li", recipeText: "adlayer: recipe/1\n", set: {}, operator: "mk", acknowledge: [] };

function problemsOf(args: unknown) {
	try {
		checkArguments("launch", args);
	} catch (thrown) {
		if (thrown instanceof AdlayerError) return thrown.problems;
		throw thrown;
	}
	return [];
}

describe("arguments of a launch", () => {
	it("have names without control characters or halves of characters", () => {
		expect(problemsOf({ ...LAUNCH, operator: "Zoë 王", sample: "µ-7 🧪" })).toEqual([]);
		expect(problemsOf({ ...LAUNCH, operator: "m\u001bk", sample: "S\n1" })).toMatchObject([
			{ path: "sample", value: "S\n1", message: "sample must not contain control characters." },
			{ path: "operator", value: "m\u001bk", message: "operator must not contain control characters." },
		]);
		expect(problemsOf({ ...LAUNCH, sample: "\ud800" })).toHaveLength(1);
	});

	it("are refused all at once, each with its place, its value and its limit", () => {
		const { operator: _, ...rest } = LAUNCH;
		expect(problemsOf({ ...rest, sett: 1, sample: "x".repeat(201) })).toMatchObject([
			{ path: "operator" },
			{ path: "sett" },
			{ path: "sample", limit: 200 },
		]);
	});
});
