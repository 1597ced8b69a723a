import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { ANONYMOUS } from "#api/routes/runs.js";
import { by, list, ref, string } from "#api/schemas.js";

export function interlockRoutes({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "alarms",
		summary: "Interlocks that have tripped since control came up, and their latches",
		answer: envelope({ interlocks: list(ref("Interlock")) }),
	});
	api.get("/interlocks", { schema }, async () => ({
		simulated: deps.live.simulated,
		interlocks: deps.live.status().interlocks,
	}));

	const resetSchema = routeSchema({
		tag: "alarms",
		summary: "Reset a latched interlock whose cause is gone",
		params: { id: string },
		body: { anyOf: [strictBody({ by }, [], { by: "mk" }), { type: "null" }] },
		answer: envelope({ interlock: string, state: string }),
		errors: ["NOT_FOUND", "INTERLOCK_TRIPPED", "CONTROL_UNREACHABLE", "ORIGIN_REFUSED"],
	});
	type Route = { Params: { id: string }; Body: { by?: string } | null };
	api.post<Route>("/interlocks/:id/reset", { schema: resetSchema }, async ({ params, body }) => {
		const args = { interlock: params.id, by: body?.by ?? ANONYMOUS };
		return { simulated: deps.live.simulated, ...(await deps.control.request("reset-interlock", args)) };
	});
}
