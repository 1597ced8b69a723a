/** The REST interface from outside: requests, and server-sent events with resume. */
import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";

const PREFIX = "/api/v1";
const REQUEST_TIMEOUT_MS = 15_000;
/** The service sends a heartbeat every 15 s; after three missed ones the connection counts as dead. */
const SILENCE_MS = 45_000;
/** One event is one journal record; the longest carries a recipe's and a lab file's text. */
const EVENT_CHARS_MAX = 1024 * 1024;

export interface StreamEvent {
	readonly id: string | undefined;
	readonly event: string;
	readonly data: string;
}

export class RestClient {
	constructor(
		readonly url: string,
		private readonly clock: Clock,
	) {}

	get<Answer>(path: string): Promise<Answer> {
		return this.request("GET", path);
	}

	post<Answer>(path: string, body: object): Promise<Answer> {
		return this.request("POST", path, body);
	}

	/** Yields events until the connection ends. Throws the service's own refusal, or SERVICE_UNREACHABLE. */
	async *events(
		path: string,
		options: { lastId?: string | undefined; signal: AbortSignal },
	): AsyncGenerator<StreamEvent> {
		const headers = {
			accept: "text/event-stream",
			...(options.lastId === undefined ? {} : { "last-event-id": options.lastId }),
		};
		const parser = new EventParser();
		const decoder = new TextDecoder();
		for await (const chunk of this.bytes(path, { headers }, options.signal))
			yield* parser.push(decoder.decode(chunk, { stream: true }));
	}

	/** The answer's bytes as they come. Throws the service's own refusal, or SERVICE_UNREACHABLE, also when it breaks off. */
	download(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		return this.bytes(path, {}, signal);
	}

	private async *bytes(path: string, init: RequestInit, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		const silence = new AbortController();
		let timer: Timer | undefined;
		const heard = () => {
			timer?.cancel();
			timer = this.clock.setTimer(SILENCE_MS, () => silence.abort());
		};
		heard();
		try {
			const response = await this.fetch(path, { ...init, signal: AbortSignal.any([signal, silence.signal]) });
			for await (const chunk of response.body ?? []) {
				heard();
				yield chunk;
			}
		} catch (thrown) {
			throw this.unreachable(thrown);
		} finally {
			timer?.cancel();
		}
	}

	private async request<Answer>(method: string, path: string, body?: object): Promise<Answer> {
		const late = new AbortController();
		const timer = this.clock.setTimer(REQUEST_TIMEOUT_MS, () => late.abort());
		try {
			const response = await this.fetch(path, {
				method,
				signal: late.signal,
				...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
			});
			return (await response.json()) as Answer;
		} catch (thrown) {
			throw this.unreachable(thrown);
		} finally {
			timer.cancel();
		}
	}

	private async fetch(path: string, init: RequestInit): Promise<Response> {
		const response = await fetch(`${this.url}${PREFIX}${path}`, init);
		if (response.ok) return response;
		const problem = (await response.json().catch(() => undefined)) as { code?: string; detail?: string } | undefined;
		if (problem?.code === undefined) {
			throw new AdlayerError(
				"SERVICE_UNREACHABLE",
				`${this.url} answered ${response.status}, not as this service does.`,
			);
		}
		throw AdlayerError.fromJSON({ ...problem, message: problem.detail ?? "A refusal without a reason." });
	}

	private unreachable(thrown: unknown): AdlayerError {
		if (thrown instanceof AdlayerError) return thrown;
		const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
		const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
		return new AdlayerError("SERVICE_UNREACHABLE", `The service at ${this.url} cannot be reached (${why}).`, {
			cause: thrown,
		});
	}
}

/** Server-sent events out of pieces of text. */
export class EventParser {
	private rest = "";

	*push(text: string): Generator<StreamEvent> {
		this.rest += text;
		if (this.rest.length > EVENT_CHARS_MAX * 2)
			throw new AdlayerError("SERVICE_UNREACHABLE", "The service sent an event without end.");
		for (let end = this.rest.indexOf("\n\n"); end >= 0; end = this.rest.indexOf("\n\n")) {
			const block = this.rest.slice(0, end);
			this.rest = this.rest.slice(end + 2);
			const fields = new Map<string, string>();
			for (const line of block.split("\n")) {
				const colon = line.indexOf(":");
				if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
			}
			const data = fields.get("data");
			if (data !== undefined) yield { id: fields.get("id"), event: fields.get("event") ?? "message", data };
		}
	}
}
