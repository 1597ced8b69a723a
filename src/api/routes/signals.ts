import { usage } from "#api/problem.js";
import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { historyOf } from "#api/routes/runs.js";
import { list, ref, shape, string, WALL_MS_MAX } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";

const POINTS_DEFAULT = 500;
/** More points than any screen shows. */
const POINTS_MAX = 5_000;

export function signalRoutes({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "signals",
		summary: "All signals with their latest value and its quality",
		answer: envelope({ signals: list(ref("Signal")) }),
	});
	api.get("/signals", { schema }, async () => {
		const signals = [...deps.live.declarations.values()].map(({ id, signalKind, description }) => ({
			id,
			kind: signalKind,
			description,
			...deps.live.signal(id),
		}));
		return { simulated: deps.live.simulated, signals };
	});

	const value = { type: ["number", "null"] };
	const time = (what: string) => ({
		type: "string",
		pattern: "^(\\d{1,15}|\\d{4}-\\d\\d-\\d\\d.*)$",
		description: `${what}: Unix ms or ISO 8601 with time zone`,
	});
	const historySchema = routeSchema({
		tag: "signals",
		summary: "A signal's past, in at most so many buckets",
		params: { id: string },
		query: {
			from: time("Begin"),
			to: time("End"),
			points: { type: "integer", minimum: 1, maximum: POINTS_MAX, default: POINTS_DEFAULT },
		},
		queryRequired: ["from", "to"],
		answer: envelope({
			signal: string,
			unit: string,
			points: list(shape({ at: { type: "number" }, min: value, max: value, mean: value })),
		}),
		errors: ["SIGNAL_UNKNOWN", "DATABASE_UNAVAILABLE"],
	});
	type Route = { Params: { id: string }; Querystring: { from: string; to: string; points: number } };
	api.get<Route>("/signals/:id/history", { schema: historySchema }, async ({ params, query }) => {
		const { id } = params;
		const from = timeFrom("from", query.from);
		const to = timeFrom("to", query.to);
		if (from >= to) throw usage("query.from", `from (${query.from}) must be before to (${query.to}).`, query.from);
		const points = await historyOf(deps).signal(id, { from, to, points: query.points });
		const declared = deps.live.declarations.get(id);
		if (declared === undefined && points.length === 0)
			throw new AdlayerError("SIGNAL_UNKNOWN", `There is no signal ${id}.`);
		return { simulated: deps.live.simulated, signal: id, unit: declared?.unit ?? "1", points };
	});
}

function timeFrom(name: string, text: string): number {
	const isMs = /^\d+$/.test(text);
	const ms = isMs ? Number(text) : Date.parse(text);
	const hasZone = isMs || /(Z|[+-]\d\d:?\d\d)$/.test(text);
	if (ms >= 0 && ms <= WALL_MS_MAX && hasZone && (isMs || isDate(text))) return ms;
	const message = `${name} is neither Unix ms nor an ISO 8601 time with time zone: ${text.slice(0, 40)}.`;
	throw usage(`query.${name}`, message, text);
}

/** Whether the calendar has the day: the parser takes a 31st of February for the 3rd of March. */
function isDate(text: string): boolean {
	const [year, month, day] = text.slice(0, 10).split("-").map(Number) as [number, number, number];
	return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}
