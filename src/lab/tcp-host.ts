import { createServer, type Server, type Socket } from "node:net";
import { AdlayerError } from "#core/errors.js";
import type { AcceptClient, LineHost } from "./line-host.js";

/** When somebody else has taken the port of an unplugged line meanwhile, it is tried again this often. */
const LISTEN_AGAIN_MS = 100;

/** Serves a line on TCP; every connection is a client of its own. Port 0 takes a free one. Rejects with LINK_UNREACHABLE. */
export async function openTcpHost(accept: AcceptClient, host = "127.0.0.1", port = 0): Promise<LineHost> {
	const sockets = new Set<Socket>();
	const makeServer = () =>
		createServer((socket) => {
			sockets.add(socket);
			socket.setNoDelay(true);
			const client = accept((bytes) => {
				if (socket.writable) socket.write(bytes);
			});
			socket.on("data", (bytes) => client.receive(bytes));
			// A client that breaks off is not the lab's concern.
			socket.on("error", () => {});
			socket.on("close", () => {
				sockets.delete(socket);
				client.close();
			});
		});
	let server = makeServer();
	await listening(server, host, port);
	const address = server.address();
	const shown = host.includes(":") ? `[${host}]` : host;
	const takenPort = typeof address === "object" && address !== null ? address.port : port;
	let isPlugged = true;
	let again: NodeJS.Timeout | undefined;
	const end = () =>
		new Promise<void>((resolve) => {
			clearTimeout(again);
			server.close(() => resolve());
			for (const socket of sockets) socket.destroy();
		});
	const listenAgain = () => {
		server = makeServer();
		listening(server, host, takenPort).catch(() => {
			if (isPlugged) again = setTimeout(listenAgain, LISTEN_AGAIN_MS);
		});
	};
	return {
		place: `${shown}:${takenPort}`,
		plug: (plugged) => {
			if (plugged === isPlugged) return;
			isPlugged = plugged;
			if (plugged) listenAgain();
			else void end();
		},
		close: () => {
			isPlugged = false;
			return end();
		},
	};
}

function listening(server: Server, host: string, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once("error", (cause) => {
			reject(new AdlayerError("LINK_UNREACHABLE", `The simulated lab cannot listen on ${host}:${port}.`, { cause }));
		});
		server.listen(port, host, () => resolve());
	});
}
