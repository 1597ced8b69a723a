import type { RouteGroup } from "#api/route-group.js";
import { dateTime, type ItemResource, itemRoutes, longText, positive, text } from "#api/routes/items.js";

export const FOIL_LOTS: ItemResource = {
	kind: "foil-lot",
	plural: "foil-lots",
	what: "Foil lots",
	members: {
		material: { ...text, description: "As in recipes: Li, Na" },
		thicknessUm: positive,
		supplier: text,
		supplierLot: text,
		purityPercent: { type: "number", exclusiveMinimum: 0, maximum: 100 },
		receivedAt: dateTime,
		note: longText,
	},
	required: ["material", "thicknessUm"],
	example: { id: "Li-2026-03", material: "Li", thicknessUm: 350, supplier: "China Energy Lithium" },
};

export const foilLotRoutes = (group: RouteGroup): void => itemRoutes(group, FOIL_LOTS);
