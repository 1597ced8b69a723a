/** Where the processes of one data folder find each other, and where the product's own data lies. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageRoot, packageVersion, recipesFolder, simulatedLabFile } from "#cli/package-root.js";
import { AdlayerError } from "#core/errors.js";

export const ROOT = packageRoot();
export const VERSION = packageVersion();
export const RECIPES_DIR = recipesFolder();
export const SIMULATED_LAB_FILE = simulatedLabFile();

export interface DataFolder {
	readonly dir: string;
	readonly journal: string;
	readonly controlSocket: string;
	readonly paceSocket: string;
	readonly truthSocket: string;
	/** Where each simulated instrument is really served. */
	readonly addresses: string;
	/** Lasting names of the simulated lab's serial lines and ports. */
	readonly lines: string;
	readonly postgres: string;
	/** What the database refused of the journal. */
	readonly refusedRecords: string;
	/** Files of characterisations. */
	readonly files: string;
	/** What control keeps besides the journal. */
	readonly campaigns: string;
	readonly maintenance: string;
	readonly service: string;
	/** What was seen at commissioning; written by the command, read at each launch. */
	readonly commissioning: string;
}

export function dataFolder(dir: string): DataFolder {
	return {
		dir,
		journal: join(dir, "journal"),
		controlSocket: join(dir, "control.sock"),
		paceSocket: join(dir, "pace.sock"),
		truthSocket: join(dir, "lab.sock"),
		addresses: join(dir, "lab-addresses.json"),
		lines: join(dir, "lines"),
		postgres: join(dir, "postgres"),
		refusedRecords: join(dir, "refused-records.jsonl"),
		files: join(dir, "files"),
		campaigns: join(dir, "campaigns.json"),
		maintenance: join(dir, "maintenance.json"),
		service: join(dir, "service.json"),
		commissioning: join(dir, "commissioning.json"),
	};
}

/** Makes a folder below the data folder with all that is above it, and sees that it can be written. Throws DATA_FOLDER_UNUSABLE. */
export function makeFolder(path: string): void {
	try {
		makeWithParents(path);
		accessSync(path, constants.W_OK | constants.X_OK);
	} catch (cause) {
		const { code, path: place = path } = cause as NodeJS.ErrnoException;
		throw new AdlayerError("DATA_FOLDER_UNUSABLE", `The folder ${path} cannot be used: ${code ?? cause} at ${place}.`, {
			cause,
		});
	}
}

/** One folder at a time: a recursive mkdir never returns where the system denies that a folder can be made (/proc). */
function makeWithParents(path: string): void {
	if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
	if (dirname(path) !== path) makeWithParents(dirname(path));
	try {
		mkdirSync(path);
	} catch (cause) {
		// Another process of the same start may have been quicker.
		if ((cause as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(path).isDirectory()) throw cause;
	}
}
