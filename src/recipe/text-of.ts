/** The text of a file that people wrote. Pure. */
import type { Problem } from "#core/errors.js";

/**
 * The bytes as UTF-8; anything else would silently become other names. What is none is a problem at the first byte that shows
 * it, and `text` has a mark in its place.
 */
export function textOf(bytes: Uint8Array): { readonly text: string; readonly problem?: Problem } {
	const [first, second] = bytes;
	const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
	const text = new TextDecoder("utf-8").decode(bytes);
	const at = marked ? 0 : firstForeign(bytes);
	if (at === undefined) return { text };
	const before = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, at));
	const lines = before.split(/\r\n|\n|\r/);
	const byte = `0x${bytes[at]!.toString(16).padStart(2, "0")}`;
	const what = marked ? "The file is UTF-16" : `The byte ${byte} here is no UTF-8`;
	return {
		text,
		problem: {
			severity: "error",
			code: "YAML_INVALID",
			message: `${what}: save the file as UTF-8.`,
			line: lines.length,
			column: lines.at(-1)!.length + 1,
			path: "",
			value: byte,
			limit: "UTF-8",
		},
	};
}

/** Where the bytes cease to be UTF-8. */
function firstForeign(bytes: Uint8Array): number | undefined {
	if (isUtf8(bytes)) return undefined;
	let sound = 0;
	let foreign = bytes.length;
	while (foreign - sound > 1) {
		const middle = (sound + foreign) >>> 1;
		if (isUtf8(bytes.subarray(0, middle), true)) sound = middle;
		else foreign = middle;
	}
	// A character that was begun and not gone on with is foreign from its first byte.
	while (!isUtf8(bytes.subarray(0, sound))) sound -= 1;
	return sound;
}

/** `cut`: the last character may be incomplete. */
function isUtf8(bytes: Uint8Array, cut = false): boolean {
	try {
		new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: cut });
		return true;
	} catch {
		return false;
	}
}
