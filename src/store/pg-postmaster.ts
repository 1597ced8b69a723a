/** A PostgreSQL server that an earlier life of this process left on a cluster: found by its postmaster.pid. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#core/clock.js";

const POLL_MS = 100;
/** How long each way of ending it may take before the next, harder one. */
const PATIENCE_MS = 5000;

export interface OldServer {
	readonly pid: number;
	readonly port: number;
}

export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
	// A process that has ended but was not waited for is as good as gone.
	return !/^State:\s+Z/m.test(procFile(pid, "status") ?? "");
}

function procFile(pid: number, name: string): string | undefined {
	try {
		return readFileSync(`/proc/${pid}/${name}`, "utf8");
	} catch {
		return undefined;
	}
}

/**
 * The live server on the cluster. Removes a postmaster.pid whose process is gone, or whose number now belongs to another
 * program: PostgreSQL would refuse to start because of it.
 */
export function describeOldServer(cluster: string): OldServer | undefined {
	const file = join(cluster, "postmaster.pid");
	let lines: string[];
	try {
		lines = readFileSync(file, "utf8").split("\n");
	} catch {
		return undefined;
	}
	const pid = Number(lines[0]);
	const port = Number(lines[3]);
	if (!Number.isInteger(pid) || pid <= 0) return undefined;
	const command = procFile(pid, "cmdline");
	const isOther = command !== undefined && !command.split("\0").includes(cluster);
	if (!isAlive(pid) || isOther) {
		rmSync(file, { force: true });
		return undefined;
	}
	return { pid, port };
}

/** Ends a server that does not answer: first in order, then at once, then by force. */
export async function endOldServer(cluster: string, server: OldServer, clock: Clock): Promise<void> {
	for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
		try {
			process.kill(server.pid, signal);
		} catch {
			break;
		}
		const deadlineMs = clock.nowMs() + PATIENCE_MS;
		while (isAlive(server.pid) && clock.nowMs() < deadlineMs) await clock.sleep(POLL_MS);
		if (!isAlive(server.pid)) break;
	}
	const file = join(cluster, "postmaster.pid");
	if (existsSync(file) && !isAlive(server.pid)) rmSync(file, { force: true });
}
