/** REST through the real interface, the control link through its real socket, and the journal's lines. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { buildApp } from "#api/app.js";
import { checkArguments } from "#control-link/arguments.js";
import { type CommandHandler, MESSAGE_BYTES_MAX } from "#control-link/messages.js";
import { ControlServer } from "#control-link/server.js";
import { AdlayerError } from "#core/errors.js";
import { jsonLine, parseLines, recordLine } from "#journal/line.js";
import { recoverEnd } from "#journal/recover.js";
import type { CellTestHistory } from "#record/cell-test-history.js";
import type { Descent, Item, NewItem } from "#record/descent.js";
import { controlStarted, pulse, runCreated, runState, sample, stepStarted, world } from "../../api/world.js";
import { type Area, area, expectPaths, Finding, refusalOf } from "./area.js";
import { bytesChanges, changeBytes, changeText, changeTree, odd, textChanges, treeChanges } from "./mutations.js";

const itemOf = (item: Pick<NewItem, "kind" | "body" | "by"> & { readonly id?: string }): Item => ({
	id: item.id ?? `${item.kind}-1`,
	kind: item.kind,
	number: 1,
	barcode: null,
	body: item.body,
	revision: 1,
	createdAt: 0,
	createdBy: item.by,
	withdrawn: null,
});
/** A shelf with one item of every kind, `there`. */
const descent: Descent = {
	list: async () => [],
	get: async (kind, id) => (id === "there" ? itemOf({ kind, id, body: {}, by: "mk" }) : undefined),
	create: async (item) => itemOf(item),
	change: async (kind, id, { by, body }) => itemOf({ kind, id, by, body }),
	withdraw: async (kind, id, { by }) => itemOf({ kind, id, by, body: {} }),
	changes: async () => [],
	withBarcode: async () => undefined,
	tree: async () => undefined,
};

/** A database that has no battery test yet. */
const cellTests: CellTestHistory = {
	cellTests: async () => [],
	cellTest: async () => undefined,
	unconcludedCellTests: async () => [],
	cellTestsWithoutItem: async () => [],
	concludeCellTest: async () => {},
	cellTestRows: async () => undefined,
	cellTestPoints: async () => undefined,
	halfCycles: async () => undefined,
	saveHalfCycles: async () => {},
	dropHalfCycles: async () => {},
};

const ANSWERS: Readonly<Record<string, unknown>> = {
	cyclers: { cyclers: {} },
	"cell-tests": { tests: [], total: 0 },
	"create-campaign": { campaign: { campaign: "c1" }, problems: [] },
	launch: { run: "r2", state: "running", product: "none", sample: "S" },
};

async function openApp() {
	const { app, deps, recorder } = await world({ descent, cellTests });
	await app.close();
	recorder.write(controlStarted);
	recorder.write(sample("gauge", { chamber: 40 }));
	recorder.write(runCreated());
	recorder.write(runState("idle", "running"));
	recorder.write(stepStarted({ index: 0, cycle: 1 }));
	const control = {
		request: async (command: string, args: object) => {
			checkArguments(command as never, JSON.parse(JSON.stringify(args)));
			return (ANSWERS[command] ?? {}) as never;
		},
	};
	return buildApp({ ...deps, control });
}

interface Operation {
	readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
	readonly path: string;
	readonly query: readonly string[];
	readonly example: unknown;
}
type Described = {
	paths: Record<
		string,
		Record<
			string,
			{
				parameters?: { in: string; name: string }[];
				requestBody?: {
					content: Record<
						string,
						{ schema?: { examples?: unknown[] }; example?: unknown; examples?: Record<string, { value: unknown }> }
					>;
				};
			}
		>
	>;
};

/** Every route with its query's names and its body's example, as the product describes itself. */
function operationsOf(document: Described): Operation[] {
	return Object.entries(document.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, { parameters = [], requestBody }]) => {
			const json = requestBody?.content["application/json"];
			const example = json?.example ?? json?.schema?.examples?.[0] ?? Object.values(json?.examples ?? {})[0]?.value;
			return {
				method: method.toUpperCase() as Operation["method"],
				path,
				query: parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name),
				example: example ?? null,
			};
		}),
	);
}

let opened: Promise<{ app: Awaited<ReturnType<typeof openApp>>; operations: Operation[] }> | undefined;
const rest = () => {
	opened ??= openApp().then(async (app) => {
		const document = (await app.inject("/api/v1/openapi.json")).json() as Described;
		return { app, operations: operationsOf(document) };
	});
	return opened;
};

const names = fc.oneof(
	fc.constantFrom("there", "r1", "li", "gauge.chamber", "..", "%", "%00", "%ff", "a/b", "x".repeat(300), ""),
	odd.map(String),
	fc.string({ unit: "binary", maxLength: 10 }),
);
const request = fc.record({
	route: fc.nat(),
	method: fc.oneof(
		{ weight: 9, arbitrary: fc.constant(null) },
		{ weight: 1, arbitrary: fc.constantFrom("PUT", "DELETE", "PATCH") },
	),
	name: names,
	encoded: fc.boolean(),
	query: fc.array(
		fc.tuple(fc.nat(), fc.oneof(odd.map(String), fc.constantFrom("0", "9", "-1", "1e3", "2026-01-01T00:00:00Z"))),
		{ maxLength: 3 },
	),
	body: fc.oneof(
		fc.record({ kind: fc.constant("tree" as const), changes: fc.oneof(fc.constant([]), treeChanges) }),
		fc.record({ kind: fc.constant("text" as const), changes: textChanges }),
		fc.record({ kind: fc.constant("json" as const), text: fc.json() }),
	),
	type: fc.oneof(
		{ weight: 9, arbitrary: fc.constant("application/json") },
		{
			weight: 1,
			arbitrary: fc.constantFrom(
				"text/plain",
				"application/octet-stream",
				"application/x-yaml",
				"",
				"application/json; charset=utf-16",
			),
		},
	),
});
type Request = typeof request extends fc.Arbitrary<infer Given> ? Given : never;

function requestOf(operations: readonly Operation[], one: Request) {
	const operation = operations[one.route % operations.length]!;
	const encode = (text: string): string => {
		try {
			return one.encoded ? encodeURIComponent(text) : text.replace(/[^!-~]|[?#]/g, "_");
		} catch {
			return "%ED%A0%80";
		}
	};
	const path = operation.path.replace(/\{\w+\}/g, () => encode(one.name));
	const known = [...operation.query, "unknown"];
	const query = one.query.map(([at, value]) => `${known[at % known.length]}=${encode(value)}`).join("&");
	const example = structuredClone(operation.example ?? {});
	const payload =
		one.body.kind === "tree"
			? JSON.stringify(changeTree(example, one.body.changes))
			: one.body.kind === "text"
				? changeText(JSON.stringify(example), one.body.changes)
				: one.body.text;
	const method = one.method ?? operation.method;
	return {
		method: method as Operation["method"],
		url: query === "" ? path : `${path}?${query}`,
		...(method === "GET" ? {} : { payload, headers: { "content-type": one.type } }),
	};
}

const restArea = area<Request>({
	name: "REST",
	cases: 10_000,
	arbitrary: request,
	run: async (one) => {
		const { app, operations } = await rest();
		const asked = requestOf(operations, one);
		const answer = await app.inject(asked);
		if (answer.statusCode >= 500)
			throw new Finding("server-error", `${answer.statusCode}: ${answer.body.slice(0, 300)}`);
		if (answer.statusCode < 400) return;
		const body = answer.json() as { code?: string; detail?: string; problems?: { path?: string; message: string }[] };
		if (!String(answer.headers["content-type"]).startsWith("application/problem+json") || body.code === undefined)
			throw new Finding("wrong", `No problem+json: ${answer.body.slice(0, 200)}`);
		if (body.problems !== undefined) expectPaths(body.problems as never, body.detail ?? "");
		else if (body.detail === undefined || body.detail.length < 10)
			throw new Finding("no-place", answer.body.slice(0, 200));
	},
	show: (one) => JSON.stringify(one),
});

const LAUNCH = {
	recipe: "li",
	recipeText: "adlayer: recipe/1\n",
	set: { cycles: 3 },
	operator: "mk",
	acknowledge: ["A"],
	sample: "S",
};
const MESSAGES = [
	{ v: 1, id: "a", command: "launch", args: LAUNCH },
	{ v: 1, id: "b", command: "status", args: {} },
	{ v: 1, id: "c", command: "command", args: { run: "r1", command: "hold", by: "mk" }, ifState: "running" },
	{ v: 1, id: "d", command: "confirm", args: { prompt: "p", by: "mk" } },
	{ v: 1, id: "e", command: "shelve-alarm", args: { alarm: "A", by: "mk", reason: "r", for: 60 } },
	{ v: 1, id: "f", command: "create-campaign", args: { document: "a", recipes: { li: "x" }, by: "mk", check: true } },
	{
		v: 1,
		id: "g",
		command: "command-campaign",
		args: { campaign: "c", command: "launch", by: "mk", entry: 1, order: [1] },
	},
	{ v: 1, id: "h", command: "change-bottle", args: { precursor: "TMA", grams: 10, by: "mk" } },
].map((message) => JSON.stringify(message));

let socket: Promise<string> | undefined;
const linkPath = () => {
	socket ??= (async () => {
		const folder = mkdtempSync(join(tmpdir(), "adlayer-fuzz-"));
		const path = join(folder, "c.sock");
		const handle = (async ({ command, args }) => {
			checkArguments(command, args);
			return { seq: 1, result: {} };
		}) as CommandHandler;
		await ControlServer.listen({ socketPath: path, handle });
		process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
		return path;
	})();
	return socket;
};

const message = fc.record({
	base: fc.nat(MESSAGES.length - 1),
	tree: fc.oneof(fc.constant(null), treeChanges),
	text: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: textChanges }),
	bytes: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: bytesChanges }),
	oversize: fc.oneof(
		{ weight: 30, arbitrary: fc.constant(0) },
		{ weight: 1, arbitrary: fc.integer({ min: -2, max: 200_000 }) },
	),
	pieces: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
});
type Message = typeof message extends fc.Arbitrary<infer Given> ? Given : never;

/** Every line has an answer; more of them are the same again. */
const LINES_MAX = 100;

function bytesOfMessage({ base, tree, text, bytes, oversize }: Message): Buffer {
	const parsed = JSON.parse(MESSAGES[base]!) as object;
	const shaped = tree === null ? MESSAGES[base]! : JSON.stringify(changeTree(parsed, tree));
	const changed = (text === null ? shaped : changeText(shaped, text)).split("\n").slice(0, LINES_MAX).join("\n");
	const raw = Buffer.from(bytes === null ? Buffer.from(changed) : changeBytes(Buffer.from(changed), bytes));
	return oversize === 0
		? raw
		: Buffer.concat([raw, Buffer.alloc(Math.max(0, MESSAGE_BYTES_MAX + oversize - raw.length), 32)]);
}

/** Everything that the link answers until it has answered `last`, or has closed. */
function converse(path: string, pieces: readonly Buffer[]): Promise<{ lines: string[]; closed: boolean }> {
	return new Promise((resolve, reject) => {
		const link = connect(path);
		let text = "";
		const end = (closed: boolean) => {
			resolve({ lines: text.split("\n").filter((line) => line !== ""), closed });
			link.destroy();
		};
		link.on("error", (error: NodeJS.ErrnoException) =>
			error.code === "EPIPE" || error.code === "ECONNRESET" ? end(true) : reject(error),
		);
		link.on("close", () => end(true));
		link.on("data", (data) => {
			text += data.toString("utf8");
			if (text.indexOf('{"id":"last"', text.length - data.length - 20) >= 0) end(false);
		});
		for (const piece of pieces) link.write(piece);
	});
}

const LAST = Buffer.from('\n{"v":1,"id":"last","command":"status","args":{}}\n');

const linkArea = area<Message>({
	name: "control link",
	cases: 4_000,
	arbitrary: message,
	run: async (one) => {
		const whole = Buffer.concat([bytesOfMessage(one), LAST]);
		const pieces: Buffer[] = [];
		let at = 0;
		for (const size of one.pieces) {
			pieces.push(whole.subarray(at, at + size));
			at += size;
		}
		pieces.push(whole.subarray(at));
		const { lines, closed } = await converse(await linkPath(), pieces);
		let tooLarge = false;
		for (const line of lines) {
			const reply = JSON.parse(line) as {
				error?: { code: string; message: string; problems?: { path?: string; message: string }[] };
			};
			const { error } = reply;
			if (error === undefined) continue;
			tooLarge ||= error.code === "MESSAGE_TOO_LARGE";
			if (error.code === "INTERNAL") throw new Finding("crash", error.message);
			if (error.code === "USAGE") expectPaths((error.problems ?? []) as never, error.message);
		}
		if (closed && !tooLarge && whole.length <= MESSAGE_BYTES_MAX)
			throw new Finding("wrong", "The link was closed without a reason.");
	},
	show: (one) => JSON.stringify(bytesOfMessage(one).toString("latin1").slice(0, 2_000)),
});

const BODIES = [
	controlStarted,
	sample("gauge", { chamber: 40, foreline: null }),
	runCreated(),
	runState("idle", "running"),
	stepStarted({ index: 0 }),
	pulse(1, 1, "TMA", 15),
];
const lines = Array.from({ length: 30 }, (_, index) =>
	recordLine(index + 1, index, 1e12 + index, BODIES[index % BODIES.length]!),
);
const journal = Buffer.from(lines.join(""));
const header = jsonLine(
	JSON.stringify({
		journal: "3f3c5f0e-0000-4000-8000-000000000000",
		schema: 1,
		firstSeq: 1,
		station: "sim1",
		createdWall: 1e12,
		boot: null,
		openRun: null,
		lastDose: {},
		intended: [],
	}),
);
const damage = fc.record({
	changes: bytesChanges,
	sealed: fc.oneof(
		{ weight: 4, arbitrary: fc.constant(null) },
		{ weight: 1, arbitrary: fc.oneof(fc.json(), fc.string()) },
	),
	disk: fc.integer({ min: 0, max: 7 }).map((value) => value === 0),
});

let folder: string | undefined;
const journalArea = area({
	name: "journal lines",
	cases: 22_000,
	arbitrary: damage,
	run: ({ changes, sealed, disk }) => {
		const bytes = Buffer.concat([
			changeBytes(journal, changes),
			Buffer.from(sealed === null ? "" : jsonLine(sealed.replaceAll("\n", " "))),
		]);
		const parsed = parseLines(bytes);
		if (parsed.consumed > bytes.length) throw new Finding("wrong", "More was read than there is.");
		for (const { raw } of parsed.lines)
			if (
				!lines.some((line) => line.slice(9, -1) === raw.toString()) &&
				raw.toString() !== sealed?.replaceAll("\n", " ")
			)
				throw new Finding("wrong", "A damaged line was taken for good.");
		if (!disk) return;
		folder ??= mkdtempSync(join(tmpdir(), "adlayer-fuzz-journal-"));
		writeFileSync(join(folder, "0000000000000001.journal"), Buffer.concat([Buffer.from(header), bytes]));
		const refusal = refusalOf(() => recoverEnd(folder!));
		if (refusal !== undefined && !(refusal instanceof AdlayerError && /line \d+, byte \d+/.test(refusal.message)))
			throw new Finding("no-place", refusal.message);
	},
	show: ({ changes, sealed }) => JSON.stringify({ changes, sealed }),
});
process.once("exit", () => folder !== undefined && rmSync(folder, { recursive: true, force: true }));

export const LINK_AREAS: readonly Area[] = [restArea, linkArea, journalArea];
