import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { by, integer, list, number, shape, string } from "#api/schemas.js";

export function maintenanceRoutes({ api, deps }: RouteGroup): void {
	const map = { type: "object", additionalProperties: { type: "object" } };
	const properties = {
		since: integer,
		valves: { ...map, description: "Pulses of each dosing valve's life, and the limit of the lab file" },
		bottles: { ...map, description: "Grams when changed, used and left, by precursor" },
		hours: shape({ pump: number, heaters: { type: "object", additionalProperties: number } }),
		pumpHoursMax: { type: ["number", "null"] },
		basePressures: list(shape({ at: integer, run: string, pa: number })),
		warnings: list(shape({ what: string, message: string })),
	};
	const schema = routeSchema({
		tag: "instruments",
		summary: "What wears and runs out: pulses, bottles, hours, base pressure",
		answer: envelope(properties),
		errors: ["CONTROL_UNREACHABLE"],
	});
	api.get("/maintenance", { schema }, async () => ({
		simulated: deps.live.simulated,
		...(await deps.control.request("maintenance", {})),
	}));

	const bottleSchema = routeSchema({
		tag: "instruments",
		summary: "Tell that a bottle was changed for a full one",
		params: { precursor: { type: "string", minLength: 1, maxLength: 100 } },
		body: strictBody({ grams: { type: "number", exclusiveMinimum: 0, maximum: 100_000 }, by }, ["grams", "by"], {
			grams: 25,
			by: "mk",
		}),
		answer: envelope(properties),
		errors: ["NOT_FOUND", "CONTROL_UNREACHABLE", "ORIGIN_REFUSED"],
	});
	type Route = { Params: { precursor: string }; Body: { grams: number; by: string } };
	api.post<Route>("/maintenance/bottles/:precursor", { schema: bottleSchema }, async ({ params, body }) => ({
		simulated: deps.live.simulated,
		...(await deps.control.request("change-bottle", { ...params, ...body })),
	}));
}
