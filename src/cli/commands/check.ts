import { basename } from "node:path";
import { readRecipe } from "#cli/arguments.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { recipesFolder, simulatedLabFile } from "#cli/package-root.js";
import { duration } from "#cli/progress.js";
import { AdlayerError } from "#core/errors.js";
import { checkProtocol, isProtocol, programFor } from "#cycling/check-protocol.js";
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
	if (isProtocol(text)) return checkProtocolFile(out, text, recipe, options.set);
	const [{ loadLabFile }, { labFacts }] = await Promise.all([
		import("#src/config.js"),
		import("#src/config/lab-facts.js"),
	]);
	const lab = labFacts(loadLabFile(options.lab ?? simulatedLabFile()));
	const library = loadLibrary(recipesFolder());
	const report = toCheckJson(checkRecipe({ text, fileName: basename(recipe), set: options.set, library, lab }));
	for (const line of checkLines(report, recipe)) out.line(line);
	out.result(report);
	return report.ok ? 0 : 1;
}

/** A battery test protocol; `--set area_cm2=` and `mass_g=` judge it for a cell. */
function checkProtocolFile(out: CliContext["out"], text: string, path: string, set: CheckOptions["set"]): Outcome {
	const { area_cm2 = null, mass_g = null, ...unknown } = set;
	const wrong = [
		...Object.entries(unknown),
		...Object.entries({ area_cm2, mass_g }).filter(([, value]) => !isAmount(value)),
	];
	if (wrong.length > 0) {
		const said = wrong.map(([name, value]) => `${name}=${value}`).join(", ");
		throw new AdlayerError("USAGE", `A protocol takes --set area_cm2= and mass_g=, above 0; not ${said}.`);
	}
	const facts = { areaCm2: area_cm2 as number | null, activeMassG: mass_g as number | null };
	const hasFacts = facts.areaCm2 !== null || facts.activeMassG !== null;
	const unjudged = checkProtocol(text, basename(path));
	const compiled = unjudged.file === undefined || !hasFacts ? undefined : programFor(unjudged, facts);
	const judged =
		compiled !== undefined && "program" in compiled ? checkProtocol(text, basename(path), facts) : unjudged;
	const problems = [...judged.problems, ...(compiled !== undefined && "problem" in compiled ? [compiled.problem] : [])];
	const ok = problems.every(({ severity }) => severity !== "error");
	for (const { line = 1, column = 1, severity, code, message } of problems) {
		out.line(`${path}:${line}:${column}: ${severity} ${code}: ${message}`);
	}
	const { protocol, sha256, needs, nominalHours } = judged;
	out.line(`${protocol} ${ok ? "may be started" : "is refused"} (sha256 ${sha256.slice(0, 12)})`);
	if (ok) {
		const facts = [...(needs.area ? ["area"] : []), ...(needs.activeMass ? ["active mass"] : [])];
		out.line(`Needs of a cell: ${facts.join(" and ") || "nothing"}`);
		out.line(
			nominalHours === null ? "Length: as the cell decides" : `Length: ${nominalHours.toFixed(1)} h at the most`,
		);
	}
	out.result({
		ok,
		protocol,
		sha256,
		problems: problems.map(
			({ line = null, column = null, path: place = null, value = null, limit = null, ...rest }) => ({
				...rest,
				line,
				column,
				path: place,
				value,
				limit,
			}),
		),
		needs,
		nominalHours,
	});
	return ok ? 0 : 1;
}

const isAmount = (value: unknown): boolean => value === null || (typeof value === "number" && value > 0);

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
	const mg = Object.entries(dryRun.precursorMg).map(([precursor, value]) => `, ${value.toFixed(1)} mg ${precursor}`);
	lines.push(
		`Dry run: ${duration(dryRun.totalS)}, ${dryRun.steps} steps, pulses ${pulses.join(" and ") || "none"}, ` +
			`${dryRun.thicknessNm.toFixed(1)} nm${mg.join("")}`,
	);
	for (const { name, seconds } of dryRun.phases) lines.push(`  ${name.padEnd(12)} ${duration(seconds)}`);
	return lines;
}
