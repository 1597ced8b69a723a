/** Small files in which control keeps what must outlast it besides the journal: whole, or as they were. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AdlayerError } from "#core/errors.js";
import type { StateFile } from "#src/campaign/campaigns.js";

const FORM = 1;

/** Throws STATE_FILE_UNREADABLE for a file that is there and is none of ours: it is left alone. */
export function stateFile<State>(path: string): StateFile<State> {
	return {
		load() {
			let text: string;
			try {
				text = readFileSync(path, "utf8");
			} catch (cause) {
				if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
				throw unreadable(path, cause);
			}
			try {
				const { form, state } = JSON.parse(text) as { form?: unknown; state?: State };
				if (form === FORM && state !== undefined) return state;
			} catch (cause) {
				throw unreadable(path, cause);
			}
			throw unreadable(path, undefined);
		},
		save(state) {
			const next = `${path}.new`;
			const fd = openSync(next, "w", 0o640);
			try {
				writeFileSync(fd, JSON.stringify({ form: FORM, state }));
				fsyncSync(fd);
			} finally {
				closeSync(fd);
			}
			renameSync(next, path);
			const folder = openSync(dirname(path), "r");
			try {
				fsyncSync(folder);
			} finally {
				closeSync(folder);
			}
		},
	};
}

const unreadable = (path: string, cause: unknown): AdlayerError =>
	new AdlayerError("STATE_FILE_UNREADABLE", `${path} cannot be read.`, { cause });
