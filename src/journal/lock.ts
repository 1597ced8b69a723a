/** One writer for a journal: a lock file that names the process that holds it, and is worth nothing once that process is gone. */
import { randomUUID } from "node:crypto";
import {
	closeSync,
	fsyncSync,
	linkSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { AdlayerError } from "#core/errors.js";

/**
 * A holder on another machine or in another container cannot be asked; it touches the lock at every beat, and without a
 * beat for this long it is taken for dead.
 */
const SILENT_MS = 10_000;
export const BEAT_MS = 1000;
const ATTEMPTS_MAX = 10;

interface Holder {
	readonly pid: number;
	readonly host: string;
	readonly boot: string | null;
	/** The process's start time in the system's ticks: a process number is used again, the pair is not. */
	readonly started: string | null;
	readonly token: string;
}

function fileText(path: string): string | null {
	try {
		return readFileSync(path, "utf8").trim();
	} catch {
		return null;
	}
}

/** Names this boot of the machine; null where the system does not tell. */
export function bootId(): string | null {
	return fileText("/proc/sys/kernel/random/boot_id");
}

/** Start time of a process in ticks; null when there is no such process, or it has ended and was not waited for. */
function startedTicks(pid: number): string | null {
	const stat = fileText(`/proc/${pid}/stat`);
	if (stat === null) return null;
	// The name in parentheses may hold spaces; state is the first field after it, the start time the twentieth.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return fields[0] === "Z" ? null : (fields[19] ?? null);
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

export class JournalLock {
	private constructor(
		private readonly file: string,
		private readonly holder: Holder,
	) {}

	/** Throws JOURNAL_LOCKED when a live process holds the journal in `dir`. */
	static take(dir: string): JournalLock {
		const file = join(dir, "lock");
		const holder: Holder = {
			pid: process.pid,
			host: hostname(),
			boot: bootId(),
			started: startedTicks(process.pid),
			token: randomUUID(),
		};
		const mine = `${file}.${holder.token}`;
		const fd = openSync(mine, "wx", 0o644);
		try {
			writeSync(fd, JSON.stringify(holder));
			fsyncSync(fd);
			for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
				try {
					linkSync(mine, file);
					return new JournalLock(file, holder);
				} catch (error) {
					if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
				}
				clearStale(file, mine, holder);
			}
			throw locked(file, null);
		} finally {
			closeSync(fd);
			rmSync(mine, { force: true });
		}
	}

	/** Says that the holder lives. */
	beat(): void {
		try {
			// Without a time the system takes its own: the file is written again with what it holds.
			const fd = openSync(this.file, "r+");
			writeSync(fd, JSON.stringify(this.holder), 0);
			closeSync(fd);
		} catch {
			// The lock file was removed by hand; the next start makes a new one.
		}
	}

	release(): void {
		if (readHolder(this.file)?.token === this.holder.token) rmSync(this.file, { force: true });
	}
}

function readHolder(file: string): Holder | undefined {
	try {
		return JSON.parse(readFileSync(file, "utf8")) as Holder;
	} catch {
		return undefined;
	}
}

function locked(file: string, holder: Holder | null): AdlayerError {
	const who = holder === null ? "another process" : `process ${holder.pid} on ${holder.host}`;
	return new AdlayerError("JOURNAL_LOCKED", `The journal is written by ${who}, says ${file}.`, {
		context: { file, ...(holder ?? {}) },
	});
}

function clearStale(file: string, mine: string, self: Holder): void {
	const holder = readHolder(file);
	if (holder !== undefined && isHeld(file, mine, holder, self)) throw locked(file, holder);
	// Put aside before removing: another process may have replaced the stale lock by its own in between.
	const aside = `${mine}.stale`;
	try {
		renameSync(file, aside);
	} catch {
		return;
	}
	const taken = readHolder(aside);
	if (taken !== undefined && taken.token !== holder?.token) {
		try {
			linkSync(aside, file);
		} catch {
			// A third process holds it now.
		}
	}
	rmSync(aside, { force: true });
}

function isHeld(file: string, mine: string, holder: Holder, self: Holder): boolean {
	if (holder.host === self.host && holder.boot === self.boot) {
		return holder.started === null ? isRunning(holder.pid) : startedTicks(holder.pid) === holder.started;
	}
	if (holder.host === self.host) return false;
	try {
		// Both times are the file system's own.
		touch(mine);
		return statSync(mine).mtimeMs - statSync(file).mtimeMs < SILENT_MS;
	} catch {
		return false;
	}
}

function touch(file: string): void {
	const fd = openSync(file, "r+");
	writeSync(fd, readFileSync(file), 0);
	closeSync(fd);
}
