import { API_PREFIX, type RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { ANONYMOUS } from "#api/routes/runs.js";
import { boolean, by, integer, list, number, shape, string } from "#api/schemas.js";
import type { CellTestArgs } from "#control-link/messages.js";
import { AdlayerError } from "#core/errors.js";

const name = { type: "string", minLength: 1, maxLength: 200 };
const amount = { type: "number", exclusiveMinimum: 0 };
const nullable = (type: "string" | "number") => ({ type: [type, "null"] });

const cellTest = {
	cellTest: { ...string, description: "Id of the test" },
	cell: { ...string, description: "Barcode of the cell" },
	state: {
		type: "string",
		enum: ["queued", "starting", "running", "finished", "stopped", "protected", "refused", "lost"],
	},
	cycler: string,
	channel: { ...nullable("string"), description: "Null while it waits for any" },
	cyclerTest: { ...nullable("string"), description: "The cycler's own id" },
	protocol: string,
	protocolSha256: string,
	areaCm2: nullable("number"),
	activeMassG: nullable("number"),
	operator: string,
	attendedBy: nullable("string"),
	rows: { ...integer, description: "Rows on record" },
	lastRow: {
		anyOf: [
			shape({
				seq: integer,
				cycle: integer,
				step: integer,
				stepType: string,
				stepS: number,
				testS: number,
				wallMs: number,
				voltageV: number,
				currentA: { ...number, description: "Positive charges" },
				capacityAh: number,
				energyWh: number,
			}),
			{ type: "null" },
		],
	},
	cause: { ...string, description: "Why it ended" },
};
const one = shape({ simulated: boolean, ...cellTest }, ["cause"]);
const params = { id: string };
const errors = ["CONTROL_UNREACHABLE", "ORIGIN_REFUSED"] as const;

export function cellTestRoutes({ api, deps }: RouteGroup): void {
	const simulated = () => deps.live.simulated;
	const listSchema = routeSchema({
		tag: "cell-tests",
		summary: "Battery tests: the open ones as they were ordered, then the last that have ended",
		answer: envelope({ tests: list(shape(cellTest, ["cause"])) }),
		errors: ["CONTROL_UNREACHABLE"],
	});
	api.get("/cell-tests", { schema: listSchema }, async () => ({
		simulated: simulated(),
		tests: (await deps.control.request("cell-tests", {})).tests,
	}));

	const oneSchema = routeSchema({
		tag: "cell-tests",
		summary: "One battery test: what was ordered, how far it has come, its last row",
		params,
		answer: one,
		errors: ["NOT_FOUND", "CONTROL_UNREACHABLE"],
	});
	api.get<{ Params: { id: string } }>("/cell-tests/:id", { schema: oneSchema }, async ({ params: { id } }) => {
		const { tests } = await deps.control.request("cell-tests", {});
		const found = tests.find((test) => test.cellTest === id);
		if (found === undefined) throw new AdlayerError("NOT_FOUND", `Control has no battery test ${id}.`);
		return { simulated: simulated(), ...found };
	});

	const orderSchema = routeSchema({
		tag: "cell-tests",
		summary: "Order a battery test: it waits for its channel and is started once",
		body: strictBody(
			{
				cell: { ...name, maxLength: 60, description: "Barcode of the cell" },
				cycler: { ...name, description: "Name of the cycler's instrument" },
				channel: { ...name, description: "Absent: the first free one that can run it" },
				protocolText: { type: "string", minLength: 1, maxLength: 60_000, description: "A protocol file's text (YAML)" },
				areaCm2: { ...amount, description: "Area of the smaller electrode, cm2" },
				activeMassG: { ...amount, description: "Active mass, g" },
				operator: by,
				attendedBy: { ...by, description: "Who stays with it, where a cycler may only run attended" },
			},
			["cell", "cycler", "protocolText", "operator"],
			{
				cell: "C-77",
				cycler: "cycler",
				protocolText: "adlayer: protocol/1\nname: li-350um-1ma\n...",
				areaCm2: 1.27,
				operator: "mk",
			},
		),
		ok: 201,
		answer: one,
		errors: ["PROTOCOL_INVALID", "CYCLER_REFUSED", "CHANNEL_BUSY", "DISK_FULL", "MESSAGE_TOO_LARGE", ...errors],
	});
	api.post<{ Body: CellTestArgs }>("/cell-tests", { schema: orderSchema }, async ({ body }, reply) => {
		const ordered = await deps.control.request("start-cell-test", body);
		reply.code(201).header("Location", `${API_PREFIX}/cell-tests/${encodeURIComponent(ordered.cellTest)}`);
		return { simulated: simulated(), ...ordered };
	});

	const stopSchema = routeSchema({
		tag: "cell-tests",
		summary: "Stop a battery test: one that waits leaves the queue, one that runs is stopped within seconds",
		params,
		body: { anyOf: [strictBody({ by }, [], { by: "mk" }), { type: "null" }] },
		answer: one,
		errors: ["NOT_FOUND", ...errors],
	});
	type Stop = { Params: { id: string }; Body: { by?: string } | null };
	api.post<Stop>("/cell-tests/:id/stop", { schema: stopSchema }, async ({ params: { id }, body }) => {
		const stopped = await deps.control.request("stop-cell-test", { cellTest: id, by: body?.by ?? ANONYMOUS });
		return { simulated: simulated(), ...stopped };
	});
}
