import { LineCounter, parseDocument } from "yaml";
import { AdlayerError, type Problem } from "#core/errors.js";
import { Fields } from "./fields.js";

/**
 * Reads a twin's data file. Throws TWIN_FILE_INVALID with every problem at once, each with path, value, line and column.
 * `fileName` is for messages only.
 */
export function readTwinDocument<T>(text: string, fileName: string, read: (root: Fields, problems: Problem[]) => T): T {
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines });
	const problems: Problem[] = document.errors.map((error) => ({
		severity: "error",
		code: "TWIN_FILE_INVALID",
		message: error.message,
		...place(lines, error.pos[0]),
	}));
	let constants: T | undefined;
	if (problems.length === 0) {
		constants = read(new Fields(document.toJS(), "", problems), problems);
		for (const problem of problems) {
			const offset = offsetOf(document, problem.path ?? "");
			if (offset !== undefined) Object.assign(problem, place(lines, offset));
		}
	}
	if (constants === undefined || problems.length > 0) {
		const first = problems[0]?.message ?? "";
		throw new AdlayerError("TWIN_FILE_INVALID", `${fileName} has ${problems.length} problem(s); the first: ${first}`, {
			problems,
		});
	}
	return constants;
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
	const { line, col } = lines.linePos(offset);
	return { line, column: col };
}

/** Where the node at `path` starts; its nearest ancestor when the node is missing. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: string): number | undefined {
	const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
	for (let length = keys.length; length >= 0; length -= 1) {
		const node = length === 0 ? document.contents : document.getIn(keys.slice(0, length), true);
		const range = (node as { range?: readonly number[] } | null | undefined)?.range;
		if (range?.[0] !== undefined) return range[0];
	}
	return undefined;
}
