import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The name of a line that stays from one start of the lab to the next: a link to the pty, or a port that is taken again. */
export class LastingPlace {
	private readonly path: string;

	/** `folder` must exist. */
	constructor(folder: string, line: string) {
		this.path = join(folder, encodeURIComponent(line));
	}

	/** The port of the last start, 0 for a free one. */
	port(): number {
		try {
			const port = Number(readFileSync(`${this.path}.port`, "utf8"));
			return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
		} catch {
			return 0;
		}
	}

	/** Remembers where the line is now and gives the place to reach it by. */
	keep(place: string, isPty: boolean): string {
		if (!isPty) {
			writeFileSync(`${this.path}.port`, place.slice(place.lastIndexOf(":") + 1));
			return place;
		}
		rmSync(this.path, { force: true });
		symlinkSync(place, this.path);
		return this.path;
	}
}
