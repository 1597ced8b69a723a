/** `adlayer recipe import|export`: tables of Savannah and Fiji reactors. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { collect, parseSet, readRecipe } from "#cli/arguments.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { recipesFolder, simulatedLabFile } from "#cli/package-root.js";
import type { Perform } from "#cli/program.js";
import { AdlayerError, type Problem } from "#core/errors.js";
import { loadLibrary } from "#recipe/library-files.js";
import { exportTable } from "#recipe/savannah/export.js";
import { importTable } from "#recipe/savannah/import.js";
import { addFlag, EMPTY_MAPPING, type Mapping, readMapping } from "#recipe/savannah/mapping.js";

interface MappingOptions {
	readonly mapping?: string;
	readonly map: string[];
}

interface ImportOptions extends MappingOptions {
	readonly lab?: string;
	readonly lineBase?: "0" | "1";
	readonly blankLines?: "counted" | "skipped";
	readonly out?: string;
}

interface ExportOptions extends MappingOptions {
	readonly set: Record<string, number | string>;
	readonly lineBase: "0" | "1";
	readonly out?: string;
}

/** Adds `recipe import` and `recipe export`. */
export function addRecipeTable(program: Command, perform: Perform): void {
	const recipe = program.command("recipe").description("recipe tables of Savannah and Fiji reactors: import, export");
	const command = (text: string, description: string): Command =>
		recipe
			.command(text)
			.description(description)
			.option("--json", "the last line of stdout is one JSON object")
			.option("--mapping <file>", "what the table's numbers are, and what it does not say")
			.option("--map <number=role>", "e.g. heater.12=stage, valve.0=TMA, flow.0=carrier; may be repeated", flag, [])
			.option("--out <file>", "write here (default: stdout)");
	command("import <table>", "a recipe from a table, checked; problems by the table's lines")
		.option("--lab <file>", "lab file to check against (default: the simulated lab)")
		.addOption(new Option("--line-base <number>", "number of the table's first line, for goto").choices(["0", "1"]))
		.addOption(new Option("--blank-lines <how>", "whether goto counts them").choices(["counted", "skipped"]))
		.action((file: string, options: ImportOptions) => perform((context) => importCommand(context, file, options)));
	command("export <recipe>", "a table from a recipe file; what a table cannot say is refused by step")
		.option("--set <name=value>", "a parameter of the recipe; may be repeated", parseSet, {})
		.addOption(
			new Option("--line-base <number>", "number of the table's first line, for goto")
				.choices(["0", "1"])
				.makeOptionMandatory(),
		)
		.action((file: string, options: ExportOptions) => perform((context) => exportCommand(context, file, options)));
}

function flag(text: string, before: string[]): string[] {
	const added = addFlag(EMPTY_MAPPING, text);
	if (typeof added === "string") throw new InvalidArgumentError(added);
	return collect(text, before);
}

async function importCommand({ out }: CliContext, file: string, options: ImportOptions): Promise<Outcome> {
	const bytes = readBytes(file);
	const [{ loadLabFile }, { labFacts }] = await Promise.all([
		import("#src/config.js"),
		import("#src/config/lab-facts.js"),
	]);
	const lab = labFacts(loadLabFile(options.lab ?? simulatedLabFile()));
	const { text, count, problems } = importTable({
		bytes,
		fileName: basename(file),
		mapping: mappingOf(options),
		count: {
			...(options.lineBase === undefined ? {} : { base: Number(options.lineBase) as 0 | 1 }),
			...(options.blankLines === undefined ? {} : { blank: options.blankLines }),
		},
		library: loadLibrary(recipesFolder()),
		lab,
	});
	if (text === undefined) {
		throw new AdlayerError("TABLE_INVALID", `${file} was not translated: ${errors(problems)} problem(s).`, {
			problems: [...problems],
		});
	}
	for (const problem of problems) out.log(problemLine(file, problem));
	if (options.out !== undefined) writeOut(options.out, text);
	else if (!out.json) out.people.write(text);
	const ok = errors(problems) === 0;
	const counted = count === undefined ? "" : `, lines counted from ${count.base}`;
	out.log(`${file}: ${ok ? "the recipe may be launched" : "the recipe would be refused"}${counted}.`);
	out.result({
		ok,
		recipe: options.out ?? null,
		lineBase: count?.base ?? null,
		blankLines: count?.blank ?? null,
		problems,
		text: options.out === undefined ? text : null,
	});
	return ok ? 0 : 1;
}

async function exportCommand({ out }: CliContext, file: string, options: ExportOptions): Promise<Outcome> {
	const { bytes, lines, problems } = exportTable({
		text: readRecipe(file),
		set: options.set,
		mapping: mappingOf(options),
		lineBase: Number(options.lineBase) as 0 | 1,
	});
	if (bytes === undefined) {
		throw new AdlayerError("TABLE_INVALID", `${file} was not translated: ${errors(problems)} problem(s).`, {
			problems: [...problems],
		});
	}
	if (options.out !== undefined) writeOut(options.out, bytes);
	else if (!out.json) out.people.write(bytes.toString("latin1"));
	out.log(`${file}: ${lines} lines, the first is number ${options.lineBase}.`);
	out.result({
		ok: true,
		table: options.out ?? null,
		lines,
		lineBase: Number(options.lineBase),
		problems,
		text: options.out === undefined ? bytes.toString("latin1") : null,
	});
	return 0;
}

function mappingOf({ mapping: file, map }: MappingOptions): Mapping {
	let mapping = EMPTY_MAPPING;
	if (file !== undefined) {
		const read = readMapping(readBytes(file).toString("utf8"));
		if (read.problems.length > 0)
			throw new AdlayerError("TABLE_INVALID", `The mapping file ${file} has ${read.problems.length} problem(s).`, {
				problems: [...read.problems],
			});
		mapping = read.mapping;
	}
	for (const text of map) {
		const added = addFlag(mapping, text);
		if (typeof added !== "string") mapping = added;
	}
	return mapping;
}

const errors = (problems: readonly Problem[]): number => problems.filter(({ severity }) => severity === "error").length;

const problemLine = (file: string, { line, column, path, severity, code, message }: Problem): string =>
	`${file}${line === undefined ? ` (${path ?? "recipe"})` : `:${line}:${column ?? 1}`}: ${severity} ${code}: ${message}`;

function readBytes(file: string): Buffer {
	try {
		return readFileSync(file);
	} catch (cause) {
		const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
		throw new AdlayerError("USAGE", `The file ${file} cannot be read (${why}).`, { cause });
	}
}

function writeOut(file: string, content: string | Buffer): void {
	try {
		writeFileSync(file, content);
	} catch (cause) {
		const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
		throw new AdlayerError("USAGE", `The file ${file} cannot be written (${why}).`, { cause });
	}
}
