import { connect, type Socket } from "node:net";
import { AdlayerError } from "#core/errors.js";
import type { ByteStream, OpenByteStream } from "#core/wire.js";
import type { Endpoint } from "./address.js";

/** The system looks after a silent peer from this long on; requests find it by their own time-outs much earlier. */
const KEEP_ALIVE_MS = 10_000;

class TcpStream implements ByteStream {
	private lost = false;
	private bytesListener: ((bytes: Uint8Array) => void) | undefined;
	private closeListener: ((cause?: Error) => void) | undefined;

	constructor(
		readonly name: string,
		private readonly socket: Socket,
	) {
		socket.on("data", (bytes) => this.bytesListener?.(bytes));
		socket.on("error", (cause) => this.lose(cause));
		socket.on("end", () => this.lose());
		socket.on("close", () => this.lose());
	}

	get isOpen(): boolean {
		return !this.lost && this.socket.writable;
	}

	write(bytes: Uint8Array): void {
		if (!this.isOpen) throw new AdlayerError("LINK_LOST", `The connection ${this.name} is closed.`);
		this.socket.write(bytes);
	}

	onBytes(listener: (bytes: Uint8Array) => void): void {
		this.bytesListener = listener;
	}

	onClose(listener: (cause?: Error) => void): void {
		this.closeListener = listener;
	}

	async close(): Promise<void> {
		this.closeListener = undefined;
		this.lost = true;
		this.socket.destroy();
	}

	private lose(cause?: Error): void {
		if (this.lost) return;
		this.lost = true;
		this.socket.destroy();
		this.closeListener?.(cause);
	}
}

/** Opens TCP connections to an endpoint, with small messages sent at once. Rejects with LINK_UNREACHABLE. */
export function tcpOpener(endpoint: Endpoint): OpenByteStream {
	const name = `tcp ${endpoint.host}:${endpoint.port}`;
	return () =>
		new Promise((resolve, reject) => {
			const socket = connect({
				host: endpoint.host,
				port: endpoint.port,
				noDelay: true,
				keepAlive: true,
				keepAliveInitialDelay: KEEP_ALIVE_MS,
			});
			const refuse = (cause: Error) => {
				socket.destroy();
				const message = `No connection to ${endpoint.host}:${endpoint.port}: ${cause.message}.`;
				reject(
					new AdlayerError("LINK_UNREACHABLE", message, {
						cause,
						context: { host: endpoint.host, port: endpoint.port },
					}),
				);
			};
			socket.once("error", refuse);
			socket.once("connect", () => {
				socket.removeListener("error", refuse);
				resolve(new TcpStream(name, socket));
			});
		});
}
