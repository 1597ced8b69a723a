/** Where the processes of one data folder find each other, and where the product's own data lies. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The product's root: the folder of package.json, from source and from dist alike. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(from: string): string {
	const parent = dirname(from);
	try {
		const manifest = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as { name?: string };
		if (manifest.name === "adlayer") return from;
	} catch {
		// Not here: one folder further up.
	}
	if (parent === from) throw new Error("The product's package.json was not found above its own code.");
	return findRoot(parent);
}

export const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
export const RECIPES_DIR = join(ROOT, "recipes");
export const SIMULATED_LAB_FILE = join(RECIPES_DIR, "labs/simulated.lab.yaml");

export interface DataFolder {
	readonly dir: string;
	readonly journal: string;
	readonly controlSocket: string;
	readonly paceSocket: string;
	readonly truthSocket: string;
	/** Where each simulated instrument is really served. */
	readonly addresses: string;
	readonly postgres: string;
}

export function dataFolder(dir: string): DataFolder {
	return {
		dir,
		journal: join(dir, "journal"),
		controlSocket: join(dir, "control.sock"),
		paceSocket: join(dir, "pace.sock"),
		truthSocket: join(dir, "lab.sock"),
		addresses: join(dir, "lab-addresses.json"),
		postgres: join(dir, "postgres"),
	};
}
