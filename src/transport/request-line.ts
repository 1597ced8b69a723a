import type { Clock } from "#core/clock.js";
import type { ExchangeCounters, LineRequest, OpenByteStream, RequestLine } from "#core/wire.js";
import type { Exchange, LineTiming, LineUser } from "./exchange.js";
import { Line } from "./line.js";

export interface RequestLineOptions {
	/** The instrument's name, for messages. */
	readonly name: string;
	readonly timing: LineTiming;
	/** Replies carry the id of their request (Modbus TCP): a late reply is told by itself, no silence is needed. */
	readonly repliesCarryIds?: boolean;
	/** Silence that the protocol wants between a reply and the next request, ms. */
	readonly gapMs?: number;
	/**
	 * Asked after a time-out before anything else, where replies carry no id: a request whose reply cannot be taken for
	 * the reply to `lost`, such as a read of another length. A refusal by the instrument counts as an answer.
	 */
	readonly resynchronise?: (lost: LineRequest<unknown>) => LineRequest<unknown>;
}

/**
 * One instrument's share of a line: its own timing and counters over a `Line` that may have other users. Opens with the
 * first request. All methods reject with LINK_UNREACHABLE, LINK_LOST, LINE_BUSY, DEVICE_SILENT, REPLY_INVALID, or what
 * the request's own `parse` throws. `counters.exchanges` counts requests that were answered.
 */
export class StreamRequestLine implements RequestLine, LineUser {
	readonly name: string;
	readonly timing: LineTiming;
	readonly repliesCarryIds: boolean;
	readonly gapMs?: number;
	readonly resynchronise?: (lost: LineRequest<unknown>) => LineRequest<unknown>;
	readonly counters: ExchangeCounters = { exchanges: 0, retries: 0, timeouts: 0 };

	constructor(
		private readonly line: Line,
		options: RequestLineOptions,
	) {
		this.name = options.name;
		this.timing = options.timing;
		this.repliesCarryIds = options.repliesCarryIds ?? false;
		if (options.gapMs !== undefined) this.gapMs = options.gapMs;
		if (options.resynchronise !== undefined) this.resynchronise = options.resynchronise;
	}

	request<Reply>(request: LineRequest<Reply> | Exchange<Reply>): Promise<Reply> {
		return new Promise<Reply>((resolve, reject) => {
			this.line.submit({
				kind: "request",
				user: this,
				request,
				timeoutMs: request.timeoutMs ?? this.timing.timeoutMs,
				attemptsLeft: request.retries ?? this.timing.retries,
				resolve,
				reject,
			});
		});
	}

	send(bytes: Uint8Array): Promise<void> {
		return new Promise<void>((resolve, reject) => {
			this.line.submit({ kind: "send", user: this, bytes, resolve: () => resolve(), reject });
		});
	}

	drain(quietMs: number, limitMs: number): Promise<void> {
		return new Promise<void>((resolve, reject) => {
			this.line.submit({ kind: "drain", user: this, quietMs, limitMs, resolve: () => resolve(), reject });
		});
	}

	open(): Promise<void> {
		return this.line.open(this);
	}

	get isOpen(): boolean {
		return this.line.isOpen;
	}

	close(): Promise<void> {
		return this.line.close(this);
	}
}

/** A request line that shares its stream with nobody: `new Line` and its one user in one go. */
export function requestLine(
	options: RequestLineOptions & { readonly open: OpenByteStream; readonly clock: Clock },
): StreamRequestLine {
	return new StreamRequestLine(new Line(options.name, options.open, options.clock), options);
}
