import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";

/** Commands the present run, straight to control. */
export async function commandRun(
	context: CliContext,
	command: "hold" | "abort",
	options: DataOption,
): Promise<Outcome> {
	const { run, state } = await controlLink(context, options).request("command", { command, by: context.userName });
	context.out.line(`Run ${run} is ${state}.`);
	context.out.result({ ok: true, run, state });
	return 0;
}
