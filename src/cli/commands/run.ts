import { recipeArgument } from "#cli/arguments.js";
import type { CliContext, Outcome } from "#cli/context.js";
import { followRun, type RunResult } from "#cli/follow.js";
import { serviceUrl } from "#cli/places.js";
import { ProgressView } from "#cli/progress-view.js";
import { RestClient } from "#cli/rest-client.js";
import { renderSummary } from "#cli/summary.js";
import type { ControlStatus } from "#record/status.js";

export interface LaunchOptions {
	readonly set: Record<string, number | string>;
	readonly ack: string[];
	readonly sample?: string;
	readonly operator?: string;
}

export interface RunOptions extends LaunchOptions {
	readonly url?: string;
}

/** Launches a recipe at the service and follows the run to its end. */
export async function run(context: CliContext, recipe: string, options: RunOptions): Promise<Outcome> {
	const { out, env, clock } = context;
	const rest = new RestClient(serviceUrl(options.url, env), clock);
	const { result, simulated, meltingPointC } = await launchAndFollow(context, rest, recipe, options);
	for (const line of renderSummary({ result, simulated, truth: null, meltingPointC })) out.line(line);
	out.result(result);
	return result.ok ? 0 : 1;
}

/** The run's figures, and what the present state said of it. */
export interface Followed {
	readonly result: RunResult;
	readonly simulated: boolean;
	readonly meltingPointC: number | null;
}

export async function launchAndFollow(
	context: CliContext,
	rest: RestClient,
	recipe: string,
	options: LaunchOptions,
): Promise<Followed> {
	const { out, clock, interrupted, userName } = context;
	const launched = await rest.post<{ run: string; product: string }>("/runs", {
		...recipeArgument(recipe),
		set: options.set,
		operator: options.operator ?? userName,
		acknowledge: options.ack,
		...(options.sample === undefined ? {} : { sample: options.sample }),
	});
	out.line(`Run ${launched.run} of ${launched.product} is launched.`);
	const view = new ProgressView(out, clock, launched.run);
	let simulated = false;
	let meltingPointC: number | null = null;
	const watcher = {
		connection: (lost: boolean) => view.connection(lost),
		status: (status: ControlStatus) => {
			view.status(status);
			simulated = status.simulated;
			if (status.run?.run === launched.run) meltingPointC = status.run.meltingPointC;
		},
	};
	const result = await followRun({ rest, run: launched.run, clock, watcher, interrupted });
	const last = await rest.get<ControlStatus>("/status").catch(() => undefined);
	if (last !== undefined) watcher.status(last);
	return { result, simulated, meltingPointC };
}
