import type { RouteGroup } from "#api/route-group.js";
import { dateTime, type ItemResource, invalid, itemId, itemRoutes, longText, text } from "#api/routes/items.js";

const VALUES_MAX = 500;
const FILES_MAX = 100;

export const CHARACTERISATIONS: ItemResource = {
	kind: "characterisation",
	plural: "characterisations",
	what: "Characterisation results",
	members: {
		of: { ...itemId, description: "Id of the sample, cell or foil" },
		method: { type: "string", enum: ["XPS", "XAS", "XRD", "TOF-SIMS", "RBS", "SEM", "other"] },
		instrument: text,
		operator: text,
		measuredAt: dateTime,
		afterCycles: { type: "integer", minimum: 0, maximum: 1_000_000, description: "0 before cycling" },
		values: {
			type: "array",
			maxItems: VALUES_MAX,
			items: {
				type: "object",
				properties: {
					quantity: { ...text, examples: ["Al 2p binding energy"] },
					value: { type: "number" },
					unit: { ...text, examples: ["eV"] },
					uncertainty: { type: "number", minimum: 0, description: "Standard uncertainty, in the same unit" },
				},
				required: ["quantity", "value", "unit"],
				additionalProperties: false,
			},
		},
		files: {
			type: "array",
			maxItems: FILES_MAX,
			items: {
				type: "object",
				properties: { name: text, sha256: { type: "string", pattern: "^[0-9a-f]{64}$" }, mediaType: text },
				required: ["name", "sha256"],
				additionalProperties: false,
			},
			description: "Stored before with POST /files",
		},
		note: longText,
	},
	required: ["of", "method", "values"],
	example: {
		of: "sample-3",
		method: "XPS",
		values: [{ quantity: "Al 2p binding energy", value: 72.9, unit: "eV", uncertainty: 0.1 }],
	},
	verify: async ({ files }, _descent, shelf) => {
		const named = (files ?? []) as { name: string; sha256: string }[];
		const found = await Promise.all(
			named.map(async ({ sha256 }, n) =>
				(await shelf().size(sha256)) === undefined
					? [invalid(`files[${n}].sha256`, sha256, "There is no such file; store it with POST /files first.")]
					: [],
			),
		);
		return found.flat();
	},
};

export const characterisationRoutes = (group: RouteGroup): void => itemRoutes(group, CHARACTERISATIONS);
