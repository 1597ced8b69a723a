import type { RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema } from "#api/route-schema.js";
import { ANONYMOUS } from "#api/routes/runs.js";
import { by, number, ref, string } from "#api/schemas.js";
import { AdlayerError } from "#core/errors.js";

/** A dose is prepared, timed and read back, a safe state tried on every instrument, before the answer comes. */
const ANSWER_MS = 20_000;

interface Body {
	command: "set" | "dose" | "safe";
	actuator?: string;
	value?: number | string;
	neverAboveC?: number;
	precursor?: string;
	ms?: number;
	by?: string;
}

/** Members that a command takes beside `command` and `by`; those in brackets may be left out. */
const TAKES: Readonly<Record<Body["command"], readonly string[]>> = {
	set: ["actuator", "value", "[neverAboveC]"],
	dose: ["precursor", "ms"],
	safe: [],
};

export function reactorRoutes({ api, deps }: RouteGroup): void {
	const stateSchema = routeSchema({
		tag: "reactor",
		summary: "Who operates the reactor by hand, and the last dose of each precursor",
		answer: envelope({ manual: ref("Manual"), lastDoses: ref("LastDoses") }),
	});
	api.get("/reactor", { schema: stateSchema }, async () => {
		const { manual = null, lastDoses = {} } = deps.live.status();
		return { simulated: deps.live.simulated, manual, lastDoses };
	});

	const schema = routeSchema({
		tag: "reactor",
		summary: "Operate the reactor by hand, through the permits that bind a run",
		description:
			"`set` moves `actuator` (carrier in sccm, stop_valve to open or shut, a zone in °C or to off; or its signal in the lab file) to `value`; a zone that heats the foil needs `neverAboveC`. `dose` opens `precursor` for `ms` by the hardware timer. `safe` puts everything to rest and aborts a run. set and dose are refused while a run owns the reactor.",
		body: {
			type: "object",
			properties: {
				command: { type: "string", enum: Object.keys(TAKES) },
				actuator: { type: "string", minLength: 1, maxLength: 200 },
				value: { anyOf: [number, { type: "string", minLength: 1, maxLength: 40 }] },
				neverAboveC: { type: "number", description: "No zone that heats the foil may read this or more, °C" },
				precursor: { type: "string", minLength: 1, maxLength: 200 },
				ms: { type: "number", exclusiveMinimum: 0 },
				by,
			},
			required: ["command"],
			additionalProperties: false,
			examples: [{ command: "set", actuator: "carrier", value: 20, by: "mk" }],
		},
		answer: envelope({ order: string, pulse: number, confirmedMs: number }),
		errors: [
			"RUN_ACTIVE",
			"MANUAL_NOT_ALLOWED",
			"PERMIT_REFUSED",
			"LEAK_CHECK_MISSING",
			"DEVICE_NOT_READY",
			"PULSE_UNCONFIRMED",
			"CONTROL_UNREACHABLE",
			"ORIGIN_REFUSED",
		],
	});
	// What an answer has depends on the command.
	const answer = schema.response[200] as { content: Record<string, { schema: { required: string[] } }> };
	answer.content["application/json"]!.schema.required = ["simulated"];
	api.post<{ Body: Body }>("/reactor/commands", { schema }, async ({ body }) => ({
		simulated: deps.live.simulated,
		...(await done(body)),
	}));

	function done(body: Body) {
		refuseOtherMembers(body);
		const { actuator, value, neverAboveC, precursor, ms, by: who = ANONYMOUS } = body;
		const options = { timeoutMs: ANSWER_MS };
		if (body.command === "set") {
			const bound = neverAboveC === undefined ? {} : { neverAboveC };
			return deps.control.request("manual-set", { actuator: actuator!, value: value!, by: who, ...bound }, options);
		}
		if (body.command === "dose")
			return deps.control.request("manual-dose", { precursor: precursor!, ms: ms!, by: who }, options);
		return deps.control.request("make-safe", { by: who }, options);
	}
}

function refuseOtherMembers(body: Body): void {
	const { command, by: _, ...given } = body;
	const takes = TAKES[command];
	const missing = takes.filter((name) => !name.startsWith("[") && !Object.hasOwn(given, name));
	const other = Object.keys(given).filter((name) => !takes.includes(name) && !takes.includes(`[${name}]`));
	const said = [
		...missing.map((name) => `${name} is missing.`),
		...other.map((name) => `${command} takes no ${name}.`),
	];
	if (said.length > 0) throw new AdlayerError("USAGE", said.join(" "));
}
