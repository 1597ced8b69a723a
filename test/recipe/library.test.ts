import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import { checkRecipe } from "#recipe/check.js";
import { interpolate } from "#recipe/interpolate.js";
import { buildLibrary, type LibraryFile } from "#recipe/library.js";
import { loadLibrary } from "#recipe/library-files.js";
import { edit, lab, library, recipeText } from "./support.js";

const POTASSIUM: LibraryFile = {
	fileName: "K.yaml",
	text: `adlayer: material/1\nname: K\ntitle: Potassium foil\nmelting_degC: 63.5\nsource: a handbook\n`,
};
const OXIDE = `adlayer: film/1
name: Al2O3
title: Aluminium oxide
made: [{ suffix: none, anneal: false }]
deposited:
  precursors: [TMA, H2O]
  growth:
    - { material: any, nm_per_cycle: [{ at_degC: 20, nm: 0.1 }], source: a paper }
  purge_minimum:
    TMA: [{ at_degC: 20, s: 5 }]
    H2O: [{ at_degC: 20, s: 10 }, { at_degC: 100, s: 5 }]
  purge_source: a paper
`;

function refusal(work: () => unknown): AdlayerError {
	try {
		work();
	} catch (thrown) {
		if (thrown instanceof AdlayerError) return thrown;
		throw thrown;
	}
	throw new Error("Nothing was refused.");
}

describe("library", () => {
	it("knows lithium and sodium with melting points and sources", () => {
		expect(library.materials.get("Li")).toMatchObject({ meltingPointC: 180.5, source: expect.stringContaining("CRC") });
		expect(library.materials.get("Na")).toMatchObject({ meltingPointC: 97.8, source: expect.stringContaining("CRC") });
		expect(library.materials.get("none")?.meltingPointC).toBeNull();
	});

	it("interpolates the purge after water in temperature", () => {
		const table = library.films.get("Al2O3")!.deposition.purgeMinimumS.get("H2O")!;
		expect(interpolate(table, 120)).toBeCloseTo(20 - (10 * 18) / 23, 9);
		expect(interpolate(table, 90)).toBe(20);
		expect(interpolate(table, 300)).toBe(5);
	});

	it("takes a third metal as a file, without code", () => {
		const own = buildLibrary({ materials: [POTASSIUM], films: [{ fileName: "Al2O3.yaml", text: OXIDE }] });
		const text = edit(
			recipeText("na-al2o3"),
			["material: Na", "material: K"],
			["foil_never_above_degC: 80", "foil_never_above_degC: 60"],
			["tma_line: { to_degC: 45", "tma_line: { to_degC: 40"],
			["wall: { to_degC: 65", "wall: { to_degC: 50"],
			["stage: { to_degC: 65", "stage: { to_degC: 50"],
		);
		const { plan, problems } = checkRecipe({ text, fileName: "k", set: {}, library: own, lab });
		expect(plan?.product).toBe("K@200Al2O3");
		expect(plan?.thicknessNm).toBeCloseTo(20, 6);
		expect(problems.map(({ code }) => code)).toEqual(["GROWTH_NOT_MEASURED"]);
	});

	it("names file, line and column of what is wrong in the data, all files at once", () => {
		const error = refusal(() =>
			buildLibrary({
				materials: [{ ...POTASSIUM, text: POTASSIUM.text.replace("melting_degC: 63.5", "melting_degC: hot") }],
				films: [{ fileName: "Al2O3.yaml", text: OXIDE.replace("at_degC: 100", "at_degC: 10") }],
			}),
		);
		expect(error.code).toBe("RECIPE_LIBRARY_INVALID");
		expect(error.problems).toHaveLength(2);
		expect(error.problems[0]).toMatchObject({
			message: expect.stringContaining("K.yaml"),
			line: 4,
			column: 15,
			path: "melting_degC",
		});
		expect(error.problems[1]).toMatchObject({
			message: expect.stringContaining("Temperatures must rise"),
			path: "deposited.purge_minimum.H2O",
		});
	});

	it("refuses a film whose precursor has no purge time, a film of nothing, and two of one name", () => {
		const film = (text: string): LibraryFile => ({ fileName: "x.yaml", text });
		const formed =
			"adlayer: film/1\nname: X\ntitle: x\nmade: [{ suffix: ex, anneal: true }]\nformed: { from: Y, thickness_ratio: 1, source: s }\n";
		const without = OXIDE.replace(/ {4}TMA: .*\n/, "");
		expect(refusal(() => buildLibrary({ materials: [], films: [film(without)] })).message).toContain(
			"no purge minimum for TMA",
		);
		expect(refusal(() => buildLibrary({ materials: [], films: [film(formed)] })).message).toContain(
			"no deposited film Y",
		);
		expect(refusal(() => buildLibrary({ materials: [POTASSIUM, POTASSIUM], films: [] })).message).toContain(
			"two materials K",
		);
	});

	it("says which folder cannot be read", () => {
		expect(refusal(() => loadLibrary("/nowhere")).message).toContain("/nowhere/materials");
	});
});
