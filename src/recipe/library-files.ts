/** Reads the library from a recipes folder: `materials/*.yaml` and `films/*.yaml`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AdlayerError } from "#core/errors.js";
import { buildLibrary, type Library, type LibraryFile } from "#recipe/library.js";

/** Synchronous: read once, at start. Throws RECIPE_LIBRARY_INVALID. */
export function loadLibrary(folder: string): Library {
	return buildLibrary({ materials: readFolder(join(folder, "materials")), films: readFolder(join(folder, "films")) });
}

function readFolder(folder: string): LibraryFile[] {
	try {
		const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
		return names.sort().map((fileName) => ({ fileName, text: readFileSync(join(folder, fileName), "utf8") }));
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new AdlayerError("RECIPE_LIBRARY_INVALID", `The folder ${folder} cannot be read: ${reason}.`, { cause });
	}
}
