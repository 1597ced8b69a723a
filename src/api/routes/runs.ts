import type { AppDeps } from "#api/ports.js";
import { usage } from "#api/problem.js";
import { API_PREFIX, type RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { chosenRecipe, type RecipeChoice } from "#api/routes/recipes.js";
import {
	by,
	list,
	plainName,
	RUN_COMMANDS,
	RUN_STATES,
	recipeName,
	recipeText,
	ref,
	runState,
	setValues,
	string,
	WALL_MS_MAX,
} from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";
import type { History, RunDetail } from "#record/history.js";
import type { RunCommand, RunState } from "#record/records.js";

/** Stands for a caller who gave no name. */
export const ANONYMOUS = "rest";

interface LaunchBody extends RecipeChoice {
	sample?: string;
	operator: string;
	acknowledge?: string[];
}

interface CommandBody {
	command: RunCommand | "confirm";
	prompt?: string;
	by?: string;
	ifState?: RunState;
	annealMinutes?: number;
}

/** The database's view of the past, or DATABASE_UNAVAILABLE. */
export function historyOf(deps: AppDeps): History {
	if (deps.history !== null) return deps.history;
	throw new AdlayerError("DATABASE_UNAVAILABLE", "The service runs without a database.");
}

/** The present run from the journal, any other from the database. Throws RUN_NOT_FOUND. */
export async function findRun(deps: AppDeps, run: string): Promise<RunDetail> {
	const found = deps.live.runDetail(run) ?? (await historyOf(deps).run(run));
	if (found === undefined) throw new AdlayerError("RUN_NOT_FOUND", `There is no run ${run}.`);
	return found;
}

export function runRoutes(group: RouteGroup): void {
	launchRoute(group);
	listRoutes(group);
	commandRoute(group);
	pulseRoute(group);
}

function launchRoute({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "runs",
		summary: "Launch a recipe",
		description:
			"Give `recipe` (a name of this service) or `recipeText`. What the check lists as acknowledgements must be given by code.",
		body: strictBody(
			{
				recipe: recipeName,
				recipeText,
				set: setValues,
				sample: plainName,
				operator: by,
				acknowledge: { type: "array", items: { type: "string", maxLength: 100 }, maxItems: 100 },
			},
			["operator"],
			{ recipe: "li-lialox-ex", set: { cycles: 200 }, operator: "mk", acknowledge: ["MELTING_NOT_EXCLUDED"] },
		),
		ok: 201,
		answer: envelope({ run: string, state: runState, product: string, sample: string }),
		errors: [
			"RECIPE_NOT_FOUND",
			"RECIPE_INVALID",
			"RUN_ACTIVE",
			"ACKNOWLEDGEMENT_MISSING",
			"PERMIT_REFUSED",
			"MESSAGE_TOO_LARGE",
			"CONTROL_UNREACHABLE",
			"ORIGIN_REFUSED",
		],
	});
	api.post<{ Body: LaunchBody }>("/runs", { schema }, async ({ body }, reply) => {
		const { fileName, text } = await chosenRecipe(deps, body);
		const launched = await deps.control.request("launch", {
			recipe: fileName,
			recipeText: text,
			set: body.set ?? {},
			operator: body.operator,
			acknowledge: body.acknowledge ?? [],
			...(body.sample === undefined ? {} : { sample: body.sample }),
		});
		reply.code(201).header("Location", `${API_PREFIX}/runs/${encodeURIComponent(launched.run)}`);
		return { simulated: deps.live.simulated, ...launched };
	});
}

function listRoutes({ api, deps }: RouteGroup): void {
	const listSchema = routeSchema({
		tag: "runs",
		summary: "Runs, newest first",
		query: {
			limit: { type: "integer", minimum: 1, maximum: 500, default: 50 },
			before: {
				type: "integer",
				minimum: 0,
				maximum: WALL_MS_MAX,
				description: "Only runs created before this Unix time in ms",
			},
		},
		answer: envelope({ runs: list(ref("RunSummary")) }),
		errors: ["DATABASE_UNAVAILABLE"],
	});
	api.get<{ Querystring: { limit: number; before?: number } }>("/runs", { schema: listSchema }, async ({ query }) => {
		const stored = await historyOf(deps).runs(query);
		const present = deps.live.runSummary();
		const others = stored.filter((run) => run.run !== present?.run);
		const isShown = present !== undefined && (query.before === undefined || present.createdAt < query.before);
		const runs = (isShown ? [present, ...others] : others).slice(0, query.limit);
		return { simulated: deps.live.simulated, runs };
	});

	const oneSchema = routeSchema({
		tag: "runs",
		summary: "One run with its recipe, parameters and steps",
		description:
			"The present run is answered from live state, also without a database. `rows` counts what the database holds of the run.",
		params: { id: string },
		answer: ref("RunDetail"),
		errors: ["RUN_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { id: string } }>("/runs/:id", { schema: oneSchema }, async ({ params }) => {
		const detail = await findRun(deps, params.id);
		const rows = await (deps.history?.counts(params.id).catch(() => null) ?? null);
		return { ...detail, rows };
	});
}

function commandRoute({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "runs",
		summary: "Command a run (ISA-88)",
		description:
			"`confirm` answers the question that the run asks: `prompt` names it, `by` the person, both required. With `ifState` the command is refused with STATE_CHANGED when the run is in another state by now. `annealMinutes` belongs to the restart of a run whose anneal was interrupted by the loss of control.",
		params: { id: string },
		body: strictBody(
			{
				command: { type: "string", enum: [...RUN_COMMANDS, "confirm"] },
				prompt: { type: "string", maxLength: 80 },
				by,
				ifState: { type: "string", enum: RUN_STATES },
				annealMinutes: { type: "number", minimum: 0, maximum: 100_000 },
			},
			["command"],
			{ command: "hold", by: "mk" },
		),
		answer: envelope({ run: string, state: runState }),
		errors: [
			"RUN_NOT_FOUND",
			"COMMAND_NOT_ALLOWED",
			"PROMPT_NOT_OPEN",
			"PLAN_CHANGED",
			"ANNEAL_INTERRUPTED",
			"DEVICE_NOT_READY",
			"STATE_CHANGED",
			"PERMIT_REFUSED",
			"CONTROL_UNREACHABLE",
			"ORIGIN_REFUSED",
		],
	});
	type Route = { Params: { id: string }; Body: CommandBody };
	api.post<Route>("/runs/:id/commands", { schema }, async ({ params, body }) => {
		const options = body.ifState === undefined ? {} : { ifState: body.ifState };
		if (body.command === "confirm") {
			if (body.prompt === undefined || body.by === undefined) {
				const missing = body.prompt === undefined ? "body.prompt" : "body.by";
				throw usage(missing, "To confirm takes prompt, the question's name, and by, the person's name.");
			}
			const answer = { run: params.id, prompt: body.prompt, by: body.by };
			const { run, state } = await deps.control.request("confirm", answer, options);
			return { simulated: deps.live.simulated, run, state };
		}
		const { command, annealMinutes } = body;
		const minutes = annealMinutes === undefined ? {} : { annealMinutes };
		const args = { run: params.id, command, by: body.by ?? ANONYMOUS, ...minutes };
		const result = await deps.control.request("command", args, options);
		return { simulated: deps.live.simulated, ...result };
	});
}

function pulseRoute({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "runs",
		summary: "Every pulse of a run: commanded, issued, confirmed, effective",
		params: { id: string },
		answer: envelope({ run: string, pulses: list(ref("Pulse")) }),
		errors: ["RUN_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { id: string } }>("/runs/:id/pulses", { schema }, async ({ params }) => {
		const { simulated } = deps.live;
		const records = deps.live.eventsOf(params.id, -1);
		if (records !== undefined) {
			const pulses = records.flatMap((record) => {
				if (record.kind !== "pulse") return [];
				const { kind: _, seq: __, t: ___, wall, ...pulse } = record;
				return [{ ...pulse, at: wall }];
			});
			return { simulated, run: params.id, pulses };
		}
		await findRun(deps, params.id);
		return { simulated, run: params.id, pulses: await historyOf(deps).pulses(params.id) };
	});
}
