import { controlLink, type DataOption } from "#cli/commands/status.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { AdlayerError } from "#core/errors.js";

export interface ConfirmOptions extends DataOption {
	readonly by?: string;
}

/** Answers the question that the present run asks, straight to control; without a name it says which one is open. */
export async function confirm(
	context: CliContext,
	prompt: string | undefined,
	options: ConfirmOptions,
): Promise<Outcome> {
	const link = controlLink(context, options);
	if (prompt === undefined) {
		const open = (await link.request("status", {})).run?.prompt;
		if (open == null) throw new AdlayerError("PROMPT_NOT_OPEN", "The run asks nothing.");
		context.out.line(`${open.prompt}: ${open.text}`);
		context.out.line(`To confirm "${open.confirm}": adlayer confirm ${open.prompt}`);
		context.out.result({ ok: true, ...open });
		return 0;
	}
	const by = options.by ?? context.userName;
	const answer = await link.request("confirm", { prompt, by });
	context.out.line(`Confirmed ${prompt} by ${by}; run ${answer.run} is ${answer.state}.`);
	context.out.result({ ok: true, ...answer });
	return 0;
}
