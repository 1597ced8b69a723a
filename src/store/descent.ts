/** Descent in the database: items, what links them, and every change to them. */
import type pg from "pg";
import type { Clock } from "#core/clock.js";
import { AdlayerError, type Problem } from "#core/errors.js";
import {
	type Descent,
	type DescentLink,
	type DescentTree,
	type Item,
	type ItemChange,
	type ItemEdit,
	type ItemKind,
	type ItemQuery,
	type NewItem,
	parentsOf,
} from "#record/descent.js";
import type { Database } from "./database.js";

/** No cell has more relatives than this; a foil lot may. */
const TREE_ITEMS_MAX = 2_000;
const CHANGES_MAX = 1_000;
/** PostgreSQL: unique_violation. */
const NOT_UNIQUE = "23505";

interface Row {
	number: number;
	id: string;
	kind: ItemKind;
	barcode: string | null;
	body: Record<string, unknown>;
	revision: number;
	created_at: Date;
	created_by: string;
	withdrawn_at: Date | null;
	withdrawn_by: string | null;
	withdrawn_reason: string | null;
}

type Body = Readonly<Record<string, unknown>>;

export class StoreDescent implements Descent {
	constructor(
		private readonly database: Database,
		private readonly clock: Clock,
	) {}

	async list(kind: ItemKind, query: ItemQuery): Promise<Item[]> {
		const { limit, before, barcode, parent, withdrawn } = query;
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query<Row>(
				`SELECT * FROM lab_items WHERE kind = $1 AND ($2::int IS NULL OR number < $2) AND ($3::text IS NULL OR barcode = $3)
				AND ($4::text IS NULL OR id IN (SELECT child FROM lab_item_links WHERE parent = $4))
				AND ($5::boolean IS NULL OR (withdrawn_at IS NOT NULL) = $5) ORDER BY number DESC LIMIT $6`,
				[kind, before ?? null, barcode ?? null, parent ?? null, withdrawn ?? null, limit],
			);
			return rows.map(itemOf);
		});
	}

	async get(kind: ItemKind, id: string): Promise<Item | undefined> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query<Row>("SELECT * FROM lab_items WHERE kind = $1 AND id = $2", [kind, id]);
			return rows[0] === undefined ? undefined : itemOf(rows[0]);
		});
	}

	async create({ kind, id, barcode, body, by, problems = [] }: NewItem): Promise<Item> {
		return this.write(id, barcode, async (client) => {
			const now = new Date(this.clock.wallMs());
			await checkParents(client, kind, body, { problems });
			const { rows } = await client.query<Row>(
				`INSERT INTO lab_items (number, id, kind, barcode, body, created_at, created_by)
				SELECT number, coalesce($1::text, $2 || '-' || number), $2, $3, $4, $5, $6
				FROM (SELECT nextval('lab_items_number_seq')::int AS number) AS next RETURNING *`,
				[id ?? null, kind, barcode ?? null, JSON.stringify(body), now, by],
			);
			const item = itemOf(rows[0]!);
			await link(client, item);
			await note(client, { item: item.id, at: now, by, act: "created", before: null, after: item });
			return item;
		});
	}

	async change(kind: ItemKind, id: string, { body, barcode, by, problems = [] }: ItemEdit): Promise<Item> {
		return this.write(undefined, barcode ?? undefined, async (client) => {
			const before = await locked(client, kind, id);
			const merged = Object.fromEntries(
				Object.entries({ ...before.body, ...body }).filter(([, value]) => value !== null && value !== undefined),
			);
			const known = new Set(parentsOf(kind, before.body).map(({ parent }) => parent));
			await checkParents(client, kind, merged, { known, problems });
			const { rows } = await client.query<Row>(
				"UPDATE lab_items SET body = $2, barcode = $3, revision = revision + 1 WHERE id = $1 RETURNING *",
				[id, JSON.stringify(merged), barcode === undefined ? before.barcode : barcode],
			);
			const item = itemOf(rows[0]!);
			await link(client, item);
			await note(client, { item: id, at: new Date(this.clock.wallMs()), by, act: "changed", before, after: item });
			return item;
		});
	}

	async withdraw(kind: ItemKind, id: string, { by, reason }: { by: string; reason: string }): Promise<Item> {
		return this.write(undefined, undefined, async (client) => {
			const before = await locked(client, kind, id);
			const now = new Date(this.clock.wallMs());
			const { rows } = await client.query<Row>(
				`UPDATE lab_items SET withdrawn_at = $2, withdrawn_by = $3, withdrawn_reason = $4, revision = revision + 1
				WHERE id = $1 RETURNING *`,
				[id, now, by, reason],
			);
			const item = itemOf(rows[0]!);
			await note(client, { item: id, at: now, by, act: "withdrawn", before, after: item });
			return item;
		});
	}

	async withBarcode(barcode: string): Promise<Item | undefined> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query<Row>("SELECT * FROM lab_items WHERE barcode = $1", [barcode]);
			return rows[0] === undefined ? undefined : itemOf(rows[0]);
		});
	}

	async changes(id: string): Promise<ItemChange[]> {
		return this.database.ask(async (_prisma, pool) => {
			const { rows } = await pool.query<Omit<ItemChange, "at"> & { at: Date }>(
				`SELECT at, by, act, before, after FROM lab_item_changes WHERE item = $1 ORDER BY number LIMIT ${CHANGES_MAX}`,
				[id],
			);
			return rows.map((row) => ({ ...row, at: row.at.getTime() }));
		});
	}

	async tree(kind: ItemKind, id: string): Promise<DescentTree | undefined> {
		if ((await this.get(kind, id)) === undefined) return undefined;
		return this.database.ask(async (_prisma, pool) => {
			const { rows: found } = await pool.query<{ id: string }>(
				`WITH RECURSIVE up AS (
					SELECT $1::text AS id UNION
					SELECT parent FROM lab_item_links JOIN up ON child = up.id WHERE parent_kind <> 'run'
				), down AS (
					SELECT $1::text AS id UNION SELECT child FROM lab_item_links JOIN down ON parent = down.id AND parent_kind <> 'run'
				), line AS (SELECT id FROM up UNION SELECT id FROM down)
				SELECT id FROM line UNION
				SELECT child FROM lab_item_links JOIN line ON parent = line.id JOIN lab_items ON lab_items.id = child
				WHERE parent_kind <> 'run' AND kind = 'characterisation' LIMIT ${TREE_ITEMS_MAX + 1}`,
				[id],
			);
			const ids = found.slice(0, TREE_ITEMS_MAX).map((row) => row.id);
			const { rows } = await pool.query<Row>("SELECT * FROM lab_items WHERE id = ANY($1) ORDER BY number", [ids]);
			const { rows: links } = await pool.query<DescentLink>(
				`SELECT child, relation, parent, parent_kind AS "parentKind" FROM lab_item_links
				WHERE child = ANY($1) AND (parent_kind = 'run' OR parent = ANY($1)) ORDER BY child, relation, parent`,
				[ids],
			);
			const runs = links.filter(({ parentKind }) => parentKind === "run").map(({ parent }) => parent);
			return {
				root: id,
				items: rows.map(itemOf),
				runs: [...new Set(runs)],
				links,
				truncated: found.length > TREE_ITEMS_MAX,
			};
		});
	}

	/** One transaction; an id or barcode that is taken becomes ITEM_EXISTS with the item that has it. */
	private async write<T>(
		id: string | undefined,
		barcode: string | undefined,
		work: (client: pg.PoolClient) => Promise<T>,
	): Promise<T> {
		return this.database.ask(async (_prisma, pool) => {
			const client = await pool.connect();
			try {
				await client.query("BEGIN");
				const result = await work(client);
				await client.query("COMMIT");
				return result;
			} catch (error) {
				await client.query("ROLLBACK").catch(() => {});
				if ((error as { code?: string }).code !== NOT_UNIQUE) throw error;
				const { rows } = await client.query<Row>(
					"SELECT * FROM lab_items WHERE id = $1 OR barcode = $2 ORDER BY (id = $1) DESC LIMIT 1",
					[id ?? null, barcode ?? null],
				);
				const existing = rows[0] === undefined ? undefined : itemOf(rows[0]);
				const what = existing?.id === id ? `the id ${id}` : `the barcode ${barcode}`;
				throw new AdlayerError("ITEM_EXISTS", `A ${existing?.kind ?? "thing"} has ${what} already.`, {
					context: { existing },
				});
			} finally {
				client.release();
			}
		});
	}
}

async function locked(client: pg.PoolClient, kind: ItemKind, id: string): Promise<Item> {
	const { rows } = await client.query<Row>("SELECT * FROM lab_items WHERE kind = $1 AND id = $2 FOR UPDATE", [
		kind,
		id,
	]);
	if (rows[0] === undefined) throw new AdlayerError("ITEM_NOT_FOUND", `There is no ${kind} ${id}.`);
	const item = itemOf(rows[0]);
	if (item.withdrawn === null) return item;
	const { by, reason } = item.withdrawn;
	throw new AdlayerError("ITEM_WITHDRAWN", `The ${kind} ${id} was withdrawn by ${by}: ${reason}.`);
}

/** Every parent must be there, of a kind that fits, and not withdrawn, unless it was a parent before. */
async function checkParents(
	client: pg.PoolClient,
	kind: ItemKind,
	body: Body,
	{ known = new Set(), problems: found }: { known?: ReadonlySet<string>; problems: readonly Problem[] },
): Promise<void> {
	const problems: Problem[] = [...found];
	for (const { member, kinds, parent } of parentsOf(kind, body)) {
		if (kinds.includes("run")) {
			const { rowCount } = await client.query("SELECT 1 FROM runs WHERE run = $1", [parent]);
			if (rowCount === 0) problems.push(problem(member, parent, "There is no such run."));
			continue;
		}
		const { rows } = await client.query<Row>("SELECT * FROM lab_items WHERE id = $1 FOR SHARE", [parent]);
		const [row] = rows;
		if (row === undefined) problems.push(problem(member, parent, `There is no ${kinds.join(" or ")} of that id.`));
		else if (!kinds.includes(row.kind))
			problems.push(problem(member, parent, `It is a ${row.kind}, not a ${kinds.join(" or ")}.`));
		else if (row.withdrawn_at !== null && !known.has(parent))
			problems.push(problem(member, parent, `It was withdrawn: ${row.withdrawn_reason}`));
	}
	if (problems.length > 0)
		throw new AdlayerError(
			"ITEM_INVALID",
			problems.length === 1 ? problems[0]!.message : `The ${kind} has ${problems.length} problems.`,
			{ problems },
		);
}

const problem = (member: string, value: string, why: string): Problem => ({
	severity: "error",
	code: "ITEM_INVALID",
	path: member,
	value,
	message: `${member} is ${value}. ${why}`,
});

async function link(client: pg.PoolClient, { id, kind, body }: Item): Promise<void> {
	await client.query("DELETE FROM lab_item_links WHERE child = $1", [id]);
	for (const { member, kinds, parent } of parentsOf(kind, body))
		await client.query(
			`INSERT INTO lab_item_links (child, relation, parent, parent_kind)
			VALUES ($1, $2, $3, coalesce((SELECT kind FROM lab_items WHERE id = $3 AND NOT $4), 'run'))`,
			[id, member, parent, kinds.includes("run")],
		);
}

async function note(
	client: pg.PoolClient,
	{
		item,
		at,
		by,
		act,
		before,
		after,
	}: { item: string; at: Date; by: string; act: string; before: unknown; after: unknown },
): Promise<void> {
	await client.query(
		"INSERT INTO lab_item_changes (item, at, by, act, before, after) VALUES ($1, $2, $3, $4, $5, $6)",
		[item, at, by, act, before === null ? null : JSON.stringify(before), JSON.stringify(after)],
	);
}

function itemOf(row: Row): Item {
	return {
		id: row.id,
		kind: row.kind,
		number: row.number,
		barcode: row.barcode,
		body: row.body,
		revision: row.revision,
		createdAt: row.created_at.getTime(),
		createdBy: row.created_by,
		withdrawn:
			row.withdrawn_at === null
				? null
				: { at: row.withdrawn_at.getTime(), by: row.withdrawn_by ?? "", reason: row.withdrawn_reason ?? "" },
	};
}
