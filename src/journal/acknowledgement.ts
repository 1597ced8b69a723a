/** How far each reader is: one small file per reader, written by the reader, read by the writer before it deletes a segment. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Acknowledgement {
	/** UUID of the journal. */
	readonly journal: string;
	/** Everything up to and with this number is no longer needed by the reader. */
	readonly seq: number;
}

function folder(dir: string): string {
	return join(dir, "readers");
}

export function readAcknowledgement(dir: string, reader: string): Acknowledgement | undefined {
	try {
		return JSON.parse(readFileSync(join(folder(dir), `${reader}.json`), "utf8")) as Acknowledgement;
	} catch {
		return undefined;
	}
}

export function writeAcknowledgement(dir: string, reader: string, acknowledgement: Acknowledgement): void {
	mkdirSync(folder(dir), { recursive: true });
	const file = join(folder(dir), `${reader}.json`);
	writeFileSync(`${file}.new`, `${JSON.stringify(acknowledgement)}\n`);
	renameSync(`${file}.new`, file);
}

/** The number up to which all readers are done; 0 when one knows another journal, undefined without any reader. */
export function acknowledgedByAll(dir: string, journal: string): number | undefined {
	let names: string[];
	try {
		names = readdirSync(folder(dir)).filter((name) => name.endsWith(".json"));
	} catch {
		return undefined;
	}
	if (names.length === 0) return undefined;
	const numbers = names.map((name) => {
		const known = readAcknowledgement(dir, name.slice(0, -".json".length));
		return known?.journal === journal ? known.seq : 0;
	});
	return Math.min(...numbers);
}
