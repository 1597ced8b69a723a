import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { list, ref } from "#api/schemas.js";

export function instrumentRoutes({ api, deps }: RouteGroup): void {
	const schema = routeSchema({
		tag: "instruments",
		summary: "All instruments: connection, identity, and whether their samples are fresh",
		answer: envelope({ instruments: list(ref("Instrument")) }),
	});
	api.get("/instruments", { schema }, async () => {
		const { live } = deps;
		const instruments = Object.entries(live.status().instruments).map(([name, instrument]) => ({
			name,
			...instrument,
			quality: live.instrumentQuality(name),
		}));
		return { simulated: live.simulated, instruments };
	});
}
