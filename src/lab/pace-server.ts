import { createServer, type Server, type Socket } from "node:net";
import { AdlayerError } from "#core/errors.js";
import { JsonLines, type PaceAck, type PaceEcho, type PaceHello, READ_MS } from "#transport/pace-client.js";
import { listenLocal } from "./local-socket.js";
import { GRID_MS } from "./simulated-lab.js";

/** Without a client, lab time moves with real time in steps of this length. */
const FREE_STEP_MS = 20;
/** A timer of the system cannot wait less than this; shorter waits are saved up. */
const REAL_WAIT_MS_MIN = 1;
/** When clients are slower than the wanted speed, at most this much real time is made up for later. */
const CATCH_UP_MS = 250;
const MESSAGE_CHARS_MAX = 4096;

interface Client {
	readonly socket: Socket;
	/** Up to when it has acted; -1 before its first word. */
	upToMs: number;
	/** Nothing of its own is due before this. */
	nextMs: number;
}

export interface PaceServerOptions {
	/** Lab time per real time; above 0 and finite. A figure that clients cannot keep up with gives what they can. */
	readonly speed: number;
	/** Wall time (Unix ms) at lab time 0. */
	readonly wallAtZeroMs: number;
	/** Brings the lab to a time. */
	readonly advanceTo: (nowMs: number) => void;
}

/**
 * The lab's end of accelerated time. Time moves to the next instant at which any client has something to do, at most GRID_MS
 * at once, and not before every client has acted up to the last one. Without clients it runs with real time. A connected
 * client that does not answer stops time.
 */
export class PaceServer {
	private readonly server: Server;
	private readonly clients = new Set<Client>();
	private now = 0;
	private isClosed = false;
	private wake: (() => void) | undefined;
	private anchor: { labMs: number; realMs: number };
	private running: Promise<void> | undefined;

	constructor(private readonly options: PaceServerOptions) {
		this.server = createServer((socket) => this.admit(socket));
		this.anchor = { labMs: 0, realMs: performance.now() };
	}

	get nowMs(): number {
		return this.now;
	}

	/** Begins to listen on a local socket and to move time. Rejects with LINK_UNREACHABLE. */
	async start(path: string): Promise<void> {
		await listenLocal(this.server, path);
		this.anchorHere();
		this.running = this.run();
	}

	async close(): Promise<void> {
		this.isClosed = true;
		this.wake?.();
		await this.running;
		for (const client of this.clients) client.socket.destroy();
		await new Promise<void>((resolve) => this.server.close(() => resolve()));
	}

	private async run(): Promise<void> {
		while (!this.isClosed) {
			if (this.clients.size === 0) await this.freeStep();
			else if (this.haveAllActed()) await this.pacedStep();
			else await this.woken();
		}
	}

	private async freeStep(): Promise<void> {
		const { labMs, realMs } = this.anchor;
		this.moveTo(labMs + (performance.now() - realMs));
		await this.woken(FREE_STEP_MS);
		if (this.clients.size > 0) this.anchorHere();
	}

	private async pacedStep(): Promise<void> {
		let targetMs = this.now + GRID_MS;
		for (const client of this.clients) targetMs = Math.min(targetMs, client.nextMs);
		targetMs = Math.max(targetMs, this.now);
		const { speed } = this.options;
		const dueRealMs = this.anchor.realMs + (targetMs - this.anchor.labMs) / speed;
		const waitMs = dueRealMs - performance.now();
		if (waitMs >= REAL_WAIT_MS_MIN) {
			// Woken early: somebody came or went, so the target is looked for again.
			if (await this.woken(waitMs)) return;
		} else if (waitMs < -CATCH_UP_MS) {
			this.anchor = { labMs: targetMs, realMs: performance.now() - CATCH_UP_MS };
		}
		if (this.clients.size === 0 || this.isClosed) return;
		this.moveTo(targetMs);
		const word = `${JSON.stringify({ now: this.now })}\n`;
		for (const client of this.clients) {
			client.upToMs = -1;
			if (client.socket.writable) client.socket.write(word);
		}
	}

	private moveTo(nowMs: number): void {
		this.now = Math.max(this.now, nowMs);
		this.options.advanceTo(this.now);
	}

	private haveAllActed(): boolean {
		for (const client of this.clients) if (client.upToMs < this.now) return false;
		return true;
	}

	/** Waits until something happens (true) or `realMs` have passed (false). */
	private woken(realMs?: number): Promise<boolean> {
		return new Promise((resolve) => {
			const handle = realMs === undefined ? undefined : setTimeout(() => done(false), realMs);
			const done = (early: boolean) => {
				clearTimeout(handle);
				this.wake = undefined;
				resolve(early);
			};
			this.wake = () => done(true);
			if (this.isClosed) done(true);
		});
	}

	private anchorHere(): void {
		this.anchor = { labMs: this.now, realMs: performance.now() };
	}

	private admit(socket: Socket): void {
		const client: Client = { socket, upToMs: -1, nextMs: this.now };
		const lines = new JsonLines(MESSAGE_CHARS_MAX);
		socket.setEncoding("utf8");
		socket.on("data", (text: string) => {
			try {
				for (const message of lines.push(text)) this.hear(client, message);
			} catch (failure) {
				socket.destroy(failure instanceof Error ? failure : undefined);
			}
		});
		socket.on("error", () => {});
		socket.on("close", () => {
			this.clients.delete(client);
			if (this.clients.size === 0) this.anchorHere();
			this.wake?.();
		});
		this.clients.add(client);
		const hello: PaceHello = { now: this.now, wall: this.options.wallAtZeroMs + this.now, speed: this.options.speed };
		socket.write(`${JSON.stringify(hello)}\n`);
		this.wake?.();
	}

	private hear(client: Client, message: unknown): void {
		const { upTo, next, echo } = (message ?? {}) as Partial<Record<keyof (PaceAck & PaceEcho), unknown>>;
		if (typeof echo === "number") {
			this.echo(client, { echo });
			return;
		}
		if (typeof upTo !== "number" || !(next === null || typeof next === "number")) {
			throw new AdlayerError(
				"REPLY_INVALID",
				`A client's word is not {upTo, next} or {echo}: ${JSON.stringify(message)}`,
			);
		}
		client.upToMs = upTo;
		client.nextMs = next ?? Number.POSITIVE_INFINITY;
		if (this.haveAllActed()) this.wake?.();
	}

	/** Once everything that the client sent before has been read and answered. */
	private echo(client: Client, echo: PaceEcho): void {
		setTimeout(() => {
			if (client.socket.writable) client.socket.write(`${JSON.stringify(echo)}\n`);
		}, READ_MS);
	}
}
