/**
 * Time, received rather than taken. Whatever waits, stamps or times out is given a `Clock`.
 * Durations come from `nowMs` (monotonic); people see `wallMs`.
 */
export interface Timer {
	cancel(): void;
}

export interface Clock {
	/** Monotonic milliseconds since an arbitrary origin; may be fractional. */
	nowMs(): number;
	/** Unix time in milliseconds, for people and files. */
	wallMs(): number;
	/** Calls `fn` once, `delayMs` (>= 0) from now. */
	setTimer(delayMs: number, fn: () => void): Timer;
	/** Resolves `delayMs` from now; rejects with the signal's reason when aborted first. */
	sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
	/**
	 * Says that an answer from outside this process (wire, disk) is on its way, so that simulated time waits for it, so many
	 * milliseconds of real time. Call the returned function when it has come. On the system clock this does nothing.
	 */
	expectAnswer(patienceMs?: number): () => void;
}

/** A dead instrument stops simulated time for this long; then its time-outs must run. */
const ANSWER_PATIENCE_MS = 250;

function sleepOn(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal?.aborted) {
			reject(signal.reason);
			return;
		}
		const onAbort = () => {
			timer.cancel();
			reject(signal?.reason);
		};
		const timer = clock.setTimer(delayMs, () => {
			signal?.removeEventListener("abort", onAbort);
			resolve();
		});
		signal?.addEventListener("abort", onAbort, { once: true });
	});
}

const nothing = () => {};

/** The machine's own clock. */
export class SystemClock implements Clock {
	nowMs(): number {
		return performance.now();
	}

	wallMs(): number {
		return Date.now();
	}

	setTimer(delayMs: number, fn: () => void): Timer {
		const handle = setTimeout(fn, Math.max(0, delayMs));
		return { cancel: () => clearTimeout(handle) };
	}

	sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
		return sleepOn(this, delayMs, signal);
	}

	expectAnswer(): () => void {
		return nothing;
	}
}

/** An answer that is on its way, or is hoped for no more. */
interface Awaited {
	readonly untilRealMs: number;
	isGivenUp: boolean;
}

interface Entry {
	readonly dueMs: number;
	readonly order: number;
	fn: (() => void) | undefined;
}

/** A binary heap on (due time, order of setting): equal times fire in the order they were set. */
class TimerHeap {
	private readonly entries: Entry[] = [];

	get first(): Entry | undefined {
		while (this.entries.length > 0 && this.entries[0]!.fn === undefined) this.pop();
		return this.entries[0];
	}

	push(entry: Entry): void {
		const list = this.entries;
		let at = list.length;
		list.push(entry);
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (!before(entry, list[parent]!)) break;
			list[at] = list[parent]!;
			at = parent;
		}
		list[at] = entry;
	}

	pop(): Entry | undefined {
		const list = this.entries;
		const top = list[0];
		const last = list.pop();
		if (last === undefined || list.length === 0) return top;
		let at = 0;
		for (;;) {
			let child = 2 * at + 1;
			if (child >= list.length) break;
			if (child + 1 < list.length && before(list[child + 1]!, list[child]!)) child += 1;
			if (!before(list[child]!, last)) break;
			list[at] = list[child]!;
			at = child;
		}
		list[at] = last;
		return top;
	}
}

function before(a: Entry, b: Entry): boolean {
	return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/**
 * A clock that moves only when told to. It serves virtual time (one process, everything in memory) and accelerated time
 * (the simulated lab tells control how far time has come). Timers fire one instant at a time, and between two instants
 * everything that the first one set in motion settles.
 */
export class SteppedClock implements Clock {
	private readonly heap = new TimerHeap();
	private order = 0;
	private now: number;
	private readonly wallAtZero: number;
	private readonly awaited = new Set<Awaited>();
	private whenAnswered: (() => void) | undefined;

	constructor(options: { startMs?: number; wallStartMs: number }) {
		this.now = options.startMs ?? 0;
		this.wallAtZero = options.wallStartMs - this.now;
	}

	nowMs(): number {
		return this.now;
	}

	wallMs(): number {
		return this.wallAtZero + this.now;
	}

	setTimer(delayMs: number, fn: () => void): Timer {
		const entry: Entry = { dueMs: this.now + Math.max(0, delayMs), order: this.order++, fn };
		this.heap.push(entry);
		return {
			cancel: () => {
				entry.fn = undefined;
			},
		};
	}

	sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
		return sleepOn(this, delayMs, signal);
	}

	expectAnswer(patienceMs = ANSWER_PATIENCE_MS): () => void {
		const one = { untilRealMs: performance.now() + patienceMs, isGivenUp: false };
		this.awaited.add(one);
		return () => {
			if (this.awaited.delete(one) && this.hopedFor.length === 0) this.whenAnswered?.();
		};
	}

	private get hopedFor(): Awaited[] {
		return [...this.awaited].filter(({ isGivenUp }) => !isGivenUp);
	}

	/** How many answers from outside are on their way. */
	get expecting(): number {
		return this.awaited.size;
	}

	/** When the next timer is due; Infinity when none is set. */
	nextDueMs(): number {
		return this.heap.first?.dueMs ?? Number.POSITIVE_INFINITY;
	}

	/**
	 * Settles until no answer is on its way that there is hope for. An answer may set off the next question, which is waited
	 * for in its turn. One that is late is given up after `heard`: whoever gives the answers has had its turn since.
	 */
	async answers(heard: () => Promise<void>): Promise<void> {
		for (;;) {
			await settled();
			const { hopedFor } = this;
			if (hopedFor.length === 0) return;
			const waitMs = Math.max(...hopedFor.map(({ untilRealMs }) => untilRealMs)) - performance.now();
			if (waitMs > 0) await this.answered(waitMs);
			else {
				await heard();
				await settled();
				for (const one of hopedFor) one.isGivenUp = true;
			}
		}
	}

	/** Resolves when none is hoped for any more, or after so much real time. */
	private answered(limitMs: number): Promise<void> {
		return new Promise((resolve) => {
			const done = () => {
				clearTimeout(handle);
				this.whenAnswered = undefined;
				resolve();
			};
			const handle = setTimeout(done, limitMs);
			this.whenAnswered = done;
		});
	}

	/** Moves to the next instant that has timers, at most to `limitMs`, and fires what is due then. Returns false when nothing was due. */
	fireNext(limitMs: number): boolean {
		const due = this.heap.first?.dueMs;
		if (due === undefined || due > limitMs) {
			this.now = Math.max(this.now, limitMs);
			return false;
		}
		this.now = Math.max(this.now, due);
		for (let entry = this.heap.first; entry !== undefined && entry.dueMs <= this.now; entry = this.heap.first) {
			this.heap.pop();
			const fn = entry.fn;
			entry.fn = undefined;
			fn?.();
		}
		return true;
	}

	/** Advances by `durationMs`, letting everything settle after each instant. For single-process virtual time. */
	async advance(durationMs: number): Promise<void> {
		const end = this.now + durationMs;
		await settled();
		while (this.fireNext(end)) await settled();
	}

	/** Advances until `condition` holds; fails after `limitMs` of this clock's time. */
	async advanceUntil(condition: () => boolean, limitMs: number): Promise<void> {
		const end = this.now + limitMs;
		await settled();
		while (!condition()) {
			if (!this.fireNext(end)) throw new Error(`The condition did not come true within ${limitMs / 1000} s.`);
			await settled();
		}
	}
}

/** One turn of the event loop: all promise chains in memory have run to their next wait. */
export function settled(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
