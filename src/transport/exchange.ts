import type { ExchangeCounters, LineRequest } from "#core/wire.js";

/** Time-out and number of further attempts of a request that says nothing else. */
export interface LineTiming {
	readonly timeoutMs: number;
	readonly retries: number;
	/**
	 * For a look alone, at something of which nothing is known yet. A request that a break of the line cuts off is asked again
	 * on a new connection, like one that timed out; control begins anew with the identity. And after an answer to a repeated
	 * request the line waits for those to its other attempts, however late the instrument is.
	 */
	readonly isLook?: boolean;
}

/** A request that may look different at each attempt. */
export interface Exchange<Reply> extends LineRequest<Reply> {
	/** Called before each attempt, the first included; `bytes` is read after it. */
	prepare?(): void;
	/** Called when an attempt is about to leave; what it throws fails the request unsent. */
	readonly beforeSending?: () => void;
}

/** One of the users of a line: an instrument with its own counters and habits. */
export interface LineUser {
	/** The instrument's name, for messages. */
	readonly name: string;
	readonly timing: LineTiming;
	readonly counters: ExchangeCounters;
	/** Replies carry the id of their request, so that a late one is told by itself and needs no silence. */
	readonly repliesCarryIds: boolean;
	/** Silence that the protocol wants between a reply and the next request; what comes in it belongs to no request. */
	readonly gapMs?: number;
	/**
	 * A request that is asked after a time-out before anything else of this user, and whose reply cannot be taken for the
	 * reply to `lost`. Absent where the protocol makes no such request possible.
	 */
	readonly resynchronise?: (lost: LineRequest<unknown>) => LineRequest<unknown>;
}

export type Job = RequestJob | SendJob | DrainJob;

interface JobBase {
	readonly user: LineUser;
	readonly resolve: (reply: never) => void;
	readonly reject: (error: Error) => void;
}

export interface RequestJob extends JobBase {
	readonly kind: "request";
	readonly request: Exchange<unknown>;
	readonly timeoutMs: number;
	attemptsLeft: number;
	/** When the first attempt was sent. */
	firstSentMs?: number;
}

export interface SendJob extends JobBase {
	readonly kind: "send";
	readonly bytes: Uint8Array;
}

export interface DrainJob extends JobBase {
	readonly kind: "drain";
	readonly quietMs: number;
	readonly limitMs: number;
}
