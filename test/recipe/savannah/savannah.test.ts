import { describe, expect, it } from "vitest";
import { exportTable } from "#recipe/savannah/export.js";
import { type Imported, importTable } from "#recipe/savannah/import.js";
import type { LineCount } from "#recipe/savannah/loops.js";
import { addFlag, EMPTY_MAPPING, type Mapping, readMapping } from "#recipe/savannah/mapping.js";
import { readTable } from "#recipe/savannah/table.js";
import { check, lab, library, recipeText } from "../support.js";

const MAPPING = `adlayer: savannah/1
flow: { 0: carrier }
heater: { 12: wall, 13: stage, 17: tma_line }
valve: { 0: TMA, 1: H2O }
stopvalve: { open: 1 }
recipe:
  name: from-table
  material: Li
  product: { film: Al2O3, suffix: none }
  foil_never_above_degC: 140
  ramp_degC_per_min: 10
  stabilise: { within_degC: 1, for_s: 300, timeout_s: 5400 }
  pump_down: { below_torr: 0.1, timeout_s: 900 }
  cool: { zone: stage, below_degC: 60, timeout_s: 14400 }
`;
const { mapping, problems: mappingProblems } = readMapping(MAPPING);

/** As the tool writes it: tabs, CRLF, the degree sign as the byte B0, trailing fields left away here and there. */
const TABLE = [
	"flow\t0\t100\tsccm",
	"heater\t17\t60\t°C",
	"heater\t12\t120",
	"heater\t13\t120\t°C",
	"stabilize\t17",
	"stabilize\t12",
	"stabilize\t13\t\t",
	"pulse\t0\t0.015\tsec",
	"wait\t\t5\tsec",
	"pulse\t1\t0.015\tsec",
	"wait\t-\t12.5",
	"goto\t7\t200\tcycles",
];

const latin1 = (lines: readonly string[], end = "\r\n"): Buffer =>
	Buffer.from(lines.map((line) => line + end).join(""), "latin1");
const imported = (
	lines: readonly string[],
	count: Partial<LineCount> = { base: 0 },
	own: Mapping = mapping,
): Imported => importTable({ bytes: latin1(lines), fileName: "Al2O3 120C.txt", mapping: own, count, library, lab });
const said = ({ problems }: Imported): string[] =>
	problems.filter(({ severity }) => severity === "error").map(({ line, code }) => `${line ?? "-"} ${code}`);

describe("a table that is no table", () => {
	it.each([
		["0\tflow\t0\t100\tsccm", "Line numbers are no part of a table: take them away."],
		["Instruction\t#\tvalue", "A table has flow, heater, stabilize, wait, pulse, goto, stopvalve."],
	])("says what a table has: %j", (line, advice) => {
		const { problems } = readTable(latin1([line]));
		expect(problems.map(({ code }) => code)).toEqual(["TABLE_COMMAND_UNKNOWN"]);
		expect(problems[0]!.message).toContain(advice);
	});
});

describe("a table that is imported", () => {
	it("becomes a recipe that may be launched, with every line as a comment where its step is", () => {
		expect(mappingProblems).toEqual([]);
		const { text, problems, count } = imported(TABLE);
		expect(problems).toEqual([]);
		expect(count).toEqual({ base: 0, blank: "counted" });
		for (const [index, line] of TABLE.entries()) expect(text).toContain(`# ${index + 1}: ${line.trimEnd()}\n`);
		const plan = check(text!).plan!;
		expect(plan.product).toBe("Li@200Al2O3");
		expect(plan.pulses).toEqual({ TMA: 200, H2O: 200 });
		// The shipped recipe says the same with other words around it.
		const shipped = check(recipeText("li-al2o3"), { set: { cycles: 200 } }).plan!;
		const bare = (steps: typeof plan.steps) => steps.map(({ path: _, phase: __, title: ___, ...step }) => step);
		expect(bare(plan.steps)).toEqual(bare(shipped.steps));
	});

	it("reads the degree sign as one byte, LF as well as CRLF, and no end at the last line", () => {
		const bytes = latin1(TABLE);
		expect(bytes.includes(Buffer.from([0x09, 0xb0, 0x43]))).toBe(true);
		const unix = Buffer.from(TABLE.join("\n"), "latin1");
		expect(readTable(unix).rows).toEqual(readTable(bytes).rows);
		expect(readTable(Buffer.from("heater 17 150\n")).rows).toEqual([
			{ line: 1, command: "heater", number: 17, value: 150 },
		]);
	});

	it("asks from where lines are counted when both ways give loops", () => {
		const { text, problems } = imported(TABLE, {});
		expect(text).toBeUndefined();
		expect(problems).toMatchObject([{ code: "TABLE_LINE_BASE", line: 12, value: 7 }]);
		expect(problems[0]!.message).toContain("line 8 of the file (counted from 0)");
		expect(problems[0]!.message).toContain("line 7 of the file (counted from 1)");
		expect(problems[0]!.message).toContain("--line-base 0|1");
	});

	it("does not ask where only one way of counting is possible", () => {
		const first = ["pulse\t0\t0.015", "wait\t\t5", "pulse\t1\t0.015", "wait\t\t12.5", "goto\t0\t200"];
		expect(imported(first, {}).count).toEqual({ base: 0, blank: "counted" });
	});

	it("asks whether blank lines count, where that makes a difference", () => {
		const lines = [...TABLE.slice(0, 3), "", ...TABLE.slice(3, 11), "goto\t9\t200"];
		const asked = imported(lines, { base: 1 });
		expect(said(asked)).toEqual(["13 TABLE_LINE_BASE"]);
		expect(asked.problems[0]!.message).toContain("Say --blank-lines counted|skipped.");
		expect(said(imported(lines, { base: 1, blank: "counted" }))).toEqual([]);
		expect(said(imported(lines, { base: 1, blank: "skipped" }))).toEqual(["9 TABLE_PULSE"]);
		// A blank line does nothing: that goto leads to it or to the command after it makes no difference.
		const before = [...TABLE.slice(0, 7), "", ...TABLE.slice(7, 11), "goto\t8\t200"];
		expect(said(imported(before, { base: 1 }))).toEqual([]);
	});

	it("nests loops", () => {
		const lines = [...TABLE, "wait\t\t60\tsec", "goto\t7\t2\tcycles"];
		const { text } = imported(lines);
		const plan = check(text!).plan;
		expect(plan?.pulses ?? check(text!).problems).toEqual({ TMA: 400, H2O: 400 });
	});

	it("takes a shut stop valve for an exposure", () => {
		const lines = [
			...TABLE.slice(0, 7),
			"stopvalve\t0",
			"pulse\t0\t0.015\tsec",
			"wait\t\t5\tsec",
			"stopvalve\t1",
			"wait\t\t10\tsec",
			"stopvalve\t\t0",
			"pulse\t1\t0.015\tsec",
			"wait\t\t5\tsec",
			"stopvalve\t\t1",
			"wait\t\t25\tsec",
			"goto\t7\t100\tcycles",
		];
		const { text, problems } = imported(lines);
		expect(problems).toEqual([]);
		expect(text).toContain("- exposure: { precursor: TMA, ms: 15, soak_s: 5 }");
		expect(said(imported(lines.toSpliced(10, 1)))).toEqual(["8 TABLE_STOP_VALVE"]);
		const { stopvalve: _, ...without } = mapping;
		expect(said(imported(lines, { base: 0 }, without))).toEqual(["8 TABLE_UNMAPPED"]);
	});

	it("leaves out what is mapped to none, and says so", () => {
		const own = { ...mapping, heater: { ...mapping.heater, 14: "none" } };
		const lines = ["heater\t14\t150\t°C", ...TABLE.slice(0, 11), "goto\t8\t200"];
		const { problems, text } = imported(lines, { base: 0 }, own);
		expect(problems).toMatchObject([{ severity: "warning", code: "TABLE_LEFT_OUT", line: 1 }]);
		expect(text).toContain("# 1: heater\t14\t150\t°C");
		expect(text).not.toContain("none: {");
	});
});

describe("a table that is refused", () => {
	it("names every number without a counterpart at once, and all that nobody has said", () => {
		const refused = imported(TABLE, { base: 0 }, EMPTY_MAPPING);
		expect(refused.text).toBeUndefined();
		expect(refused.problems.map(({ path }) => path)).toEqual([
			"flow.0",
			"heater.17",
			"heater.12",
			"heater.13",
			"valve.0",
			"valve.1",
			"recipe.material",
			"recipe.product",
			"recipe.ramp_degC_per_min",
			"recipe.stabilise",
		]);
	});

	it.each([
		["plasma\t0\t300\tW", "TABLE_UNTRANSLATABLE"],
		["MFCvalve\t1\t0", "TABLE_UNTRANSLATABLE"],
		["line ac out\t0\t1", "TABLE_UNTRANSLATABLE"],
		["dance\t0\t1", "TABLE_COMMAND_UNKNOWN"],
		["flow\t0", "TABLE_FIELD"],
		["flow\t0\t20\tsccm\tmore", "TABLE_FIELD"],
		["flow\t0\t20\tslm", "TABLE_FIELD"],
		["heater\t12\t1,5", "TABLE_FIELD"],
		["pulse\t0\t-0.1\tsec", "TABLE_FIELD"],
		["pulse\t0.5\t0.1\tsec", "TABLE_FIELD"],
		["wait\t3\t4\tsec", "TABLE_FIELD"],
		["stopvalve\t2", "TABLE_FIELD"],
		["goto\t0\t1.5\tcycles", "TABLE_FIELD"],
		["goto\t99\t5\tcycles", "TABLE_GOTO"],
		["goto\t0\t0\tcycles", "TABLE_FIELD"],
		["pulse\t0\t0.015\tsec", "TABLE_PULSE"],
		["stopvalve\t1", "TABLE_STOP_VALVE"],
	])("says so at the line: %s", (line, code) => {
		expect(said(imported([...TABLE, line]))).toEqual([`13 ${code}`]);
	});

	it("does not let a goto lead into the middle of a loop", () => {
		expect(said(imported([...TABLE, "goto\t9\t3\tcycles"]))).toEqual(["13 TABLE_GOTO"]);
		expect(said(imported([...TABLE, "goto\t7\t3\tcycles"]))).toEqual([]);
	});

	it("names every bad line, not only the first", () => {
		const { problems } = imported(["plasma 1", ...TABLE, "x", "flow 0 -5 sccm"]);
		expect(problems.map(({ line }) => line)).toEqual([1, 14, 15]);
	});

	it("is not longer than a table can be", () => {
		expect(readTable(Buffer.alloc(300_000, "wait 1\n")).problems[0]!.code).toBe("TABLE_TOO_LONG");
		expect(readTable(Buffer.from("wait 1\n".repeat(2001))).problems).toMatchObject([
			{ code: "TABLE_TOO_LONG", line: 2001 },
		]);
		expect(readTable(Buffer.from("\r\n\r\n")).problems).toMatchObject([{ code: "TABLE_EMPTY" }]);
	});

	it("shows what the check finds at the table's line", () => {
		const hot = TABLE.with(3, "heater\t13\t500\t°C").with(8, "wait\t\t1\tsec");
		const { text, problems } = imported(hot);
		expect(text).toBeDefined();
		expect(problems.map(({ line, code }) => `${line} ${code}`)).toEqual(
			expect.arrayContaining(["4 SETPOINT_OUT_OF_RANGE", "9 PURGE_TOO_SHORT"]),
		);
	});
});

describe("a mapping", () => {
	it("may come by flags", () => {
		expect(addFlag(EMPTY_MAPPING, "heater.12=stage")).toMatchObject({ heater: { 12: "stage" } });
		expect(addFlag(EMPTY_MAPPING, "stopvalve.open=0")).toMatchObject({ stopvalve: { open: 0 } });
		expect(addFlag(EMPTY_MAPPING, "heater=stage")).toContain("heater.N=ZONE");
		expect(addFlag(EMPTY_MAPPING, "flow.0=TMA")).toContain("the carrier or none");
	});

	it("gives each part of the reactor one number", () => {
		const { problems } = readMapping(MAPPING.replace("13: stage", "13: wall"));
		expect(problems).toMatchObject([{ code: "TABLE_MAPPING", path: "heater.13" }]);
	});

	it("refuses keys that it does not know, by line and column", () => {
		const { problems } = readMapping(MAPPING.replace("valve:", "valves:"));
		expect(problems).toMatchObject([{ code: "KEY_UNKNOWN", line: 4 }]);
	});
});

describe("a recipe that is exported", () => {
	it("is the table again, in Latin-1 with CRLF", () => {
		const { text } = imported(TABLE);
		const { bytes, problems, lines } = exportTable({ text: text!, set: {}, mapping, lineBase: 0 });
		expect(problems).toEqual([]);
		expect(lines).toBe(12);
		const { rows } = readTable(bytes!);
		expect(rows).toEqual(readTable(latin1(TABLE)).rows);
		expect(bytes!.subarray(0, 19).toString("latin1")).toBe("flow\t0\t100\tsccm\r\nhe");
	});

	it("says the shipped recipes of one temperature, with the parameters of the launch", () => {
		const text = recipeText("li-al2o3");
		const { bytes, problems } = exportTable({ text, set: { cycles: 25 }, mapping, lineBase: 1 });
		expect(problems).toEqual([]);
		expect(bytes!.toString("latin1")).toContain("goto\t8\t25\tcycles\r\n");
	});

	it("is refused by step where a table has no word for it", () => {
		const text = recipeText("li-two-step");
		const refused = exportTable({ text, set: {}, mapping, lineBase: 0 });
		expect(refused.bytes).toBeUndefined();
		expect(refused.problems).toMatchObject([{ code: "TABLE_CANNOT_SAY", path: "steps[2].steps[0].anneal" }]);
		expect(refused.problems[0]!.line).toBe(text.split("\n").findIndex((line) => line.includes("- anneal:")) + 1);
		const other = { ...mapping, recipe: { ...mapping.recipe, ramp_degC_per_min: 5 } };
		const ramps = exportTable({ text: recipeText("li-al2o3"), set: {}, mapping: other, lineBase: 0 });
		expect(ramps.problems).toHaveLength(3);
		expect(ramps.problems[0]!.message).toContain("no ramps");
	});

	it("names every part without a number at once", () => {
		const bare = { ...mapping, flow: {}, heater: {}, valve: {} };
		const { problems } = exportTable({ text: recipeText("li-al2o3"), set: {}, mapping: bare, lineBase: 0 });
		const named = problems.map(({ message }) => message.split(" ")[0]);
		expect(new Set(named)).toEqual(new Set(["carrier", "tma_line", "wall", "stage", "TMA", "H2O"]));
	});
});
