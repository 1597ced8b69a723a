import type { RouteGroup } from "#api/route-group.js";
import { dateTime, type ItemResource, itemId, itemRoutes, longText, positive } from "#api/routes/items.js";

export const FOILS: ItemResource = {
	kind: "foil",
	plural: "foils",
	what: "Foils",
	members: {
		lot: { ...itemId, description: "Id of the foil lot" },
		diameterMm: positive,
		widthMm: positive,
		lengthMm: positive,
		massMg: positive,
		cutAt: dateTime,
		note: longText,
	},
	required: ["lot"],
	example: { lot: "Li-2026-03", diameterMm: 12, barcode: "F000123" },
};

export function foilRoutes(group: RouteGroup): void {
	itemRoutes(group, FOILS);
}
