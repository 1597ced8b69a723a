import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { ReadStream } from "node:tty";
import { AdlayerError } from "#core/errors.js";
import type { AcceptClient, LineHost } from "./line-host.js";

/** What node-pty's `open()` really gives; its types do not say. */
interface PtyPair {
	readonly _master: ReadStream;
	readonly _slave: ReadStream;
	readonly _pty: string;
}

type OpenPty = (options: { encoding: null }) => PtyPair;

/** node-pty's `open()`; undefined where the platform or the installation has none (Windows). */
export async function loadOpenPty(): Promise<OpenPty | undefined> {
	if (process.platform === "win32") return undefined;
	try {
		const pty = (await import("@lydell/node-pty")) as unknown as { open?: OpenPty; default?: { open?: OpenPty } };
		return pty.open ?? pty.default?.open;
	} catch {
		return undefined;
	}
}

/**
 * Serves a line on a pseudo-terminal: `place` is a path that a client opens like a serial port, a link in `folder` to the
 * terminal itself. Bytes of any value pass both ways. Everyone who opens the path is the same client, as on a cable. An
 * unplugged line is an adapter that was pulled out: its path is gone. Throws LINK_UNREACHABLE.
 */
export function openPtyHost(openPty: OpenPty, line: string, accept: AcceptClient, folder: string): LineHost {
	const place = join(folder, line);
	let served: ServedPty | undefined = servePty(openPty, line, accept);
	const link = () => {
		rmSync(place, { force: true });
		if (served !== undefined) symlinkSync(served.path, place);
	};
	link();
	return {
		place,
		plug: (isPlugged) => {
			if (isPlugged === (served !== undefined)) return;
			if (isPlugged) served = servePty(openPty, line, accept);
			else {
				void served!.close();
				served = undefined;
			}
			link();
		},
		close: async () => {
			await served?.close();
			served = undefined;
			link();
		},
	};
}

interface ServedPty {
	readonly path: string;
	close(): Promise<void>;
}

function servePty(openPty: OpenPty, line: string, accept: AcceptClient): ServedPty {
	let pair: PtyPair;
	try {
		pair = openPty({ encoding: null });
	} catch (cause) {
		throw new AdlayerError("LINK_UNREACHABLE", `No pseudo-terminal could be opened for line ${line}.`, { cause });
	}
	const path = pair._pty;
	// A descriptor of our own, never read, keeps the line up while no client has it open; the slave's read stream would
	// steal the client's bytes.
	const keepOpen = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
	pair._slave.destroy();
	makeRaw(path);
	const master = pair._master;
	const client = accept((bytes) => {
		if (!master.destroyed) master.write(bytes);
	});
	master.on("data", (bytes: Uint8Array) => client.receive(bytes));
	// The end of a pty is an error on Linux; nothing is lost that a client still waits for.
	master.on("error", () => {});
	return {
		path,
		close: () =>
			new Promise((resolve) => {
				client.close();
				master.once("close", () => resolve());
				closeSync(keepOpen);
				master.destroy();
			}),
	};
}

/** No echo, no line editing, no translation. A serial-port client does this itself when it opens; other clients do not. */
function makeRaw(path: string): void {
	const device = process.platform === "linux" ? "-F" : "-f";
	spawnSync("stty", [device, path, "raw", "-echo"], { stdio: "ignore" });
}
