/** The recipe that benches of pulses run, with a film of its own that its short purges are enough for. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const HERE = import.meta.dirname;
export const PULSE_RECIPE = resolve(HERE, "pulses.recipe.yaml");

/** Lets processes that are started meanwhile find the film beside the shipped ones. */
export async function withTimingFilm<Result>(act: () => Promise<Result>): Promise<Result> {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-bench-recipes-"));
	cpSync(resolve(HERE, "..", "..", "recipes"), folder, { recursive: true });
	cpSync(join(HERE, "Timing.film.yaml"), join(folder, "films", "Timing.yaml"));
	const before = process.env.ADLAYER_RECIPES;
	process.env.ADLAYER_RECIPES = folder;
	try {
		return await act();
	} finally {
		if (before === undefined) delete process.env.ADLAYER_RECIPES;
		else process.env.ADLAYER_RECIPES = before;
		rmSync(folder, { recursive: true, force: true });
	}
}
