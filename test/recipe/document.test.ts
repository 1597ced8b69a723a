import { describe, expect, it } from "vitest";
import { toCheckJson } from "#recipe/check-json.js";
import { TEXT_BYTES_MAX } from "#recipe/yaml-document.js";
import { check, codes, edit, errors, recipeText } from "./support.js";

const LI = recipeText("li-two-step");
const lineOf = (text: string, passage: string): number => text.slice(0, text.indexOf(passage)).split("\n").length;

describe("recipe document", () => {
	it("says at most 200 of the problems of a text that is wrong everywhere", () => {
		const { problems } = check(`name: {${"]".repeat(40_000)}`);
		expect(problems).toHaveLength(200);
		expect(problems[199]).toMatchObject({ code: "YAML_INVALID", line: 1, column: expect.any(Number) });
	});

	it("names line, column, path, value and limit of a value that is out of range", () => {
		const text = edit(LI, ["ms: 15 }", "ms: 0 }"]);
		const [problem] = check(text).problems;
		expect(problem).toMatchObject({
			severity: "error",
			code: "VALUE_OUT_OF_RANGE",
			line: lineOf(text, "ms: 0 }"),
			column: text.split("\n")[lineOf(text, "ms: 0 }") - 1]!.indexOf("0 }") + 1,
			path: "steps[1].steps[0].repeat.steps[0].pulse.ms",
			value: 0,
			limit: 0,
		});
	});

	it("refuses an unknown key at the key itself and lists the known ones", () => {
		const text = edit(LI, ["within_degC: 0.5", "witin_degC: 0.5"]);
		const result = check(text);
		expect(codes(result).sort()).toEqual(["KEY_MISSING", "KEY_UNKNOWN"]);
		const unknown = result.problems.find(({ code }) => code === "KEY_UNKNOWN")!;
		expect(unknown).toMatchObject({
			line: lineOf(text, "witin"),
			column: 11,
			path: "steps[2].steps[0].anneal.witin_degC",
		});
		expect(unknown.message).toContain("within_degC");
	});

	it("assumes nothing in the place of a missing key", () => {
		for (const [line, key] of [
			["          never_above_degC: 180.3\n", "never_above_degC"],
			["          timeout_s: 7200\n", "timeout_s"],
			["material: Li\n", "material"],
			["product: { film: LiAlOx, suffix: ex }\n", "product"],
			["adlayer: recipe/1\n", "adlayer"],
		] as const) {
			const result = check(edit(LI, [line, ""]));
			expect(result.plan).toBeUndefined();
			expect(result.problems).toContainEqual(
				expect.objectContaining({ code: "KEY_MISSING", path: expect.stringContaining(key) }),
			);
		}
	});

	it("reports problems of file, parameters, rules and names together", () => {
		const text = edit(
			LI,
			["version:", "verzion:"],
			["for_s: 5 }", "for_s: 2 }"],
			["never_above_degC: 180.3", "never_above_degC: 185"],
			["sccm: 100", "sccm: 500"],
			["zones: [tma_line, wall, stage]", "zones: [tma_line, wall, stag]"],
		);
		const found = codes(check(text, { set: { cycles: 501 } }));
		for (const code of [
			"KEY_UNKNOWN",
			"KEY_MISSING",
			"PURGE_TOO_SHORT",
			"ANNEAL_ABOVE_MELTING",
			"FLOW_OUT_OF_RANGE",
			"ZONE_UNKNOWN",
			"PARAMETER_OUT_OF_RANGE",
		]) {
			expect(found).toContain(code);
		}
	});

	it("still judges the values of other steps when one cannot be understood", () => {
		const text = edit(
			LI,
			["precursor: TMA, ms: 15", "precursor: TMA"],
			["never_above_degC: 180.3", "never_above_degC: 179"],
		);
		expect(errors(check(text)).sort()).toEqual(["CEILING_BELOW_SETPOINT", "KEY_MISSING"]);
	});

	it("judges a purge whose pulse is known, and no other, when a step cannot be understood", () => {
		const short = edit(LI, ["for_s: 5 }", "for_s: 2 }"], ["12.5", "6"]);
		const unknownEnd = check(edit(short, ["timeout_s: 14400", "timeout_s: soon"]));
		expect(errors(unknownEnd)).toEqual(["PURGE_TOO_SHORT", "PURGE_TOO_SHORT", "VALUE_TYPE"]);
		const unknownPulse = check(edit(short, ["precursor: H2O, ms: 15", "precursor: H2O"]));
		expect(errors(unknownPulse)).toEqual(["PURGE_TOO_SHORT", "KEY_MISSING"]);
	});

	it("wants exactly one action in a step", () => {
		const two = edit(LI, ["- flow: { sccm: 0 }", "- flow: { sccm: 0 }\n        wait: { for_s: 1 }"]);
		expect(check(two).problems[0]).toMatchObject({
			code: "STEP_ACTION",
			path: "steps[0].steps[0]",
			value: ["flow", "wait"],
		});
		const none = edit(LI, ["- flow: { sccm: 0 }", "- title: nothing"]);
		expect(check(none).problems[0]).toMatchObject({ code: "STEP_ACTION", value: [] });
	});

	it("refuses values of another kind than asked for", () => {
		expect(errors(check(edit(LI, ["timeout_s: 900", "timeout_s: long"])))).toEqual(["VALUE_TYPE"]);
		expect(errors(check(edit(LI, ["suffix: ex", "suffix: out"])))).toEqual(["VALUE_NOT_ALLOWED"]);
		expect(errors(check(edit(LI, ["timeout_s: 900", "timeout_s: .inf"])))).toEqual(["VALUE_TYPE"]);
		expect(errors(check(edit(LI, ["adlayer: recipe/1", "adlayer: recipe/2"])))).toEqual(["VALUE_NOT_ALLOWED"]);
	});

	it.each([
		[edit(LI, ["material: Li\n", "material: Li\nmaterial: Na\n"]), 'the key "material" stands twice'],
		[`${LI}---\n${LI}`, "a second document begins here"],
		["[".repeat(20_000), "it is nested too deeply"],
		["product:\n\tfilm: Al2O3\n\tsuffix: ex\n", "a tab indents here; indent with spaces."],
	])("says what is wrong with YAML as people say it (%#)", (text, said) => {
		const { problems } = check(text);
		expect(problems[0]!.message).toContain(said);
	});

	it("refuses broken YAML, duplicate keys, aliases, several documents, bottomless nesting and long files, each with a place", () => {
		const cases: [string, string][] = [
			["steps: [", "YAML_INVALID"],
			[edit(LI, ["material: Li\n", "material: Li\nmaterial: Na\n"]), "YAML_INVALID"],
			[edit(LI, ["material: Li", "material: &m Li"]), "YAML_ALIAS"],
			[`${LI}---\n${LI}`, "YAML_INVALID"],
			["[".repeat(20_000), "YAML_INVALID"],
			["#".repeat(TEXT_BYTES_MAX + 1), "FILE_TOO_LARGE"],
			["", "VALUE_TYPE"],
			["just text", "VALUE_TYPE"],
		];
		for (const [text, code] of cases) {
			const result = check(text);
			expect(errors(result), text.slice(0, 40)).toContain(code);
			expect(result.plan).toBeUndefined();
			for (const problem of result.problems)
				expect(problem).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
		}
	});

	it("never takes an inherited name for a zone, a precursor or a parameter", () => {
		expect(errors(check(edit(LI, ["zone: stage\n          at", "zone: constructor\n          at"])))).toContain(
			"ZONE_UNKNOWN",
		);
		expect(errors(check(edit(LI, ["precursor: TMA", "precursor: toString"])))).toContain("PRECURSOR_UNKNOWN");
		expect(errors(check(edit(LI, ["$cycles", "$constructor"])))).toContain("PARAMETER_UNKNOWN");
		expect(errors(check(edit(LI, ["material: Li", "__proto__: { material: Li }"])))).toContain("KEY_UNKNOWN");
	});
});

describe("check as JSON", () => {
	it("has every key, null where there is nothing, and no dry run of a refused recipe", () => {
		const json = toCheckJson(check(edit(LI, ["material: Li", "material: Xx"])));
		expect(json).toMatchObject({ ok: false, recipe: "li-two-step", dryRun: null, acknowledgements: [] });
		expect(json.sha256).toMatch(/^[0-9a-f]{64}$/);
		for (const problem of json.problems) {
			expect(Object.keys(problem)).toEqual(["severity", "code", "line", "column", "path", "message", "value", "limit"]);
		}
	});

	it("gives the dry run of an accepted one", () => {
		const json = toCheckJson(check(LI, { set: { cycles: 150 } }));
		expect(json).toMatchObject({
			ok: true,
			problems: [],
			dryRun: { pulses: { TMA: 150, H2O: 150 }, steps: 7 + 4 * 150 },
		});
		expect(JSON.parse(JSON.stringify(json))).toEqual(json);
	});
});
