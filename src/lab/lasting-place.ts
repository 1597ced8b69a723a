import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The port of a line, taken again at the next start of the lab. */
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
	keep(place: string): string {
		writeFileSync(`${this.path}.port`, place.slice(place.lastIndexOf(":") + 1));
		return place;
	}
}
