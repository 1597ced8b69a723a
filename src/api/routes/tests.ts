import type { RouteGroup } from "#api/route-group.js";
import { dateTime, type ItemResource, itemId, itemRoutes, longText, text } from "#api/routes/items.js";

const VERDICTS = ["none", "short", "soft-short", "polarisation", "depletion", "end-of-life"];
const since = { type: ["number", "null"], minimum: 0 };

export const TESTS: ItemResource = {
	kind: "test",
	plural: "tests",
	what: "Battery tests",
	members: {
		cell: { ...itemId, description: "Id of the cell" },
		protocol: text,
		instrument: text,
		channel: text,
		startedAt: dateTime,
		endedAt: dateTime,
		dataFile: { ...text, description: "Name of the file with its rows" },
		dataSha256: { type: "string", pattern: "^[0-9a-f]{64}$" },
		verdict: {
			type: "object",
			properties: { kind: { type: "string", enum: VERDICTS }, atHours: since, atCycle: since, software: text },
			required: ["kind", "atHours", "atCycle"],
			additionalProperties: false,
			description: "As `adlayer cycling analyse` gives it",
		},
		note: longText,
	},
	required: ["cell", "protocol"],
	example: { cell: "C-77", protocol: "li-li-1ma", instrument: "neware-1", channel: "3-4" },
};

export const testRoutes = (group: RouteGroup): void => itemRoutes(group, TESTS);
