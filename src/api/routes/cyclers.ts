/** What a battery test can be ordered from: the cyclers with their channels, the protocols of this service. */
import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { boolean, list, recipeName, shape, string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";
import { checkProtocol } from "#cycling/check-protocol.js";

export function cyclerRoutes({ api, deps }: RouteGroup): void {
	const simulated = () => deps.live.simulated;
	const cyclersSchema = routeSchema({
		tag: "cell-tests",
		summary: "The cyclers of this station with their channels",
		answer: envelope({ cyclers: list(shape({ cycler: string, channels: list(string) })) }),
		errors: ["CONTROL_UNREACHABLE"],
	});
	api.get("/cyclers", { schema: cyclersSchema }, async () => ({
		simulated: simulated(),
		cyclers: Object.entries((await deps.control.request("cyclers", {})).cyclers).map(([cycler, channels]) => ({
			cycler,
			channels,
		})),
	}));

	const entry = { name: string, fileName: string, title: string };
	const listSchema = routeSchema({
		tag: "cell-tests",
		summary: "All battery test protocols of this service",
		answer: envelope({ protocols: list(shape(entry)) }),
	});
	api.get("/protocols", { schema: listSchema }, async () => ({
		simulated: simulated(),
		protocols: await deps.protocols.list(),
	}));

	const needs = shape({ area: boolean, activeMass: boolean });
	const oneSchema = routeSchema({
		tag: "cell-tests",
		summary: "One protocol with its text, what must be known of a cell, and the hours that it takes",
		params: { name: recipeName },
		answer: shape({
			...entry,
			text: string,
			needs: { ...needs, description: "What the protocol takes from the cell: the order must give it" },
			nominalHours: { type: ["number", "null"], description: "Null where a voltage may end a step" },
		}),
		errors: ["NOT_FOUND"],
	});
	api.get<{ Params: { name: string } }>("/protocols/:name", { schema: oneSchema }, async ({ params: { name } }) => {
		const found = await deps.protocols.read(name);
		if (found === undefined) throw new AdlayerError("NOT_FOUND", `There is no protocol ${name}.`);
		const { needs, nominalHours } = checkProtocol(found.text, found.fileName);
		return { ...found, needs, nominalHours };
	});
}
