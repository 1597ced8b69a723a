/** JSON Schemas of the REST interface's bodies; the OpenAPI document and the request checks are made of these. */
import { ITEM_KINDS } from "#record/descent.js";
import { BY_CHARS_MAX, PLAIN } from "#record/plain-name.js";

const number = { type: "number" } as const;
const nullableNumber = { type: ["number", "null"] } as const;
const integer = { type: "integer" } as const;
const string = { type: "string" } as const;
const boolean = { type: "boolean" } as const;
const unixMs = { type: "integer", description: "Unix time in ms" } as const;

/** The end of the year 9999, Unix ms: beyond it neither ISO 8601 nor the database's calendar is sure. */
export const WALL_MS_MAX = 253_402_300_799_999;

/** An object with all its properties required, except those in `optional`. */
export function shape(properties: Record<string, object>, optional: readonly string[] = []) {
	const required = Object.keys(properties).filter((name) => !optional.includes(name));
	return { type: "object", properties, required };
}

export const list = (items: object) => ({ type: "array", items });
export const ref = (id: string) => ({ $ref: `${id}#` });
const nullable = (schema: object) => ({ anyOf: [schema, { type: "null" }] });

export const RUN_STATES = [
	"idle",
	"running",
	"pausing",
	"paused",
	"holding",
	"held",
	"restarting",
	"stopping",
	"stopped",
	"aborting",
	"aborted",
	"complete",
] as const;
export const RUN_COMMANDS = ["start", "pause", "resume", "hold", "restart", "stop", "abort", "reset"] as const;

const runState = { type: "string", enum: RUN_STATES };
const quality = { type: "string", enum: ["good", "stale", "fault"] };
const parameters = { type: "object", additionalProperties: { type: ["number", "string"] } };

const found = {
	$id: "Found",
	title: "One problem found in a document or request",
	...shape(
		{
			severity: { type: "string", enum: ["error", "warning"] },
			code: string,
			message: string,
			line: integer,
			column: integer,
			path: string,
			value: {},
			limit: {},
		},
		["line", "column", "path", "value", "limit"],
	),
};

const problem = {
	$id: "Problem",
	title: "A refusal or failure (RFC 9457)",
	...shape(
		{
			type: { type: "string", description: "Where the code is explained" },
			title: string,
			status: integer,
			detail: { type: "string", description: "One sentence with the numbers" },
			code: { type: "string", description: "Stable error code" },
			hint: { type: "string", description: "What to do next" },
			context: { type: "object" },
			problems: list(ref("Found")),
		},
		["context", "problems"],
	),
};

const cycleCount = {
	$id: "CycleCount",
	...shape({ ordered: integer, complete: integer, repeated: integer, unknown: integer }),
};

const instrument = {
	$id: "Instrument",
	...shape(
		{
			name: string,
			driver: string,
			address: string,
			state: { type: "string", enum: ["connecting", "ready", "fault"] },
			quality,
			identity: { type: "object" },
			error: shape({ code: string, message: string, hint: string }, ["hint"]),
			warnings: list(string),
		},
		["identity", "error", "warnings", "name", "quality"],
	),
};

const signalProperties = {
	value: nullableNumber,
	unit: string,
	quality,
	detail: { ...string, description: "What is wrong, when quality is fault and the instrument says it" },
	at: unixMs,
	seq: integer,
};

const signal = {
	$id: "Signal",
	...shape(
		{
			id: { type: "string", description: "instrument.signal, as in the lab file", examples: ["gauge.chamber"] },
			kind: { type: "string", enum: ["measurement", "setpoint", "state"] },
			description: string,
			...signalProperties,
		},
		["detail"],
	),
};

const alarmProperties = {
	alarm: string,
	state: { type: "string", description: "ISA-18.2 state" },
	priority: { type: "string", enum: ["low", "medium", "high", "critical"] },
	message: { type: "string", description: "What has happened this time, with the numbers" },
	cause: { type: "string", description: "Why there is this alarm" },
	consequence: { type: "string", description: "What happens when nobody does anything" },
	response: { type: "string", description: "What the operator should do" },
	occurrences: { type: "integer", description: "Times that its cause came since it was last normal" },
	by: { type: "string", description: "Who acknowledged, shelved or removed it" },
	reason: string,
	until: { ...unixMs, description: "End of a shelving by time, Unix ms" },
};
const alarmOptional = ["cause", "consequence", "occurrences", "by", "reason", "until"];

const alarm = { $id: "Alarm", ...shape({ ...alarmProperties, at: unixMs }, alarmOptional) };

const alarmChange = {
	$id: "AlarmChange",
	title: "One change of an alarm, as in the journal",
	...shape({ seq: integer, t: number, wall: unixMs, kind: string, ...alarmProperties }, alarmOptional),
};

const alarmFlood = {
	$id: "AlarmFlood",
	title: "Alarms that came in the last ten minutes; more than 10 are a flood until fewer than 5 come",
	...shape({ inTenMinutes: integer, isFlood: boolean, total: integer }),
};

const interlock = {
	$id: "Interlock",
	...shape({
		interlock: string,
		state: { type: "string", enum: ["clear", "tripped", "cleared"] },
		cause: string,
		effect: string,
	}),
};

const runSummaryProperties = {
	run: string,
	recipe: string,
	recipeSha256: string,
	sample: string,
	product: { type: "string", examples: ["Li@200LiAlOx-ex"] },
	operator: string,
	simulated: boolean,
	state: runState,
	createdAt: unixMs,
	endedAt: { type: ["integer", "null"], description: "Unix time in ms" },
	cycles: nullable(ref("CycleCount")),
	worstPulseErrorMs: nullableNumber,
	peakFoilC: nullableNumber,
	durationS: nullableNumber,
	plannedS: number,
};

const runSummary = { $id: "RunSummary", ...shape(runSummaryProperties) };

const runDetail = {
	$id: "RunDetail",
	...shape({
		...runSummaryProperties,
		recipeText: string,
		parameters,
		labFileSha256: string,
		softwareVersion: string,
		acknowledged: list(string),
		anneals: list({ type: "object" }),
		steps: list({ type: "object" }),
		rows: nullable(shape({ samples: integer, pulses: integer, steps: integer, events: integer })),
	}),
};

const itemChange = {
	$id: "ItemChange",
	...shape({
		at: unixMs,
		by: string,
		act: { type: "string", enum: ["created", "changed", "withdrawn"] },
		before: {},
		after: {},
	}),
};

const pulse = {
	$id: "Pulse",
	...shape(
		{
			run: { type: ["string", "null"] },
			pulse: integer,
			precursor: string,
			valve: string,
			cycle: integer,
			commandedMs: number,
			dueT: number,
			issuedT: nullableNumber,
			confirmedMs: nullableNumber,
			effective: nullable(shape({ baselinePa: number, peakPa: number, areaPaS: number })),
			film: shape({ beforeNm: nullableNumber, afterNm: nullableNumber }),
			fate: { type: "string", enum: ["delivered", "not-delivered", "unknown"] },
			trend: {
				description: "Against the doses before it, of the present run",
				...shape(
					{
						carrierSccm: number,
						leftNothing: { ...integer, description: "So many in a row, this the last" },
						repeat: boolean,
						usualPaS: nullableNumber,
						lowPaS: nullableNumber,
					},
					["usualPaS", "lowPaS"],
				),
			},
			at: unixMs,
		},
		["cycle", "film", "trend"],
	),
};

const event = {
	$id: "Event",
	title: "A record of the journal",
	...shape({ seq: integer, t: number, wall: number, kind: string }),
};

const interruption = shape({
	lostAt: unixMs,
	gapS: number,
	cycle: { type: ["integer", "null"] },
	halfCycle: { type: ["string", "null"], description: "Its precursor" },
	repeat: {
		type: ["string", "null"],
		enum: ["unknown", "left-nothing", null],
		description: "Why a restart repeats that half-cycle",
	},
	lastDoses: {
		type: "object",
		description: "By precursor: seconds since its last dose",
		additionalProperties: nullable(shape({ sinceS: number, fate: { type: "string", enum: ["delivered", "unknown"] } })),
	},
	temperatures: {
		type: "object",
		description: "By zone, in degC: last reading before the gap, first after it, and bounds between",
		additionalProperties: shape({
			beforeC: nullableNumber,
			afterC: nullableNumber,
			lowestC: nullableNumber,
			highestC: nullableNumber,
		}),
	},
	annealMinutes: {
		...nullableNumber,
		description: "Minutes done of an interrupted anneal; its restart must name them",
	},
	differences: { ...list(string), description: "With any of these the run can only be stopped or aborted" },
});

const runStatus = {
	$id: "RunStatus",
	...shape(
		{
			run: string,
			recipe: string,
			sample: string,
			product: string,
			operator: string,
			state: runState,
			cause: string,
			step: nullable({ type: "object" }),
			phases: list(shape({ name: string, seconds: number })),
			cycles: ref("CycleCount"),
			elapsedS: number,
			remainingS: number,
			plannedS: number,
			anneal: nullable(shape({ inBandS: number, orderedS: number })),
			worstPulseErrorMs: nullableNumber,
			peakFoilC: nullableNumber,
			meltingPointC: nullableNumber,
			prompt: {
				...nullable(
					shape({
						prompt: string,
						text: string,
						confirm: string,
						timeoutS: number,
						onTimeout: string,
						askedAt: integer,
					}),
				),
				description: "The question that waits for a person's answer",
			},
			interruption: {
				...nullable(interruption),
				description:
					"What to know of a run that control found open when it came back, until it is restarted or has ended",
			},
			suspension: {
				...nullable(
					shape({
						conditions: list(
							shape({
								condition: { type: "string", enum: ["carrier", "chamber", "settling", "zone"] },
								reason: string,
								value: number,
								threshold: { type: "number", description: "What the value must come back over" },
								unit: string,
							}),
						),
						since: unixMs,
						until: { ...unixMs, description: "The run is held for a person then, Unix ms" },
					}),
				),
				description: "What the next dose waits for by itself",
			},
			heating: {
				...list(
					shape({
						zone: string,
						targetC: number,
						remainingS: { type: "number", description: "Predicted time until the zone is within half a degree" },
					}),
				),
				description: "Zones on their way to a temperature",
			},
		},
		["prompt", "interruption", "suspension", "heating"],
	),
};

const manual = {
	$id: "Manual",
	title: "Manual operation that has not come to rest; null when there is none",
	...nullable(
		shape({
			by: string,
			order: string,
			at: unixMs,
			restAt: { ...unixMs, description: "Without another command the reactor goes to rest then, Unix ms" },
			neverAboveC: nullableNumber,
		}),
	),
};

const lastDoses = {
	$id: "LastDoses",
	title: "The last dose of each precursor, also from before a restart of control",
	type: "object",
	additionalProperties: shape({
		at: { type: ["integer", "null"], description: "Unix time in ms" },
		fate: { type: ["string", "null"], enum: ["delivered", "unknown", null] },
		countedS: { type: "number", description: "s that count as purge since; from the restart of control at most" },
	}),
};

const status = {
	$id: "Status",
	...shape(
		{
			station: string,
			simulated: boolean,
			speed: { type: "number", description: "Lab time per real time; 1 on real hardware" },
			version: string,
			t: number,
			wall: number,
			run: nullable(ref("RunStatus")),
			instruments: { type: "object", additionalProperties: ref("Instrument") },
			signals: { type: "object", additionalProperties: shape(signalProperties, ["detail"]) },
			interlocks: list(ref("Interlock")),
			alarms: list(ref("Alarm")),
			alarmFlood: ref("AlarmFlood"),
			maintenance: { type: "object", description: "As GET /maintenance" },
			manual: ref("Manual"),
			lastDoses: ref("LastDoses"),
			roles: {
				type: "object",
				description: "Which signals (instrument.signal) play which part",
				properties: {
					dosingValves: { type: "object", additionalProperties: string },
					safeLevels: { type: "object", additionalProperties: { enum: [0, 1] } },
				},
				additionalProperties: string,
			},
		},
		["roles", "alarmFlood", "maintenance", "manual", "lastDoses"],
	),
};

const checkReport = {
	$id: "CheckReport",
	...shape({
		ok: boolean,
		recipe: string,
		sha256: string,
		problems: list(
			shape({
				severity: { type: "string", enum: ["error", "warning"] },
				code: string,
				line: { type: ["integer", "null"] },
				column: { type: ["integer", "null"] },
				path: { type: ["string", "null"] },
				message: string,
				value: {},
				limit: {},
			}),
		),
		acknowledgements: list(shape({ code: string, reason: string })),
		dryRun: { type: ["object", "null"] },
	}),
};

export const SCHEMAS = [
	found,
	problem,
	cycleCount,
	instrument,
	signal,
	alarm,
	alarmChange,
	alarmFlood,
	interlock,
	runSummary,
	runDetail,
	itemChange,
	pulse,
	event,
	runStatus,
	manual,
	lastDoses,
	status,
	checkReport,
];

const ID = "[A-Za-z0-9][A-Za-z0-9._@+-]{0,79}$";
export const ITEM_ID = `^${ID}`;
/** Chosen by people: readable, and never one that is given out, such as `cell-12`. */
export const NEW_ITEM_ID = `^(?!(?:${ITEM_KINDS.join("|")})-\\d+$)${ID}`;
const ID_SAID = "must be letters, digits and . _ @ + -, at most 80, a letter or digit first";
/** What a text must be, by the pattern that it has to match. */
export const SAID_OF_PATTERN: Readonly<Record<string, string>> = {
	[PLAIN]: "must not contain control characters",
	[ITEM_ID]: ID_SAID,
	[NEW_ITEM_ID]: `${ID_SAID}, and none that Adlayer makes itself, such as cell-12`,
};
/** Who gives a command, for the record. */
export const by = {
	type: "string",
	minLength: 1,
	maxLength: BY_CHARS_MAX,
	pattern: PLAIN,
	description: "Who does this, for the record",
};
/** The name of a sample or what else has one. */
export const plainName = { type: "string", minLength: 1, maxLength: 200, pattern: PLAIN };
export const setValues = { ...parameters, maxProperties: 100, examples: [{ cycles: 200 }] };
export const recipeText = {
	type: "string",
	minLength: 1,
	maxLength: 60_000,
	description: "A recipe file's text (YAML)",
};
export const recipeName = { type: "string", minLength: 1, maxLength: 200 };
export { boolean, integer, number, quality, runState, string };
