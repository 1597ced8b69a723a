/** One listener on server-sent events: bounded, with heartbeat, dropped when it takes nothing any more. */
import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "#core/clock.js";

export interface StreamOptions {
	readonly clock: Clock;
	readonly heartbeatMs: number;
	readonly stalledMsMax: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly onClose: () => void;
}

/**
 * Nothing is buffered here beyond the socket's own high-water mark: `send` says whether the listener can take more, and
 * `onDrain` when it can again. Who has more to say keeps it elsewhere (the ring) or leaves it out (the state).
 */
export class EventStream {
	isOpen = true;
	private heartbeat: Timer | undefined;
	private stalled: Timer | undefined;
	private whenDrained: (() => void) | undefined;

	constructor(
		private readonly response: ServerResponse,
		private readonly options: StreamOptions,
	) {
		response.writeHead(200, {
			"content-type": "text/event-stream; charset=utf-8",
			"cache-control": "no-store",
			"x-accel-buffering": "no",
			...options.headers,
		});
		response.on("drain", () => this.drained());
		response.on("close", () => this.ended());
		// A reset connection closes as well; without a listener the error would end the service.
		response.on("error", () => this.ended());
		this.write("retry: 1000\n\n");
		this.beat();
	}

	/** True while the listener keeps up. */
	get ready(): boolean {
		return this.isOpen && this.stalled === undefined;
	}

	/** Sends one event. Gives false when the listener should be given time until `onDrain`. */
	send(event: { event: string; data: string; id?: number }): boolean {
		const id = event.id === undefined ? "" : `id: ${event.id}\n`;
		this.write(`${id}event: ${event.event}\ndata: ${event.data}\n\n`);
		return this.ready;
	}

	/** Registers the one who goes on sending once the listener has caught up. */
	onDrain(listener: () => void): void {
		this.whenDrained = listener;
	}

	/** Resolves when the listener can take more or is gone. */
	drainedOnce(): Promise<void> {
		if (this.ready || !this.isOpen) return Promise.resolve();
		return new Promise((resolve) => {
			this.whenDrained = resolve;
		});
	}

	/** Ends the stream; the listener comes back with the id it saw last. */
	close(): void {
		if (!this.isOpen) return;
		this.response.end();
		this.ended();
	}

	/** Cuts the connection at once, with whatever was not taken. */
	drop(): void {
		this.response.destroy();
		this.ended();
	}

	private write(text: string): void {
		if (!this.isOpen) return;
		if (this.response.write(text) || this.stalled !== undefined) return;
		this.stalled = this.options.clock.setTimer(this.options.stalledMsMax, () => this.drop());
	}

	private beat(): void {
		this.heartbeat = this.options.clock.setTimer(this.options.heartbeatMs, () => {
			if (this.ready) this.write(": still here\n\n");
			this.beat();
		});
	}

	private drained(): void {
		this.stalled?.cancel();
		this.stalled = undefined;
		this.whenDrained?.();
	}

	private ended(): void {
		if (!this.isOpen) return;
		this.isOpen = false;
		this.heartbeat?.cancel();
		this.stalled?.cancel();
		this.stalled = undefined;
		this.whenDrained?.();
		this.options.onClose();
	}
}
