/**
 * Builds the product: the Prisma client from prisma/schema.prisma, then `dist` by tsc. Works offline with what is in
 * node_modules, does nothing (and writes nothing) when nothing changed, and may run twice at once.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const generated = join(root, "src/store/generated");
const generatedStamp = join(generated, ".stamp");
const dist = join(root, "dist");
const distStamp = join(dist, ".build-stamp");
const lock = join(dist, ".build-lock");
/** Longer than any build; a lock whose process is alive is waited for this long. */
const LOCK_WAIT_MS = 300_000;
const LOCK_POLL_MS = 100;

function packageFile(name, path) {
	return join(dirname(require.resolve(`${name}/package.json`)), path);
}

function clientKey() {
	const hash = createHash("sha256");
	hash.update(readFileSync(join(root, "prisma/schema.prisma")));
	hash.update(JSON.parse(readFileSync(packageFile("prisma", "package.json"), "utf8")).version);
	return hash.digest("hex");
}

/** Everything that tsc's output depends on, by size and time of change. */
function sourceKey() {
	const hash = createHash("sha256");
	const add = (path) => {
		const stat = statSync(path);
		hash.update(`${relative(root, path)} ${stat.size} ${stat.mtimeMs}\n`);
	};
	const walk = (folder) => {
		for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
			const path = join(folder, entry.name);
			if (entry.isDirectory()) walk(path);
			else if (/\.(ts|mts|json)$/.test(entry.name)) add(path);
		}
	};
	walk(join(root, "src"));
	walk(join(root, "drivers"));
	for (const file of ["package.json", "package-lock.json", "tsconfig.json"]) add(join(root, file));
	return hash.digest("hex");
}

function stamped(stamp, key) {
	try {
		return readFileSync(stamp, "utf8") === key;
	} catch {
		return false;
	}
}

function isUpToDate() {
	return stamped(generatedStamp, clientKey()) && stamped(distStamp, sourceKey());
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === "EPERM";
	}
}

function pause(ms) {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Removes the lock of a dead process, and gives it back when another build was quicker and it is already that one's. */
function takeAway(deadHolder) {
	const aside = `${lock}.${process.pid}`;
	try {
		renameSync(lock, aside);
		if (Number(readFileSync(aside, "utf8")) !== deadHolder) linkSync(aside, lock);
	} catch (error) {
		if (error.code !== "ENOENT" && error.code !== "EEXIST") throw error;
	}
	rmSync(aside, { force: true });
}

/** One build at a time; a lock left by a dead build is taken over. */
function withLock(work) {
	mkdirSync(dist, { recursive: true });
	const deadline = Date.now() + LOCK_WAIT_MS;
	for (;;) {
		try {
			writeFileSync(lock, String(process.pid), { flag: "wx" });
			break;
		} catch (error) {
			if (error.code !== "EEXIST") throw error;
		}
		let holder = Number.NaN;
		try {
			holder = Number(readFileSync(lock, "utf8"));
		} catch {
			continue;
		}
		// An empty lock is one whose process is just writing its number.
		if (holder > 0 && !isAlive(holder)) takeAway(holder);
		else if (Date.now() > deadline)
			throw new Error(`Another build (process ${holder}) has held ${lock} for 5 minutes.`);
		else pause(LOCK_POLL_MS);
	}
	try {
		return work();
	} finally {
		rmSync(lock, { force: true });
	}
}

function run(what, script, args, env = {}) {
	const result = spawnSync(process.execPath, [script, ...args], {
		cwd: root,
		env: { ...process.env, ...env },
		encoding: "utf8",
		maxBuffer: 64 * 1024 * 1024,
	});
	if (result.status === 0) return;
	process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}\n${what} failed.\n`);
	process.exitCode = result.status ?? 1;
	throw new BuildFailed();
}

class BuildFailed extends Error {}

function generateClient() {
	const key = clientKey();
	if (stamped(generatedStamp, key)) return;
	rmSync(generatedStamp, { force: true });
	run(
		"Generating the Prisma client",
		packageFile("prisma", "build/index.js"),
		["generate", "--schema", "prisma/schema.prisma"],
		{
			// The generator runs on WASM; the engine is asked for but never run, so any executable will do and none is downloaded.
			PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
			CHECKPOINT_DISABLE: "1",
			PRISMA_HIDE_UPDATE_MESSAGE: "1",
		},
	);
	writeFileSync(generatedStamp, key);
}

function compile() {
	const key = sourceKey();
	if (stamped(distStamp, key)) return;
	rmSync(distStamp, { force: true });
	run("tsc", packageFile("typescript", "bin/tsc"), ["-p", "tsconfig.json"]);
	writeFileSync(distStamp, key);
}

try {
	if (!isUpToDate()) {
		withLock(() => {
			generateClient();
			compile();
		});
	}
} catch (error) {
	if (!(error instanceof BuildFailed)) throw error;
}
