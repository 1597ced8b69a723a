/** Battery tests: ordered, shown and stopped; their files analysed, compared, exported as BDF. */
import { basename } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CHEMISTRIES, type Chemistry } from "#analysis/cycles.js";
import { CYCLING_FORMATS, type CyclingFormat } from "#analysis/formats/layout.js";
import type { PositiveCurrent } from "#analysis/sign.js";
import { collect } from "#cli/arguments.js";
import { cellTests, type StartTestOptions, startTest, stopTest } from "#cli/commands/cell-tests.js";
import type { DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { compareFiles, compareRow, labelsOf, plotsOf, tableLines, writePlots } from "#cli/cycling/compare.js";
import { BDF_ENCODINGS, type BdfEncoding, exportBdf, readDescent } from "#cli/cycling/export.js";
import { type AnalyseFileOptions, analyseFile, reportLines } from "#cli/cycling/report.js";
import type { Perform } from "#cli/program.js";

export interface CyclingOptions {
	readonly areaCm2?: number;
	readonly massG?: number;
	readonly referenceCycle?: number;
	readonly format?: CyclingFormat;
	readonly positiveCurrent?: PositiveCurrent;
	readonly chemistry?: Chemistry;
	readonly voltageLimitV?: number;
	readonly endOfLife?: number;
}

export interface CompareOptions extends CyclingOptions {
	readonly label: string[];
	readonly out?: string;
}

export interface ExportCommandOptions {
	readonly format: BdfEncoding;
	readonly out: string;
	readonly institution: string;
	readonly cell: string;
	readonly date: string;
	readonly from?: CyclingFormat;
	readonly positiveCurrent?: PositiveCurrent;
	readonly descent?: string;
}

const analysisOptions = (options: CyclingOptions): AnalyseFileOptions => ({
	format: options.format,
	positiveCurrent: options.positiveCurrent,
	areaCm2: options.areaCm2,
	massG: options.massG,
	...(options.chemistry === undefined ? {} : { chemistry: options.chemistry }),
	...(options.referenceCycle === undefined ? {} : { referenceCycle: options.referenceCycle }),
	...(options.voltageLimitV === undefined ? {} : { limitV: options.voltageLimitV }),
	...(options.endOfLife === undefined ? {} : { endOfLife: options.endOfLife }),
});

export async function cyclingAnalyse({ out }: CliContext, file: string, options: CyclingOptions): Promise<Outcome> {
	const json = await analyseFile(file, analysisOptions(options));
	for (const line of reportLines(json)) out.line(line);
	out.result(json);
	return 0;
}

export async function cyclingCompare(
	{ out }: CliContext,
	files: readonly string[],
	options: CompareOptions,
): Promise<Outcome> {
	const compared = await compareFiles(files, labelsOf(files, options.label), analysisOptions(options));
	for (const line of tableLines(compared)) out.line(line);
	const plots =
		options.out === undefined ? [] : await writePlots(plotsOf(compared, options.areaCm2, options.massG), options.out);
	for (const plot of plots) out.line(`Wrote ${plot}`);
	out.result({ ok: true, samples: compared.map(compareRow), plots });
	return 0;
}

export async function cyclingExport(
	{ out, clock }: CliContext,
	file: string,
	options: ExportCommandOptions,
): Promise<Outcome> {
	const result = await exportBdf(file, {
		...options,
		from: options.from,
		positiveCurrent: options.positiveCurrent,
		descent: options.descent === undefined ? undefined : await readDescent(options.descent),
		now: new Date(clock.wallMs()).toISOString(),
	});
	out.line(`Wrote ${result.file}: ${result.rows} rows of ${basename(file)}, ${result.columns.length} columns`);
	out.line(`Wrote ${result.metadata}`);
	for (const { row, code, message } of result.defects.slice(0, 20))
		out.line(`${file}:${row ?? 1}: ${code}: ${message}`);
	out.result({ ok: true, ...result });
	return 0;
}

function above(low: number, what: string): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (text.trim() !== "" && Number.isFinite(value) && value > low) return value;
		throw new InvalidArgumentError(`${what} is a number above ${low}.`);
	};
}

function fraction(text: string): number {
	const value = Number(text);
	if (text.trim() !== "" && value > 0 && value < 1) return value;
	throw new InvalidArgumentError("A part of the capacity is a number between 0 and 1.");
}

function cycleNumber(text: string): number {
	const value = Number(text);
	if (text.trim() !== "" && Number.isInteger(value) && value >= 0) return value;
	throw new InvalidArgumentError("A cycle is a whole number from 0.");
}

const positiveCurrent = (): Option =>
	new Option("--positive-current <which>", "what positive current does in the file, where it does not say").choices([
		"charge",
		"discharge",
	]);

/** Adds `cycling tests|start|stop|analyse|compare|export`. */
export function addCycling(program: Command, perform: Perform): void {
	const cycling = program
		.command("cycling")
		.description("battery tests: show, start, stop; their files: analyse, compare, export");
	const command = (text: string, description: string): Command =>
		cycling.command(text).description(description).option("--json", "the last line of stdout is one JSON object");
	const onControl = (text: string, description: string): Command =>
		command(text, description).option("--data <folder>", "data folder (default: ADLAYER_DATA)");
	onControl("tests", "open battery tests and the last that have ended, straight from control").action(
		(options: DataOption) => perform((context) => cellTests(context, options)),
	);
	onControl("start <protocol>", "order the test of a protocol file for a cell")
		.requiredOption("--cell <barcode>", "the cell")
		.requiredOption("--cycler <name>", "the cycler's instrument")
		.option("--channel <name>", "its channel (default: the first free one that can run it)")
		.option("--area-cm2 <number>", "area of the smaller electrode, cm²", above(0, "An area"))
		.option("--mass-g <number>", "active mass, g", above(0, "A mass"))
		.option("--operator <name>", "who orders (default: the system's user name)")
		.option("--attended-by <name>", "who stays with it, where a cycler may only run attended")
		.action((file: string, options: StartTestOptions) => perform((context) => startTest(context, file, options)));
	onControl("stop <test>", "stop a battery test, or take it out of the queue").action(
		(test: string, options: DataOption) => perform((context) => stopTest(context, test, options)),
	);
	const analysis = (text: string, description: string): Command =>
		command(text, description)
			.option("--area-cm2 <number>", "area of the smaller electrode, cm²", above(0, "An area"))
			.option("--mass-g <number>", "active mass, g", above(0, "A mass"))
			.option(
				"--reference-cycle <number>",
				"cycle that retention refers to (default: the first at the test's rate)",
				cycleNumber,
			)
			.addOption(
				new Option("--format <format>", "the file's format (default: told by its content)").choices(CYCLING_FORMATS),
			)
			.addOption(positiveCurrent())
			.addOption(new Option("--chemistry <cell>", "kind of cell (default: told by its voltages)").choices(CHEMISTRIES))
			.option("--voltage-limit-v <number>", "the protocol's limit, as limit of polarisation, V", above(0, "A limit"))
			.option("--end-of-life <fraction>", "part of the reference's capacity (default: 0.8)", fraction);
	analysis("analyse <file>", "half-cycles, cycles and verdict of one file").action(
		(file: string, options: CyclingOptions) => perform((context) => cyclingAnalyse(context, file, options)),
	);
	analysis("compare <files...>", "samples side by side: a table, and plots with --out")
		.option("--label <name>", "name of a sample, in the order of the files; may be repeated", collect, [])
		.option("--out <folder>", "write plots here, SVG and PNG")
		.action((files: string[], options: CompareOptions) =>
			perform((context) => cyclingCompare(context, files, options)),
		);
	command("export <file>", "the file in the Battery Data Format, with RO-Crate metadata")
		.addOption(new Option("--format <format>", "what to write").choices(BDF_ENCODINGS).makeOptionMandatory())
		.requiredOption("--out <folder>", "where to write")
		.requiredOption("--institution <name>", "first part of the file's name")
		.requiredOption("--cell <name>", "second part of the file's name")
		.requiredOption("--date <date>", "day on which the test began, YYYY-MM-DD")
		.addOption(
			new Option("--from <format>", "the file's format (default: told by its content)").choices(CYCLING_FORMATS),
		)
		.addOption(positiveCurrent())
		.option("--descent <file>", "JSON list of what the cell was made from, for the metadata")
		.action((file: string, options: ExportCommandOptions) =>
			perform((context) => cyclingExport(context, file, options)),
		);
}
