/** A TCP server that can be ended at once, whoever is connected. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface TcpService {
	readonly port: number;
	/** `settle` runs once nobody new can connect, before those who still are get cut off. */
	close(settle?: () => Promise<void>): Promise<void>;
}

export interface TcpServiceOptions {
	readonly host: string;
	/** 0 takes a free one. */
	readonly port: number;
	/** Clients at a time; further ones are turned away. */
	readonly connectionsMax: number;
}

/** Hands each connection to `serve`. Rejects with the system's error when it cannot listen. */
export async function serveTcp(
	{ host, port, connectionsMax }: TcpServiceOptions,
	serve: (socket: Socket) => void,
): Promise<TcpService> {
	const sockets = new Set<Socket>();
	const server = createServer({ noDelay: true }, (socket) => {
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
		socket.on("error", () => socket.destroy());
		serve(socket);
	});
	server.maxConnections = connectionsMax;
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(port, host, resolve);
	});
	return {
		port: (server.address() as AddressInfo).port,
		close: async (settle) => {
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			await settle?.();
			for (const socket of sockets) socket.destroy();
			await closed;
		},
	};
}
