import { SteppedClock } from "#core/clock.js";
import type { ByteStream, OpenByteStream } from "#core/wire.js";
import { memoryPair } from "#transport/memory.js";

export const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));
export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** The other end of a line, answered by hand: keeps every request, sends what the test says. */
export class FarEnd {
	readonly clock = new SteppedClock({ wallStartMs: 0 });
	readonly requests: Uint8Array[] = [];
	/** Times at which the requests came. */
	readonly atMs: number[] = [];
	/** When set, answers by itself. */
	answer: ((request: Uint8Array, index: number) => void) | undefined;
	opened = 0;
	refuse = false;
	private end: ByteStream | undefined;

	readonly open: OpenByteStream = async () => {
		if (this.refuse) throw new Error("no such port");
		this.opened += 1;
		const [near, far] = memoryPair("line");
		this.end = far;
		far.onBytes((request) => {
			this.requests.push(request.slice());
			this.atMs.push(this.clock.nowMs());
			this.answer?.(request, this.requests.length - 1);
		});
		return near;
	};

	send(reply: Uint8Array): void {
		this.end?.write(reply);
	}

	/** Sends after `delayMs` of this clock. */
	sendLater(delayMs: number, reply: Uint8Array): void {
		this.clock.setTimer(delayMs, () => this.send(reply));
	}

	/** Pulls the plug. */
	async cut(): Promise<void> {
		await this.end?.close();
	}

	get isOpen(): boolean {
		return this.end?.isOpen === true;
	}
}

/** What a promise came to: its value or its error's code. */
export function outcome<T>(promise: Promise<T>): { value?: T; code?: string; message?: string; done: boolean } {
	const seen: { value?: T; code?: string; message?: string; done: boolean } = { done: false };
	promise.then(
		(value) => Object.assign(seen, { value, done: true }),
		(error) => Object.assign(seen, { code: error.code, message: error.message, done: true }),
	);
	return seen;
}
