import { basename, join } from "node:path";
import { readRecipe } from "#cli/arguments.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { packageRoot } from "#cli/package-root.js";
import { duration } from "#cli/progress.js";
import { checkRecipe } from "#recipe/check.js";
import { type CheckJson, toCheckJson } from "#recipe/check-json.js";
import { loadLibrary } from "#recipe/library-files.js";

export interface CheckOptions {
	readonly lab?: string;
	readonly set: Record<string, number | string>;
}

/** Validates a recipe against a lab and runs it dry, on this machine alone. */
export async function check({ out }: CliContext, recipe: string, options: CheckOptions): Promise<Outcome> {
	const text = readRecipe(recipe);
	const recipes = join(packageRoot(), "recipes");
	const { labFacts, loadLabFile } = await import("#src/config.js");
	const lab = labFacts(loadLabFile(options.lab ?? join(recipes, "labs", "simulated.lab.yaml")));
	const library = loadLibrary(recipes);
	const report = toCheckJson(checkRecipe({ text, fileName: basename(recipe), set: options.set, library, lab }));
	for (const line of checkLines(report, recipe)) out.line(line);
	out.result(report);
	return report.ok ? 0 : 1;
}

export function checkLines(
	{ ok, recipe, sha256, problems, acknowledgements, dryRun }: CheckJson,
	file: string,
): string[] {
	const lines = problems.map(
		({ line, column, severity, code, message }) =>
			`${file}:${line ?? 1}:${column ?? 1}: ${severity} ${code}: ${message}`,
	);
	lines.push(`${recipe} ${ok ? "may be launched" : "is refused"} (sha256 ${sha256.slice(0, 12)})`);
	for (const { code, reason } of acknowledgements) lines.push(`Launch must acknowledge ${code}: ${reason}`);
	if (dryRun === null) return lines;
	const pulses = Object.entries(dryRun.pulses).map(([precursor, count]) => `${count} ${precursor}`);
	lines.push(
		`Dry run: ${duration(dryRun.totalS)}, ${dryRun.steps} steps, pulses ${pulses.join(" and ") || "none"}, ` +
			`${dryRun.thicknessNm.toFixed(1)} nm, ${dryRun.tmaMg.toFixed(1)} mg TMA`,
	);
	for (const { name, seconds } of dryRun.phases) lines.push(`  ${name.padEnd(12)} ${duration(seconds)}`);
	return lines;
}
