import { createServer, type Server, type Socket } from "node:net";
import { AdlayerError } from "#core/errors.js";
import type { AcceptClient, LineHost } from "./line-host.js";

/** Serves a line on TCP; every connection is a client of its own. Port 0 takes a free one. Rejects with LINK_UNREACHABLE. */
export async function openTcpHost(accept: AcceptClient, host = "127.0.0.1", port = 0): Promise<LineHost> {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
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
	await listening(server, host, port);
	const address = server.address();
	const shown = host.includes(":") ? `[${host}]` : host;
	return {
		place: `${shown}:${typeof address === "object" && address !== null ? address.port : port}`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				for (const socket of sockets) socket.destroy();
			}),
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
