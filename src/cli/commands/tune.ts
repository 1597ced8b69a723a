import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { CliContext, Outcome } from "#cli/context.js";
import { AdlayerError } from "#core/errors.js";
import { simcSettings } from "#heating/controller-settings.js";
import { type Estimate, identify, zoneModelOf } from "#heating/identify.js";
import { modelDocument, modelYaml } from "#heating/model-file.js";
import { modelPlot } from "#heating/model-plot.js";
import { readTestFile, type TemperatureUnit, type TestFileOptions, type TimeUnit } from "#heating/test-file.js";

export interface TuneOptions {
	readonly from: string;
	readonly time?: string;
	readonly power?: string;
	readonly temperature?: string;
	readonly neighbour: Readonly<Record<string, string | number>>;
	readonly timeUnit?: TimeUnit;
	readonly temperatureUnit?: TemperatureUnit;
	readonly powerFull?: number;
	readonly out?: string;
}

/** Defects that people are shown; the JSON has all that were listed. */
const DEFECTS_SHOWN = 10;

/** Identifies a heater from the table of a test, without hardware; writes its model and a plot. */
export async function tuneFromFile(
	{ out, clock }: CliContext,
	zone: string | undefined,
	options: TuneOptions,
): Promise<Outcome> {
	const text = read(options.from);
	const file = readTestFile(text, readingOptions(options));
	const identification = identify(file.data);
	const controller = simcSettings(zoneModelOf(identification.chosen));
	const stem = basename(options.from, extname(options.from));
	const parts = {
		zone: zone ?? stem,
		date: new Date(clock.wallMs()).toISOString(),
		source: { file: basename(options.from), sha256: createHash("sha256").update(text).digest("hex") },
		identification,
		controller,
	};
	const folder = options.out ?? dirname(options.from);
	const files = { model: join(folder, `${stem}.model.yaml`), plot: join(folder, `${stem}.model.svg`) };
	write(files.model, modelYaml(parts));
	write(files.plot, await modelPlot(`${parts.zone}, ${parts.date.slice(0, 10)}`, file.data, identification.fittedC));

	const { chosen } = identification;
	const { defects, defectRows } = file;
	const line = (name: string, { value, sigma }: Estimate, unit: string) =>
		out.line(`  ${name.padEnd(14)} ${value.toPrecision(4)} ± ${sigma.toPrecision(2)} ${unit}`);
	out.line(
		`Zone ${parts.zone}: ${identification.rows} rows, ${(identification.seconds / 60).toFixed(0)} min, order ${chosen.order}`,
	);
	line("gain", chosen.gainCPerPercent, "°C/%");
	line("time constant", chosen.timeConstantS, "s");
	if (chosen.order === 2) line("second lag", chosen.lagS, "s");
	line("dead time", chosen.deadTimeS, "s");
	line("at rest", chosen.restC, "°C");
	for (const [name, estimate] of Object.entries(chosen.couplings)) line(`pull of ${name}`, estimate, "");
	out.line(
		`  residuals      ${chosen.residualRmsC.toPrecision(2)} °C rms, ${chosen.residualMaxC.toPrecision(2)} °C at most`,
	);
	out.line(`Controller by ${controller.rule}:`);
	out.line(`  PB ${controller.proportionalBandC} °C, Ti ${controller.integralS} s, Td ${controller.derivativeS} s`);
	for (const warning of identification.warnings) out.line(`Warning: ${warning}`);
	for (const { message } of defects.slice(0, DEFECTS_SHOWN)) out.line(`Left out: ${message}`);
	if (defectRows > DEFECTS_SHOWN) out.line(`${defectRows} rows were left out.`);
	out.line(`${files.model}, ${files.plot}`);
	out.result({ ok: true, ...modelDocument(parts), reading: file.reading, defectRows, defects, files });
	return 0;
}

function readingOptions({ neighbour, from: _from, out: _out, ...rest }: TuneOptions): TestFileOptions {
	const neighbours = Object.fromEntries(Object.entries(neighbour).map(([name, column]) => [name, String(column)]));
	return { ...rest, neighbours };
}

function read(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		throw new AdlayerError("USAGE", `The file ${path} cannot be read (${why(cause)}).`, { cause });
	}
}

function write(path: string, text: string): void {
	try {
		writeFileSync(path, text);
	} catch (cause) {
		throw new AdlayerError("USAGE", `The file ${path} cannot be written (${why(cause)}).`, { cause });
	}
}

const why = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);
