import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { integer, shape, string } from "#api/schemas.js";

export function healthRoutes({ api, deps, followers }: RouteGroup): void {
	const state = (states: readonly string[]) => ({ type: "string", enum: states });
	const schema = routeSchema({
		tag: "service",
		summary: "How the service's own parts are doing",
		description: "Answers 200 as long as the service itself lives; `status` says whether all of it works.",
		answer: envelope({
			status: state(["ok", "degraded"]),
			version: string,
			database: shape({
				state: state(["ready", "unavailable", "starting"]),
				detail: string,
				lagRecords: integer,
				refusedRecords: { ...integer, description: "Kept in refused-records.jsonl of the data folder" },
			}),
			broker: shape({ state: state(["ready", "unavailable"]), url: string }),
			control: shape({ state: state(["ready", "unavailable"]) }),
			journal: shape({ lastSeq: integer }),
			followers: integer,
		}),
	});
	api.get("/health", { schema }, async () => {
		const health = deps.health();
		const parts = [health.database.state, health.broker.state, health.control.state];
		return {
			simulated: deps.live.simulated,
			status: parts.every((part) => part === "ready") ? "ok" : "degraded",
			version: deps.version,
			...health,
			followers: followers.count,
		};
	});
}
