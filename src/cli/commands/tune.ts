import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { CliContext, Outcome } from "#cli/context.js";
import type { Output } from "#cli/output.js";
import { AdlayerError } from "#core/errors.js";
import { type ProposedSettings, proposedSettings } from "#heating/controller-settings.js";
import { type Estimate, type Identification, identify, zoneModelOf } from "#heating/identify.js";
import { modelDocument, modelYaml } from "#heating/model-file.js";
import { modelPlot } from "#heating/model-plot.js";
import type { TestData } from "#heating/response.js";
import { readTestFile, type TemperatureUnit, type TestFileOptions, type TimeUnit } from "#heating/test-file.js";
import type { TuneSettings } from "#record/tune.js";

export interface TableOptions {
	readonly from?: string;
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
	context: CliContext,
	zone: string | undefined,
	options: TableOptions & { readonly from: string },
): Promise<Outcome> {
	const { out } = context;
	const text = read(options.from);
	const file = readTestFile(text, readingOptions(options));
	const stem = basename(options.from, extname(options.from));
	const found = await identified(context, {
		zone: zone ?? stem,
		data: file.data,
		source: { file: basename(options.from), text },
		folder: options.out ?? dirname(options.from),
		stem,
	});
	const { defects, defectRows } = file;
	tellModel(out, found);
	for (const { message } of defects.slice(0, DEFECTS_SHOWN)) out.line(`Left out: ${message}`);
	if (defectRows > DEFECTS_SHOWN) out.line(`${defectRows} rows were left out.`);
	out.line(`${found.files.model}, ${found.files.plot}`);
	out.result({ ok: true, ...found.document, reading: file.reading, defectRows, defects, files: found.files });
	return 0;
}

interface Test {
	readonly zone: string;
	readonly data: TestData;
	readonly source: { readonly file: string; readonly text: string };
	/** Where model and plot go, and how their names begin. */
	readonly folder: string;
	readonly stem: string;
}

export interface Found {
	readonly zone: string;
	readonly identification: Identification;
	readonly controller: ProposedSettings;
	readonly document: ReturnType<typeof modelDocument>;
	readonly files: { readonly model: string; readonly plot: string };
}

/** Identifies, and writes model and plot. */
export async function identified({ clock }: Pick<CliContext, "clock">, test: Test): Promise<Found> {
	const { zone, data, source, folder, stem } = test;
	const identification = identify(data);
	const controller = proposedSettings(zoneModelOf(identification.chosen));
	const parts = {
		zone,
		date: new Date(clock.wallMs()).toISOString(),
		source: { file: source.file, sha256: createHash("sha256").update(source.text).digest("hex") },
		identification,
		controller,
	};
	const files = { model: join(folder, `${stem}.model.yaml`), plot: join(folder, `${stem}.model.svg`) };
	write(files.model, modelYaml(parts));
	write(files.plot, await modelPlot(`${zone}, ${parts.date.slice(0, 10)}`, data, identification.fittedC));
	return { zone, identification, controller, document: modelDocument(parts), files };
}

export function tellModel(out: Output, { zone, identification, controller }: Found): void {
	const { chosen } = identification;
	const line = (name: string, { value, sigma }: Estimate, unit: string) =>
		out.line(`  ${name.padEnd(14)} ${value.toPrecision(4)} ± ${sigma.toPrecision(2)} ${unit}`);
	out.line(
		`Zone ${zone}: ${identification.rows} rows, ${(identification.seconds / 60).toFixed(0)} min, order ${chosen.order}`,
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
	const { gain, phaseDeg, deadTimeS } = controller.margins;
	out.line(`  ${inWords(controller)}`);
	out.line(
		`  margins: gain ${gain.toFixed(1)}, phase ${phaseDeg.toFixed(0)}°, ${deadTimeS.toFixed(0)} s more dead time`,
	);
	for (const warning of identification.warnings) out.line(`Warning: ${warning}`);
}

export const inWords = ({ proportionalBandC, integralS, derivativeS }: TuneSettings): string =>
	`PB ${proportionalBandC} °C, Ti ${integralS} s, Td ${derivativeS} s`;

function readingOptions(options: TableOptions): TestFileOptions {
	const { neighbour, time, power, temperature, timeUnit, temperatureUnit, powerFull } = options;
	const neighbours = Object.fromEntries(Object.entries(neighbour).map(([name, column]) => [name, String(column)]));
	return {
		neighbours,
		...(time === undefined ? {} : { time }),
		...(power === undefined ? {} : { power }),
		...(temperature === undefined ? {} : { temperature }),
		...(timeUnit === undefined ? {} : { timeUnit }),
		...(temperatureUnit === undefined ? {} : { temperatureUnit }),
		...(powerFull === undefined ? {} : { powerFull }),
	};
}

export function read(path: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		throw new AdlayerError("USAGE", `The file ${path} cannot be read (${why(cause)}).`, { cause });
	}
}

export function write(path: string, text: string): void {
	try {
		writeFileSync(path, text);
	} catch (cause) {
		throw new AdlayerError("USAGE", `The file ${path} cannot be written (${why(cause)}).`, { cause });
	}
}

const why = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);
