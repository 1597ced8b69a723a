import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** The text of a lab file such that it may lie anywhere: the reactor and the models that it names are found all the same. */
export const labTextAnywhere = (labFile: string): string =>
	readFileSync(labFile, "utf8").replace(
		/^( +(?:reactor|model): )(\S+)$/gm,
		(_line, key: string, file: string) => key + resolve(dirname(labFile), file),
	);
