import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";

export interface RunCommandOptions extends DataOption {
	/** Of an interrupted anneal, named by whoever restarts it. */
	readonly annealMinutes?: number;
}

/** Commands the present run, straight to control. */
export async function commandRun(
	context: CliContext,
	command: "hold" | "restart" | "stop" | "abort",
	options: RunCommandOptions,
): Promise<Outcome> {
	const { annealMinutes } = options;
	const minutes = annealMinutes === undefined ? {} : { annealMinutes };
	const order = { command, by: context.userName, ...minutes };
	const { run, state } = await controlLink(context, options).request("command", order);
	context.out.line(`Run ${run} is ${state}.`);
	context.out.result({ ok: true, run, state });
	return 0;
}
