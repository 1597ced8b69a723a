import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { AdlayerError } from "#core/errors.js";
import type { AlarmRecord, AlarmState, RecordBody } from "#record/records.js";
import {
	controlStarted,
	instrumentReady,
	pulse,
	type Recorder,
	runCreated,
	runState,
	sample,
	stepEnded,
	stepStarted,
	WALL_START,
	world,
} from "./world.js";

function aRun(recorder: Recorder) {
	recorder.write(controlStarted);
	recorder.write(instrumentReady("gauge"));
	recorder.write(sample("gauge", { chamber: 40 }));
	recorder.write(runCreated());
	recorder.write(runState("idle", "running"));
	recorder.write(stepStarted({ index: 0, cycle: 1 }));
	recorder.write(pulse(1, 1, "TMA", 15.02));
	recorder.write(stepEnded(0, "r1", 1));
}

const get = (app: FastifyInstance, url: string, headers: Record<string, string> = {}) =>
	app.inject({ url: `/api/v1${url}`, headers });
const post = (app: FastifyInstance, url: string, payload?: object | string, headers: Record<string, string> = {}) =>
	app.inject({ method: "POST", url: `/api/v1${url}`, headers, ...(payload === undefined ? {} : { payload }) });

describe("the document", () => {
	it("is OpenAPI 3.1 with every route of the contract, each with its error forms", async () => {
		const { app } = await world();
		const document = (await get(app, "/openapi.json")).json();
		expect(document.openapi).toBe("3.1.0");
		const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
			Object.keys(methods as object).map((method) => `${method} ${path.replace("/api/v1", "")}`),
		);
		const items = ["foil-lots", "foils", "samples", "cells", "tests", "characterisations"];
		const ofItems = items.flatMap((plural) => [
			`get /${plural}`,
			`post /${plural}`,
			`get /${plural}/{id}`,
			`patch /${plural}/{id}`,
			`post /${plural}/{id}/withdraw`,
			`get /${plural}/{id}/changes`,
			`get /${plural}/{id}/descent`,
		]);
		const descended = [
			...ofItems,
			"get /barcodes/{barcode}",
			"get /cells/{id}/ro-crate",
			"post /files",
			"get /files/{sha256}",
		];
		expect(routes.filter((route) => descended.includes(route))).toHaveLength(descended.length);
		expect(routes.filter((route) => !descended.includes(route)).sort()).toEqual([
			"get /alarms",
			"get /alarms/history",
			"get /campaigns",
			"get /campaigns/documents",
			"get /campaigns/schema",
			"get /campaigns/{id}",
			"get /cell-tests",
			"get /cell-tests/past",
			"get /cell-tests/{id}",
			"get /cell-tests/{id}/bdf",
			"get /cell-tests/{id}/export",
			"get /cell-tests/{id}/half-cycles",
			"get /cell-tests/{id}/points",
			"get /cell-tests/{id}/rows",
			"get /cyclers",
			"get /health",
			"get /instruments",
			"get /interlocks",
			"get /maintenance",
			"get /protocols",
			"get /protocols/{name}",
			"get /reactor",
			"get /recipes",
			"get /recipes/{name}",
			"get /runs",
			"get /runs/{id}",
			"get /runs/{id}/events",
			"get /runs/{id}/export",
			"get /runs/{id}/pulses",
			"get /signals",
			"get /signals/{id}/history",
			"get /status",
			"post /alarms/{id}/acknowledge",
			"post /alarms/{id}/out-of-service",
			"post /alarms/{id}/return-to-service",
			"post /alarms/{id}/shelve",
			"post /alarms/{id}/unshelve",
			"post /campaigns",
			"post /campaigns/{id}/commands",
			"post /cell-tests",
			"post /cell-tests/{id}/stop",
			"post /interlocks/{id}/reset",
			"post /maintenance/bottles/{precursor}",
			"post /reactor/commands",
			"post /recipes/check",
			"post /recipes/export",
			"post /recipes/import",
			"post /runs",
			"post /runs/{id}/commands",
		]);
		for (const methods of Object.values(document.paths) as Record<
			string,
			{ responses: Record<string, { content: object }> }
		>[]) {
			for (const { responses } of Object.values(methods)) {
				expect(Object.keys(responses["400"]!.content)).toEqual(["application/problem+json"]);
			}
		}
	});

	it("describes what the routes really answer", async () => {
		const { app, recorder, history } = await world();
		aRun(recorder);
		history.points = [{ at: WALL_START, min: 1, max: 2, mean: 1.5 }];
		const document = (await get(app, "/openapi.json")).json();
		const ajv = new Ajv2020({ strict: false });
		ajv.addSchema({ $id: "doc", components: document.components });
		const urls = {
			"/health": "/health",
			"/status": "/status",
			"/recipes": "/recipes",
			"/recipes/{name}": "/recipes/li",
			"/runs": "/runs",
			"/runs/{id}": "/runs/r1",
			"/runs/{id}/events": "/runs/r1/events",
			"/runs/{id}/pulses": "/runs/r1/pulses",
			"/instruments": "/instruments",
			"/signals": "/signals",
			"/signals/{id}/history": "/signals/gauge.chamber/history?from=0&to=9",
			"/alarms": "/alarms",
			"/interlocks": "/interlocks",
		};
		for (const [path, url] of Object.entries(urls)) {
			const answer = await get(app, url);
			expect(answer.statusCode, `${url} ${answer.body}`).toBe(200);
			const schema = document.paths[`/api/v1${path}`].get.responses["200"].content["application/json"].schema;
			const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'));
			const isValid = ajv.validate(absolute, answer.json());
			expect(isValid, `${url}: ${ajv.errorsText()}`).toBe(true);
		}
	});

	it("is a page for people too, with all error codes and no address outside", async () => {
		const { app } = await world();
		const page = await app.inject({ url: "/docs" });
		expect(page.headers["content-type"]).toContain("text/html");
		expect(page.body).toContain('id="RUN_ACTIVE"');
		expect(page.body).toContain("/api/v1/runs/{id}/commands");
		expect(page.body).not.toMatch(/(src|href)="https?:/);
	});
});

describe("launching", () => {
	it("hands the recipe to control and answers 201 with the run's address", async () => {
		const { app, control } = await world();
		control.answer = () => ({ run: "r 7", state: "running", product: "Li@3LiAlOx-ex", sample: "S1" });
		const answer = await post(app, "/runs", { recipe: "li", set: { cycles: 3 }, operator: "mk", acknowledge: ["A"] });
		expect(answer.statusCode).toBe(201);
		expect(answer.headers.location).toBe("/api/v1/runs/r%207");
		expect(answer.headers["adlayer-simulated"]).toBe("true");
		expect(answer.json()).toMatchObject({ simulated: true, run: "r 7" });
		expect(control.asked).toEqual([
			{
				command: "launch",
				args: {
					recipe: "li.recipe.yaml",
					recipeText: "adlayer: recipe/1",
					set: { cycles: 3 },
					operator: "mk",
					acknowledge: ["A"],
				},
				options: undefined,
			},
		]);
	});

	it("passes on control's refusal as a problem with code, hint and every problem found", async () => {
		const { app, control } = await world();
		control.answer = () => {
			throw new AdlayerError("RUN_ACTIVE", "Run r1 is running.");
		};
		const active = await post(app, "/runs", { recipe: "li", operator: "mk" });
		expect(active.statusCode).toBe(409);
		expect(active.headers["content-type"]).toContain("application/problem+json");
		expect(active.json()).toEqual({
			type: "/docs#RUN_ACTIVE",
			title: "The reactor already has a run.",
			status: 409,
			detail: "Run r1 is running.",
			code: "RUN_ACTIVE",
			hint: "Wait until it has ended, or stop it.",
		});
		const problems = [{ severity: "error" as const, code: "X", message: "m", line: 3 }];
		control.answer = () => {
			throw new AdlayerError("RECIPE_INVALID", "The recipe has 1 problem.", { problems });
		};
		const invalid = await post(app, "/runs", { recipe: "li", operator: "mk" });
		expect(invalid.statusCode).toBe(422);
		expect(invalid.json().problems).toEqual(problems);
	});

	it("refuses a body with all its problems at once, unknown members among them", async () => {
		const { app, control } = await world();
		const answer = await post(app, "/runs", { recipe: 7, sett: {} });
		expect(answer.statusCode).toBe(400);
		expect(answer.json().code).toBe("USAGE");
		const messages = answer
			.json()
			.problems.map((problem: { message: string }) => problem.message)
			.join(" ");
		expect(messages).toContain("operator");
		expect(messages).toContain("sett");
		expect(messages).toContain("body.recipe must be string");
		expect(control.asked).toEqual([]);
	});

	it("knows no recipe that is not on the shelf", async () => {
		const { app } = await world();
		expect((await post(app, "/runs", { recipe: "none", operator: "mk" })).json().code).toBe("RECIPE_NOT_FOUND");
		expect((await get(app, "/recipes/none")).statusCode).toBe(404);
	});

	it("is refused to a page of another origin, to a plain form, and under a foreign name", async () => {
		const { app, control } = await world({ hostNames: ["lab-pc"] });
		const body = { recipe: "li", operator: "mk" };
		const foreign = await post(app, "/runs", body, { origin: "http://evil.example", host: "127.0.0.1:8080" });
		expect(foreign.json()).toMatchObject({ status: 403, code: "ORIGIN_REFUSED" });
		const form = await post(app, "/runs", JSON.stringify(body), { "content-type": "text/plain" });
		expect(form.statusCode).toBe(415);
		const rebound = await post(app, "/runs", body, { host: "evil.example" });
		expect(rebound.statusCode).toBe(403);
		expect(control.asked).toEqual([]);
		for (const host of ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "lab-pc"]) {
			expect((await post(app, "/runs", body, { host, origin: `http://${host}` })).statusCode).toBe(201);
		}
	});

	it("refuses a body larger than the limit", async () => {
		const { app } = await world();
		const answer = await post(app, "/runs", { recipeText: "x".repeat(300_000), operator: "mk" });
		expect(answer.json()).toMatchObject({ status: 413, code: "MESSAGE_TOO_LARGE" });
	});

	it("says in words what an id must be", async () => {
		const { app } = await world();
		const cell = { id: "cell-9", working: "F-1", by: "mk" };
		const { problems } = (await post(app, "/cells", cell)).json() as { problems: { path: string; message: string }[] };
		expect(problems.find(({ path }) => path === "body.id")?.message).toBe(
			"body.id must be letters, digits and . _ @ + -, at most 80, a letter or digit first, and none that Adlayer makes itself, such as cell-12.",
		);
	});

	it("refuses control characters in the names of operator and sample, each at its place, and asks control nothing", async () => {
		const { app, control } = await world();
		const answer = await post(app, "/runs", { recipe: "li", operator: "m\u001bk", sample: "S\n1" });
		expect(answer.statusCode).toBe(400);
		expect(answer.json().problems).toMatchObject([
			{ path: "body.sample", message: "body.sample must not contain control characters.", value: "S\n1" },
			{ path: "body.operator", message: "body.operator must not contain control characters.", value: "m\u001bk" },
		]);
		expect((await post(app, "/runs", { recipe: "li", operator: "\ud800" })).statusCode).toBe(400);
		expect((await post(app, "/runs/r1/commands", { command: "hold", by: "m\u0000k" })).statusCode).toBe(400);
		expect(control.asked).toEqual([]);
		expect((await post(app, "/runs", { recipe: "li", operator: "Zoë 王", sample: "µ-7 🧪" })).statusCode).toBe(201);
	});
});

describe("commanding", () => {
	it("passes the command with its condition, and control's refusal back", async () => {
		const { app, control } = await world();
		control.answer = () => ({ run: "r1", state: "holding" });
		const held = await post(app, "/runs/r1/commands", { command: "hold", by: "mk", ifState: "running" });
		expect(held.json()).toEqual({ simulated: true, run: "r1", state: "holding" });
		expect(control.asked[0]).toEqual({
			command: "command",
			args: { run: "r1", command: "hold", by: "mk" },
			options: { ifState: "running" },
		});
		control.answer = () => {
			throw new AdlayerError("STATE_CHANGED", "The run is complete.");
		};
		expect((await post(app, "/runs/r1/commands", { command: "hold", ifState: "running" })).statusCode).toBe(409);
		const unknown = await post(app, "/runs/r1/commands", { command: "explode" });
		expect(unknown.json().problems[0].limit).toContain("hold");
	});

	it("shelves alarms with a reason, takes them out of service and brings them back", async () => {
		const { app, control } = await world();
		control.answer = () => ({ alarm: "disk.filling", state: "shelved" });
		expect((await post(app, "/alarms/disk.filling/shelve", { by: "mk", reason: "known", for_s: 60 })).statusCode).toBe(
			200,
		);
		expect((await post(app, "/alarms/disk.filling/shelve", { reason: "known" })).statusCode).toBe(200);
		expect((await post(app, "/alarms/disk.filling/shelve", { by: "mk" })).statusCode).toBe(400);
		expect((await post(app, "/alarms/disk.filling/out-of-service", { by: "mk", reason: "sent in" })).statusCode).toBe(
			200,
		);
		expect((await post(app, "/alarms/disk.filling/unshelve")).statusCode).toBe(200);
		expect((await post(app, "/alarms/disk.filling/return-to-service")).statusCode).toBe(200);
		expect(control.asked.map(({ args }) => args)).toMatchObject([
			{ by: "mk", reason: "known", for: 60 },
			{ by: "rest", reason: "known", for: "one-shot" },
			{ by: "mk", reason: "sent in" },
			{ by: "rest" },
			{ by: "rest" },
		]);
	});

	it("tells who did what to alarms from the database and what it holds itself, and from that alone while the database is away", async () => {
		const { app, recorder, history } = await world({ eventsKept: 2 });
		const alarm = (name: string, state: AlarmState, by?: string): RecordBody => ({
			kind: "alarm",
			alarm: name,
			state,
			priority: "high",
			message: "It is there.",
			response: "Look.",
			...(by === undefined ? {} : { by, reason: "known" }),
		});
		for (const state of ["unacknowledged", "acknowledged", "shelved"] as const) {
			recorder.t += 1_000;
			recorder.write(alarm("run.held", state, state === "unacknowledged" ? undefined : "mk"));
		}
		history.storedThrough = recorder.records.length;
		recorder.t += 1_000;
		recorder.write(alarm("disk.filling", "unacknowledged"));
		const changes = async (query: string) => {
			const body = (await get(app, `/alarms/history${query}`)).json();
			return [body.complete, ...body.changes.map((change: AlarmRecord) => `${change.alarm} ${change.state}`)];
		};
		const all = ["disk.filling unacknowledged", "run.held shelved", "run.held acknowledged", "run.held unacknowledged"];
		expect(await changes("")).toEqual([true, ...all]);
		expect(await changes("?limit=3")).toEqual([true, ...all.slice(0, 3)]);
		expect(await changes("?alarm=run.held")).toEqual([true, ...all.slice(1)]);
		expect(await changes(`?before=${WALL_START + 2_000}`)).toEqual([true, all[3]]);
		history.isAway = true;
		expect(await changes("")).toEqual([false, ...all.slice(0, 2)]);
	});

	it("tells what a battery test can be ordered from: cyclers with channels, protocols with what they need", async () => {
		const { app, control } = await world();
		control.answer = () => ({ cyclers: { neware: ["1-1", "1-2"], smu: ["cell"] } });
		expect((await get(app, "/cyclers")).json().cyclers).toEqual([
			{ cycler: "neware", channels: ["1-1", "1-2"] },
			{ cycler: "smu", channels: ["cell"] },
		]);
		const { protocols } = (await get(app, "/protocols")).json();
		expect(protocols).toMatchObject([{ name: "li-lfp" }]);
		const one = (await get(app, "/protocols/li-lfp")).json();
		expect(one).toMatchObject({
			needs: { area: false, activeMass: true },
			text: expect.stringContaining("rate_mAh_per_g"),
		});
		const missing = await get(app, "/protocols/other");
		expect([missing.statusCode, missing.json().detail]).toEqual([404, "There is no protocol other."]);
	});

	it("orders, shows and stops battery tests", async () => {
		const { app, control } = await world();
		const test = { cellTest: "sim1-test-9", cell: "C-77", state: "queued", rows: 0, lastRow: null };
		control.answer = () => test;
		const order = { cell: "C-77", cycler: "cycler", protocolText: "x", areaCm2: 1.27, operator: "mk" };
		const ordered = await post(app, "/cell-tests", order);
		expect(ordered.statusCode).toBe(201);
		expect(ordered.headers.location).toBe("/api/v1/cell-tests/sim1-test-9");
		expect((await post(app, "/cell-tests", { ...order, areaCm2: 0, more: 1 })).statusCode).toBe(400);
		expect((await post(app, "/cell-tests/sim1-test-9/stop")).json()).toMatchObject(test);
		control.answer = () => ({ tests: [test], total: 1 });
		expect((await get(app, "/cell-tests?limit=5000")).statusCode).toBe(400);
		expect((await get(app, "/cell-tests")).json()).toEqual({
			simulated: true,
			tests: [{ ...test, verdict: null }],
			total: 1,
		});
		expect((await get(app, "/cell-tests/sim1-test-9")).json()).toMatchObject(test);
		expect((await get(app, "/cell-tests/other")).statusCode).toBe(404);
		expect(control.asked.slice(0, 2)).toMatchObject([
			{ command: "start-cell-test", args: order },
			{ command: "stop-cell-test", args: { cellTest: "sim1-test-9", by: "rest" } },
		]);
	});

	it("acknowledges alarms and resets interlocks, with or without a name", async () => {
		const { app, control } = await world();
		control.answer = () => ({ alarm: "FLOW_LOW", state: "acknowledged" });
		expect((await post(app, "/alarms/FLOW_LOW/acknowledge", { by: "mk" })).statusCode).toBe(200);
		expect((await post(app, "/alarms/FLOW_LOW/acknowledge")).statusCode).toBe(200);
		control.answer = () => ({ interlock: "pump", state: "clear" });
		expect((await post(app, "/interlocks/pump/reset")).statusCode).toBe(200);
		expect(control.asked.map(({ args }) => (args as { by: string }).by)).toEqual(["mk", "rest", "rest"]);
	});

	it("answers 503 when control is away", async () => {
		const { app, control } = await world();
		control.answer = () => {
			throw new AdlayerError("CONTROL_UNREACHABLE", "No answer.");
		};
		expect((await post(app, "/runs/r1/commands", { command: "abort" })).statusCode).toBe(503);
	});
});

describe("without a database", () => {
	it("serves live state, the present run and its events, and answers 503 for the past", async () => {
		const { app, recorder } = await world({ database: false });
		aRun(recorder);
		for (const url of ["/health", "/status", "/signals", "/instruments", "/alarms", "/recipes"]) {
			expect((await get(app, url)).statusCode, url).toBe(200);
		}
		expect((await get(app, "/runs/r1")).json()).toMatchObject({
			run: "r1",
			state: "running",
			rows: null,
			steps: [{ index: 0 }],
		});
		expect((await get(app, "/runs/r1/pulses")).json().pulses).toMatchObject([{ pulse: 1, confirmedMs: 15.02 }]);
		expect((await get(app, "/runs/r1/events")).json().events).toHaveLength(5);
		for (const url of ["/runs", "/runs/old", "/signals/gauge.chamber/history?from=0&to=9"]) {
			const answer = await get(app, url);
			expect(answer.json(), url).toMatchObject({ status: 503, code: "DATABASE_UNAVAILABLE" });
		}
	});

	it("says so in health when it is away", async () => {
		const { app, history } = await world();
		expect((await get(app, "/health")).json().status).toBe("ok");
		history.isAway = true;
		expect((await get(app, "/health")).json()).toMatchObject({
			status: "degraded",
			database: { state: "unavailable" },
		});
		expect((await get(app, "/runs")).statusCode).toBe(503);
	});
});

describe("reading", () => {
	it("lists the present run before the database knows it", async () => {
		const { app, recorder, history } = await world();
		aRun(recorder);
		history.storedThrough = 0;
		expect((await get(app, "/runs")).json().runs).toMatchObject([{ run: "r1", state: "running" }]);
		expect((await get(app, "/runs?before=5")).json().runs).toEqual([]);
	});

	it("pages through events by sequence number", async () => {
		const { app, recorder } = await world();
		aRun(recorder);
		const first = (await get(app, "/runs/r1/events?limit=2")).json();
		expect(first.events).toHaveLength(2);
		const rest = (await get(app, `/runs/r1/events?after=${first.last}`)).json();
		expect(rest.events.map((event: { kind: string }) => event.kind)).toEqual(["step-started", "pulse", "step-ended"]);
	});

	it("is refused by name and limit when a time or a name is beyond what there can be", async () => {
		const { app } = await world();
		const history = (from: string) => `/signals/gauge.chamber/history?from=${from}&to=999999999999999`;
		for (const url of [
			"/runs/a%00b",
			"/signals/gauge%00/history?from=0&to=9",
			"/runs?before=99999999999999999",
			history("0"),
			"/signals/gauge.chamber/history?from=2026-02-31T00:00:00Z&to=2026-03-09T00:00:00Z",
		]) {
			const answer = await get(app, url);
			expect(answer.statusCode, url).toBe(400);
			expect(answer.json()).toMatchObject({ code: "USAGE", detail: expect.stringMatching(/path|before|from|to/) });
		}
	});

	it("checks the times and points of a history", async () => {
		const { app, recorder } = await world();
		aRun(recorder);
		const ask = async (query: string) => (await get(app, `/signals/gauge.chamber/history${query}`)).statusCode;
		expect(await ask("?from=2026-11-22T09:00:00Z&to=2026-11-22T10:00:00%2B01:00&points=10")).toBe(400);
		expect(await ask("?from=2026-11-22T09:00:00Z&to=2026-11-22T10:00:00Z&points=10")).toBe(200);
		expect(await ask("?from=2026-11-22T09:00:00&to=9999999999999")).toBe(400);
		expect(await ask("?from=9&to=1")).toBe(400);
		expect(await ask("?from=1&to=9&points=0")).toBe(400);
		expect(await ask("?from=1")).toBe(400);
		expect((await get(app, "/signals/none.such/history?from=1&to=9")).json().code).toBe("SIGNAL_UNKNOWN");
	});

	it("checks a recipe from the shelf or from its text", async () => {
		const { app } = await world();
		expect((await post(app, "/recipes/check", { recipe: "li" })).json()).toMatchObject({
			ok: true,
			recipe: "li.recipe.yaml",
		});
		expect((await post(app, "/recipes/check", { recipeText: "a: 1" })).statusCode).toBe(200);
		expect((await post(app, "/recipes/check", {})).json().code).toBe("USAGE");
	});

	it("refuses an address that is no text or too long as a problem, too", async () => {
		const { app } = await world();
		for (const [url, status] of [
			["/runs/%ff", 400],
			[`/runs/${"x".repeat(300)}`, 414],
		] as const) {
			const answer = await get(app, url);
			expect(answer.statusCode).toBe(status);
			expect(answer.headers["content-type"]).toContain("application/problem+json");
			expect(answer.json()).toMatchObject({ code: "USAGE", status, problems: [{ path: "path" }] });
		}
	});

	it("says 404 in the same form for what is not there", async () => {
		const { app } = await world();
		for (const answer of [
			await get(app, "/nothing"),
			await app.inject({ url: "/x" }),
			await app.inject({ method: "DELETE", url: "/" }),
		]) {
			expect(answer.statusCode).toBe(404);
			expect(answer.headers["content-type"]).toContain("application/problem+json");
			expect(answer.json().code).toBe("NOT_FOUND");
		}
		expect((await get(app, "/runs/none")).json().code).toBe("RUN_NOT_FOUND");
	});

	it("keeps what went wrong inside to itself", async () => {
		const { app, history } = await world();
		history.runs = async () => {
			throw new Error("password is secret");
		};
		const answer = await get(app, "/runs");
		expect(answer.json()).toMatchObject({ status: 500, code: "INTERNAL" });
		expect(answer.body).not.toContain("secret");
	});

	it("serves the status page from its own files", async () => {
		const { app } = await world();
		const page = await app.inject({ url: "/" });
		expect(page.body).toContain("SIMULATED");
		expect(page.body).not.toMatch(/https?:\/\//);
		expect(page.headers["content-security-policy"]).toContain("default-src 'self'");
		for (const file of ["/page.js", "/page.css"]) expect((await app.inject({ url: file })).statusCode).toBe(200);
	});
});

describe("the reactor by hand", () => {
	it("is commanded through control, under the name that is given", async () => {
		const { app, control } = await world();
		control.answer = () => ({ order: "carrier = 20 sccm" });
		const answer = await post(app, "/reactor/commands", { command: "set", actuator: "carrier", value: 20, by: "mk" });
		expect(answer.json()).toEqual({ simulated: true, order: "carrier = 20 sccm" });
		await post(app, "/reactor/commands", { command: "set", actuator: "stage", value: 60, neverAboveC: 70 });
		await post(app, "/reactor/commands", { command: "dose", precursor: "TMA", ms: 15 });
		await post(app, "/reactor/commands", { command: "safe", by: "mk" });
		expect(control.asked.map(({ command, args }) => [command, args])).toEqual([
			["manual-set", { actuator: "carrier", value: 20, by: "mk" }],
			["manual-set", { actuator: "stage", value: 60, neverAboveC: 70, by: "rest" }],
			["manual-dose", { precursor: "TMA", ms: 15, by: "rest" }],
			["make-safe", { by: "mk" }],
		]);
	});

	it("is told at once of everything that a command lacks or does not take", async () => {
		const { app, control } = await world();
		const answer = await post(app, "/reactor/commands", { command: "dose", value: 20 });
		expect(answer.statusCode).toBe(400);
		expect(answer.json().detail).toBe("precursor is missing. ms is missing. dose takes no value.");
		expect(control.asked).toEqual([]);
	});

	it("shows who operates it, from the first command to the rest", async () => {
		const { app, recorder } = await world();
		recorder.write(controlStarted);
		const said = { command: "set", order: "carrier = 20 sccm", by: "mk", id: "1", neverAboveC: null } as const;
		recorder.write({ kind: "manual-command", ...said, outcome: "ordered", restAt: WALL_START + 900_000 });
		const { id: _, command: __, ...shown } = said;
		const manual = async () => (await get(app, "/reactor")).json().manual;
		expect(await manual()).toEqual({ ...shown, at: WALL_START, restAt: WALL_START + 900_000 });
		recorder.write({ kind: "manual-ended", cause: "made safe by mk" });
		expect(await manual()).toBeNull();
	});
});
