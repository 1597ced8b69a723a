import { API_PREFIX, type RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { ANONYMOUS } from "#api/routes/runs.js";
import { boolean, by, integer, list, number, shape, string } from "#api/schemas.js";
import type { CellTestArgs } from "#control-link/messages.js";
import { AdlayerError } from "#core/errors.js";
import type { CellTestHistory } from "#record/cell-test-history.js";
import { CELL_TESTS_PAGE } from "#record/cell-tests.js";

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
const verdict = {
	anyOf: [
		shape({
			kind: { type: "string", enum: ["none", "short", "soft-short", "polarisation", "depletion", "end-of-life"] },
			atHours: { ...nullable("number"), description: "Null: not reached" },
			atCycle: nullable("number"),
			halfCycles: { ...integer, description: "Half-cycles that are over, and the one that the test ended in" },
			throughSeq: { ...integer, description: "Number of the last row that was taken into account" },
		}),
		{ type: "null" },
	],
	description: "From the rows so far; null while the database cannot be asked, or has none",
};
const oneOfMany = shape({ ...cellTest, verdict }, ["cause"]);
const one = shape({ simulated: boolean, ...cellTest }, ["cause"]);
const oneWithVerdict = shape({ simulated: boolean, ...cellTest, verdict }, ["cause"]);
const stored = shape({
	...Object.fromEntries(Object.entries(cellTest).filter(([name]) => name !== "lastRow" && name !== "cause")),
	cause: nullable("string"),
	orderedAt: { ...number, description: "Unix ms" },
	startedAt: nullable("number"),
	endedAt: nullable("number"),
});
const row = shape({
	seq: { ...integer, description: "By the cycler, from 1" },
	cycle: integer,
	step: integer,
	stepType: { ...string, description: "The cycler's own word" },
	stepS: number,
	testS: { ...number, description: "Since the test began, without interruptions" },
	wallMs: { ...number, description: "Unix ms by the cycler's clock" },
	voltageV: number,
	currentA: { ...number, description: "Positive charges" },
	capacityAh: { ...number, description: "Of the step" },
	energyWh: number,
});
const point = shape({
	fromSeq: integer,
	toSeq: integer,
	cycle: integer,
	testS: number,
	voltageVMin: number,
	voltageVMax: number,
	currentAMean: number,
});
const halfCycle = shape({
	index: integer,
	direction: { type: "string", enum: ["charge", "discharge"] },
	cycle: integer,
	firstSeq: integer,
	startH: number,
	endH: number,
	capacityAh: number,
	energyWh: number,
	meanCurrentA: number,
	medianV: { ...number, description: "Over 20-80 % of the charge; its size is a symmetric cell's overpotential" },
	lowV: number,
	highV: number,
	peakV: number,
	endV: number,
});
const ROWS_DEFAULT = 1_000;
const ROWS_MAX = 10_000;
const POINTS_DEFAULT = 1_000;
const TESTS_DEFAULT = 50;
const TESTS_MAX = 1_000;
const params = { id: string };
const errors = ["CONTROL_UNREACHABLE", "ORIGIN_REFUSED"] as const;

interface Id {
	Params: { id: string };
}

const noTest = (id: string) => new AdlayerError("NOT_FOUND", `There is no battery test ${id}.`);

export function found<Found>(id: string, answer: Found | undefined): Found {
	if (answer === undefined) throw noTest(id);
	return answer;
}

export function recordOf(history: CellTestHistory | null): CellTestHistory {
	if (history !== null) return history;
	throw new AdlayerError("DATABASE_UNAVAILABLE", "This service runs without a database.");
}

/** In the form in which control tells of a test. */
async function past(history: CellTestHistory | null, id: string) {
	const test = await history?.cellTest(id);
	if (test === undefined) return undefined;
	const {
		orderedAt: _o,
		startedAt: _s,
		endedAt: _e,
		protocolText: _t,
		currentSign: _c,
		gaps: _g,
		cause,
		...summary
	} = test;
	const [lastRow = null] = (await history!.cellTestRows(id, { fromSeq: test.rows, limit: 1 })) ?? [];
	return { ...summary, lastRow, ...(cause === null ? {} : { cause }) };
}

export function cellTestRoutes({ api, deps }: RouteGroup): void {
	const simulated = () => deps.live.simulated;
	const listSchema = routeSchema({
		tag: "cell-tests",
		summary: "Battery tests, in pages: the open ones as they were ordered, then the last that have ended",
		query: {
			offset: { type: "integer", minimum: 0, default: 0 },
			limit: { type: "integer", minimum: 1, maximum: CELL_TESTS_PAGE, default: CELL_TESTS_PAGE },
		},
		answer: envelope({
			tests: list(oneOfMany),
			total: { ...integer, description: "Tests that there are, on all pages" },
		}),
		errors: ["CONTROL_UNREACHABLE"],
	});
	type Page = { Querystring: { offset: number; limit: number } };
	api.get<Page>("/cell-tests", { schema: listSchema }, async ({ query: { offset, limit } }) => {
		const { tests, total } = await deps.control.request("cell-tests", { offset, limit });
		const withVerdicts = tests.map((test) => ({ ...test, verdict: deps.verdictAtHand(test.cellTest) }));
		return { simulated: simulated(), tests: withVerdicts, total };
	});

	const oneSchema = routeSchema({
		tag: "cell-tests",
		summary: "One battery test: what was ordered, how far it has come, its last row",
		params,
		answer: oneWithVerdict,
		errors: ["NOT_FOUND", "CONTROL_UNREACHABLE", "DATABASE_UNAVAILABLE"],
	});
	api.get<Id>("/cell-tests/:id", { schema: oneSchema }, async ({ params: { id } }) => {
		const { tests } = await deps.control.request("cell-tests", { cellTest: id }).catch((thrown) => {
			// Without control the database knows what there was.
			if (deps.cellTests === null) throw thrown;
			return { tests: [] };
		});
		const found = tests.find((test) => test.cellTest === id) ?? (await past(deps.cellTests, id));
		if (found === undefined) throw noTest(id);
		// What is known to control is told without its verdict rather than not at all.
		const verdict = await deps.verdictOf(id).catch(() => null);
		return { simulated: simulated(), ...found, verdict: verdict ?? null };
	});

	const pastSchema = routeSchema({
		tag: "cell-tests",
		summary: "Battery tests of all times, the latest ordered first",
		query: {
			cell: { ...name, description: "Only those of the cell with this barcode" },
			before: { type: "number", description: "Only those ordered before, Unix ms" },
			limit: { type: "integer", minimum: 1, maximum: TESTS_MAX, default: TESTS_DEFAULT },
		},
		answer: envelope({ tests: list(stored) }),
		errors: ["DATABASE_UNAVAILABLE"],
	});
	type Past = { Querystring: { cell?: string; before?: number; limit: number } };
	api.get<Past>("/cell-tests/past", { schema: pastSchema }, async ({ query }) => ({
		simulated: simulated(),
		tests: await recordOf(deps.cellTests).cellTests(query),
	}));

	const rowsSchema = routeSchema({
		tag: "cell-tests",
		summary: "Rows of a battery test as the cycler recorded them, in pages",
		params,
		query: {
			fromSeq: { type: "integer", minimum: 1, default: 1 },
			limit: { type: "integer", minimum: 1, maximum: ROWS_MAX, default: ROWS_DEFAULT },
		},
		answer: envelope({
			cellTest: string,
			rows: list(row),
			nextSeq: { type: ["integer", "null"], description: "fromSeq of the next page; null at the present end" },
		}),
		errors: ["NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	type Rows = Id & { Querystring: { fromSeq: number; limit: number } };
	api.get<Rows>("/cell-tests/:id/rows", { schema: rowsSchema }, async ({ params: { id }, query }) => {
		const rows = found(id, await recordOf(deps.cellTests).cellTestRows(id, query));
		const nextSeq = rows.length < query.limit ? null : rows.at(-1)!.seq + 1;
		return { simulated: simulated(), cellTest: id, rows, nextSeq };
	});

	const pointsSchema = routeSchema({
		tag: "cell-tests",
		summary: "A battery test in at most so many points",
		params,
		query: { points: { type: "integer", minimum: 1, maximum: ROWS_MAX, default: POINTS_DEFAULT } },
		answer: envelope({ cellTest: string, points: list(point) }),
		errors: ["NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	type Points = Id & { Querystring: { points: number } };
	api.get<Points>("/cell-tests/:id/points", { schema: pointsSchema }, async ({ params: { id }, query }) => ({
		simulated: simulated(),
		cellTest: id,
		points: found(id, await recordOf(deps.cellTests).cellTestPoints(id, query.points)),
	}));

	const halvesSchema = routeSchema({
		tag: "cell-tests",
		summary: "The half-cycles of a battery test that are over, and the one that it ended in",
		params,
		query: {
			fromIndex: { type: "integer", minimum: 0, default: 0 },
			limit: { type: "integer", minimum: 1, maximum: ROWS_MAX, default: ROWS_DEFAULT },
		},
		answer: envelope({ cellTest: string, halfCycles: list(halfCycle) }),
		errors: ["NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	type Halves = Id & { Querystring: { fromIndex: number; limit: number } };
	api.get<Halves>("/cell-tests/:id/half-cycles", { schema: halvesSchema }, async ({ params: { id }, query }) => {
		const halfCycles = found(id, await recordOf(deps.cellTests).halfCycles(id, query));
		return {
			simulated: simulated(),
			cellTest: id,
			halfCycles: halfCycles.map(({ resume: _resume, ...half }) => half),
		};
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
