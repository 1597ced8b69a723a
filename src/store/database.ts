/** The connections that answer questions: one pool, and Prisma upon it. */
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { AdlayerError } from "#core/errors.js";
import { PrismaClient } from "./generated/client.js";

const CONNECTIONS_MAX = 5;
const CONNECT_TIMEOUT_MS = 3000;
/** A question that takes longer is given up, so that it cannot hold back the others. */
const QUERY_TIMEOUT_MS = 20_000;

interface Open {
	readonly url: string;
	readonly pool: pg.Pool;
	readonly prisma: PrismaClient;
}

/** Follows the database's address, which may change when an embedded server is started again. */
export class Database {
	private open: Open | undefined;

	constructor(private readonly url: () => string | undefined) {}

	/** Asks; rejects with DATABASE_UNAVAILABLE when the database cannot be reached. */
	async ask<T>(question: (prisma: PrismaClient, pool: pg.Pool) => Promise<T>): Promise<T> {
		const url = this.url();
		if (url === undefined) throw unavailable();
		try {
			const { prisma, pool } = await this.connection(url);
			return await question(prisma, pool);
		} catch (error) {
			throw isUnreachable(error) ? unavailable(error) : error;
		}
	}

	async close(): Promise<void> {
		const { open } = this;
		this.open = undefined;
		if (open === undefined) return;
		await open.prisma.$disconnect();
		await open.pool.end();
	}

	private async connection(url: string): Promise<Open> {
		if (this.open !== undefined && this.open.url !== url) await this.close();
		this.open ??= connect(url);
		return this.open;
	}
}

function connect(url: string): Open {
	const pool = new pg.Pool({
		// The planner has no statistics of a day that is just being written, and would read all of it.
		options: "-c enable_seqscan=off -c max_parallel_workers_per_gather=0",
		connectionString: url,
		max: CONNECTIONS_MAX,
		connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
		query_timeout: QUERY_TIMEOUT_MS,
		application_name: "adlayer-history",
	});
	// An idle connection that breaks is replaced by the pool; without a listener it would end the process.
	pool.on("error", () => {});
	return { url, pool, prisma: new PrismaClient({ adapter: new PrismaPg(pool) }) };
}

function unavailable(cause?: unknown): AdlayerError {
	return new AdlayerError(
		"DATABASE_UNAVAILABLE",
		"The database cannot be reached; the past is not available for now.",
		{ cause },
	);
}

/** P1...: Prisma cannot connect; 08, 57P: PostgreSQL's classes for broken connections and shutdown; 3D, 42P01: no schema yet. */
const UNREACHABLE_CODE = /^(P1\d{3}|P2024|08|57P|53300|3D000|42P01|P2021|ECONN|EPIPE|ETIMEDOUT|EHOST|ENOTFOUND|EAI_)/;
const UNREACHABLE_MESSAGE = /terminat|timeout|not queryable|closed the connection|ECONN|starting up|shutting down/i;

function isUnreachable(error: unknown): boolean {
	if (!(error instanceof Error) || error instanceof AdlayerError) return false;
	if (error instanceof AggregateError) return error.errors.some(isUnreachable);
	const { code } = error as { code?: unknown };
	return (typeof code === "string" && UNREACHABLE_CODE.test(code)) || UNREACHABLE_MESSAGE.test(error.message);
}
