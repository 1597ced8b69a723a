import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { torrFromPascal } from "#core/units.js";
import { parseTwinConstants } from "#twin/constants.js";
import { vapourPressurePa } from "#twin/doses.js";
import { benchConstants, benchText } from "./support.js";

function problemsOf(text: string) {
	try {
		parseTwinConstants(text, "x.twin.yaml");
	} catch (thrown) {
		expect(thrown).toBeInstanceOf(AdlayerError);
		return (thrown as AdlayerError).problems;
	}
	throw new Error("The text was accepted.");
}

describe("the twin file", () => {
	it("gives vapour pressures of 9.43 and 23.7 Torr at 25 degC", () => {
		const { TMA, H2O } = benchConstants().precursors;
		expect(torrFromPascal(vapourPressurePa(TMA!, 25))).toBeCloseTo(9.43, 6);
		expect(torrFromPascal(vapourPressurePa(H2O!, 25))).toBeCloseTo(23.7, 6);
		// Water at 20 degC: 17.54 Torr (CRC Handbook).
		expect(torrFromPascal(vapourPressurePa(H2O!, 20))).toBeCloseTo(17.54, 0);
	});

	it("names path, value, line and column of every problem at once", () => {
		const text = benchText()
			.replace("pump_ultimate_Pa: 0.3", "pump_ultimate_Pa: -1")
			.replace("reagent: H2O", "reagent: D2O");
		const problems = problemsOf(text);
		expect(problems.map(({ path, value }) => [path, value])).toEqual([
			["vacuum.pump_ultimate_Pa", -1],
			["precursors.H2O.reagent", "D2O"],
		]);
		const line = text.split("\n").findIndex((content) => content.includes("pump_ultimate_Pa"));
		expect(problems[0]).toMatchObject({ line: line + 1, column: "  pump_ultimate_Pa: ".length + 1 });
	});

	it("refuses unknown and missing keys", () => {
		const problems = problemsOf(benchText().replace("carrier_lag_s: 0.3", "carrier_lag_ms: 300"));
		expect(problems.map(({ path }) => path).sort()).toEqual(["vacuum.carrier_lag_ms", "vacuum.carrier_lag_s"]);
	});

	it("refuses a section without a source", () => {
		const problems = problemsOf(benchText().replace(/source: Groner.*\n/, "\n"));
		expect(problems.map(({ path }) => path)).toEqual(["foils.Si.source"]);
	});

	it("refuses a coupling to a zone that does not exist", () => {
		const problems = problemsOf(benchText().replace("from: wall, to: stage", "from: roof, to: stage"));
		expect(problems).toMatchObject([{ path: "heat.couplings[0].from", value: "roof" }]);
	});

	it("refuses a table of falling temperature and text that is no YAML", () => {
		expect(problemsOf(benchText().replace("at_degC: 58,", "at_degC: 158,"))[0]?.path).toBe(
			"foils.Si.growth_nm_per_cycle",
		);
		expect(problemsOf("a: [1")[0]?.line).toBe(1);
	});
});
