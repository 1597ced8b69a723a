import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { ByteStream, LineRequest, OpenByteStream } from "#core/wire.js";
import type { DrainJob, Exchange, Job, LineUser, RequestJob } from "./exchange.js";
import { ReceiveBuffer } from "./receive-buffer.js";

/** Requests that may wait for one line: a poll, a command and a safe state of each of 20 instruments. */
export const QUEUE_REQUESTS_MAX = 64;
/** The longest reply taken: a cycler's record download is some 100 kB, anything past this is not a reply. */
export const RECEIVE_BYTES_MAX = 1_048_576;
/** A port that has not opened after this long will not. */
export const OPEN_TIMEOUT_MS = 5_000;
/** After bytes nobody asked for, the next request waits until the line has been quiet this long: 20 characters at 9600 baud. */
export const SETTLE_MS = 20;
/** A line that never falls quiet is used all the same after this long, so that it fails with a message instead of hanging. */
export const SETTLE_LIMIT_MS = 1_000;
/** Sums of fractional times differ by less; a timer cannot wait so little. */
const ROUNDING_MS = 1e-6;
/** A reply that is still coming is waited for, so long after each byte: some serial servers pass on bytes one by one. */
export const REPLY_GAP_MS = 250;
/** And so many time-outs in all. */
export const REPLY_TIMEOUTS_MAX = 4;
/** Requests in a row that drew no byte at all, after which the port is closed and opened anew: dead ends give no close event. */
export const REOPEN_AFTER_SILENT_REQUESTS = 3;

/**
 * One physical line: opens when first used, closes with its last user, and carries one request at a time, first come
 * first served. What arrives while no reply is awaited is discarded.
 *
 * After a time-out the line discards for one more time-out period before anything else goes out, and the user who timed
 * out is brought back in step first (`LineUser.resynchronise`), so that a late reply is never taken for the answer to a
 * later request. A retry lets requests of other users on the line go first.
 */
export class Line {
	private stream: ByteStream | undefined;
	private opening: Promise<void> | undefined;
	private readonly users = new Set<LineUser>();
	private readonly queue: Job[] = [];
	private active: Job | undefined;
	/** What is on the wire for the active job: its own request, or one that brings its user back in step. */
	private awaited: Exchange<unknown> | undefined;
	private draining: DrainJob | undefined;
	private timer: Timer | undefined;
	private release: (() => void) | undefined;
	private readonly received = new ReceiveBuffer(RECEIVE_BYTES_MAX);
	private readonly lost = new Map<LineUser, LineRequest<unknown>>();
	private quietUntilMs = Number.NEGATIVE_INFINITY;
	private strayByteMs = Number.NEGATIVE_INFINITY;
	private settleLimitMs = 0;
	/** When the request on the wire was sent, and when it times out. */
	private sentMs = 0;
	private deadlineMs = 0;
	private silentRequests = 0;
	private transactionId = 0;
	private readonly timedOut = () => this.onTimeout();

	constructor(
		readonly name: string,
		private readonly openStream: OpenByteStream,
		private readonly clock: Clock,
	) {}

	get isOpen(): boolean {
		return this.stream?.isOpen === true;
	}

	/** 1 to 65535 in turn, for protocols whose replies carry the id of their request. */
	nextTransactionId(): number {
		this.transactionId = this.transactionId >= 0xffff ? 1 : this.transactionId + 1;
		return this.transactionId;
	}

	/** Counts `user` among the users and opens the line if it is not open. Rejects with LINK_UNREACHABLE. */
	open(user: LineUser): Promise<void> {
		this.users.add(user);
		return this.ensureOpen();
	}

	/** Ends the user's requests with LINK_LOST; the line closes with its last user. */
	async close(user: LineUser): Promise<void> {
		this.users.delete(user);
		const closed = () => new AdlayerError("LINK_LOST", `The line ${this.name} was closed by its user ${user.name}.`);
		for (let at = this.queue.length - 1; at >= 0; at -= 1) {
			if (this.queue[at]!.user === user) this.queue.splice(at, 1)[0]!.reject(closed());
		}
		const job = this.active;
		if (job !== undefined && job.user === user) this.abandon(job, closed());
		if (this.users.size > 0) return;
		const stream = this.stream;
		this.stream = undefined;
		await stream?.close();
	}

	/** Adds a job at the end of the queue. The job is rejected with LINE_BUSY when the queue is full. */
	submit(job: Job): void {
		if (this.queue.length >= QUEUE_REQUESTS_MAX) {
			const message = `The line ${this.name} already has ${QUEUE_REQUESTS_MAX} requests waiting.`;
			job.reject(new AdlayerError("LINE_BUSY", message, { context: { line: this.name, limit: QUEUE_REQUESTS_MAX } }));
			return;
		}
		this.users.add(job.user);
		this.queue.push(job);
		if (this.active === undefined) this.next();
	}

	private next(): void {
		const job = this.queue.shift();
		this.active = job;
		if (job === undefined) return;
		this.settleLimitMs = this.clock.nowMs() + SETTLE_LIMIT_MS;
		if (this.stream?.isOpen === true) {
			this.settle(job);
			return;
		}
		this.ensureOpen().then(
			() => {
				if (this.active === job) this.settle(job);
			},
			(error) => {
				if (this.active === job) this.fail(job, error);
			},
		);
	}

	/** Waits out the silence that is due before bytes may go out. */
	private settle(job: Job): void {
		if (job.kind === "drain") {
			this.drain(job);
			return;
		}
		const nowMs = this.clock.nowMs();
		const strayQuietMs = Math.min(this.strayByteMs + SETTLE_MS, this.settleLimitMs);
		const waitMs = Math.max(this.quietUntilMs, strayQuietMs) - nowMs;
		if (waitMs > ROUNDING_MS) {
			this.timer = this.clock.setTimer(waitMs, () => {
				this.timer = undefined;
				this.settle(job);
			});
			return;
		}
		this.transmit(job);
	}

	private transmit(job: Exclude<Job, DrainJob>): void {
		const stream = this.stream;
		if (stream === undefined) {
			if (this.askAnew(job)) return;
			this.fail(
				job,
				new AdlayerError("LINK_LOST", `The line ${this.name} broke before ${titleOf(job)} could be sent.`),
			);
			return;
		}
		if (job.kind === "send") {
			if (this.write(stream, job.bytes)) this.succeed(job, undefined);
			return;
		}
		const lost = this.lost.get(job.user);
		const exchange: Exchange<unknown> = lost === undefined ? job.request : job.user.resynchronise!(lost);
		try {
			exchange.beforeSending?.();
		} catch (refused) {
			this.fail(job, refused instanceof Error ? refused : new Error(String(refused)));
			return;
		}
		exchange.prepare?.();
		this.awaited = exchange;
		this.received.clear();
		this.release = this.clock.expectAnswer();
		this.sentMs = this.clock.nowMs();
		if (exchange === job.request) job.firstSentMs ??= this.sentMs;
		this.deadlineMs = this.sentMs + job.timeoutMs;
		this.timer = this.clock.setTimer(job.timeoutMs, this.timedOut);
		this.write(stream, exchange.bytes);
	}

	/** Gives false, with the line dropped and the active job failed, when the stream turns out to be broken. */
	private write(stream: ByteStream, bytes: Uint8Array): boolean {
		try {
			stream.write(bytes);
			return true;
		} catch (thrown) {
			this.drop(stream, thrown);
			return false;
		}
	}

	private onBytes(bytes: Uint8Array): void {
		this.silentRequests = 0;
		const exchange = this.awaited;
		if (exchange === undefined) {
			this.strayByteMs = this.clock.nowMs();
			return;
		}
		const job = this.active as RequestJob;
		const whole = this.received.isEmpty;
		if (!whole) this.received.append(bytes);
		const view = whole ? bytes : this.received.bytes;
		if (whole) this.noteWait(job);
		let parsed: { reply: unknown; taken: number } | undefined;
		try {
			parsed = exchange.parse(view);
		} catch (thrown) {
			this.endWait();
			if (thrown instanceof AdlayerError && thrown.code === "REPLY_INVALID") this.missed(job, exchange, thrown);
			else if (isBusy(thrown) && job.attemptsLeft > 0) this.waitForBusy(job);
			else this.answered(job, exchange, thrown, undefined);
			return;
		}
		if (parsed === undefined) {
			if (whole) this.received.append(bytes);
			this.awaitRest(job.timeoutMs);
			if (!this.received.isFull) return;
			this.endWait();
			const message = `${job.user.name} sent ${RECEIVE_BYTES_MAX} bytes without an end in answer to ${exchange.title}.`;
			this.missed(job, exchange, new AdlayerError("REPLY_INVALID", message));
			return;
		}
		this.endWait();
		if (parsed.taken < view.length) this.strayByteMs = this.clock.nowMs();
		this.answered(job, exchange, undefined, parsed.reply);
	}

	private noteWait({ user, timeoutMs }: RequestJob): void {
		if (user.timing.isLook !== true || timeoutMs !== user.timing.timeoutMs) return;
		const { counters } = user;
		counters.slowestMs = Math.max(counters.slowestMs ?? 0, this.clock.nowMs() - this.sentMs);
	}

	/** The time-out moves on while the reply is still coming. */
	private awaitRest(timeoutMs: number): void {
		const nowMs = this.clock.nowMs();
		const gapMs = Math.min(REPLY_GAP_MS, timeoutMs);
		const deadlineMs = Math.min(nowMs + gapMs, this.sentMs + REPLY_TIMEOUTS_MAX * timeoutMs);
		if (deadlineMs <= this.deadlineMs) return;
		this.deadlineMs = deadlineMs;
		this.timer?.cancel();
		this.timer = this.clock.setTimer(deadlineMs - nowMs, this.timedOut);
	}

	/** The instrument has understood, and wants to be asked again later. */
	private waitForBusy(job: RequestJob): void {
		this.quietUntilMs = this.clock.nowMs() + job.timeoutMs;
		this.queueAgain(job);
	}

	/** A definite answer came: the reply, or a refusal by the instrument (`refusal`). */
	private answered(job: RequestJob, exchange: Exchange<unknown>, refusal: unknown, reply: unknown): void {
		if (exchange !== job.request) {
			this.lost.delete(job.user);
			this.settle(job);
			return;
		}
		job.user.counters.exchanges += 1;
		const { gapMs } = job.user;
		if (gapMs !== undefined) this.quietUntilMs = Math.max(this.quietUntilMs, this.clock.nowMs() + gapMs);
		this.outwaitOtherAttempts(job);
		if (refusal === undefined) this.succeed(job, reply);
		else this.fail(job, refusal);
	}

	/** Who has answered the first attempt only now may be as late with the last one. */
	private outwaitOtherAttempts({ user, firstSentMs = this.sentMs }: RequestJob): void {
		const isTold = user.repliesCarryIds || user.resynchronise !== undefined;
		if (user.timing.isLook !== true || isTold || firstSentMs === this.sentMs) return;
		const nowMs = this.clock.nowMs();
		this.quietUntilMs = Math.max(this.quietUntilMs, this.sentMs + (nowMs - firstSentMs) + SETTLE_MS);
	}

	private onTimeout(): void {
		const exchange = this.awaited;
		if (exchange === undefined) return;
		const job = this.active as RequestJob;
		// People see what was asked for, also when it was the question that brings the line back into step that failed.
		const { user } = job;
		const { title } = job.request;
		user.counters.timeouts += 1;
		this.timer = undefined;
		this.endWait();
		const waitedMs = Math.round(Math.max(job.timeoutMs, this.deadlineMs - this.sentMs));
		const context = { instrument: user.name, line: this.name, request: title, timeoutMs: job.timeoutMs };
		if (this.received.isEmpty) {
			const message = `${user.name} did not answer ${title} within ${job.timeoutMs} ms.`;
			this.silentRequests += job.attemptsLeft === 0 ? 1 : 0;
			this.missed(job, exchange, new AdlayerError("DEVICE_SILENT", message, { context }));
			return;
		}
		const bytes = this.received.bytes;
		const why = exchange.diagnose?.(bytes) ?? `${bytes.length} bytes came that hold no reply`;
		const message = `${user.name} gave no valid reply to ${title} within ${waitedMs} ms: ${why}.`;
		const late = exchange.isLate?.(bytes) === true ? { isLate: true } : {};
		this.missed(
			job,
			exchange,
			new AdlayerError("REPLY_INVALID", message, { context: { ...context, ...late, received: hex(bytes) } }),
		);
	}

	/** An attempt ended without a valid reply. */
	private missed(job: RequestJob, exchange: Exchange<unknown>, error: AdlayerError): void {
		this.expectLateReply(job, exchange);
		if (job.attemptsLeft === 0) {
			if (this.silentRequests >= REOPEN_AFTER_SILENT_REQUESTS) this.reopenLater();
			this.fail(job, error);
			return;
		}
		this.queueAgain(job);
	}

	/** Others on the line go first, but nothing of the same user overtakes. */
	private queueAgain(job: RequestJob): void {
		job.attemptsLeft -= 1;
		job.user.counters.retries += 1;
		const at = this.queue.findIndex((waiting) => waiting.user === job.user);
		this.queue.splice(at < 0 ? this.queue.length : at, 0, job);
		this.next();
	}

	private expectLateReply(job: RequestJob, exchange: Exchange<unknown>): void {
		if (job.user.repliesCarryIds) return;
		this.quietUntilMs = this.clock.nowMs() + job.timeoutMs;
		if (job.user.resynchronise !== undefined && exchange === job.request) this.lost.set(job.user, exchange);
		// An instrument may be silent to just this read: then the silence kept so far has to do.
		else if (job.attemptsLeft === 0) this.lost.delete(job.user);
	}

	private reopenLater(): void {
		this.silentRequests = 0;
		const stream = this.stream;
		this.stream = undefined;
		stream?.close().catch(() => {});
	}

	private drain(job: DrainJob): void {
		this.draining = job;
		const startMs = this.clock.nowMs();
		this.strayByteMs = startMs;
		const check = () => {
			this.timer = undefined;
			const nowMs = this.clock.nowMs();
			const waitMs = Math.min(this.strayByteMs + job.quietMs, startMs + job.limitMs) - nowMs;
			if (waitMs > 0) {
				this.timer = this.clock.setTimer(waitMs, check);
				return;
			}
			this.draining = undefined;
			this.strayByteMs = Number.NEGATIVE_INFINITY;
			this.succeed(job, undefined);
		};
		check();
	}

	private endWait(): void {
		this.timer?.cancel();
		this.timer = undefined;
		this.awaited = undefined;
		this.release?.();
		this.release = undefined;
	}

	/** Ends the active job whatever it waits for. */
	private abandon(job: Job, error: unknown): void {
		const exchange = this.awaited;
		this.endWait();
		this.draining = undefined;
		if (exchange !== undefined) this.expectLateReply(job as RequestJob, exchange);
		this.fail(job, error);
	}

	private succeed(job: Job, reply: unknown): void {
		(job.resolve as (reply: unknown) => void)(reply);
		this.next();
	}

	private fail(job: Job, error: unknown): void {
		job.reject(error instanceof Error ? error : asAdlayerError(error));
		this.next();
	}

	/** The stream broke: whatever was under way fails with LINK_LOST; the next request opens anew. */
	private drop(stream: ByteStream, cause: unknown): void {
		if (this.stream !== stream) return;
		this.stream = undefined;
		stream.close().catch(() => {});
		const job = this.active;
		if (job === undefined || (this.awaited === undefined && this.draining === undefined && job.kind !== "send")) return;
		const message = `The line ${this.name} broke during ${titleOf(job)} of ${job.user.name}.`;
		if (this.askAnew(job)) return;
		const lost = cause instanceof AdlayerError && cause.code === "LINK_LOST";
		this.abandon(job, lost ? cause : new AdlayerError("LINK_LOST", message, cause === undefined ? {} : { cause }));
	}

	/** Gives false where the user wants to hear of a break, or has no attempt left. */
	private askAnew(job: Job): boolean {
		if (job.user.timing.isLook !== true) return false;
		if (job.kind === "drain") {
			// Nothing more comes from a line that has ended.
			this.endWait();
			this.draining = undefined;
			this.succeed(job, undefined);
			return true;
		}
		if (job.kind !== "request" || job.attemptsLeft === 0) return false;
		this.endWait();
		delete job.firstSentMs;
		const { counters } = job.user;
		counters.breaks = (counters.breaks ?? 0) + 1;
		this.queueAgain(job);
		return true;
	}

	private ensureOpen(): Promise<void> {
		if (this.stream?.isOpen === true) return Promise.resolve();
		this.stream = undefined;
		this.opening ??= this.openNow().finally(() => {
			this.opening = undefined;
		});
		return this.opening;
	}

	private openNow(): Promise<void> {
		const release = this.clock.expectAnswer();
		return new Promise((resolve, reject) => {
			let waiting = true;
			const end = (error?: unknown) => {
				waiting = false;
				timer.cancel();
				release();
				if (error === undefined) resolve();
				else reject(unreachable(this.name, error));
			};
			const timer = this.clock.setTimer(OPEN_TIMEOUT_MS, () => {
				end(`it did not open within ${OPEN_TIMEOUT_MS / 1000} s`);
			});
			this.openStream().then(
				(stream) => {
					if (!waiting || this.users.size === 0) {
						stream.close().catch(() => {});
						if (waiting) end("its last user closed it while it opened");
						return;
					}
					this.attach(stream);
					end();
				},
				(error) => {
					if (waiting) end(error);
				},
			);
		});
	}

	private attach(stream: ByteStream): void {
		this.stream = stream;
		this.silentRequests = 0;
		stream.onBytes((bytes) => {
			if (this.stream === stream) this.onBytes(bytes);
		});
		stream.onClose((cause) => this.drop(stream, cause));
	}
}

const isBusy = (thrown: unknown): boolean => thrown instanceof AdlayerError && thrown.context.isBusy === true;

function titleOf(job: Job): string {
	return job.kind === "request" ? job.request.title : `a ${job.kind}`;
}

function unreachable(name: string, cause: unknown): AdlayerError {
	if (cause instanceof AdlayerError) return cause;
	const why = cause instanceof Error ? cause.message : String(cause);
	return new AdlayerError("LINK_UNREACHABLE", `The line ${name} could not be opened: ${why}.`, { cause });
}

/** The first bytes of a message for people: "01 03 02 ... (40 bytes)". */
export function hex(bytes: Uint8Array, shownMax = 32): string {
	const shown = Array.from(bytes.subarray(0, shownMax), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
	return bytes.length > shownMax ? `${shown} ... (${bytes.length} bytes)` : shown;
}
