import { connect, type Socket } from "node:net";
import { setTimeout as rest } from "node:timers/promises";
import { SteppedClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";

/** The lab's first word: its time, the wall time that goes with it, and how fast it would like to go. */
export interface PaceHello {
	readonly now: number;
	readonly wall: number;
	readonly speed: number;
}

/** "Act up to and including now." */
export interface PaceAdvance {
	readonly now: number;
}

/** "Everything due by `upTo` is done; nothing is due before `next`" (null: nothing at all). */
export interface PaceAck {
	readonly upTo: number;
	readonly next: number | null;
}

/** "Have you read what was sent to you?", and the same back: "I have." */
export interface PaceEcho {
	readonly echo: number;
}

/** Both ends of a wire have read what was on it after having run for so long. */
export const READ_MS = 20;
/** Far above any message of this protocol; whoever sends more speaks another one. */
const MESSAGE_CHARS_MAX = 4096;

/** Cuts a stream of text into JSON lines, each within `charsMax`. */
export class JsonLines {
	private rest = "";

	constructor(private readonly charsMax: number) {}

	/** Gives the messages that are complete now. Throws MESSAGE_TOO_LARGE or REPLY_INVALID. */
	push(text: string): unknown[] {
		const lines = (this.rest + text).split("\n");
		this.rest = lines.pop() ?? "";
		const longest = lines.reduce((most, line) => Math.max(most, line.length), this.rest.length);
		if (longest > this.charsMax) {
			throw new AdlayerError(
				"MESSAGE_TOO_LARGE",
				`A message of ${longest} characters is longer than ${this.charsMax}.`,
			);
		}
		return lines.filter((line) => line.trim() !== "").map(parseLine);
	}
}

function parseLine(line: string): unknown {
	try {
		return JSON.parse(line);
	} catch (cause) {
		throw new AdlayerError("REPLY_INVALID", `A message is not JSON: ${line.slice(0, 80)}`, { cause });
	}
}

/**
 * Control's end of accelerated time. The lab owns time: this clock moves only when the lab says so, one instant after the
 * other, and the lab hears when everything due is done. Lab time stands still between `connectPace` and `start`.
 */
export class PaceClient {
	readonly clock: SteppedClock;
	readonly speed: number;
	private readonly waiting: PaceAdvance[] = [];
	private hasStarted = false;
	private isWorking = false;
	private echoes = 0;
	private echoed: (() => void) | undefined;
	private lost: Error | undefined;
	private lostListener: ((cause: Error) => void) | undefined;

	constructor(
		hello: PaceHello,
		private readonly socket: Socket,
	) {
		this.clock = new SteppedClock({ startMs: hello.now, wallStartMs: hello.wall });
		this.speed = hello.speed;
	}

	/** Begins to act on the lab's word; first on everything due at the time of the connection. */
	start(): void {
		if (this.hasStarted) return;
		this.hasStarted = true;
		this.take({ now: this.clock.nowMs() });
	}

	/** Registers the one listener that hears when the lab has gone; at once when it has gone already. */
	onLost(listener: (cause: Error) => void): void {
		this.lostListener = listener;
		if (this.lost !== undefined) listener(this.lost);
	}

	close(): void {
		this.lostListener = undefined;
		this.socket.destroy();
	}

	/** A message from the lab. */
	take(message: PaceAdvance | PaceEcho): void {
		if ("echo" in message) {
			this.echoed?.();
			return;
		}
		this.waiting.push(message);
		if (this.hasStarted && !this.isWorking) void this.work();
	}

	/** The connection has ended. */
	end(cause: Error): void {
		if (this.lost !== undefined) return;
		this.lost = cause;
		this.echoed?.();
		this.lostListener?.(cause);
	}

	private async work(): Promise<void> {
		this.isWorking = true;
		try {
			for (let message = this.waiting.shift(); message !== undefined; message = this.waiting.shift()) {
				await this.actUpTo(message.now);
			}
		} catch (failure) {
			// A timer's own mistake is the owner's to handle, outside this chain; lab time stands still.
			queueMicrotask(() => {
				throw failure;
			});
		} finally {
			this.isWorking = false;
		}
	}

	private async actUpTo(nowMs: number): Promise<void> {
		// What outsiders (control link, files) set in motion meanwhile comes before the next instant.
		await this.clock.answers(this.heard);
		while (this.clock.fireNext(nowMs)) await this.clock.answers(this.heard);
		const nextMs = this.clock.nextDueMs();
		const ack: PaceAck = { upTo: nowMs, next: Number.isFinite(nextMs) ? nextMs : null };
		if (this.socket.writable) this.socket.write(`${JSON.stringify(ack)}\n`);
	}

	/** The lab has had the time to answer, and this process to read it, however busy the machine is. */
	private readonly heard = async (): Promise<void> => {
		if (!this.socket.writable) return;
		const echoed = new Promise<void>((resolve) => {
			this.echoed = resolve;
		});
		this.echoes += 1;
		const echo: PaceEcho = { echo: this.echoes };
		this.socket.write(`${JSON.stringify(echo)}\n`);
		await echoed;
		await rest(READ_MS);
	};
}

/** Connects to the lab's pace socket (a path) and waits for its first word. Rejects with LINK_UNREACHABLE or REPLY_INVALID. */
export function connectPace(path: string): Promise<PaceClient> {
	return new Promise((resolve, reject) => {
		const socket = connect(path);
		socket.setEncoding("utf8");
		const lines = new JsonLines(MESSAGE_CHARS_MAX);
		let client: PaceClient | undefined;
		const fail = (cause?: Error) => {
			socket.destroy();
			const lost = new AdlayerError("LINK_UNREACHABLE", `The simulated lab's time at ${path} cannot be reached.`, {
				cause,
			});
			if (client === undefined) reject(lost);
			else client.end(lost);
		};
		socket.on("error", fail);
		socket.on("close", () => fail());
		socket.on("data", (text: string) => {
			try {
				for (const message of lines.push(text)) {
					if (client === undefined) {
						client = new PaceClient(readHello(message), socket);
						resolve(client);
					} else client.take(readWord(message));
				}
			} catch (cause) {
				fail(cause instanceof Error ? cause : undefined);
			}
		});
	});
}

function readHello(message: unknown): PaceHello {
	const { now, wall, speed } = (message ?? {}) as Partial<Record<keyof PaceHello, unknown>>;
	if (typeof now === "number" && typeof wall === "number" && typeof speed === "number") return { now, wall, speed };
	throw new AdlayerError("REPLY_INVALID", `The lab's first word is not {now, wall, speed}: ${JSON.stringify(message)}`);
}

function readWord(message: unknown): PaceAdvance | PaceEcho {
	const { now, echo } = (message ?? {}) as { now?: unknown; echo?: unknown };
	if (typeof now === "number") return { now };
	if (typeof echo === "number") return { echo };
	throw new AdlayerError("REPLY_INVALID", `The lab's word is not {now} or {echo}: ${JSON.stringify(message)}`);
}
