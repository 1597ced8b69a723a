import { describe, expect, it } from "vitest";
import { parseSampleName, printSampleName } from "#recipe/sample-name.js";

describe("sample names", () => {
	it("read the names of the paper", () => {
		expect(parseSampleName("Li@200LiAlOx-ex")).toEqual({ metal: "Li", cycles: 200, film: "LiAlOx", suffix: "ex" });
		expect(parseSampleName("Na@200NaAlOx")).toEqual({ metal: "Na", cycles: 200, film: "NaAlOx", suffix: "none" });
		expect(parseSampleName("Li@100LiAlOx-in")).toEqual({ metal: "Li", cycles: 100, film: "LiAlOx", suffix: "in" });
		expect(printSampleName({ metal: "Li", cycles: 25, film: "Al2O3", suffix: "none" })).toBe("Li@25Al2O3");
	});

	it("refuse what does not follow the rule", () => {
		for (const text of [
			"",
			"Li",
			"Li@LiAlOx",
			"Li@0Al2O3",
			"Li@007Al2O3",
			"Li@200",
			"Li@200LiAlOx-on",
			"Li@2.5Al2O3",
			"@2Al2O3",
			"Li@200al2o3",
			"Li@200Al2O3 ",
		]) {
			expect(parseSampleName(text), text).toBeUndefined();
		}
	});
});
