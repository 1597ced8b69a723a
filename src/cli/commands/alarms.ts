/** The alarms, straight from control: shown, acknowledged, silenced, taken out of service. */
import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import type { AlarmStatus } from "#record/status.js";

export interface SilenceOptions extends DataOption {
	readonly reason: string;
	/** Seconds; absent: until its cause has gone once. */
	readonly for?: number;
}

export async function alarms(context: CliContext, options: DataOption): Promise<Outcome> {
	const { out } = context;
	const { alarms: present, alarmFlood, interlocks } = await controlLink(context, options).request("status", {});
	for (const alarm of present) for (const line of linesOf(alarm)) out.line(line);
	if (present.length === 0) out.line("No alarm.");
	if (alarmFlood?.isFlood === true) out.line(`Flood: ${alarmFlood.inTenMinutes} alarms in ten minutes.`);
	const latched = interlocks.filter(({ state }) => state !== "clear");
	for (const { interlock, state } of latched) out.line(`interlock ${interlock}: ${state}`);
	out.result({ ok: true, alarms: present, flood: alarmFlood ?? null, interlocks: latched });
	return 0;
}

export const acknowledge = (context: CliContext, alarm: string, options: DataOption) =>
	answered(context, controlLink(context, options).request("acknowledge-alarm", { alarm, by: context.userName }));

export const shelve = (context: CliContext, alarm: string, options: SilenceOptions) =>
	answered(
		context,
		controlLink(context, options).request("shelve-alarm", {
			alarm,
			by: context.userName,
			reason: options.reason,
			for: options.for ?? "one-shot",
		}),
	);

export const unshelve = (context: CliContext, alarm: string, options: DataOption) =>
	answered(context, controlLink(context, options).request("unshelve-alarm", { alarm, by: context.userName }));

export const outOfService = (context: CliContext, alarm: string, options: SilenceOptions) =>
	answered(
		context,
		controlLink(context, options).request("remove-alarm", { alarm, by: context.userName, reason: options.reason }),
	);

export const returnToService = (context: CliContext, alarm: string, options: DataOption) =>
	answered(context, controlLink(context, options).request("return-alarm", { alarm, by: context.userName }));

/** Ends the latch of an interlock whose cause has gone and whose alarm has been acknowledged. */
export async function resetInterlock(context: CliContext, interlock: string, options: DataOption): Promise<Outcome> {
	const result = await controlLink(context, options).request("reset-interlock", { interlock, by: context.userName });
	context.out.line(`Interlock ${result.interlock} is ${result.state}.`);
	context.out.result({ ok: true, ...result });
	return 0;
}

async function answered(context: CliContext, asked: Promise<{ alarm: string; state: string }>): Promise<Outcome> {
	const { alarm, state } = await asked;
	context.out.line(`Alarm ${alarm} is ${state}.`);
	context.out.result({ ok: true, alarm, state });
	return 0;
}

function linesOf({ alarm, state, priority, message, consequence, response, by, reason, until }: AlarmStatus): string[] {
	const who = by === undefined ? "" : ` by ${by}`;
	const end = until === undefined ? "" : ` until ${new Date(until).toISOString()}`;
	const why = reason === undefined ? "" : `: ${reason}`;
	return [
		`${priority} ${alarm} (${state}${who}${end}${why})`,
		`  ${message}`,
		...(consequence === undefined ? [] : [`  If nothing is done: ${consequence}`]),
		`  Do: ${response}`,
	];
}
