import type { RouteGroup } from "#api/route-group.js";
import { routeSchema } from "#api/route-schema.js";
import {
	dateTime,
	descentOf,
	type ItemResource,
	invalid,
	itemId,
	itemRoutes,
	longText,
	positive,
	text,
} from "#api/routes/items.js";
import { string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";
import { cellCrate } from "#record/descent-crate.js";

const object = (properties: Record<string, object>, required: readonly string[]) => ({
	type: "object",
	properties,
	required,
	additionalProperties: false,
});

export const CELLS: ItemResource = {
	kind: "cell",
	plural: "cells",
	what: "Cells",
	members: {
		working: { ...itemId, description: "Id of the sample, or of the bare foil of a control; the anode of a full cell" },
		counter: { ...itemId, description: "Id of the other foil or sample of a symmetric cell" },
		positive: {
			...object({ material: text, massMg: positive, activeMassMg: positive }, ["material"]),
			description: "The positive electrode of a full cell",
		},
		electrolyte: object({ name: text, volumeUl: positive }, ["name"]),
		separator: text,
		areaCm2: { ...positive, description: "Of the smaller electrode" },
		format: { ...text, examples: ["CR2032"] },
		assembledAt: dateTime,
		note: longText,
	},
	required: ["working", "electrolyte", "separator", "areaCm2", "format"],
	example: {
		barcode: "C000077",
		working: "sample-3",
		counter: "foil-4",
		electrolyte: { name: "1 M LiPF6 in EC:DEC", volumeUl: 40 },
		separator: "Celgard 2400",
		areaCm2: 1.131,
		format: "CR2032",
	},
	verify: async ({ counter, positive: cathode }) => {
		const has = [counter, cathode].filter((each) => each !== undefined && each !== null).length;
		return has === 1
			? []
			: [invalid("counter", counter ?? null, "A cell has either a counter electrode (symmetric) or a positive one.")];
	},
};

export function cellRoutes(group: RouteGroup): void {
	itemRoutes(group, CELLS);
	const { api, deps } = group;
	const schema = routeSchema({
		tag: "descent",
		summary: "A cell's descent as an RO-Crate 1.2 metadata document",
		params: { id: string },
		answer: { type: "object" },
		contentTypes: ["application/ld+json"],
		errors: ["ITEM_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { id: string } }>("/cells/:id/ro-crate", { schema }, async ({ params }, reply) => {
		const tree = await descentOf(deps).tree("cell", params.id);
		if (tree === undefined) throw new AdlayerError("ITEM_NOT_FOUND", `There is no cell ${params.id}.`);
		void reply.type("application/ld+json");
		return cellCrate(tree, { at: deps.clock.wallMs(), softwareVersion: deps.version });
	});
}
