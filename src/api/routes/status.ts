import type { RouteGroup } from "#api/route-group.js";
import { routeSchema } from "#api/route-schema.js";
import { wantsStream } from "#api/routes/accept.js";
import { ref } from "#api/schemas.js";

export function statusRoutes({ api, deps, followers }: RouteGroup): void {
	const schema = routeSchema({
		tag: "service",
		summary: "The present state: run, instruments, signals, interlocks, alarms",
		description: "With `Accept: text/event-stream` a stream of `status` events, a few a second.",
		answer: ref("Status"),
		contentTypes: ["application/json", "text/event-stream"],
		errors: ["SERVICE_BUSY"],
	});
	api.get("/status", { schema }, async (request, reply) => {
		if (!wantsStream(request)) return deps.live.status();
		followers.followStatus(reply);
		return reply;
	});
}
