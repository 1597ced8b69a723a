/** A PostgreSQL server of our own, as a child process: for a lab without a database server. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
	chmodSync,
	chownSync,
	closeSync,
	existsSync,
	lstatSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import pg from "pg";
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import {
	assertOwned,
	isReachableByOthers,
	postgresBinaries,
	postgresUser,
	program,
	type RunAs,
	reachableFolder,
} from "./pg-binaries.js";
import { describeOldServer, endOldServer, isAlive } from "./pg-postmaster.js";

const USER = "adlayer";
const DATABASE = "adlayer";
/** Control must not be starved by the database. */
const NICE = "10";
/** Recovery after a crash replays at most max_wal_size; this is many times that. */
const START_LIMIT_MS = 120_000;
const START_POLL_MS = 50;
/** After a kill -9, old backends hold the shared memory for a moment. */
const START_ATTEMPTS_MAX = 8;
const RETRY_AFTER_MS = 400;
const STOP_LIMIT_MS = 15_000;
const LOG_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Runs PostgreSQL and ends it in order when descriptor 3 closes: that happens when this process ends, however it ends,
 * so no server is left behind. `nice` replaces itself by the server, so `$!` is the server.
 */
const LEASH = `nice -n ${NICE} "$@" 3<&- & server=$!
{ read -r _ <&3; kill -INT $server; } & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
exit $code`;

export interface EmbeddedPostgres {
	/** With user and password; on 127.0.0.1. */
	readonly url: string;
	readonly port: number;
	/** Process id of the server itself. */
	readonly pid: number;
	/** Where its files really are. */
	readonly dataFolder: string;
	/** True when a server that was left running was taken over. */
	readonly adopted: boolean;
	/** Resolves when the server has ended, for whatever reason. */
	readonly exited: Promise<void>;
	/** Ends it in order; the data stay. */
	stop(): Promise<void>;
}

export interface EmbeddedOptions {
	/** Folder for the data; made when missing. */
	readonly folder: string;
	readonly clock: Clock;
	/** Taken when it is free; otherwise any free one. */
	readonly preferredPort?: number;
}

/** Starts the server on the data in `folder`, which it makes at the first start. Rejects with DATABASE_UNAVAILABLE. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
	const { clock } = options;
	const as = postgresUser();
	const binaries = postgresBinaries();
	mkdirSync(options.folder, { recursive: true });
	const dataFolder = placeOfData(options.folder, as);
	const cluster = join(dataFolder, "cluster");
	const password = passwordFor(options.folder);
	if (!existsSync(cluster)) await initialise({ binaries, dataFolder, cluster, password, as });

	const old = describeOldServer(cluster);
	if (old !== undefined) {
		const url = urlFor(password, old.port);
		if (await answers(url)) return adopted({ ...old, url, dataFolder, clock });
		await endOldServer(cluster, old, clock);
	}
	for (let attempt = 1; ; attempt += 1) {
		const port = await freePort(attempt === 1 ? options.preferredPort : undefined);
		const started = await launch({ binaries, dataFolder, cluster, port, as, clock, url: urlFor(password, port) });
		if (typeof started !== "string") return started;
		if (attempt === START_ATTEMPTS_MAX) {
			throw new AdlayerError(
				"DATABASE_UNAVAILABLE",
				`The embedded PostgreSQL did not start in ${attempt} attempts: ${started}.`,
				{
					context: { log: join(dataFolder, "postgres.log"), dataFolder },
					hint: "Read the log file that the context names.",
				},
			);
		}
		await clock.sleep(RETRY_AFTER_MS);
	}
}

function urlFor(password: string, port: number, database = DATABASE): string {
	return `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

/** The data folder itself, or one keyed by its path when the server's user cannot get there; a file LOCATION says so. */
function placeOfData(folder: string, as: RunAs): string {
	if (as.uid === undefined || isReachableByOthers(folder)) return folder;
	const place = reachableFolder("data", folder);
	if (!existsSync(place)) mkdirSync(place, { mode: 0o755 });
	assertOwned(place, process.getuid?.());
	writeFileSync(join(folder, "LOCATION"), `PostgreSQL's user cannot enter this folder; its data are in\n${place}\n`);
	return place;
}

function passwordFor(folder: string): string {
	const file = join(folder, "password");
	if (!existsSync(file)) {
		writeFileSync(`${file}.new`, randomBytes(24).toString("hex"), { mode: 0o600 });
		renameSync(`${file}.new`, file);
	}
	return readFileSync(file, "utf8").trim();
}

interface Initialise {
	readonly binaries: string;
	readonly dataFolder: string;
	readonly cluster: string;
	readonly password: string;
	readonly as: RunAs;
}

/** Makes the cluster beside its place and moves it there when it is whole: an interrupted start leaves nothing half made. */
async function initialise({ binaries, dataFolder, cluster, password, as }: Initialise): Promise<void> {
	const making = join(dataFolder, "cluster.new");
	const passwordFile = join(dataFolder, "initial-password");
	rmSync(making, { recursive: true, force: true });
	mkdirSync(making, { mode: 0o700 });
	writeFileSync(passwordFile, password, { mode: 0o600 });
	for (const path of [making, passwordFile]) {
		if (as.uid !== undefined && as.gid !== undefined) chownSync(path, as.uid, as.gid);
	}
	try {
		const args = [
			"-D",
			making,
			"-U",
			USER,
			"--auth=scram-sha-256",
			`--pwfile=${passwordFile}`,
			"-E",
			"UTF8",
			"--locale=C",
		];
		const child = spawn(program(binaries, "initdb"), args, {
			...as,
			env: environment(),
			cwd: dataFolder,
			stdio: ["ignore", "ignore", "pipe"],
		});
		let complaint = "";
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			complaint = (complaint + text).slice(-2000);
		});
		const code = await ended(child);
		if (code !== 0) {
			throw new AdlayerError(
				"DATABASE_UNAVAILABLE",
				`The embedded PostgreSQL could not make its data folder ${making}: ${complaint.trim()}`,
			);
		}
		renameSync(making, cluster);
	} finally {
		rmSync(passwordFile, { force: true });
	}
}

function environment(): NodeJS.ProcessEnv {
	return { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

function ended(child: ChildProcess): Promise<number | null> {
	return new Promise((resolve) => {
		child.once("error", () => resolve(null));
		child.once("exit", (code) => resolve(code));
	});
}

interface Launch {
	readonly binaries: string;
	readonly dataFolder: string;
	readonly cluster: string;
	readonly port: number;
	readonly url: string;
	readonly as: RunAs;
	readonly clock: Clock;
}

/** Starts the server and waits until it answers; what went wrong as a string when it ended instead. */
async function launch(options: Launch): Promise<EmbeddedPostgres | string> {
	const { dataFolder, cluster, port, clock, url, as } = options;
	const settings = {
		listen_addresses: "127.0.0.1",
		port,
		unix_socket_directories: "",
		max_connections: 30,
		shared_buffers: "128MB",
		// One server, never replicated: the write-ahead log needs no more than recovery does.
		wal_level: "minimal",
		max_wal_senders: 0,
		max_wal_size: "1GB",
		jit: "off",
		timezone: "UTC",
		log_timezone: "UTC",
	};
	const args = ["-D", cluster, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
	const log = openLog(join(dataFolder, "postgres.log"));
	const child = spawn("/bin/sh", ["-c", LEASH, "adlayer-postgres", program(options.binaries, "postgres"), ...args], {
		...as,
		env: environment(),
		cwd: cluster,
		// A process group of its own: Ctrl-C in the terminal is for the service, which then stops the server in order.
		detached: true,
		stdio: ["ignore", log, log, "pipe"],
	});
	closeSync(log);
	let isRunning = true;
	const exited = ended(child).then(() => {
		isRunning = false;
	});
	const leash = child.stdio[3] as Readable & Writable;
	leash.on("error", () => {});

	const deadlineMs = clock.nowMs() + START_LIMIT_MS;
	while (isRunning && clock.nowMs() < deadlineMs) {
		if (await answers(url)) {
			const pid = describeOldServer(cluster)?.pid;
			if (pid !== undefined)
				return { url, port, pid, dataFolder, adopted: false, exited, stop: () => stop(pid, exited, clock) };
		}
		await clock.sleep(START_POLL_MS);
	}
	if (!isRunning) return lastLine(join(dataFolder, "postgres.log"));
	leash.destroy();
	await exited;
	return `it did not answer within ${START_LIMIT_MS / 1000} s`;
}

function openLog(file: string): number {
	if (existsSync(file) && statSync(file).size > LOG_BYTES_MAX) truncateSync(file);
	const log = openSync(file, "a", 0o600);
	if (lstatSync(file).isFile()) chmodSync(file, 0o600);
	return log;
}

function lastLine(file: string): string {
	return readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "no log";
}

interface Adopted {
	readonly pid: number;
	readonly port: number;
	readonly url: string;
	readonly dataFolder: string;
	readonly clock: Clock;
}

function adopted({ pid, port, url, dataFolder, clock }: Adopted): EmbeddedPostgres {
	const gone = async () => {
		while (isAlive(pid)) await clock.sleep(500);
	};
	return { url, port, pid, dataFolder, adopted: true, exited: gone(), stop: () => stop(pid, gone(), clock) };
}

async function stop(pid: number, exited: Promise<void>, clock: Clock): Promise<void> {
	const signal = (name: NodeJS.Signals) => {
		try {
			process.kill(pid, name);
		} catch {
			// Already gone.
		}
	};
	// SIGINT is PostgreSQL's fast shutdown: sessions are ended, everything is written.
	signal("SIGINT");
	const limit = new AbortController();
	const timedOut = clock.sleep(STOP_LIMIT_MS, limit.signal).then(
		() => signal("SIGQUIT"),
		() => {},
	);
	await Promise.race([exited, timedOut]);
	await exited;
	limit.abort();
}

/** True when the server lets us in; makes our database at the first time. */
async function answers(url: string): Promise<boolean> {
	const probe = async (database: string, work?: string) => {
		const target = new URL(url);
		target.pathname = `/${database}`;
		const client = new pg.Client({ connectionString: target.href, connectionTimeoutMillis: 2000 });
		client.on("error", () => {});
		try {
			await client.connect();
			if (work !== undefined) await client.query(work);
		} finally {
			await client.end().catch(() => {});
		}
	};
	try {
		await probe(DATABASE);
		return true;
	} catch (error) {
		if ((error as { code?: string }).code !== "3D000") return false;
	}
	try {
		await probe("postgres", `CREATE DATABASE ${DATABASE}`);
		return true;
	} catch {
		return false;
	}
}

function freePort(preferred = 0): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once("error", (error) => (preferred === 0 ? reject(error) : resolve(freePort())));
		server.listen(preferred, "127.0.0.1", () => {
			const address = server.address();
			server.close(() =>
				address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
			);
		});
	});
}
