/** Brings a database to the schema of prisma/migrations, with Prisma's own engine: `prisma migrate deploy` elsewhere agrees. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { MigrationList, SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";

const MIGRATION_LOCK_KEY = 0x41444c59;
const UNFINISHED = "finished_at IS NULL AND rolled_back_at IS NULL";

/**
 * Prisma's adapter cuts scripts at every semicolon, also inside a DO block, and runs the pieces one by one. This one runs a
 * script whole, in one transaction together with its mark of completion: a migration is applied and marked, or neither.
 */
class WholeScriptAdapter extends PrismaPg {
	private readonly open: { dispose(): Promise<void> }[] = [];

	override async connect() {
		const adapter = await super.connect();
		this.open.push(adapter);
		adapter.executeScript = async (script) => {
			const client = await adapter.underlyingDriver().connect();
			try {
				await client.query("BEGIN");
				await client.query(script);
				const { rows } = await client.query("SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists");
				if ((rows[0] as { exists: boolean }).exists) {
					await client.query(`UPDATE _prisma_migrations SET finished_at = now() WHERE ${UNFINISHED}`);
				}
				await client.query("COMMIT");
			} catch (error) {
				await client.query("ROLLBACK").catch(() => {});
				throw error;
			} finally {
				client.release();
			}
		};
		return adapter;
	}

	/** The engine leaves its connections open. */
	async close(): Promise<void> {
		for (const adapter of this.open) await adapter.dispose().catch(() => {});
	}
}

/** The folder that holds prisma/, above the source as above `dist`. */
function packageRoot(): string {
	for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
		if (existsSync(join(at, "prisma", "migrations"))) return at;
	}
	throw new Error("There is no folder prisma/migrations above the store.");
}

function readMigrations(): MigrationList {
	const baseDir = join(packageRoot(), "prisma", "migrations");
	const names = readdirSync(baseDir, { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map((entry) => entry.name)
		.sort();
	return {
		baseDir,
		lockfile: { path: "migration_lock.toml", content: readFileSync(join(baseDir, "migration_lock.toml"), "utf8") },
		shadowDbInitScript: "",
		migrationDirectories: names.map((name) => ({
			path: name,
			migrationFile: {
				path: "migration.sql",
				content: { tag: "ok", value: readFileSync(join(baseDir, name, "migration.sql"), "utf8") },
			},
		})),
	};
}

/**
 * Applies the migrations that the database does not have yet and returns their names. Two callers at once are safe: the
 * second waits for the first.
 */
export async function migrate(url: string): Promise<string[]> {
	const migrations = readMigrations();
	const client = new pg.Client({ connectionString: url });
	client.on("error", () => {});
	await client.connect();
	try {
		await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK_KEY]);
		const applied = await appliedNames(client);
		// Loading the engine takes longer than everything else at a start; most starts do not need it.
		if (migrations.migrationDirectories.every(({ path }) => applied.has(path))) return [];
		const adapters = new WholeScriptAdapter({ connectionString: url });
		const engine = await loadEngine(adapters);
		try {
			return (
				await engine.applyMigrations({ migrationsList: migrations, filters: { externalTables: [], externalEnums: [] } })
			).appliedMigrationNames;
		} finally {
			engine.free();
			await adapters.close();
		}
	} finally {
		await client.end().catch(() => {});
	}
}

async function appliedNames(client: pg.Client): Promise<Set<string>> {
	const known = await client.query("SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists");
	if (!(known.rows[0] as { exists: boolean }).exists) return new Set();
	// An attempt that was cut short changed nothing; marked as rolled back, it is made again.
	await client.query(`UPDATE _prisma_migrations SET rolled_back_at = now() WHERE ${UNFINISHED}`);
	const { rows } = await client.query(
		"SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
	);
	return new Set((rows as { migration_name: string }[]).map((row) => row.migration_name));
}

/** As far as it is used here; Node's own types leave it to the browser's. */
interface WasmGlobal {
	WebAssembly: {
		instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
	};
}

interface EngineModule {
	__wbg_set_wasm(exports: object): void;
	SchemaEngine: { new: (...args: unknown[]) => Promise<SchemaEngine> };
}

let engineModule: Promise<EngineModule> | undefined;

/** The engine is made for bundlers; in Node its WebAssembly is instantiated by hand, once: its glue keeps state of its own. */
async function loadModule(): Promise<EngineModule> {
	const specifier = "@prisma/schema-engine-wasm/schema_engine_bg";
	const glue = (await import(specifier)) as EngineModule;
	const script = createRequire(import.meta.url).resolve(specifier);
	const bytes = readFileSync(join(dirname(script), "schema_engine_bg.wasm"));
	const { WebAssembly } = globalThis as unknown as WasmGlobal;
	const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": glue });
	glue.__wbg_set_wasm(instance.exports);
	instance.exports.__wbindgen_start();
	return glue;
}

async function loadEngine(adapters: WholeScriptAdapter): Promise<SchemaEngine> {
	engineModule ??= loadModule();
	const { SchemaEngine } = await engineModule;
	return SchemaEngine.new({ datamodels: undefined }, () => {}, bindMigrationAwareSqlAdapterFactory(adapters));
}
