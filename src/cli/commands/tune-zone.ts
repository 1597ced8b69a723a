/** `adlayer tune`: a zone's test on the reactor, followed on the control link; or the table of one. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { controlLink, type DataOption } from "#cli/commands/status.js";
import {
	type Found,
	identified,
	inWords,
	read,
	type TableOptions,
	tellModel,
	tuneFromFile,
	write,
} from "#cli/commands/tune.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { dataFolder } from "#cli/places.js";
import type { ControlClient } from "#control-link/client.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { parseModelFile } from "#heating/model-file.js";
import type { TestData } from "#heating/response.js";
import type { TuneOrder, TuneProgress, TuneRow, TuneSettings } from "#record/tune.js";

export interface TuneOptions extends TableOptions, DataOption {
	readonly max?: number;
	readonly around?: number;
	readonly kind: TuneOrder["kind"];
	readonly high?: number;
	readonly low?: number;
	readonly hysteresis: number;
	readonly swings: number;
	readonly step: number;
	readonly watch: number;
	readonly within: number;
	readonly answer: number;
	readonly apply?: boolean;
	readonly applyFrom?: string;
	readonly by?: string;
}

const FOLLOW_EVERY_MS = 250;
/** Control may be busy for a moment; the test itself ends when nobody asks for a minute. */
const LOSSES_MAX = 40;
/** Without a good reading for this long the test ends. */
const SILENCE_S_MAX = 15;
/** The high side stays this far below the limit where the operator does not say, and the low side this far below the middle. */
const HIGH_BELOW_MAX_C = 2;
const LOW_BELOW_AROUND_C = 40;
/** A neighbour that moves less tells nothing of its pull. */
const NEIGHBOUR_MOVES_C = 5;
/** Writing settings takes some exchanges with a slow instrument. */
const APPLY_MS = 15_000;
const BAR_CHARS = 24;

export function tune(context: CliContext, zone: string | undefined, options: TuneOptions): Promise<Outcome> {
	const { from } = options;
	if (from !== undefined) return tuneFromFile(context, zone, { ...options, from });
	if (zone === undefined) throw new AdlayerError("USAGE", "Which zone? adlayer tune ZONE, or --from FILE.");
	if (options.applyFrom !== undefined) return applyFromFile(context, zone, options.applyFrom, options);
	return tuneZone(context, zone, options);
}

async function tuneZone(context: CliContext, zone: string, options: TuneOptions): Promise<Outcome> {
	const { out, env, clock, userName } = context;
	const order = orderOf(zone, options);
	const by = options.by ?? userName;
	const link = controlLink(context, options);
	const begun = await link.request("tune", { order, by });
	out.line(
		`Test ${begun.tune} of zone ${zone} by ${by}: ${order.lowC} to ${order.highC} °C, ends above ${order.limitC} °C.`,
	);
	const { end, columns, rows } = await follow(context, link, begun);
	const stem = `${zone}-${new Date(clock.wallMs()).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
	const folder = join(dataFolder(options.data, env), "models");
	mkdirSync(folder, { recursive: true });
	const table = csv(columns, rows);
	const tableFile = join(folder, `${stem}.csv`);
	write(tableFile, table);
	const { state, reason, restored } = end;
	if (state === "aborted") {
		out.line(`The test ended early: ${reason} ${restored ? "The former settings are back." : "The zone is off."}`);
		out.line(tableFile);
		out.result({
			ok: false,
			tune: end.tune,
			zone,
			state,
			reason,
			restored,
			rows: rows.length,
			files: { table: tableFile },
		});
		return 1;
	}
	out.line(restored ? "The test is done; the former settings are back." : "The test is done; the zone is off.");
	const source = { file: `${stem}.csv`, text: table };
	const found = await identified(context, { zone, data: dataOf(columns, rows), source, folder, stem });
	tellModel(out, found);
	const former = (await link.request("loop-settings", { zone })).settings;
	if (former !== null) out.line(`The instrument has ${inWords(former)}.`);
	const applied = await maybeApply(context, link, { found, former, by, apply: options.apply === true });
	const files = { ...found.files, table: tableFile };
	out.line(`${files.model}, ${files.plot}, ${files.table}`);
	out.result({ ok: true, tune: end.tune, state, restored, ...found.document, former, applied, files });
	return 0;
}

/** The order with what follows from the limits that the operator has given. Throws USAGE with all that is missing. */
export function orderOf(zone: string, options: TuneOptions): TuneOrder {
	const { max, around, kind } = options;
	const missing = [
		...(max === undefined ? ["--max: the temperature above which the test ends"] : []),
		...(kind === "relay" && around === undefined ? ["--around: where the test swings, near the anneal"] : []),
		...(kind === "step" && options.high === undefined ? ["--high: the setpoint of the step"] : []),
	];
	if (missing.length > 0) throw new AdlayerError("USAGE", `A test needs limits from you: ${missing.join("; ")}.`);
	const highC = options.high ?? max! - HIGH_BELOW_MAX_C;
	const aroundC = around ?? highC;
	return {
		zone,
		kind,
		limitC: max!,
		highC,
		aroundC,
		lowC: options.low ?? aroundC - LOW_BELOW_AROUND_C,
		hysteresisC: options.hysteresis,
		cycles: options.swings,
		stepS: options.step * 60,
		watchS: options.watch * 60,
		secondsMax: options.within * 60,
		silenceSMax: SILENCE_S_MAX,
		answerSMax: options.answer,
	};
}

/** Follows the test to its end, taking its rows as they come. An interruption ends the test, and that end is waited for. */
async function follow({ out, clock, interrupted }: CliContext, link: ControlClient, begun: TuneProgress) {
	const rows: TuneRow[] = [];
	let columns: readonly string[] = [];
	let losses = 0;
	let ending = false;
	let shown = "";
	for (;;) {
		if (interrupted.aborted && !ending) {
			ending = true;
			out.line("Interrupted: the test is being ended.");
			await link.request("command", { command: "abort", by: "interrupt", run: begun.tune }).catch(() => {});
		}
		try {
			const answer = await link.request("tune-progress", { tune: begun.tune, fromRow: rows.length });
			losses = 0;
			columns = answer.columns;
			rows.push(...answer.data);
			const text = progressLine(answer);
			if (out.people.isTTY) out.people.write(`\r\x1b[K${text}`);
			else if (answer.phase !== shown) out.line(text);
			shown = answer.phase;
			const isOver = answer.state === "done" || answer.state === "aborted";
			if (isOver && rows.length >= answer.rows) {
				if (out.people.isTTY) out.line();
				return { end: answer, columns, rows };
			}
			if (isOver) continue;
		} catch (thrown) {
			losses += 1;
			if (asAdlayerError(thrown).code !== "CONTROL_UNREACHABLE" || losses > LOSSES_MAX) throw thrown;
		}
		await clock.sleep(FOLLOW_EVERY_MS, ending ? undefined : interrupted).catch(() => {});
	}
}

function progressLine({ phase, progress, temperatureC, rows }: TuneProgress): string {
	const filled = Math.round(progress * BAR_CHARS);
	const bar = `${"█".repeat(filled)}${"·".repeat(BAR_CHARS - filled)}`;
	const reads = temperatureC === null ? "no reading" : `${temperatureC.toFixed(1)} °C`;
	return `${bar} ${(progress * 100).toFixed(0).padStart(3)} %  ${phase.padEnd(8)} ${reads}, ${rows} rows`;
}

const csv = (columns: readonly string[], rows: readonly TuneRow[]): string =>
	[columns.join(","), ...rows.map((row) => row.map((value) => value ?? "").join(","))]
		.map((line) => `${line}\n`)
		.join("");

function dataOf(columns: readonly string[], rows: readonly TuneRow[]): TestData {
	const whole = rows.filter((row) => row.every((value) => value !== null)) as number[][];
	const column = (i: number) => whole.map((row) => row[i]!);
	const neighbours = columns
		.slice(3)
		.map((name, i) => [name.replace(/_degC$/, ""), column(i + 3)] as const)
		.filter(([, values]) => Math.max(...values) - Math.min(...values) >= NEIGHBOUR_MOVES_C);
	return {
		timeS: column(0),
		powerPercent: column(1),
		temperatureC: column(2),
		...(neighbours.length > 0 ? { neighboursC: Object.fromEntries(neighbours) } : {}),
	};
}

interface Apply {
	readonly found: Found;
	readonly former: TuneSettings | null;
	readonly by: string;
	readonly apply: boolean;
}

/** Writes the proposed settings when the operator has said so, or says so now. Gives what was read back. */
async function maybeApply({ out }: CliContext, link: ControlClient, { found, former, by, apply }: Apply) {
	const { zone, controller, files } = found;
	if (former === null) {
		out.line("Its driver cannot write them: set them by hand.");
		return null;
	}
	if (!apply && !(await agrees(out, `Write ${inWords(controller)} to the instrument of zone ${zone}? [y/N] `))) {
		out.line(`Nothing is written. Later: adlayer tune ${zone} --apply-from ${files.model}`);
		return null;
	}
	return written(out, link, zone, controller, by);
}

async function written(
	out: CliContext["out"],
	link: ControlClient,
	zone: string,
	{ proportionalBandC, integralS, derivativeS }: TuneSettings,
	by: string,
): Promise<TuneSettings> {
	const settings = { proportionalBandC, integralS, derivativeS };
	const { now } = await link.request("apply-loop-settings", { zone, settings, by }, { timeoutMs: APPLY_MS });
	out.line(`Written and read back: ${inWords(now)}.`);
	return now;
}

/** Only a person at a terminal is asked. */
async function agrees(out: CliContext["out"], question: string): Promise<boolean> {
	if (out.people.isTTY !== true || process.stdin.isTTY !== true) return false;
	const terminal = createInterface({ input: process.stdin, output: process.stderr });
	try {
		return /^y(es)?$/i.test((await terminal.question(question)).trim());
	} finally {
		terminal.close();
	}
}

async function applyFromFile(context: CliContext, zone: string, path: string, options: TuneOptions): Promise<Outcome> {
	const file = parseModelFile(read(path));
	if (file.zone !== zone)
		throw new AdlayerError("USAGE", `The model ${path} is that of zone ${file.zone}, not of ${zone}.`);
	const link = controlLink(context, options);
	const former = (await link.request("loop-settings", { zone })).settings;
	if (former !== null) context.out.line(`The instrument has ${inWords(former)}.`);
	const by = options.by ?? context.userName;
	const applied = await written(context.out, link, zone, file.controller, by);
	context.out.result({ ok: true, zone, former, applied, rule: file.controller.rule });
	return 0;
}
