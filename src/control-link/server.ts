import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { AdlayerError, asAdlayerError, assert } from "#core/errors.js";
import { LineSplitter } from "./lines.js";
import {
	type CommandHandler,
	type CommandName,
	LINK_VERSION,
	type LinkReply,
	type LinkRequest,
	MESSAGE_BYTES_MAX,
	SOCKET_PATH_BYTES_MAX,
} from "./messages.js";

/** The service, a few command lines and a stuck one or two. */
const CLIENTS_MAX = 32;
/** Answers kept for repeated ids; a caller repeats within seconds. */
const ANSWERS_KEPT_MAX = 1000;
/** A caller that sends without waiting for answers is held back. */
const IN_FLIGHT_MAX = 64;
const SOCKET_MODE = 0o660;
const ID_LENGTH_MAX = 200;
const SHOWN_LENGTH_MAX = 80;

const COMMANDS: Record<CommandName, true> = {
	status: true,
	launch: true,
	command: true,
	confirm: true,
	campaigns: true,
	campaign: true,
	"create-campaign": true,
	"command-campaign": true,
	maintenance: true,
	"change-bottle": true,
	tune: true,
	"tune-progress": true,
	"loop-settings": true,
	"apply-loop-settings": true,
	"manual-set": true,
	"manual-dose": true,
	"make-safe": true,
	"acknowledge-alarm": true,
	"shelve-alarm": true,
	"unshelve-alarm": true,
	"remove-alarm": true,
	"return-alarm": true,
	cyclers: true,
	"cell-tests": true,
	"start-cell-test": true,
	"stop-cell-test": true,
	"report-service": true,
	"reset-interlock": true,
};

/** Done again when they are repeated: their answers are not kept. */
const REPEATABLE: ReadonlySet<CommandName> = new Set(["status", "tune-progress", "loop-settings", "report-service"]);

export interface ControlServerOptions {
	/** At most 107 bytes. */
	readonly socketPath: string;
	readonly handle: CommandHandler;
}

/**
 * Control's end of the link. Nothing that a client sends can end it: what cannot be read is answered with an error, and a
 * client that breaks the bounds is disconnected.
 */
export class ControlServer {
	private readonly answers = new Map<string, Promise<LinkReply>>();
	private readonly clients = new Set<Socket>();

	private constructor(
		private readonly server: Server,
		private readonly options: ControlServerOptions,
	) {
		server.on("connection", (socket) => this.accept(socket));
		server.on("error", () => {});
		server.maxConnections = CLIENTS_MAX;
	}

	/** Listens. Rejects with CONTROL_LINK_IN_USE when another process listens on the path. */
	static async listen(options: ControlServerOptions): Promise<ControlServer> {
		assertPath(options.socketPath);
		await removeStale(options.socketPath);
		const server = createServer();
		const control = new ControlServer(server, options);
		// Made unreadable for others from the first moment: the mode is set before anybody can connect.
		const mask = process.umask(0o117);
		try {
			await new Promise<void>((resolve, reject) => {
				server.once("error", reject);
				server.listen(options.socketPath, () => {
					server.off("error", reject);
					resolve();
				});
			});
		} finally {
			process.umask(mask);
		}
		chmodSync(options.socketPath, SOCKET_MODE);
		return control;
	}

	async close(): Promise<void> {
		const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
		for (const socket of this.clients) socket.destroy();
		await closed;
	}

	private accept(socket: Socket): void {
		this.clients.add(socket);
		const lines = new LineSplitter(MESSAGE_BYTES_MAX);
		let inFlight = 0;
		socket.on("close", () => this.clients.delete(socket));
		socket.on("error", () => socket.destroy());
		socket.on("data", (chunk) => {
			const complete = lines.push(chunk);
			if (complete === undefined) {
				socket.end(encode({ id: "", error: tooLarge().toJSON() }));
				return;
			}
			for (const line of complete) {
				inFlight += 1;
				if (inFlight >= IN_FLIGHT_MAX) socket.pause();
				void this.answer(line).then((reply) => {
					inFlight -= 1;
					if (!socket.writable) return;
					socket.write(encode(reply));
					socket.resume();
				});
			}
		});
	}

	/** Never rejects. A command is done once for an id, however often and by whomever it is sent. */
	private answer(line: string): Promise<LinkReply> {
		let request: LinkRequest;
		try {
			request = parseRequest(line);
		} catch (error) {
			return Promise.resolve({ id: idOf(line), error: asAdlayerError(error).toJSON() });
		}
		// A question changes nothing, and its answer is large; a report comes every second and would push others' answers out.
		if (REPEATABLE.has(request.command)) return this.perform(request);
		const known = this.answers.get(request.id);
		if (known !== undefined) return known;
		const reply = this.perform(request);
		this.answers.set(request.id, reply);
		if (this.answers.size > ANSWERS_KEPT_MAX) this.answers.delete(this.answers.keys().next().value!);
		return reply;
	}

	private async perform(request: LinkRequest): Promise<LinkReply> {
		try {
			return { id: request.id, ...(await this.options.handle(request)) };
		} catch (error) {
			return { id: request.id, error: asAdlayerError(error).toJSON() };
		}
	}
}

function tooLarge(): AdlayerError {
	return new AdlayerError(
		"MESSAGE_TOO_LARGE",
		`A message on the control link is longer than ${MESSAGE_BYTES_MAX} bytes.`,
		{
			context: { bytesMax: MESSAGE_BYTES_MAX },
		},
	);
}

function encode(reply: LinkReply): string {
	return `${JSON.stringify(reply)}\n`;
}

function parseRequest(line: string): LinkRequest {
	const value = readJson(line);
	const refuse = (message: string, path = ""): never => refuseAt(path, message);
	if (typeof value !== "object" || value === null || Array.isArray(value))
		return refuse("A message on the control link must be a JSON object.");
	const { v, id, command, args, ifState } = value as Record<string, unknown>;
	if (v !== LINK_VERSION)
		return refuse(`The message has version ${shown(v)}; this control speaks ${LINK_VERSION}.`, "v");
	if (typeof id !== "string" || id === "" || id.length > ID_LENGTH_MAX)
		return refuse(`The message needs an id of 1 to ${ID_LENGTH_MAX} characters.`, "id");
	if (typeof command !== "string" || !Object.hasOwn(COMMANDS, command))
		return refuse(`There is no command ${shown(command)}.`, "command");
	if (typeof args !== "object" || args === null || Array.isArray(args))
		return refuse(`The arguments of ${command} must be an object.`, "args");
	if (ifState !== undefined && typeof ifState !== "string")
		return refuse("ifState must be the name of a state.", "ifState");
	return value as LinkRequest;
}

/** `path` is the member of the message; empty for the whole. */
function refuseAt(path: string, message: string, cause?: unknown): never {
	throw new AdlayerError("USAGE", message, { problems: [{ severity: "error", code: "USAGE", message, path }], cause });
}

/** What was given, as far as it fits into a sentence. */
const shown = (value: unknown): string =>
	value === undefined ? "none" : JSON.stringify(value).slice(0, SHOWN_LENGTH_MAX);

function readJson(line: string): unknown {
	try {
		return JSON.parse(line);
	} catch (cause) {
		return refuseAt("", "A message on the control link is not JSON.", cause);
	}
}

/** The id of a message that is otherwise refused, so that the caller knows its answer. */
function idOf(line: string): string {
	try {
		const { id } = JSON.parse(line) as { id?: unknown };
		return typeof id === "string" ? id.slice(0, ID_LENGTH_MAX) : "";
	} catch {
		return "";
	}
}

function assertPath(path: string): void {
	const bytes = Buffer.byteLength(path);
	assert(
		bytes <= SOCKET_PATH_BYTES_MAX,
		`The socket path ${path} has ${bytes} bytes; the system cuts it after ${SOCKET_PATH_BYTES_MAX}.`,
	);
}

/** Removes the socket of a dead process; a live one or another kind of file is left and refused. */
async function removeStale(path: string): Promise<void> {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) return;
	if (stat.isSocket() && !(await isListening(path))) {
		rmSync(path, { force: true });
		return;
	}
	const what = stat.isSocket() ? "Another control process listens on" : "There is a file, not a socket, at";
	throw new AdlayerError("CONTROL_LINK_IN_USE", `${what} ${path}.`, { context: { path } });
}

function isListening(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(path);
		socket.once("connect", () => {
			socket.destroy();
			resolve(true);
		});
		// Refused means that nobody listens; anything else (no permission, a full queue) that somebody may.
		socket.once("error", (error: NodeJS.ErrnoException) =>
			resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
		);
	});
}
