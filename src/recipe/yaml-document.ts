/** YAML text to a value in which every place can still be found in the text. Pure. */
import {
	type Document,
	isAlias,
	isMap,
	isNode,
	isPair,
	isScalar,
	isSeq,
	LineCounter,
	parseDocument,
	type Scalar,
	visit,
} from "yaml";
import type { Problem } from "#core/errors.js";
import { type Path, printPath } from "#recipe/path.js";

/** A file has to fit, with everything else, into one message of the control link (64 KiB). */
export const TEXT_BYTES_MAX = 48 * 1024;
/** More than this tells nobody anything. */
const PROBLEMS_MAX = 200;

export interface YamlDocument {
	/** The content as plain data; undefined when the text could not be read. */
	readonly value: unknown;
	readonly problems: readonly Problem[];
	/**
	 * Line and column (from 1) of the value at the path, or of its key; where the path does not exist, of the nearest thing
	 * around it.
	 */
	locate(path: Path, part?: "key" | "value"): { line: number; column: number };
}

/** `bytesMax`: for a file that goes through no control link. */
export function readYaml(text: string, bytesMax = TEXT_BYTES_MAX): YamlDocument {
	const start = { line: 1, column: 1 };
	if (Buffer.byteLength(text) > bytesMax) {
		const bytes = Buffer.byteLength(text);
		const message = `The file has ${bytes} bytes; the longest that is read has ${bytesMax}.`;
		return unreadable([
			{ severity: "error", code: "FILE_TOO_LARGE", message, ...start, path: "", value: bytes, limit: bytesMax },
		]);
	}
	const lines = new LineCounter();
	// A text of brackets alone has ten thousands of errors; with its stack each costs more than the parsing.
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	try {
		const document = parseDocument(text, {
			lineCounter: lines,
			prettyErrors: false,
			stringKeys: true,
			logLevel: "error",
		});
		// After a tab every line is read as something else.
		const tabs = document.errors.filter(({ code }) => code === "TAB_AS_INDENT");
		const errors = tabs.length > 0 ? tabs : document.errors;
		const problems: Problem[] = errors.slice(0, PROBLEMS_MAX).map((error) => {
			const { line, col } = lines.linePos(error.pos[0]);
			const message = `The text is not valid YAML: ${inWords(error.code, oneLine(error.message), keyAt(text, error.pos[0]))}`;
			return {
				severity: "error",
				code: "YAML_INVALID",
				message,
				line: Math.max(1, line),
				column: Math.max(1, col),
				path: "",
			};
		});
		if (problems.length > 0) return unreadable(withoutRepeats(problems));
		const refused = [...otherYaml(document, text, lines), ...hiddenMeaning(document, lines)];
		if (refused.length > 0) return unreadable(refused.slice(0, PROBLEMS_MAX));
		return {
			value: document.toJS() as unknown,
			problems: [],
			locate: (path, part = "value") => locate(document, lines, path, part),
		};
	} catch (thrown) {
		// The parser recurses: thousands of nested brackets exhaust the stack.
		const reason =
			thrown instanceof RangeError
				? "it is nested too deeply."
				: thrown instanceof Error
					? oneLine(thrown.message)
					: String(thrown);
		const message = `The text is not valid YAML: ${reason}`;
		return unreadable([{ severity: "error", code: "YAML_INVALID", message, ...start, path: "" }]);
	} finally {
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** One mistake may be many errors at one place. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
	const seen = new Set<string>();
	return problems.filter(({ line, column, message }) => {
		const key = `${line}:${column} ${message}`;
		return !seen.has(key) && seen.add(key);
	});
}

/** What the parser says, where it speaks to programmers. */
function inWords(code: string, message: string, key: string): string {
	switch (code) {
		case "DUPLICATE_KEY":
			return `${key === "" ? "a key" : `the key "${key}"`} stands twice in one mapping.`;
		case "MULTIPLE_DOCS":
			return 'a second document begins here ("---"); a file has one.';
		case "TAB_AS_INDENT":
			return "a tab indents here; indent with spaces.";
		case "BLOCK_AS_IMPLICIT_KEY":
		case "MULTILINE_IMPLICIT_KEY":
		case "NON_STRING_KEY":
			return "this is indented otherwise than the lines around it.";
		case "MISSING_CHAR":
			return /map values/.test(message) ? "a key has no colon behind it." : message;
		default:
			return /maximum call stack/i.test(message) ? "it is nested too deeply." : message;
	}
}

const keyAt = (text: string, offset: number): string =>
	/^[^:\r\n]{1,80}/.exec(text.slice(offset, offset + 81))?.[0] ?? "";

const unreadable = (problems: Problem[]): YamlDocument => ({
	value: undefined,
	problems,
	locate: () => ({ line: 1, column: 1 }),
});

/** In YAML 1.1 `017` is 15, `1:30` is 90 and `yes` is true: a text that asks for it says something else than it shows. */
function otherYaml(document: Document.Parsed, text: string, lines: LineCounter): Problem[] {
	const version = document.directives.yaml.version;
	if (version === "1.2") return [];
	const { line, col } = lines.linePos(Math.max(0, text.search(/^%YAML/m)));
	const message = `The text says that it is YAML ${version}; it is read as YAML 1.2, so the %YAML line must go.`;
	return [
		{ severity: "error", code: "YAML_INVALID", message, line, column: col, path: "", value: version, limit: "1.2" },
	];
}

/**
 * Aliases, tags and numbers that are not written in decimal digits are refused: what a line says should stand on that line, and
 * be what it looks like to everybody. `017` is 15 to other readers of YAML.
 */
function hiddenMeaning(document: Document.Parsed, lines: LineCounter): Problem[] {
	const problems: Problem[] = [];
	visit(document, {
		Node(_key, node) {
			if ("tag" in node && typeof node.tag === "string") {
				const { line, col } = lines.linePos(node.range?.[0] ?? 0);
				const message = `YAML tags are not used here (${node.tag}): write the value as what it is.`;
				problems.push({ severity: "error", code: "YAML_TAG", message, line, column: col, path: "", value: node.tag });
			}
			if (isScalar(node) && isOddNumber(node)) {
				const { line, col } = lines.linePos(node.range?.[0] ?? 0);
				const message = `${node.source} stands for the number ${node.value}: write ${node.value}, or "${node.source}" where it is a text.`;
				problems.push({
					severity: "error",
					code: "YAML_INVALID",
					message,
					line,
					column: col,
					path: "",
					value: node.source,
					limit: node.value,
				});
			}
			const anchor = isAlias(node)
				? `*${node.source}`
				: "anchor" in node && node.anchor
					? `&${node.anchor}`
					: undefined;
			if (anchor === undefined) return;
			const { line, col } = lines.linePos(node.range?.[0] ?? 0);
			const message = `YAML anchors and aliases are not used here (${anchor}): write the value out, or make it a parameter.`;
			problems.push({ severity: "error", code: "YAML_ALIAS", message, line, column: col, path: "", value: anchor });
		},
	});
	return problems;
}

/** Octal, hexadecimal, or with a zero in front. */
const isOddNumber = ({ value, source }: Scalar): boolean =>
	typeof value === "number" && source !== undefined && /^[-+]?0[0-9a-z]/i.test(source) && !/^[-+]?0e/i.test(source);

function locate(document: Document.Parsed, lines: LineCounter, path: Path, part: "key" | "value") {
	let node: unknown = document.contents;
	let offset = offsetOf(node) ?? 0;
	for (const [depth, segment] of path.entries()) {
		if (isMap(node)) {
			const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(segment));
			if (!pair) break;
			const keyOffset = offsetOf(pair.key) ?? offset;
			node = pair.value;
			const wantsKey = part === "key" && depth === path.length - 1;
			// A missing or collection value is best shown at its key's line.
			offset = wantsKey || isMap(node) || isSeq(node) ? keyOffset : (offsetOf(node) ?? keyOffset);
		} else if (isSeq(node)) {
			const item: unknown = typeof segment === "number" ? node.items[segment] : undefined;
			if (item === undefined) break;
			node = item;
			offset = offsetOf(node) ?? offset;
		} else break;
	}
	const { line, col } = lines.linePos(offset);
	return { line: Math.max(1, line), column: Math.max(1, col) };
}

const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
const keyText = (key: unknown): string => String(isNode(key) && "value" in key ? key.value : key);
const oneLine = (message: string): string => message.split("\n", 1)[0]!.trim();

/** The problem at a place of the document. */
export function problemAt(
	document: YamlDocument,
	place: { path: Path; part?: "key" | "value" },
	problem: Omit<Problem, "line" | "column" | "path">,
): Problem {
	return { ...problem, ...document.locate(place.path, place.part), path: printPath(place.path) };
}
