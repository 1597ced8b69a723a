import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { type Clock, SystemClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { RunState } from "#record/records.js";
import { LineSplitter } from "./lines.js";
import { type CommandName, type ControlCommands, LINK_VERSION, type LinkReply, MESSAGE_BYTES_MAX } from "./messages.js";

const TIMEOUT_MS = 5000;
/** Status of a large lab is the longest answer; the bound on messages is for what comes to control. */
const REPLY_BYTES_MAX = 4 * 1024 * 1024;

export interface RequestOptions {
	/** Refused with STATE_CHANGED when the present run is in another state. */
	readonly ifState?: RunState;
	readonly timeoutMs?: number;
	/** To repeat a request whose answer was lost: control does it once and gives the same answer. */
	readonly id?: string;
}

export interface Answer<Name extends CommandName> {
	/** The journal's number of the command. */
	readonly seq: number;
	readonly result: ControlCommands[Name]["result"];
}

/** The callers' end of the control link. Every request makes its own connection: there is nothing to reconnect. */
export class ControlClient {
	constructor(
		private readonly socketPath: string,
		private readonly clock: Clock = new SystemClock(),
	) {}

	/**
	 * Asks control to do a command. Rejects with control's own error, with MESSAGE_TOO_LARGE before sending, or with
	 * CONTROL_UNREACHABLE when control does not answer in time (5 s unless told); whether it was done is then not known,
	 * and the same id asked again tells.
	 */
	async request<Name extends CommandName>(
		command: Name,
		args: ControlCommands[Name]["args"],
		options: RequestOptions = {},
	): Promise<ControlCommands[Name]["result"]> {
		return (await this.requestWithSeq(command, args, options)).result;
	}

	/** Like `request`, with the journal's number of the command. */
	async requestWithSeq<Name extends CommandName>(
		command: Name,
		args: ControlCommands[Name]["args"],
		options: RequestOptions = {},
	): Promise<Answer<Name>> {
		const { ifState, timeoutMs = TIMEOUT_MS, id = randomUUID() } = options;
		const line = JSON.stringify({ v: LINK_VERSION, id, command, args, ...(ifState === undefined ? {} : { ifState }) });
		const bytes = Buffer.byteLength(line);
		if (bytes > MESSAGE_BYTES_MAX) {
			throw new AdlayerError(
				"MESSAGE_TOO_LARGE",
				`The message has ${bytes} bytes; the control link allows ${MESSAGE_BYTES_MAX}.`,
				{
					context: { bytes, bytesMax: MESSAGE_BYTES_MAX },
				},
			);
		}
		const reply = await this.exchange(`${line}\n`, timeoutMs);
		if ("error" in reply) throw AdlayerError.fromJSON(reply.error as Parameters<typeof AdlayerError.fromJSON>[0]);
		return { seq: reply.seq, result: reply.result as ControlCommands[Name]["result"] };
	}

	private exchange(line: string, timeoutMs: number): Promise<LinkReply> {
		return new Promise((resolve, reject) => {
			const socket: Socket = connect(this.socketPath);
			const lines = new LineSplitter(REPLY_BYTES_MAX);
			const settle = (finish: () => void) => {
				timer.cancel();
				socket.destroy();
				finish();
			};
			const fail = (why: string, cause?: unknown) =>
				settle(() =>
					reject(
						new AdlayerError("CONTROL_UNREACHABLE", `Control at ${this.socketPath} ${why}.`, {
							cause,
							context: { socketPath: this.socketPath },
						}),
					),
				);
			const timer = this.clock.setTimer(timeoutMs, () => fail(`did not answer within ${timeoutMs / 1000} s`));
			socket.on("connect", () => socket.write(line));
			socket.on("error", (error: NodeJS.ErrnoException) =>
				fail(`cannot be reached (${error.code ?? error.message})`, error),
			);
			socket.on("close", () => fail("closed the connection without an answer"));
			socket.on("data", (chunk) => {
				const complete = lines.push(chunk);
				if (complete === undefined) return fail("sent an answer that is too long");
				const [first] = complete;
				if (first === undefined) return;
				try {
					const reply = JSON.parse(first) as LinkReply;
					settle(() => resolve(reply));
				} catch (error) {
					fail("sent an answer that is not JSON", error);
				}
			});
		});
	}
}
