import { chmodSync, rmSync } from "node:fs";
import { connect, type Server } from "node:net";
import { AdlayerError } from "#core/errors.js";

/** A Unix socket path past 107 bytes is silently truncated by the system. */
const PATH_BYTES_MAX = 107;
/** For the owner and the group, as the control link. */
const SOCKET_MODE = 0o660;

/**
 * Listens on a local socket; a socket file that nobody answers on is left over from a killed lab and is replaced. Rejects
 * with LINK_UNREACHABLE, also when another lab is alive there.
 */
export async function listenLocal(server: Server, path: string): Promise<void> {
	const isPipe = process.platform === "win32";
	if (!isPipe && Buffer.byteLength(path) > PATH_BYTES_MAX) {
		throw new AdlayerError("LINK_UNREACHABLE", `Socket path ${path} is longer than ${PATH_BYTES_MAX} bytes.`, {
			hint: "Choose a data folder with a shorter path.",
		});
	}
	if (await answers(path)) throw new AdlayerError("LINK_UNREACHABLE", `Another simulated lab is listening on ${path}.`);
	if (!isPipe) rmSync(path, { force: true });
	await new Promise<void>((resolve, reject) => {
		server.once("error", (cause) =>
			reject(new AdlayerError("LINK_UNREACHABLE", `The lab cannot listen on ${path}.`, { cause })),
		);
		server.listen(path, () => resolve());
	});
	if (!isPipe) chmodSync(path, SOCKET_MODE);
}

function answers(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(path);
		socket.on("connect", () => {
			socket.destroy();
			resolve(true);
		});
		socket.on("error", () => resolve(false));
	});
}
