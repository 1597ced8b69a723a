/** A recipe to a Savannah or Fiji table, by the same mapping as the way in. What a table cannot say is refused by step. Pure. */
import type { Problem } from "#core/errors.js";
import { resolveParameters } from "#recipe/parameters.js";
import type { Path } from "#recipe/path.js";
import type { PhaseEntry, RecipeFile, StepEntry } from "#recipe/recipe-file.js";
import { recipeSchema } from "#recipe/recipe-schema.js";
import { type Mapping, twice } from "#recipe/savannah/mapping.js";
import { printTable, type Row, TABLE_LINES_MAX } from "#recipe/savannah/table.js";
import { compileSchema, validate } from "#recipe/schema.js";
import { problemAt, readYaml } from "#recipe/yaml-document.js";

export interface ExportRequest {
	/** The recipe's. */
	readonly text: string;
	readonly set: Readonly<Record<string, number | string>>;
	readonly mapping: Mapping;
	/** Number of the table's first line, as the tool counts. */
	readonly lineBase: 0 | 1;
}

export interface Exported {
	/** The table's bytes; undefined when the recipe is refused. */
	readonly bytes: Buffer | undefined;
	readonly lines: number;
	/** By line and column of the recipe. */
	readonly problems: readonly Problem[];
}

type Line = Pick<Row, "command" | "number" | "value">;
/** Seconds may differ by the dust of binary fractions. */
const seconds = (ms: number): number => Number((ms / 1000).toPrecision(12));

let compiled: ReturnType<typeof compileSchema> | undefined;

export function exportTable({ text, set, mapping, lineBase }: ExportRequest): Exported {
	const document = readYaml(text);
	const resolution = document.problems.length > 0 ? undefined : resolveParameters(document, set);
	compiled ??= compileSchema(recipeSchema({ references: false }));
	const early = [
		...document.problems,
		...(resolution?.problems ?? []),
		...(resolution === undefined ? [] : validate(compiled, resolution.value, document).map(({ problem }) => problem)),
		...twice(mapping),
	];
	if (early.some(({ severity }) => severity === "error")) return { bytes: undefined, lines: 0, problems: early };

	const recipe = resolution!.value as RecipeFile;
	const problems: Problem[] = [];
	const lines: Line[] = [];
	const refuse = (path: Path, message: string, limit?: unknown): void => {
		problems.push(
			problemAt(
				document,
				{ path },
				{ severity: "error", code: "TABLE_CANNOT_SAY", message, ...(limit === undefined ? {} : { limit }) },
			),
		);
	};
	const numberOf = (kind: "flow" | "heater" | "valve", role: string, path: Path): number => {
		const found = Object.entries(mapping[kind]).find(([, mapped]) => mapped === role);
		if (found === undefined) refuse(path, `${role} has no number in the table; say --map ${kind}.N=${role}.`);
		return Number(found?.[0] ?? 0);
	};

	/** Steps with their places, out of their phases: a table has none. */
	const flat = recipe.steps.flatMap((entry, index) => {
		const path: Path = ["steps", index];
		return isPhase(entry)
			? entry.steps.map((step, at) => ({ step, path: [...path, "steps", at] as Path }))
			: [{ step: entry, path }];
	});
	const { pump_down, cool } = mapping.recipe;
	const [first, second] = flat;
	if (pump_down !== undefined && first?.step.flow?.sccm === 0 && same(second?.step.pump_down, pump_down))
		flat.splice(0, 2);
	if (cool !== undefined && same(flat.at(-1)?.step.cool, cool)) flat.pop();

	const walk = (steps: readonly { step: StepEntry; path: Path }[]): void => {
		for (const [index, { step, path }] of steps.entries()) {
			// A small recipe may have very many steps; what follows would not fit anyway.
			if (lines.length > TABLE_LINES_MAX) return;
			say(step, path, steps[index + 1]?.step);
		}
	};
	const say = (step: StepEntry, path: Path, next: StepEntry | undefined): void => {
		if (step.flow) {
			const number = numberOf("flow", "carrier", [...path, "flow"]);
			lines.push({ command: "flow", number, value: step.flow.sccm });
		} else if (step.heat) {
			for (const [zone, { to_degC, ramp_degC_per_min }] of Object.entries(step.heat)) {
				const at = [...path, "heat", zone];
				const ramp = mapping.recipe.ramp_degC_per_min;
				if (ramp !== ramp_degC_per_min)
					refuse(
						[...at, "ramp_degC_per_min"],
						`A table has no ramps: ${ramp_degC_per_min} °C/min is not the mapping's ${ramp ?? "(it has none)"}.`,
						ramp,
					);
				lines.push({ command: "heater", number: numberOf("heater", zone, at), value: to_degC });
			}
		} else if (step.stabilise) {
			const { zones, ...band } = step.stabilise;
			if (!same(band, mapping.recipe.stabilise))
				refuse([...path, "stabilise"], "A table has no band and no time-out: these are not the mapping's.", {
					...mapping.recipe.stabilise,
				});
			for (const [at, zone] of zones.entries())
				lines.push({
					command: "stabilize",
					number: numberOf("heater", zone, [...path, "stabilise", "zones", at]),
					value: null,
				});
		} else if (step.repeat) {
			if (step.repeat.film !== undefined && typeof recipe.product === "object" && "films" in recipe.product)
				refuse([...path, "repeat", "film"], "A table does not say which film of a stack a loop deposits.");
			const start = lines.length;
			walk(step.repeat.steps.map((inner, at) => ({ step: inner, path: [...path, "repeat", "steps", at] })));
			lines.push({ command: "goto", number: lineBase + start, value: step.repeat.times });
		} else if (step.pulse || step.exposure) {
			const action = step.pulse ? "pulse" : "exposure";
			const { precursor, ms } = (step.pulse ?? step.exposure)!;
			const number = numberOf("valve", precursor, [...path, action, "precursor"]);
			if (!next?.purge) refuse([...path, action], "Its purge must come next.");
			const pulse: Line = { command: "pulse", number, value: seconds(ms) };
			if (!step.exposure) {
				lines.push(pulse);
				return;
			}
			const open = mapping.stopvalve?.open;
			if (open === undefined)
				refuse([...path, action], "Which value opens the stop valve is not said; say --map stopvalve.open=0|1.");
			lines.push(
				{ command: "stopvalve", number: null, value: 1 - (open ?? 1) },
				pulse,
				{ command: "wait", number: null, value: step.exposure.soak_s },
				{ command: "stopvalve", number: null, value: open ?? 1 },
			);
		} else if (step.purge || step.wait) {
			lines.push({ command: "wait", number: null, value: (step.purge ?? step.wait)!.for_s });
		} else {
			const action = Object.keys(step).find((key) => key !== "title")!;
			const hint =
				action === "pump_down" || action === "cool"
					? ` unless it ${action === "cool" ? "ends" : "begins"} the recipe and is the mapping's recipe.${action}`
					: "";
			refuse([...path, action], `A table cannot say ${action}${hint}.`);
		}
	};
	walk(flat);
	if (lines.length > TABLE_LINES_MAX)
		refuse(["steps"], `The table would have more than ${TABLE_LINES_MAX} lines.`, TABLE_LINES_MAX);
	if (lines.length === 0 && problems.length === 0) refuse(["steps"], "Nothing is left for a table.");
	if (problems.length > 0) return { bytes: undefined, lines: 0, problems };
	return { bytes: printTable(lines), lines: lines.length, problems: [] };
}

const isPhase = (entry: StepEntry | PhaseEntry): entry is PhaseEntry => "phase" in entry;

/** Equal objects of plain values, whatever the order of their keys. */
function same(a: object | undefined, b: object | undefined): boolean {
	if (a === undefined || b === undefined) return false;
	const one = Object.entries(a);
	return (
		one.length === Object.keys(b).length && one.every(([key, value]) => (b as Record<string, unknown>)[key] === value)
	);
}
