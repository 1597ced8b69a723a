/** What the routes of foil lots, foils, samples, cells, tests and characterisations have in common. */
import type { AppDeps, FileShelf } from "#api/ports.js";
import { API_PREFIX, type RouteGroup } from "#api/route-group.js";
import { envelope, routeSchema, strictBody } from "#api/route-schema.js";
import { boolean, by, ITEM_ID, integer, list, NEW_ITEM_ID, ref, shape, string } from "#api/schemas.js";
import { AdlayerError, type Problem } from "#core/errors.js";
import { type Descent, ITEM_KINDS, type Item, type ItemKind } from "#record/descent.js";
import { PLAIN } from "#record/plain-name.js";

export const text = { type: "string", minLength: 1, maxLength: 200, pattern: PLAIN } as const;
export const longText = {
	type: "string",
	minLength: 1,
	maxLength: 4_000,
	pattern: "^[^\\x00-\\x08\\x0b-\\x1f\\x7f]+$",
} as const;
export const positive = { type: "number", exclusiveMinimum: 0, maximum: 1e12 } as const;
export const dateTime = { type: "string", format: "date-time", description: "ISO 8601 with time zone" } as const;
const newId = {
	type: "string",
	pattern: NEW_ITEM_ID,
	description: "Letters, digits and . _ @ + -; made from kind and number when left out",
} as const;
export const itemId = { type: "string", pattern: ITEM_ID } as const;
const barcode = { ...text, maxLength: 80 } as const;

export interface ItemResource {
	readonly kind: ItemKind;
	/** In the address: `foil-lots`. */
	readonly plural: string;
	readonly what: string;
	readonly members: Readonly<Record<string, object>>;
	readonly required: readonly string[];
	readonly example: object;
	/** Beyond the schema; told together with what the database finds. */
	readonly verify?: (
		body: Readonly<Record<string, unknown>>,
		descent: Descent,
		files: () => FileShelf,
	) => Promise<Problem[]>;
}

export const invalid = (path: string, value: unknown, why: string): Problem => ({
	severity: "error",
	code: "ITEM_INVALID",
	path,
	value,
	message: `${path} is ${JSON.stringify(value)}. ${why}`,
});

export function descentOf(deps: AppDeps): Descent {
	if (deps.descent !== null) return deps.descent;
	throw new AdlayerError("DATABASE_UNAVAILABLE", "The service runs without a database.");
}

export function filesOf(deps: AppDeps): FileShelf {
	if (deps.files !== null) return deps.files;
	throw new AdlayerError("NOT_FOUND", "This service keeps no files.");
}

/** As it goes out: the body's members beside the item's own. */
export const itemJson = ({ body, ...own }: Item) => ({ ...body, ...own });

export const ITEM_ANSWER = shape({
	id: string,
	kind: { type: "string", enum: ITEM_KINDS },
	number: { ...integer, description: "Rises in the order of creation" },
	barcode: { type: ["string", "null"] },
	revision: integer,
	createdAt: integer,
	createdBy: string,
	withdrawn: { anyOf: [shape({ at: integer, by: string, reason: string }), { type: "null" }] },
});

type Body = Record<string, unknown> & { id?: string; barcode?: string | null; by: string };

export function itemRoutes({ api, deps }: RouteGroup, resource: ItemResource): void {
	const { kind, plural, what, members, required } = resource;
	const answer = { ...ITEM_ANSWER, properties: { ...ITEM_ANSWER.properties, ...members } };
	const example = { ...resource.example, by: "mk" };
	const common = { tag: "descent" } as const;
	const missing = (id: string) => new AdlayerError("ITEM_NOT_FOUND", `There is no ${kind} ${id}.`);
	const withSimulated = (item: Item) => ({ simulated: deps.live.simulated, ...itemJson(item) });

	const listSchema = routeSchema({
		...common,
		summary: `${what}, newest first`,
		query: {
			limit: { type: "integer", minimum: 1, maximum: 500, default: 50 },
			before: { type: "integer", minimum: 0, maximum: 2_147_483_647, description: "Only those with a smaller number" },
			barcode,
			parent: { ...text, description: "Only those made of this item or run" },
			withdrawn: { ...boolean, description: "Only withdrawn ones, or only others" },
		},
		answer: envelope({
			items: list(answer),
			next: { type: ["integer", "null"], description: "`before` of the next page" },
		}),
		errors: ["DATABASE_UNAVAILABLE"],
	});
	type Query = { limit: number; before?: number; barcode?: string; parent?: string; withdrawn?: boolean };
	api.get<{ Querystring: Query }>(`/${plural}`, { schema: listSchema }, async ({ query }) => {
		const items = await descentOf(deps).list(kind, query);
		const next = items.length === query.limit ? (items.at(-1)?.number ?? null) : null;
		return { simulated: deps.live.simulated, items: items.map(itemJson), next };
	});

	const oneSchema = routeSchema({
		...common,
		summary: `One of: ${what}`,
		params: { id: string },
		answer,
		errors: ["ITEM_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { id: string } }>(`/${plural}/:id`, { schema: oneSchema }, async ({ params }) => {
		const item = await descentOf(deps).get(kind, params.id);
		if (item === undefined) throw missing(params.id);
		return withSimulated(item);
	});

	const newSchema = routeSchema({
		...common,
		summary: `Create: ${what}`,
		description: "An id or barcode that is taken answers 409 with the item that has it in `context.existing`.",
		body: strictBody({ id: newId, barcode, by, ...members }, [...required, "by"], example),
		ok: 201,
		answer,
		errors: ["ITEM_EXISTS", "ITEM_INVALID", "DATABASE_UNAVAILABLE", "ORIGIN_REFUSED"],
	});
	api.post<{ Body: Body }>(`/${plural}`, { schema: newSchema }, async ({ body: given }, reply) => {
		const { id, barcode: code, by: who, ...body } = given;
		const descent = descentOf(deps);
		const problems = (await resource.verify?.(body, descent, () => filesOf(deps))) ?? [];
		const item = await descent.create({
			kind,
			body,
			by: who,
			problems,
			...(id === undefined ? {} : { id }),
			...(code === undefined || code === null ? {} : { barcode: code }),
		});
		reply.code(201).header("Location", `${API_PREFIX}/${plural}/${encodeURIComponent(item.id)}`);
		return withSimulated(item);
	});

	const optional = Object.fromEntries(
		Object.entries(members).map(([name, schema]) => [
			name,
			required.includes(name) ? schema : { anyOf: [schema, { type: "null" }] },
		]),
	);
	const changeSchema = routeSchema({
		...common,
		summary: `Change: ${what}`,
		description: "Members given replace those there; null removes one that is not required. What was before is kept.",
		params: { id: string },
		body: strictBody({ barcode: { anyOf: [barcode, { type: "null" }] }, by, ...optional }, ["by"], {
			note: "Cut from the middle",
			by: "mk",
		}),
		answer,
		errors: [
			"ITEM_NOT_FOUND",
			"ITEM_EXISTS",
			"ITEM_INVALID",
			"ITEM_WITHDRAWN",
			"DATABASE_UNAVAILABLE",
			"ORIGIN_REFUSED",
		],
	});
	type Change = { Params: { id: string }; Body: Body };
	api.patch<Change>(`/${plural}/:id`, { schema: changeSchema }, async ({ params, body: given }) => {
		const { barcode: code, by: who, ...body } = given;
		const descent = descentOf(deps);
		const before = await descent.get(kind, params.id);
		if (before === undefined) throw missing(params.id);
		const problems = (await resource.verify?.({ ...before.body, ...body }, descent, () => filesOf(deps))) ?? [];
		const edit = { body, by: who, problems, ...(code === undefined ? {} : { barcode: code }) };
		return withSimulated(await descent.change(kind, params.id, edit));
	});

	const withdrawSchema = routeSchema({
		...common,
		summary: `Withdraw: ${what}`,
		description: "Nothing is deleted. A withdrawn item stays where it is in every descent and cannot become a parent.",
		params: { id: string },
		body: strictBody({ by, reason: longText }, ["by", "reason"], { by: "mk", reason: "Dropped on the floor" }),
		answer,
		errors: ["ITEM_NOT_FOUND", "ITEM_WITHDRAWN", "DATABASE_UNAVAILABLE", "ORIGIN_REFUSED"],
	});
	type Withdrawal = { Params: { id: string }; Body: { by: string; reason: string } };
	api.post<Withdrawal>(`/${plural}/:id/withdraw`, { schema: withdrawSchema }, async ({ params, body }) =>
		withSimulated(await descentOf(deps).withdraw(kind, params.id, body)),
	);

	const changesSchema = routeSchema({
		...common,
		summary: `Every change: ${what}`,
		params: { id: string },
		answer: envelope({ changes: list(ref("ItemChange")) }),
		errors: ["ITEM_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { id: string } }>(`/${plural}/:id/changes`, { schema: changesSchema }, async ({ params }) => {
		const descent = descentOf(deps);
		if ((await descent.get(kind, params.id)) === undefined) throw missing(params.id);
		return { simulated: deps.live.simulated, changes: await descent.changes(params.id) };
	});
	descentRoute({ api, deps }, resource);
}

/** What a scanner asks: it knows a barcode, and not of what. */
export function barcodeRoutes({ api, deps }: Pick<RouteGroup, "api" | "deps">): void {
	const schema = routeSchema({
		tag: "descent",
		summary: "What has a barcode, of whatever kind",
		description: "`kind` says what it is; `address` is where it is, under the interface's prefix.",
		params: { barcode: string },
		answer: envelope({ ...ITEM_ANSWER.properties, address: string }),
		errors: ["ITEM_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { barcode: string } }>("/barcodes/:barcode", { schema }, async ({ params }) => {
		const item = await descentOf(deps).withBarcode(params.barcode);
		if (item === undefined) throw new AdlayerError("ITEM_NOT_FOUND", `Nothing has the barcode ${params.barcode}.`);
		const address = `${API_PREFIX}/${item.kind}s/${encodeURIComponent(item.id)}`;
		return { simulated: deps.live.simulated, ...itemJson(item), address };
	});
}

/** `GET /{plural}/{id}/descent`: the whole tree, both ways. */
function descentRoute({ api, deps }: Pick<RouteGroup, "api" | "deps">, { kind, plural }: ItemResource): void {
	const schema = routeSchema({
		tag: "descent",
		summary: `What a ${kind} came from, what came of it, and what was measured on any of them`,
		params: { id: string },
		answer: envelope({
			root: string,
			items: list(ITEM_ANSWER),
			runs: list(string),
			links: list(shape({ child: string, relation: string, parent: string, parentKind: string })),
			truncated: boolean,
		}),
		errors: ["ITEM_NOT_FOUND", "DATABASE_UNAVAILABLE"],
	});
	api.get<{ Params: { id: string } }>(`/${plural}/:id/descent`, { schema }, async ({ params }) => {
		const tree = await descentOf(deps).tree(kind, params.id);
		if (tree === undefined) throw new AdlayerError("ITEM_NOT_FOUND", `There is no ${kind} ${params.id}.`);
		return { simulated: deps.live.simulated, ...tree, items: tree.items.map(itemJson) };
	});
}
