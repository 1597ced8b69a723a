/** A place inside a document, as keys and list positions from the root. */
export type Path = readonly (string | number)[];

/** For people: `steps[5].repeat.times`; the root is the empty text. */
export function printPath(path: Path): string {
	let text = "";
	for (const segment of path) {
		if (typeof segment === "number") text += `[${segment}]`;
		else text += text === "" ? segment : `.${segment}`;
	}
	return text;
}
