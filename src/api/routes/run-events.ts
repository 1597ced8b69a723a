import { runOf } from "#api/live-run.js";
import { usage } from "#api/problem.js";
import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { wantsStream } from "#api/routes/accept.js";
import { findRun, historyOf } from "#api/routes/runs.js";
import { integer, list, ref, string } from "#api/schemas.js";

export function runEventRoutes({ api, deps, followers }: RouteGroup): void {
	const schema = routeSchema({
		tag: "runs",
		summary: "What happened in a run, in order, except samples",
		description:
			"With `Accept: text/event-stream` everything from the run's beginning (or after `Last-Event-ID`, or `after`), then " +
			"every new event. The event's id is the journal's sequence number, its type the record's kind. A listener that " +
			"falls too far behind is cut off and resumes with `Last-Event-ID`, without gap or double.",
		params: { id: string },
		query: {
			after: { type: "integer", minimum: 0, description: "Only events after this sequence number" },
			limit: { type: "integer", minimum: 1, maximum: 10_000, default: 1_000, description: "JSON only" },
		},
		answer: envelope({
			run: string,
			events: list(ref("Event")),
			last: { ...integer, description: "Ask on with `after`" },
		}),
		contentTypes: ["application/json", "text/event-stream"],
		errors: ["RUN_NOT_FOUND", "DATABASE_UNAVAILABLE", "SERVICE_BUSY"],
	});
	type Route = { Params: { id: string }; Querystring: { after?: number; limit: number } };
	api.get<Route>("/runs/:id/events", { schema }, async (request, reply) => {
		const run = request.params.id;
		const after = resumePoint(request.headers["last-event-id"]) ?? request.query.after ?? 0;
		if (deps.live.runId !== run && deps.live.startIndex(run, -1) === undefined) await findRun(deps, run);
		if (wantsStream(request)) {
			await followers.followRun(reply, run, after);
			return reply;
		}
		const held = deps.live.eventsOf(run, after);
		const limit = request.query.limit;
		const found = held ?? (await historyOf(deps).events(run, { afterSeq: after, limit }));
		const events = found.filter((record) => runOf(record) === run).slice(0, limit);
		return { simulated: deps.live.simulated, run, events, last: events.at(-1)?.seq ?? after };
	});
}

function resumePoint(header: string | string[] | undefined): number | undefined {
	if (header === undefined || header === "") return undefined;
	if (typeof header === "string" && /^\d{1,15}$/.test(header)) return Number(header);
	throw usage(
		"headers.last-event-id",
		"Last-Event-ID must be the id of an event that this stream sent: a whole number.",
	);
}
