import { describe, expect, it } from "vitest";
import { check, codes, edit, errors, recipeText } from "./support.js";

const LI = recipeText("li-two-step");

describe("parameters", () => {
	it("come from the file unless they are set", () => {
		expect(check(LI).plan).toMatchObject({
			cyclesOrdered: 200,
			parameters: { cycles: 200 },
			product: "Li@200LiAlOx-ex",
		});
		expect(check(LI, { set: { cycles: 150 } }).plan).toMatchObject({ cyclesOrdered: 150, product: "Li@150LiAlOx-ex" });
		expect(check(LI, { set: { cycles: " 25" } }).plan?.cyclesOrdered).toBe(25);
	});

	it("are refused outside their range, with the unit", () => {
		const [problem] = check(LI, { set: { cycles: 501 } }).problems;
		expect(problem).toMatchObject({
			code: "PARAMETER_OUT_OF_RANGE",
			path: "parameters.cycles",
			value: 501,
			limit: 500,
		});
		expect(problem?.message).toBe("Parameter cycles is 501 cycles, outside its range of 1 to 500 cycles.");
		expect(problem?.line).toBe(LI.slice(0, LI.indexOf("  cycles:")).split("\n").length);
		expect(check(LI, { set: { cycles: 0 } }).problems[0]).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE", limit: 1 });
		expect(check(LI, { set: { cycles: 1 } }).plan?.cyclesOrdered).toBe(1);
		expect(check(LI, { set: { cycles: 500 } }).plan?.cyclesOrdered).toBe(500);
	});

	it("are whole where the file says so", () => {
		expect(errors(check(LI, { set: { cycles: 10.5 } }))).toEqual(["PARAMETER_NOT_AN_INTEGER"]);
	});

	it("are numbers", () => {
		for (const cycles of ["many", "", "0x10", "1e999", "NaN"])
			expect(errors(check(LI, { set: { cycles } }))).toEqual(["PARAMETER_NOT_A_NUMBER"]);
	});

	it("that the recipe does not have are refused, and those it has are named", () => {
		const [problem] = check(LI, { set: { cycels: 10 } }).problems;
		expect(problem).toMatchObject({ code: "PARAMETER_UNKNOWN", value: "cycels", limit: ["cycles"] });
		expect(errors(check(LI, { set: { constructor: 1 } }))).toEqual(["PARAMETER_UNKNOWN"]);
	});

	it("must have a default that is in range, and a range that is not empty", () => {
		expect(errors(check(edit(LI, ["default: 200", "default: 600"])))).toContain("PARAMETER_OUT_OF_RANGE");
		expect(errors(check(edit(LI, ["default: 200, ", ""])))).toEqual(["KEY_MISSING"]);
		expect(errors(check(edit(LI, ["min: 1, max: 500", "min: 500, max: 1"])))).toContain("PARAMETER_RANGE_EMPTY");
	});

	it("can stand for any number of a step", () => {
		const text = edit(
			LI,
			["{ title: Deposition", "{ title: Deposition"],
			["parameters:\n", "parameters:\n  purge_s: { title: Purge, unit: s, min: 12, max: 60, default: 13 }\n"],
			["for_s: 12.5", "for_s: $purge_s"],
		);
		expect(check(text).plan?.steps.find((step) => step.type === "purge" && step.after === "H2O")).toMatchObject({
			seconds: 13,
		});
		const [problem] = check(text, { set: { purge_s: 12 } }).problems;
		expect(problem).toMatchObject({
			code: "PURGE_TOO_SHORT",
			value: 12,
			limit: 12.17,
			path: "steps[1].steps[0].repeat.steps[3].purge.for_s",
		});
	});

	it("that are used but not declared, or declared but not used, are named", () => {
		const result = check(edit(LI, ["$cycles", "$turns"]));
		expect(errors(result)).toEqual(["PARAMETER_UNKNOWN"]);
		expect(codes(result)).toContain("PARAMETER_UNUSED");
		expect(errors(check(edit(LI, ["$cycles", "$(cycles)"])))).toContain("PARAMETER_UNKNOWN");
	});
});
