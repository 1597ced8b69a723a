/** A campaign's document: recipes, parameter sets and the rule for sample names, written out to single runs. Pure. */
import type { Problem } from "#core/errors.js";
import { NAME_PATTERN, object, PARAMETER_PATTERN } from "#recipe/recipe-schema.js";
import { compileSchema, isRecord, ONE_LINE, validate } from "#recipe/schema.js";
import { problemAt, readYaml } from "#recipe/yaml-document.js";

/** Half a year of runs; bounds what control checks and keeps. */
export const CAMPAIGN_RUNS_MAX = 100;
const SERIES_MAX = 20;
export const SAMPLE_RULE = "{product}";
const PLACEHOLDERS = ["product", "campaign", "entry"] as const;

interface SeriesEntry {
	readonly recipe: string;
	readonly set?: Readonly<Record<string, number>>;
	readonly vary?: Readonly<Record<string, readonly number[]>>;
	readonly sample?: string;
}

interface CampaignFile {
	readonly name: string;
	readonly title: string;
	readonly series: readonly SeriesEntry[];
}

export interface PlannedRun {
	/** As the document names it. */
	readonly recipe: string;
	readonly set: Readonly<Record<string, number>>;
	/** The rule for the sample's name. */
	readonly sample: string;
	/** Where in the document it comes from. */
	readonly path: readonly (string | number)[];
}

export interface CampaignPlan {
	readonly name: string;
	readonly title: string;
	readonly runs: readonly PlannedRun[];
	readonly problems: readonly Problem[];
	/** The problem at a place of the document. */
	at(path: readonly (string | number)[], problem: Omit<Problem, "line" | "column" | "path">): Problem;
}

/** Names and titles are printed and scanned; a sample of another name could never be said to be loaded. */
const line = (maxLength: number) => ({ type: "string", minLength: 1, maxLength, pattern: ONE_LINE });
const number = { type: "number" };
const numbers = (item: object): object => ({
	type: "object",
	maxProperties: 16,
	propertyNames: { pattern: PARAMETER_PATTERN },
	additionalProperties: item,
});
export const CAMPAIGN_SCHEMA = object("A campaign: runs in a queue, each launched by a person.", {
	adlayer: { const: "campaign/1" },
	name: { type: "string", pattern: NAME_PATTERN },
	title: line(120),
	series: {
		type: "array",
		minItems: 1,
		maxItems: SERIES_MAX,
		items: object(
			"Runs of one recipe.",
			{ recipe: { type: "string", minLength: 1, maxLength: 200 } },
			{
				set: numbers(number),
				vary: numbers({ type: "array", minItems: 1, maxItems: CAMPAIGN_RUNS_MAX, uniqueItems: true, items: number }),
				sample: line(120),
			},
		),
	},
});
const validateCampaign = compileSchema(CAMPAIGN_SCHEMA);

/** `text` is YAML or JSON. The recipes are not looked at here. */
export function readCampaign(text: string): CampaignPlan {
	const document = readYaml(text);
	const at: CampaignPlan["at"] = (path, problem) => problemAt(document, { path }, problem);
	const refused = (problems: readonly Problem[]): CampaignPlan => ({ name: "", title: "", runs: [], problems, at });
	if (document.problems.length > 0) return refused(document.problems);
	const findings = validate(validateCampaign, document.value, document);
	if (findings.length > 0 || !isRecord(document.value)) return refused(findings.map(({ problem }) => problem));
	const { name, title, series } = document.value as unknown as CampaignFile;
	const problems: Problem[] = [];
	const refuse = (path: readonly (string | number)[], message: string, value: unknown, limit?: unknown): void => {
		problems.push(at(path, { severity: "error", code: "CAMPAIGN_FILE", message, value, limit }));
	};
	const runs: PlannedRun[] = [];
	let count = 0;
	for (const [index, { recipe, set = {}, vary = {}, sample = SAMPLE_RULE }] of series.entries()) {
		const path = ["series", index];
		for (const parameter of Object.keys(vary).filter((key) => Object.hasOwn(set, key)))
			refuse([...path, "vary", parameter], `${parameter} is both set and varied.`, parameter);
		for (const [whole, word] of sample.matchAll(/\{([^{}]*)\}/g))
			if (!(PLACEHOLDERS as readonly string[]).includes(word!))
				refuse([...path, "sample"], `The rule for names knows no ${whole}.`, whole, PLACEHOLDERS);
		count += Object.values(vary).reduce((product, values) => product * values.length, 1);
		if (count > CAMPAIGN_RUNS_MAX) continue;
		for (const varied of combinations(Object.entries(vary)))
			runs.push({ recipe, set: { ...set, ...varied }, sample, path });
	}
	if (count > CAMPAIGN_RUNS_MAX) {
		const message = `The campaign would have ${count} runs; the most are ${CAMPAIGN_RUNS_MAX}.`;
		refuse(["series"], message, count, CAMPAIGN_RUNS_MAX);
	}
	return { name, title, runs, problems, at };
}

/** Every combination, the last parameter changing first. */
function combinations(vary: readonly [string, readonly number[]][]): Record<string, number>[] {
	return vary.reduce<Record<string, number>[]>(
		(before, [name, values]) => before.flatMap((set) => values.map((value) => ({ ...set, [name]: value }))),
		[{}],
	);
}

/** A sample's name by its rule. */
export function sampleName(rule: string, known: Record<(typeof PLACEHOLDERS)[number], string | number>): string {
	return rule.replace(/\{(product|campaign|entry)\}/g, (_, word: keyof typeof known) => String(known[word]));
}
