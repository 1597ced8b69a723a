/** JSON Schema (draft-07) of a protocol file; recipes/protocol.schema.json is made from it for editors. */
const positive = { type: "number", exclusiveMinimum: 0 };
const volt = { type: "number", minimum: -100, maximum: 100 };
const signedCurrent = {
	current_A: { description: "A; positive charges.", type: "number", minimum: -1_000, maximum: 1_000 },
	current_mA_per_cm2: { description: "mA for each cm2 of the smaller electrode.", type: "number" },
	rate_C: { description: "1 is the current that rate_mAh_per_g empties in an hour.", type: "number" },
};
const current = { current_A: positive, current_mA_per_cm2: positive, rate_C: positive };
const capacity = { capacity_Ah: positive, capacity_mAh_per_cm2: positive, capacity_mAh_per_g: positive };

const strict = (required: readonly string[], properties: Record<string, object>) => ({
	type: "object",
	additionalProperties: false,
	required,
	properties,
});

const until = {
	...strict([], { time_s: positive, voltage_V: volt, ...current, ...capacity }),
	description: "What ends the step; whichever comes first. At least one.",
	minProperties: 1,
};

export const PROTOCOL_SCHEMA = {
	$schema: "http://json-schema.org/draft-07/schema#",
	$id: "https://adlayer.dev/schemas/protocol-1.json",
	title: "Adlayer battery test protocol; the reference is docs/cycling-protocols.md.",
	...strict(["adlayer", "name", "title", "version", "cell", "window", "limits", "record_s", "steps"], {
		adlayer: { const: "protocol/1" },
		name: { type: "string", pattern: "^[a-z][a-z0-9.-]{0,62}$" },
		title: { type: "string", minLength: 1 },
		version: { type: "string", minLength: 1 },
		description: { type: "string" },
		cell: { enum: ["symmetric", "full"] },
		rate_mAh_per_g: positive,
		window: strict(["min_V", "max_V"], { min_V: volt, max_V: volt }),
		limits: strict(["hours"], { hours: { ...positive, maximum: 50_000 }, ...current, ...capacity }),
		record_s: { type: "number", minimum: 0.1, maximum: 3_600 },
		steps: { type: "array", minItems: 1, items: { $ref: "#/definitions/step" } },
	}),
	definitions: {
		step: strict([], {
			title: { type: "string", minLength: 1 },
			rest: strict(["for_s"], { for_s: positive }),
			constant_current: strict(["until"], { ...signedCurrent, until }),
			constant_voltage: {
				...strict(["voltage_V", "direction", "until"], {
					voltage_V: volt,
					direction: { enum: ["charge", "discharge"] },
					...current,
					until,
				}),
				description: "The current is the largest that may flow.",
			},
			repeat: strict(["times", "steps"], {
				times: { type: "integer", minimum: 1, maximum: 100_000 },
				steps: { type: "array", minItems: 1, items: { $ref: "#/definitions/step" } },
			}),
		}),
	},
};
