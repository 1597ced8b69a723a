/** Recipes, cycling protocols, lab files, campaigns and Savannah tables through the doors that people use. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { checkProtocol, isProtocol } from "#cycling/check-protocol.js";
import { readCampaign } from "#recipe/campaign-document.js";
import { checkRecipe } from "#recipe/check.js";
import { toCheckJson } from "#recipe/check-json.js";
import { loadLibrary } from "#recipe/library-files.js";
import { exportTable } from "#recipe/savannah/export.js";
import { importTable } from "#recipe/savannah/import.js";
import { readMapping } from "#recipe/savannah/mapping.js";
import { labFacts } from "#src/config/lab-facts.js";
import { loadLabFile, parseLabFile } from "#src/config.js";
import { type Area, area, expectPlaced, Finding, refusalOf } from "./area.js";
import { bytesChanges, changeBytes, documentCases, documentOf, textChanges, wild } from "./mutations.js";

const RECIPES = resolve(import.meta.dirname, "../../../recipes");
const texts = (folder: string, ending: string): string[] =>
	readdirSync(join(RECIPES, folder))
		.filter((name) => name.endsWith(ending))
		.map((name) => readFileSync(join(RECIPES, folder, name), "utf8"));

const library = loadLibrary(RECIPES);
const lab = labFacts(loadLabFile(join(RECIPES, "labs/simulated.lab.yaml")));
const recipes = texts(".", ".recipe.yaml");
const protocols = texts("protocols", ".protocol.yaml");
const labs = texts("labs", ".lab.yaml");
const campaigns = texts("campaigns", ".campaign.yaml");

/** As `adlayer check` takes a file: a protocol when it says so, else a recipe. */
function checkAsCommand(text: string, set: Record<string, number | string>): void {
	if (isProtocol(text)) {
		expectPlaced(checkProtocol(text, "fuzz.yaml").problems, text);
		expectPlaced(checkProtocol(text, "fuzz.yaml", { areaCm2: 1.13, activeMassG: 0.01 }).problems, text);
		return;
	}
	const result = checkRecipe({ text, fileName: "fuzz.yaml", set, library, lab });
	const ofText = result.problems.filter(({ path }) => path === undefined || !Object.hasOwn(set, path));
	expectPlaced(ofText, text);
	const json = toCheckJson(result);
	JSON.stringify(json);
	const refused = result.problems.some(({ severity }) => severity === "error");
	if ((result.plan === undefined) !== refused) throw new Finding("wrong", "A plan with errors, or none without.");
	for (const step of result.plan?.steps ?? [])
		if (!(Number.isFinite(step.plannedS) && step.plannedS >= 0))
			throw new Finding("wrong", `A step of ${step.plannedS} s.`);
	if (result.plan !== undefined && !Number.isFinite(result.plan.totalS)) throw new Finding("wrong", "An endless plan.");
}

const parameters = fc.oneof(
	{ weight: 3, arbitrary: fc.constant({}) },
	{
		weight: 1,
		arbitrary: fc.dictionary(
			fc.oneof(fc.constantFrom("cycles", "__proto__", "anneal_degC"), fc.string({ maxLength: 6 })),
			fc.oneof(fc.double(), fc.integer(), fc.string({ maxLength: 6 })),
			{ maxKeys: 3 },
		),
	},
) as fc.Arbitrary<Record<string, number | string>>;

const recipeArea = area({
	name: "recipes",
	cases: 3_000,
	arbitrary: fc.record({ document: documentCases, set: parameters }),
	run: ({ document, set }) => checkAsCommand(documentOf(recipes, document), set),
	show: ({ document, set }) => `${JSON.stringify(set)}\n${documentOf(recipes, document)}`,
});

const protocolArea = area({
	name: "protocols",
	cases: 3_000,
	arbitrary: documentCases,
	run: (one) => {
		const text = documentOf(protocols, one);
		checkAsCommand(text, {});
		expectPlaced(checkProtocol(text, "fuzz.yaml").problems, text);
	},
	show: (one) => documentOf(protocols, one),
});

const labArea = area({
	name: "lab files",
	cases: 1_200,
	arbitrary: documentCases,
	run: (one) => {
		const text = documentOf(labs, one);
		const refusal = refusalOf(() => labFacts(parseLabFile(text, "fuzz.lab.yaml")));
		if (refusal === undefined) return;
		if (refusal.problems.length === 0) throw new Finding("no-place", `Refused without a place: ${refusal.message}`);
		expectPlaced(refusal.problems, text);
	},
	show: (one) => documentOf(labs, one),
});

const campaignArea = area({
	name: "campaigns",
	cases: 4_000,
	arbitrary: documentCases,
	run: (one) => {
		const text = documentOf(campaigns, one);
		const { problems, runs } = readCampaign(text);
		expectPlaced(problems, text);
		if (runs.length > 100) throw new Finding("wrong", `${runs.length} runs of one campaign.`);
	},
	show: (one) => documentOf(campaigns, one),
});

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
const { mapping } = readMapping(MAPPING);
const word = fc.oneof(
	fc.constantFrom(
		"flow",
		"heater",
		"stabilize",
		"stabilise",
		"wait",
		"pulse",
		"goto",
		"stopvalve",
		"plasma",
		"MFCvalve",
	),
	fc.constantFrom("line ac out", "", "-", "°C", "sec", "cycles", "sccm", "1,5", "0.015", "1e400", "-0"),
	fc.integer({ min: -2, max: 40 }).map(String),
	wild.map((value) => String(value).slice(0, 40)),
);
const whole = fc.oneof(
	fc.tuple(fc.constantFrom("flow\t0\t", "heater\t13\t", "heater\t12\t"), fc.integer({ min: 0, max: 300 })),
	fc.tuple(fc.constantFrom("pulse\t0\t", "pulse\t1\t", "wait\t\t"), fc.double({ min: 0, max: 20, noNaN: true })),
	fc.tuple(fc.constantFrom("goto\t0\t", "goto\t2\t", "goto\t5\t"), fc.integer({ min: 0, max: 1_000_000 })),
	fc.tuple(fc.constantFrom("stabilize\t", "stopvalve\t"), fc.integer({ min: 0, max: 20 })),
);
const rows = fc.array(
	fc.oneof(
		fc.array(word, { maxLength: 5 }).map((cells) => cells.join("\t")),
		whole.map(([command, value]) => `${command}${value}`),
	),
	{ maxLength: 25 },
);
const tableCase = fc.record({
	lines: rows,
	end: fc.constantFrom("\r\n", "\n", "\r"),
	change: fc.oneof(fc.constant([]), bytesChanges),
	count: fc.constantFrom<{ base?: 0 | 1; blank?: "counted" }>({}, { base: 0 }, { base: 1, blank: "counted" }),
	mapping: fc.oneof(fc.constant(null), textChanges),
});

const savannahArea = area({
	name: "Savannah tables",
	cases: 6_000,
	arbitrary: tableCase,
	run: ({ lines, end, change, count, mapping: mappingChange }) => {
		const bytes = changeBytes(Buffer.from(lines.join(end), "latin1"), change);
		const own = mappingChange === null ? { mapping, problems: [] } : readChangedMapping(mappingChange);
		const result = importTable({ bytes, fileName: "t.txt", mapping: own.mapping, count, library, lab });
		const last = Math.max(
			1,
			Buffer.from(bytes)
				.toString("latin1")
				.split(/\r\n|\n|\r/).length,
		);
		for (const { line, path, message } of result.problems) {
			if (line === undefined && path === undefined) throw new Finding("no-place", message);
			if (line !== undefined && !(line >= 1 && line <= last + 1)) throw new Finding("no-place", `${line}: ${message}`);
		}
		if (result.text === undefined) {
			if (!result.problems.some(({ severity }) => severity === "error"))
				throw new Finding("no-place", "Refused without a reason.");
			return;
		}
		exportTable({ text: result.text, set: {}, mapping: own.mapping, lineBase: 0 });
	},
	show: ({ lines, end, change, count }) =>
		`${JSON.stringify(count)} ${JSON.stringify(Buffer.from(changeBytes(Buffer.from(lines.join(end), "latin1"), change)).toString("latin1"))}`,
});

function readChangedMapping(change: Parameters<typeof documentOf>[1]["text"]) {
	const text = documentOf([MAPPING], { base: 0, tree: null, text: change });
	const read = readMapping(text);
	for (const problem of read.problems)
		if (problem.line === undefined && problem.path === undefined) throw new Finding("no-place", problem.message);
	return read;
}

export const DOCUMENT_AREAS: readonly Area[] = [recipeArea, protocolArea, labArea, campaignArea, savannahArea];
