import type { RouteGroup } from "#api/route-group.js";
import { type ItemResource, invalid, itemId, itemRoutes, longText, positive, text } from "#api/routes/items.js";
import { parseSampleName } from "#recipe/sample-name.js";

export const SAMPLES: ItemResource = {
	kind: "sample",
	plural: "samples",
	what: "Samples (coated foil)",
	members: {
		foil: { ...itemId, description: "Id of the foil" },
		runs: {
			type: "array",
			items: text,
			minItems: 1,
			maxItems: 20,
			uniqueItems: true,
			description: "Runs that coated it",
		},
		name: { ...text, description: "By the rule {metal}@{cycles}{film}[-ex|-in]", examples: ["Li@200LiAlOx-ex"] },
		thicknessNm: positive,
		note: longText,
	},
	required: ["foil", "runs", "name"],
	example: { foil: "foil-2", runs: ["sim1-20261122-171500-93"], name: "Li@200LiAlOx-ex", barcode: "S000045" },
	verify: async ({ name, foil }, descent) => {
		const parts = parseSampleName(String(name));
		if (parts === undefined) return [invalid("name", name, "A sample is named like Li@200LiAlOx-ex.")];
		const lot = (await descent.get("foil", String(foil)))?.body.lot;
		const material = lot === undefined ? undefined : (await descent.get("foil-lot", String(lot)))?.body.material;
		return material === undefined || material === parts.metal
			? []
			: [invalid("name", name, `The foil is of ${String(material)}.`)];
	},
};

export function sampleRoutes(group: RouteGroup): void {
	itemRoutes(group, SAMPLES);
}
