/** The reactor by hand, straight to control: the permits are there. */
import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { AdlayerError } from "#core/errors.js";

/** A dose is prepared, timed and read back, a safe state tried on every instrument, before the answer comes. */
const ANSWER_MS = 20_000;

export interface ByHandOptions extends DataOption {
	readonly by?: string;
}

export interface SetOptions extends ByHandOptions {
	readonly neverAbove?: number;
}

/** `assignment` is `carrier=20`, `stop_valve=open`, `wall=80` or `wall=off`. */
export async function set(context: CliContext, assignment: string, options: SetOptions): Promise<Outcome> {
	const equals = assignment.indexOf("=");
	const text = assignment.slice(equals + 1).trim();
	if (equals < 1 || text === "")
		throw new AdlayerError("USAGE", `${assignment} is no assignment; write it as carrier=20 or stop_valve=open.`);
	const value = Number.isFinite(Number(text)) ? Number(text) : text;
	const result = await controlLink(context, options).request(
		"manual-set",
		{
			actuator: assignment.slice(0, equals).trim(),
			value,
			by: options.by ?? context.userName,
			...(options.neverAbove === undefined ? {} : { neverAboveC: options.neverAbove }),
		},
		{ timeoutMs: ANSWER_MS },
	);
	context.out.line(`Done: ${result.order}. It stays so until the next command, at the end adlayer safe.`);
	context.out.result({ ok: true, ...result });
	return 0;
}

/** One pulse of the hardware timer. */
export async function dose(
	context: CliContext,
	precursor: string,
	options: ByHandOptions & { readonly ms: number },
): Promise<Outcome> {
	const by = options.by ?? context.userName;
	const result = await controlLink(context, options).request(
		"manual-dose",
		{ precursor, ms: options.ms, by },
		{ timeoutMs: ANSWER_MS },
	);
	const width = result.confirmedMs === undefined ? "not read back" : `${result.confirmedMs.toFixed(3)} ms`;
	context.out.line(`Dosed ${precursor} for ${options.ms} ms; by the timer's own count ${width}.`);
	context.out.result({ ok: true, ...result });
	return 0;
}

/** Everything to rest. */
export async function safe(context: CliContext, options: ByHandOptions): Promise<Outcome> {
	const by = options.by ?? context.userName;
	const result = await controlLink(context, options).request("make-safe", { by }, { timeoutMs: ANSWER_MS });
	if (result.run !== null) context.out.line(`Run ${result.run} is aborted.`);
	context.out.line("Precursors shut, heaters off; adlayer alarms tells of what could not be moved.");
	context.out.result({ ok: true, ...result });
	return 0;
}
