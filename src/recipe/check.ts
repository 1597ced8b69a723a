/**
 * A recipe's way through the door: text to plan, or to all of its problems at once. Pure: the same text, parameters,
 * library and lab facts give the same answer.
 */
import { createHash } from "node:crypto";
import type { Problem } from "#core/errors.js";
import type { MadeOf } from "#recipe/cycle-loops.js";
import { dryRun } from "#recipe/dry-run.js";
import { type Expansion, expand, PLAN_STEPS_MAX } from "#recipe/expand.js";
import type { LabFacts } from "#recipe/lab-facts.js";
import type { FilmData, Library, MaterialData } from "#recipe/library.js";
import { resolveParameters } from "#recipe/parameters.js";
import { type Path, printPath } from "#recipe/path.js";
import { isDose, type Plan, type Step } from "#recipe/plan.js";
import { productFilms, type RecipeFile } from "#recipe/recipe-file.js";
import { recipeSchema } from "#recipe/recipe-schema.js";
import type { OverrideCode } from "#recipe/rule-codes.js";
import { RULES } from "#recipe/rules/index.js";
import { purgeNeed } from "#recipe/rules/purge-length.js";
import { coldestSurface, type Finding, filmOf, type RuleInput } from "#recipe/rules/rule.js";
import { printSampleName, printStackName, repeatedLayers } from "#recipe/sample-name.js";
import { compileSchema, isRecord, validate } from "#recipe/schema.js";
import { planTimes } from "#recipe/timing.js";
import { type ProcessState, traceSteps } from "#recipe/trace.js";
import { problemAt, readYaml, type YamlDocument } from "#recipe/yaml-document.js";

/** The longest pause unless the recipe says otherwise. */
const MAX_PAUSE_S = 1800;
/** After this many problems of one recipe the rest is left out. */
const PROBLEMS_MAX = 200;

export interface CheckRequest {
	readonly text: string;
	/** For people; the recipe's name is in the file. */
	readonly fileName: string;
	/** Parameters of the launch. */
	readonly set: Readonly<Record<string, number | string>>;
	readonly library: Library;
	readonly lab: LabFacts;
}

export interface CheckResult {
	/** The recipe's name, or the file name where there is none. */
	readonly recipe: string;
	/** Of the text's UTF-8 bytes, in hexadecimal. */
	readonly sha256: string;
	/** Sorted by place; a plan may come with warnings. */
	readonly problems: readonly Problem[];
	/** What the launch must acknowledge; known as far as the recipe could be judged. */
	readonly acknowledgements: Plan["acknowledgements"];
	/** Undefined when any problem is an error. */
	readonly plan: Plan | undefined;
}

const validateRecipe = compileSchema(recipeSchema({ references: false }));

export function checkRecipe({ text, fileName, set, library, lab }: CheckRequest): CheckResult {
	const sha256 = createHash("sha256").update(text).digest("hex");
	const document = readYaml(text);
	if (document.problems.length > 0) {
		return { recipe: fileName, sha256, problems: document.problems, acknowledgements: [], plan: undefined };
	}
	const { value, parameters, problems: parameterProblems, unresolved } = resolveParameters(document, set);
	const schemaFindings = validate(validateRecipe, value, document);
	const isUnresolved = new Set(unresolved.map(printPath));
	const problems: Problem[] = [
		...parameterProblems,
		// A reference that led nowhere is said once, not again as text where a number should be.
		...schemaFindings.filter(({ path }) => !isUnresolved.has(printPath(path))).map(({ problem }) => problem),
	];
	const recipeName = isRecord(value) && typeof value.name === "string" && value.name !== "" ? value.name : fileName;
	const finish = (acknowledgements: Plan["acknowledgements"], plan: Plan | undefined): CheckResult => ({
		recipe: recipeName,
		sha256,
		problems: sorted(problems).slice(0, PROBLEMS_MAX),
		acknowledgements,
		plan: problems.some(({ severity }) => severity === "error") ? undefined : plan,
	});
	if (!isRecord(value) || !Array.isArray(value.steps)) return finish([], undefined);

	// Steps that could not be understood are left out, so that the rest can still be judged.
	const broken = [
		...schemaFindings.filter(({ problem }) => problem.code !== "KEY_UNKNOWN").map(({ path }) => path),
		...unresolved,
	];
	const holes = new Set(broken.map(stepOf).filter((place) => place !== undefined));
	if (broken.some((path) => path[0] === "steps" && stepOf(path) === undefined)) return finish([], undefined);
	const recipe = readable(value, broken);
	const { material, films } = lookUp(recipe, library, document, problems);
	const madeOf: MadeOf = (name) => {
		const film = filmOf({ films }, name);
		return film && { name: film.name, precursors: film.deposition.precursors };
	};
	const expansion = expand({ entries: recipe.steps, holes, lab, madeOf });
	if (expansion.tooLong) {
		const { path, steps } = expansion.tooLong;
		const message = `The recipe would have ${steps} steps; the most that are run are ${PLAN_STEPS_MAX}.`;
		problems.push(
			problemAt(
				document,
				{ path },
				{ severity: "error", code: "PLAN_TOO_LONG", message, value: steps, limit: PLAN_STEPS_MAX },
			),
		);
		return finish([], undefined);
	}

	const seconds = planTimes(
		expansion.flat.map(({ step }) => step),
		lab,
	);
	const trace = traceSteps(expansion.flat);
	const overrides = new Map((recipe.overrides ?? []).map(({ code, reason }) => [code, reason]));
	const input: RuleInput = {
		recipe,
		material,
		films,
		library,
		lab,
		trace,
		seconds,
		cycles: expansion.cycles,
		layers: expansion.layers,
		cycleFaults: expansion.cycleFaults,
		isWhole: holes.size === 0,
		overrides,
	};
	const { findings, acknowledgements } = judge(input);
	for (const { path, message, code, effect, value: found, limit } of findings) {
		const details = { ...(found === undefined ? {} : { value: found }), ...(limit === undefined ? {} : { limit }) };
		problems.push(
			problemAt(document, { path }, { severity: effect === "error" ? "error" : "warning", code, message, ...details }),
		);
	}
	const codes = (recipe.overrides ?? []).map(({ code }) => code);
	for (const [index, code] of codes.entries()) {
		if (codes.indexOf(code) === index) continue;
		const message = `${code} is declared twice, and with it two reasons.`;
		const place = { path: ["overrides", index, "code"] };
		problems.push(problemAt(document, place, { severity: "error", code: "VALUE_NOT_ALLOWED", message, value: code }));
	}
	if (holes.size === 0) {
		for (const [index, { code }] of (recipe.overrides ?? []).entries()) {
			if (
				findings.some(({ override, code: used }) => override === code || used === code) ||
				isCeilingOverride(code, recipe, material)
			)
				continue;
			const message = `The override ${code} is not needed: nothing in the recipe rests on it.`;
			problems.push(
				problemAt(
					document,
					{ path: ["overrides", index, "code"] },
					{ severity: "warning", code: "OVERRIDE_UNUSED", message, value: code },
				),
			);
		}
	}
	if (!material || !films || problems.some(({ severity }) => severity === "error"))
		return finish(acknowledgements, undefined);
	return finish(
		acknowledgements,
		makePlan({ ...input, material, films, sha256, parameters, acknowledgements, expansion }),
	);
}

function makePlan({
	sha256,
	parameters,
	acknowledgements,
	expansion,
	...input
}: RuleInput & {
	material: MaterialData;
	films: readonly FilmData[];
	sha256: string;
	parameters: Plan["parameters"];
	acknowledgements: Plan["acknowledgements"];
	expansion: Expansion;
}): Plan {
	const { recipe, material, films, lab, trace, seconds } = input;
	const { flat, cycles, layers } = expansion;
	const purgeMinimumS = purgeMinima(input);
	const ceilings = flat.flatMap(({ step }) => (step.type === "anneal" ? [step.neverAboveC] : []));
	if (recipe.foil_never_above_degC !== undefined) ceilings.push(recipe.foil_never_above_degC);
	return {
		recipe: recipe.name,
		recipeVersion: recipe.version,
		sha256,
		parameters,
		material: { name: material.name, meltingPointC: material.meltingPointC, source: material.source },
		product: productName(recipe, material, cycles, layers),
		steps: flat.map(({ step }, index) => ({
			...step,
			plannedS: seconds[index]!,
			...ownPurge(step, trace.all[index]!.before, input, purgeMinimumS),
		})),
		cyclesOrdered: cycles,
		cyclesOf: cyclesOf(layers, films),
		neverAboveC: ceilings.length === 0 ? null : Math.min(...ceilings),
		holdC: recipe.hold_degC ?? null,
		maxPauseS: recipe.max_pause_s ?? MAX_PAUSE_S,
		...dryRun({ trace, seconds, lab, films, material: material.name }),
		acknowledgements,
		purgeMinimumS,
	};
}

/** By the rule for sample names; what stands in brackets is what a stack repeats. */
function productName(recipe: RecipeFile, material: MaterialData, cycles: number, layers: Expansion["layers"]): string {
	const { product } = recipe;
	if (product === "none") return "none";
	const { suffix } = product;
	if ("film" in product) return printSampleName({ metal: material.name, cycles, film: product.film, suffix });
	return printStackName({ metal: material.name, suffix, ...repeatedLayers(layers) });
}

/** A loop that names no film deposits the only one. */
function cyclesOf(layers: Expansion["layers"], films: readonly FilmData[]): Record<string, number> {
	const counts: Record<string, number> = Object.fromEntries(films.map(({ name }) => [name, 0]));
	for (const { cycles, film } of layers) {
		const name = film === "" ? films[0]?.name : film;
		if (name !== undefined) counts[name] = (counts[name] ?? 0) + cycles;
	}
	return counts;
}

/** The purge that a film needs after a precursor with the chamber as it is before a step; undefined where nothing is known. */
function needAfter(input: RuleInput, before: ProcessState, film: string | undefined, precursor: string) {
	const coldest = coldestSurface(input.lab, before);
	return coldest && purgeNeed(input, { film, precursor, atC: coldest.atC });
}

/** What a dose's own film asks for, where that is less than the longest of the plan. */
function ownPurge(step: Step, before: ProcessState, input: RuleInput, longestS: Readonly<Record<string, number>>) {
	if (!isDose(step)) return {};
	const need = needAfter(input, before, step.film, step.precursor);
	return need && !need.isColder && need.seconds < longestS[step.precursor]! ? { purgeMinimumS: need.seconds } : {};
}

/** Not before what was dosed last, by whomever, is gone. */
const NEEDS_PURGED: ReadonlySet<Step["type"]> = new Set(["pulse", "exposure", "line-evacuate", "backfill"]);

/**
 * The longest minimum that any dose of the plan asks for, by precursor. Where an override lets the chamber be colder than
 * the table, the recipe's own shortest purge stands in for it.
 */
function purgeMinima(input: RuleInput): Record<string, number> {
	const minima: Record<string, number> = {};
	const own: Record<string, number> = {};
	const take = (film: string | undefined, precursor: string, before: ProcessState, seconds: number) => {
		const need = needAfter(input, before, film, precursor);
		if (need && !need.isColder) minima[precursor] = Math.max(minima[precursor] ?? 0, need.seconds);
		else own[precursor] = Math.min(own[precursor] ?? Number.POSITIVE_INFINITY, seconds);
	};
	for (const { step, before } of input.trace.steps) {
		if (step.type === "purge") take(step.film, step.after, before, step.seconds);
		if (step.type !== "line-evacuate") continue;
		for (const { precursor } of step.lines) take(undefined, precursor, before, step.purgeS);
	}
	for (const [precursor, ownS] of Object.entries(own)) minima[precursor] = Math.max(minima[precursor] ?? 0, ownS);
	// What this recipe never doses may have been dosed just before it, by another.
	for (const { step, before } of input.trace.steps) {
		if (!NEEDS_PURGED.has(step.type)) continue;
		for (const precursor of Object.keys(input.lab.precursors)) {
			if (minima[precursor] !== undefined) continue;
			const need = needAfter(input, before, undefined, precursor);
			if (need) minima[precursor] = need.seconds;
		}
	}
	return minima;
}

/** All findings, each place and code once: a repeat of 500 cycles says a thing once. */
function judge(input: RuleInput): { findings: Finding[]; acknowledgements: { code: string; reason: string }[] } {
	const findings: Finding[] = [];
	const seen = new Set<string>();
	const acknowledgements = new Map<string, string>();
	for (const rule of RULES) {
		for (const finding of rule(input)) {
			const key = `${finding.code} ${printPath(finding.path)}`;
			if (seen.has(key)) continue;
			seen.add(key);
			findings.push(finding);
			if (finding.effect === "acknowledge" && !acknowledgements.has(finding.code))
				acknowledgements.set(finding.code, finding.message);
		}
	}
	return { findings, acknowledgements: [...acknowledgements].map(([code, reason]) => ({ code, reason })) };
}

/** `films` is undefined when the product or one of its films could not be understood. */
function lookUp(
	recipe: RecipeFile,
	library: Library,
	document: YamlDocument,
	problems: Problem[],
): { material: MaterialData | undefined; films: readonly FilmData[] | undefined } {
	const refuse = (
		path: Path,
		code: "MATERIAL_UNKNOWN" | "FILM_UNKNOWN",
		what: string,
		name: string,
		known: string[],
	) => {
		const message = `There is no ${what} ${name}; there are ${known.join(", ")}.`;
		problems.push(problemAt(document, { path }, { severity: "error", code, message, value: name, limit: known }));
	};
	const material = library.materials.get(recipe.material);
	if (typeof recipe.material === "string" && !material)
		refuse(["material"], "MATERIAL_UNKNOWN", "material", recipe.material, [...library.materials.keys()]);
	if (recipe.product === "none") return { material, films: [] };
	const names = productFilms(recipe.product);
	if (!Array.isArray(names)) return { material, films: undefined };
	const films: FilmData[] = [];
	for (const [index, name] of names.entries()) {
		const film = library.films.get(name);
		if (film) films.push(film);
		else if (typeof name === "string") {
			const path = "films" in (recipe.product as object) ? ["product", "films", index] : ["product", "film"];
			refuse(path, "FILM_UNKNOWN", "film", name, [...library.films.keys()]);
		}
	}
	return { material, films: films.length === names.length ? films : undefined };
}

/** A ceiling above melting for the whole run rests on the declaration too. */
const isCeilingOverride = (code: OverrideCode, recipe: RecipeFile, material: MaterialData | undefined): boolean =>
	code === "ANNEAL_ABOVE_MELTING" &&
	(recipe.foil_never_above_degC ?? -Infinity) >= (material?.meltingPointC ?? Infinity);

/** The innermost step around a path, printed; undefined outside any step. */
function stepOf(path: Path): string | undefined {
	for (let end = path.length; end >= 2; end -= 1) {
		if (typeof path[end - 1] === "number" && path[end - 2] === "steps") return printPath(path.slice(0, end));
	}
	return undefined;
}

/** The document as a recipe, without those top-level keys that the schema refused: rules then see them as absent. */
function readable(value: Record<string, unknown>, broken: readonly Path[]): RecipeFile {
	const copy = { ...value };
	for (const [key] of broken) if (typeof key === "string" && key !== "steps") delete copy[key];
	return copy as unknown as RecipeFile;
}

function sorted(problems: Problem[]): Problem[] {
	const errorsFirst = (problem: Problem): number => (problem.severity === "error" ? 0 : 1);
	return problems.sort(
		(a, b) => errorsFirst(a) - errorsFirst(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
	);
}
