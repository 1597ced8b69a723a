import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { parseSampleName, printSampleName } from "#recipe/sample-name.js";
import { check, recipeText } from "../recipe/support.js";

const LI = recipeText("li-two-step");
type Node = Record<string, unknown> | unknown[];

/** Every place of a tree that holds something. */
function places(node: unknown): { holder: Node; key: string | number }[] {
	if (typeof node !== "object" || node === null) return [];
	const keys: (string | number)[] = Array.isArray(node) ? [...node.keys()] : Object.keys(node);
	return keys.flatMap((key) => [
		{ holder: node as Node, key },
		...places((node as Record<string | number, unknown>)[key]),
	]);
}

const junk = fc.oneof(
	fc.double(),
	fc.integer(),
	fc.string(),
	fc.constantFrom(
		null,
		true,
		"",
		"$cycles",
		"$x",
		"stage",
		"TMA",
		"H2O",
		"Li",
		[],
		{},
		-1,
		0,
		1e308,
		"__proto__",
		"constructor",
	),
	fc.dictionary(fc.string(), fc.integer()),
);
const mutation = fc.record({
	at: fc.nat(),
	kind: fc.constantFrom("replace", "delete", "rename", "swap", "copy"),
	junk,
	other: fc.nat(),
});

function mutate(
	tree: Node,
	{ at, kind, junk, other }: { at: number; kind: string; junk: unknown; other: number },
): void {
	const all = places(tree);
	const { holder, key } = all[at % all.length]!;
	const from = all[other % all.length]!;
	const get = (place: { holder: Node; key: string | number }): unknown =>
		(place.holder as Record<string | number, unknown>)[place.key];
	const put = (value: unknown): void => {
		Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
	};
	if (kind === "replace") put(junk);
	else if (kind === "copy") put(structuredClone(get(from)));
	else if (kind === "delete") Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[String(key)];
	else if (kind === "rename" && !Array.isArray(holder)) {
		const value = get({ holder, key });
		delete holder[String(key)];
		holder[`${String(key)}x`] = value;
	} else if (Array.isArray(holder)) holder.reverse();
}

/** What every answer must keep, whatever was asked. */
function judge(text: string, set: Record<string, number | string> = {}): void {
	const result = check(text, { set });
	const lines = text.split("\n");
	const refused = result.problems.some(({ severity }) => severity === "error");
	expect(result.plan === undefined).toBe(refused);
	for (const { line, column, path, message, code } of result.problems) {
		expect(line, message).toBeGreaterThanOrEqual(1);
		expect(line, message).toBeLessThanOrEqual(lines.length);
		expect(column, message).toBeGreaterThanOrEqual(1);
		expect(typeof path, message).toBe("string");
		expect(code).toMatch(/^[A-Z0-9_]+$/);
		expect(message).not.toMatch(/undefined|\[object|NaN/);
	}
	for (const step of result.plan?.steps ?? []) expect(Number.isFinite(step.plannedS) && step.plannedS >= 0).toBe(true);
	expect(JSON.stringify(result.plan ?? {})).not.toContain("null,null");
}

describe("recipe properties", () => {
	it("any change of the shipped recipe is judged without a crash, and every refusal names a place", () => {
		fc.assert(
			fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
				const tree = parse(LI) as Node;
				for (const one of mutations) mutate(tree, one);
				judge(stringify(tree, { aliasDuplicateObjects: false }));
			}),
			{ numRuns: 200 },
		);
	});

	it("any change of the text is judged without a crash", () => {
		const change = fc.record({ at: fc.nat(LI.length), remove: fc.nat(40), insert: fc.string({ maxLength: 10 }) });
		fc.assert(
			fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
				let text = LI;
				for (const { at, remove, insert } of changes) text = text.slice(0, at) + insert + text.slice(at + remove);
				judge(text);
			}),
			{ numRuns: 200 },
		);
	});

	it("any launch parameters are judged without a crash", () => {
		const value = fc.oneof(fc.double(), fc.string(), fc.integer());
		fc.assert(
			fc.property(fc.dictionary(fc.oneof(fc.constant("cycles"), fc.string()), value, { maxKeys: 4 }), (set) =>
				judge(LI, set),
			),
			{ numRuns: 100 },
		);
	});

	it("expansion has exactly the ordered pulses, purges and cycles", () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 500 }), (cycles) => {
				const plan = check(LI, { set: { cycles } }).plan!;
				expect(plan.cyclesOrdered).toBe(cycles);
				expect(plan.steps).toHaveLength(7 + 4 * cycles);
				expect(plan.pulses).toEqual({ TMA: cycles, H2O: cycles });
				expect(plan.steps.filter((step) => step.type === "purge" && step.cycleEnds)).toHaveLength(cycles);
				expect(plan.totalS).toBeCloseTo(
					plan.steps.reduce((sum, { plannedS }) => sum + plannedS, 0),
					2,
				);
				expect(parseSampleName(plan.product)).toEqual({ metal: "Li", cycles, film: "LiAlOx", suffix: "ex" });
			}),
			{ numRuns: 40 },
		);
	});

	it("sample names survive the way to text and back", () => {
		const name = fc.record({
			metal: fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,5}$/),
			cycles: fc.integer({ min: 1, max: 1_000_000 }),
			film: fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,8}$/),
			suffix: fc.constantFrom("ex" as const, "in" as const, "none" as const),
		});
		fc.assert(
			fc.property(name, (sample) => {
				expect(parseSampleName(printSampleName(sample))).toEqual(sample);
			}),
		);
		fc.assert(
			fc.property(fc.string(), (text) => {
				const parsed = parseSampleName(text);
				if (parsed) expect(printSampleName(parsed)).toBe(text);
			}),
		);
	});
});
