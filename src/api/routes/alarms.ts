import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { ANONYMOUS } from "#api/routes/runs.js";
import { by, list, ref, string } from "#api/schemas.js";

export function alarmRoutes({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "alarms",
		summary: "All alarms that are not normal (ISA-18.2)",
		answer: envelope({ alarms: list(ref("Alarm")) }),
	});
	api.get("/alarms", { schema }, async () => ({ simulated: deps.live.simulated, alarms: deps.live.status().alarms }));

	const acknowledgeSchema = routeSchema({
		tag: "alarms",
		summary: "Acknowledge an alarm",
		params: { id: string },
		body: { anyOf: [strictBody({ by }, [], { by: "mk" }), { type: "null" }] },
		answer: envelope({ alarm: string, state: string }),
		errors: ["NOT_FOUND", "CONTROL_UNREACHABLE", "ORIGIN_REFUSED"],
	});
	type Route = { Params: { id: string }; Body: { by?: string } | null };
	api.post<Route>("/alarms/:id/acknowledge", { schema: acknowledgeSchema }, async ({ params, body }) => {
		const args = { alarm: params.id, by: body?.by ?? ANONYMOUS };
		return { simulated: deps.live.simulated, ...(await deps.control.request("acknowledge-alarm", args)) };
	});
}
