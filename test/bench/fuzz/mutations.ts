/** Changes of text, trees and bytes as values of fast-check, and texts that no grammar expects. */
import fc from "fast-check";
import { parse, stringify } from "yaml";

/** What people, editors and instruments have been seen to put where something else belongs. */
export const ODD: readonly unknown[] = [
	null,
	true,
	"",
	" ",
	"-",
	"~",
	"0x1f",
	"1e999",
	"1_000",
	"12:30:45",
	"2026-02-31",
	".inf",
	".nan",
	"$cycles",
	"$",
	"__proto__",
	"constructor",
	"toString",
	"hasOwnProperty",
	"\u0000",
	"\u001b[2J",
	"a\u202eb",
	"é\u0301",
	"🧪",
	"\ud800",
	"\ufeff",
	"../../etc/passwd",
	"%00",
	"'; DROP TABLE runs; --",
	"x".repeat(5_000),
	[],
	{},
	[[]],
	-0,
	-1,
	0,
	0.1,
	1e-320,
	1e308,
	Number.MAX_SAFE_INTEGER,
	2 ** 53,
];
export const odd = fc.constantFrom(...ODD);
export const wild = fc.oneof(odd, fc.double(), fc.integer(), fc.string({ unit: "binary", maxLength: 12 }));

type Holder = Record<string | number, unknown>;
interface Place {
	readonly holder: Holder;
	readonly key: string | number;
}

function placesOf(node: unknown, found: Place[] = []): Place[] {
	if (typeof node !== "object" || node === null) return found;
	const keys: (string | number)[] = Array.isArray(node) ? [...node.keys()] : Object.keys(node);
	for (const key of keys) {
		found.push({ holder: node as Holder, key });
		placesOf((node as Holder)[key], found);
	}
	return found;
}

export interface TreeChange {
	readonly at: number;
	readonly kind: "replace" | "delete" | "rename" | "reverse" | "copy" | "scale" | "nest";
	readonly value: unknown;
	readonly other: number;
}
export const treeChanges: fc.Arbitrary<TreeChange[]> = fc.array(
	fc.record<TreeChange>({
		at: fc.nat(),
		kind: fc.constantFrom("replace", "delete", "rename", "reverse", "copy", "scale", "nest"),
		value: wild,
		other: fc.nat(),
	}),
	{ minLength: 1, maxLength: 4 },
);

const FACTORS = [0, -1, 0.001, 0.5, 2, 10, 1_000, 1e9];
const NESTINGS = [1, 3, 30, 300];

/** `tree` is changed in place. */
export function changeTree(tree: unknown, changes: readonly TreeChange[]): unknown {
	for (const { at, kind, value, other } of changes) {
		const places = placesOf(tree);
		if (places.length === 0) return tree;
		const { holder, key } = places[at % places.length]!;
		const from = places[other % places.length]!;
		const put = (given: unknown, name: string | number = key) =>
			Object.defineProperty(holder, name, { value: given, enumerable: true, configurable: true, writable: true });
		const old = holder[key];
		if (kind === "replace") put(structuredClone(value));
		else if (kind === "copy") put(structuredClone(from.holder[from.key]));
		else if (kind === "scale" && typeof old === "number") put(old * FACTORS[other % FACTORS.length]!);
		else if (kind === "reverse" && Array.isArray(holder)) holder.reverse();
		else if (kind === "rename" && !Array.isArray(holder)) {
			delete holder[key];
			put(old, String(typeof value === "string" && other % 2 === 0 ? value : `${key}x`));
		} else if (kind === "nest") {
			let inner: unknown = old;
			for (let depth = NESTINGS[other % NESTINGS.length]!; depth > 0; depth -= 1)
				inner = other % 2 === 0 ? [inner] : { steps: inner };
			put(inner);
		} else if (Array.isArray(holder)) holder.splice(Number(key), 1);
		else delete holder[key];
	}
	return tree;
}

export interface TextChange {
	readonly at: number;
	readonly remove: number;
	readonly insert: string;
	readonly times: number;
}
const SNIPPETS = [
	"\t",
	"\r",
	"\n",
	"\u0000",
	"\u0085",
	"\u2028",
	"\ufeff",
	"\ud800",
	": ",
	"- ",
	"{",
	"}",
	"[",
	"]",
	"&a ",
	"*a",
	"!!binary ",
	"!!js/function ",
	"<<: ",
	"? ",
	"|\n",
	">-\n",
	"%YAML 9.9\n",
	"---\n",
	"...\n",
	"#",
	'"',
	"'",
	"9",
	",",
	".",
	"e",
	"🧪",
];
const REPEATS = [1, 1, 1, 1, 2, 50, 2_000, 30_000];
export const textChanges: fc.Arbitrary<TextChange[]> = fc.array(
	fc.record<TextChange>({
		at: fc.nat(),
		remove: fc.nat(60),
		insert: fc.oneof(fc.constantFrom(...SNIPPETS), fc.string({ unit: "binary", maxLength: 8 })),
		times: fc.nat(),
	}),
	{ minLength: 1, maxLength: 3 },
);

export function changeText(text: string, changes: readonly TextChange[]): string {
	let changed = text;
	for (const { at, remove, insert, times } of changes) {
		const from = at % (changed.length + 1);
		changed = changed.slice(0, from) + insert.repeat(REPEATS[times % REPEATS.length]!) + changed.slice(from + remove);
	}
	return changed;
}

export interface DocumentCase {
	readonly base: number;
	readonly tree: TreeChange[] | null;
	readonly text: TextChange[] | null;
}
export const documentCases: fc.Arbitrary<DocumentCase> = fc.oneof(
	{ weight: 4, arbitrary: fc.record({ base: fc.nat(), tree: treeChanges, text: fc.constant(null) }) },
	{ weight: 3, arbitrary: fc.record({ base: fc.nat(), tree: fc.constant(null), text: textChanges }) },
	{ weight: 1, arbitrary: fc.record({ base: fc.nat(), tree: treeChanges, text: textChanges }) },
);

/** One of the documents, changed. */
export function documentOf(bases: readonly string[], { base, tree, text }: DocumentCase): string {
	const chosen = bases[base % bases.length]!;
	const shaped =
		tree === null ? chosen : stringify(changeTree(parse(chosen), tree), { aliasDuplicateObjects: false, lineWidth: 0 });
	return text === null ? shaped : changeText(shaped, text);
}

export interface BytesChange {
	readonly kind: "flip" | "cut" | "insert" | "double" | "swap" | "garbage" | "none" | "digits";
	readonly at: number;
	readonly with: Uint8Array;
}
export const bytesChanges: fc.Arbitrary<BytesChange[]> = fc.array(
	fc.record<BytesChange>({
		kind: fc.constantFrom("flip", "cut", "insert", "double", "swap", "garbage", "none", "digits"),
		at: fc.nat(),
		with: fc.uint8Array({ minLength: 1, maxLength: 16 }),
	}),
	{ minLength: 1, maxLength: 4 },
);

export function changeBytes(bytes: Uint8Array, changes: readonly BytesChange[]): Uint8Array {
	let changed = Uint8Array.from(bytes);
	for (const { kind, at, with: other } of changes) {
		const place = at % (changed.length + 1);
		if (kind === "flip" && place < changed.length) changed[place]! ^= 1 << (at % 8);
		else if (kind === "cut") changed = changed.slice(0, place);
		else if (kind === "insert")
			changed = Uint8Array.from([...changed.slice(0, place), ...other, ...changed.slice(place)]);
		else if (kind === "double") changed = Uint8Array.from([...changed, ...changed].slice(0, 20_000));
		else if (kind === "swap") changed = Uint8Array.from([...changed.slice(place), ...changed.slice(0, place)]);
		else if (kind === "garbage") changed = Uint8Array.from(other);
		else if (kind === "digits")
			changed = changed.map((byte, index) =>
				byte >= 48 && byte <= 57 ? 48 + (other[index % other.length]! % 10) : byte,
			);
	}
	return changed;
}
