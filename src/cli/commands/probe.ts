import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { EXIT, exitCodeOf } from "#cli/exit-codes.js";
import type { Probe, ProbeReport, ProbeRequest } from "#cli/probe-report.js";
import { AdlayerError } from "#core/errors.js";

export interface ProbeOptions extends DataOption {
	readonly option: readonly string[];
	readonly set: Readonly<Record<string, number | string>>;
	readonly unguarded?: boolean;
	/** Seconds. */
	readonly within: number;
}

export const PROBE_WITHIN_S = 15;
/** Control answers in milliseconds; one that does not in this time may still hold the line. */
const CONTROL_ANSWER_MS = 2_000;
/** Nobody listens at the socket: control does not run. */
const NO_CONTROL = ["ENOENT", "ECONNREFUSED", "ENOTDIR"];

/** Connects one instrument with its driver, by reading alone unless something is to be set, and says what it found. */
export async function probe(
	context: CliContext,
	driver: string,
	address: string,
	options: ProbeOptions,
): Promise<Outcome> {
	const { out, clock, interrupted } = context;
	const set = numbersOf(options.set);
	const unguarded = options.unguarded ?? false;
	const module: { probe: Probe } = await import("#src/probe.js");
	if (unguarded && Object.keys(set).length > 0) {
		out.log("UNGUARDED: no interlock, no range of a recipe and no run stands behind what is set now.");
	}
	const limitMs = options.within * 1000;
	const held = await heldByControl(context, options);
	const request: ProbeRequest = {
		driver,
		address,
		options: options.option,
		set,
		unguarded,
		limitMs,
		held,
		clock,
		interrupted,
	};
	const { error, ...report } = await module.probe(request);
	for (const line of reportLines(report)) out.line(line);
	const failure = error === undefined ? {} : { error: shortForm(error) };
	if (error !== undefined) out.log(`${error.code}: ${error.message}\n${error.hint}`);
	out.result({ ok: error === undefined, ...report, ...failure });
	return error === undefined ? EXIT.ok : exitCodeOf(error.code);
}

const shortForm = ({ code, message, hint }: AdlayerError) => ({ code, message, hint });

function numbersOf(set: Readonly<Record<string, number | string>>): Record<string, number> {
	const wrong = Object.entries(set).filter(([, value]) => typeof value !== "number");
	if (wrong.length === 0) return set as Record<string, number>;
	const said = wrong.map(([signal, value]) => `${signal}=${value}`).join(", ");
	throw new AdlayerError("USAGE", `--set takes numbers, in the unit of the signal: ${said}.`);
}

/** The instruments of the control process of the data folder; none when none runs. Throws LINE_HELD when it cannot be asked. */
async function heldByControl(context: CliContext, options: DataOption): Promise<ProbeRequest["held"]> {
	try {
		const status = await controlLink(context, options).request("status", {}, { timeoutMs: CONTROL_ANSWER_MS });
		return Object.entries(status.instruments).map(([instrument, { address }]) => ({ instrument, address }));
	} catch (thrown) {
		if (!(thrown instanceof AdlayerError)) throw thrown;
		const cause = (thrown.cause as NodeJS.ErrnoException | undefined)?.code;
		if (thrown.code === "CONTROL_UNREACHABLE" && cause !== undefined && NO_CONTROL.includes(cause)) return [];
		throw new AdlayerError("LINE_HELD", `It cannot be known whether control holds this line: ${thrown.message}`, {
			cause: thrown,
			hint: "Stop control, or give the data folder of the control that runs (--data) as a user who may ask it.",
		});
	}
}

export function reportLines(report: Omit<ProbeReport, "error">): string[] {
	const { identity, identityConfirmed, readings, set, exchanges, retries, warnings } = report;
	const names = [identity.manufacturer, identity.model].filter((name) => name !== null);
	const details = [
		...(identity.serial === null ? [] : [`serial number ${identity.serial}`]),
		...(identity.firmware === null ? [] : [`firmware ${identity.firmware}`]),
	];
	const said = [names.join(" ") || "an instrument without a name", ...details].join(", ");
	const rows = rowsOf(readings);
	const width = Math.max(0, ...rows.map(({ names }) => names.length));
	return [
		`${report.driver} at ${report.address}: ${said}${identityConfirmed ? "" : " (NOT CONFIRMED: control would refuse it)"}`,
		...set.map(({ signal, requested, readBack, ok }) =>
			ok ? `  set ${signal} ${requested}, read back ${readBack}` : `  set ${signal} ${requested} FAILED`,
		),
		...rows.map(({ names: signals, what }) => `  ${signals.padEnd(width)}  ${what}`),
		...warnings.map((warning) => `Warning: ${warning}`),
		`${exchanges} exchanges, ${retries} retries`,
	];
}

/** One row for a reading, and one for all in a row that are not there for one and the same reason. */
function rowsOf(readings: ProbeReport["readings"]): { names: string; what: string }[] {
	const rows: { first: string; last: string; count: number; what: string; isFault: boolean }[] = [];
	for (const [name, { value, unit, quality, detail }] of Object.entries(readings)) {
		const said = value === null ? (detail ?? "no value") : [Number(value.toPrecision(7)), unitText(unit)].join("");
		const what = `${quality === "good" ? "" : `${quality}: `}${said}`;
		const before = rows.at(-1);
		if (value === null && before?.isFault === true && before.what === what) {
			before.last = name;
			before.count += 1;
		} else rows.push({ first: name, last: name, count: 1, what, isFault: value === null });
	}
	return rows.map(({ first, last, count, what }) => {
		const names = count === 1 ? first : count === 2 ? `${first}, ${last}` : `${first} to ${last} (${count})`;
		return { names, what };
	});
}

const unitText = (unit: string): string => (unit === "1" || unit === "bool" ? "" : ` ${unit}`);
