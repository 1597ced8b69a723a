/** Where the processes of one data folder find each other, and where the product's own data lies. */
import { join } from "node:path";
import { packageRoot, packageVersion } from "#cli/package-root.js";

export const ROOT = packageRoot();
export const VERSION = packageVersion();
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
