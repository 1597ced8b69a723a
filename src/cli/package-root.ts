import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder, whether its source or its `dist` runs. */
export function packageRoot(): string {
	let folder = dirname(fileURLToPath(import.meta.url));
	while (!existsSync(join(folder, "package.json"))) {
		const parent = dirname(folder);
		if (parent === folder) throw new Error("The package's folder was not found above the running code.");
		folder = parent;
	}
	return folder;
}

/** The version in package.json. */
export function packageVersion(): string {
	return (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string }).version;
}

/** Recipes, materials and films: the package's, or a lab's own. */
export const recipesFolder = (): string => process.env.ADLAYER_RECIPES ?? join(packageRoot(), "recipes");

export const simulatedLabFile = (): string => join(packageRoot(), "recipes", "labs", "simulated.lab.yaml");
