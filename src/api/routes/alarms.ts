import type { AppDeps } from "#api/ports.js";
import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { ANONYMOUS, historyOf } from "#api/routes/runs.js";
import { by, list, ref, string, WALL_MS_MAX } from "#api/schemas.js";
import { asAdlayerError } from "#core/errors.js";
import type { AlarmChange, AlarmQuery } from "#record/history.js";

const HISTORY_MAX = 1_000;
const HISTORY_DEFAULT = 100;

const params = { id: string };
const answer = envelope({ alarm: string, state: string });
const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why, for whoever comes after" };
const errors = ["NOT_FOUND", "COMMAND_NOT_ALLOWED", "CONTROL_UNREACHABLE", "ORIGIN_REFUSED"] as const;
const said = { anyOf: [strictBody({ by }, [], { by: "mk" }), { type: "null" }] };

interface Named {
	Params: { id: string };
	Body: { by?: string } | null;
}

interface Reasoned {
	Params: { id: string };
	Body: { by?: string; reason: string };
}

/** Undefined while the database is away. */
async function storedChanges(deps: AppDeps, query: AlarmQuery): Promise<AlarmChange[] | undefined> {
	try {
		return await historyOf(deps).alarms(query);
	} catch (thrown) {
		if (asAdlayerError(thrown).code !== "DATABASE_UNAVAILABLE") throw thrown;
		return undefined;
	}
}

/** The database may not have the newest yet, and the service not the oldest; what both have is there once. */
function merged(held: readonly AlarmChange[], stored: readonly AlarmChange[], limit: number): AlarmChange[] {
	const byName = new Map([...stored, ...held].map((change) => [`${change.seq} ${change.wall}`, change]));
	return [...byName.values()].sort((a, b) => b.wall - a.wall || b.seq - a.seq).slice(0, limit);
}

export function alarmRoutes({ api, deps }: RouteGroup): void {
	const simulated = () => deps.live.simulated;
	const schema = routeSchema({
		tag: "alarms",
		summary: "All alarms that are not normal (ISA-18.2), and how many came in the last ten minutes",
		answer: envelope({ alarms: list(ref("Alarm")), flood: ref("AlarmFlood") }),
	});
	api.get("/alarms", { schema }, async () => {
		const { alarms, alarmFlood } = deps.live.status();
		return { simulated: simulated(), alarms, flood: alarmFlood };
	});

	const historySchema = routeSchema({
		tag: "alarms",
		summary: "Changes of alarms and who made them, newest first, from the database and what the service holds itself",
		query: {
			limit: { type: "integer", minimum: 1, maximum: HISTORY_MAX, default: HISTORY_DEFAULT },
			alarm: string,
			before: { type: "integer", minimum: 0, maximum: WALL_MS_MAX, description: "Only before this Unix time in ms" },
		},
		answer: envelope({
			changes: list(ref("AlarmChange")),
			complete: { type: "boolean", description: "False while the database is away: older changes may be missing" },
		}),
	});
	api.get<{ Querystring: AlarmQuery }>("/alarms/history", { schema: historySchema }, async ({ query }) => {
		const held = deps.live.alarmHistory(query);
		const stored = await storedChanges(deps, query);
		return { simulated: simulated(), changes: merged(held, stored ?? [], query.limit), complete: stored !== undefined };
	});

	const acknowledgeSchema = routeSchema({
		tag: "alarms",
		summary: "Acknowledge an alarm",
		params,
		body: said,
		answer,
		errors: [...errors],
	});
	api.post<Named>("/alarms/:id/acknowledge", { schema: acknowledgeSchema }, async ({ params: { id }, body }) => {
		const args = { alarm: id, by: body?.by ?? ANONYMOUS };
		return { simulated: simulated(), ...(await deps.control.request("acknowledge-alarm", args)) };
	});

	const shelveSchema = routeSchema({
		tag: "alarms",
		summary: "Silence an alarm for a time, or until its cause has gone once (no for_s); never the interlock behind it",
		params,
		body: strictBody(
			{ by, reason, for_s: { type: "number", exclusiveMinimum: 0, maximum: 43_200, description: "s, at most 12 h" } },
			["reason"],
			{ by: "mk", reason: "The stage's controller is being exchanged.", for_s: 3_600 },
		),
		answer,
		errors: ["USAGE", ...errors],
	});
	type Shelve = { Params: { id: string }; Body: Reasoned["Body"] & { for_s?: number } };
	api.post<Shelve>("/alarms/:id/shelve", { schema: shelveSchema }, async ({ params: { id }, body }) => {
		const args = { alarm: id, by: body.by ?? ANONYMOUS, reason: body.reason, for: body.for_s ?? ("one-shot" as const) };
		return { simulated: simulated(), ...(await deps.control.request("shelve-alarm", args)) };
	});

	const removeSchema = routeSchema({
		tag: "alarms",
		summary: "Take an alarm out of service until somebody returns it; never the interlock behind it",
		params,
		body: strictBody({ by, reason }, ["reason"], { by: "mk", reason: "The gauge is at the maker's." }),
		answer,
		errors: [...errors],
	});
	api.post<Reasoned>("/alarms/:id/out-of-service", { schema: removeSchema }, async ({ params: { id }, body }) => {
		const args = { alarm: id, by: body.by ?? ANONYMOUS, reason: body.reason };
		return { simulated: simulated(), ...(await deps.control.request("remove-alarm", args)) };
	});

	for (const [path, command, summary] of [
		["unshelve", "unshelve-alarm", "End the shelving of an alarm"],
		["return-to-service", "return-alarm", "Return an alarm to service"],
	] as const) {
		const backSchema = routeSchema({ tag: "alarms", summary, params, body: said, answer, errors: [...errors] });
		api.post<Named>(`/alarms/:id/${path}`, { schema: backSchema }, async ({ params: { id }, body }) => {
			const args = { alarm: id, by: body?.by ?? ANONYMOUS };
			return { simulated: simulated(), ...(await deps.control.request(command, args)) };
		});
	}
}
