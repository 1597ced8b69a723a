/** A tap on any line in memory: it sees every frame that goes either way, and can spoil one. */
import type { Clock } from "#core/clock.js";
import type { ByteStream, MqttLink, OpenByteStream } from "#core/wire.js";

export type Protocol = "modbus-rtu" | "modbus-tcp" | "bytes" | "mqtt";

/** The bytes that one end sends at once. */
export interface Frame {
	/** Of the instrument or of its line. */
	readonly line: string;
	readonly direction: "request" | "reply";
	/** What kind of request it is, or answers: equal frames and frames that differ only in a value are of one kind. */
	readonly kind: string;
	readonly bytes: Uint8Array;
}

export type Spoiling = "lost" | "doubled" | "split" | "late" | "bit" | "garbage";
export const SPOILINGS: readonly Spoiling[] = ["lost", "doubled", "split", "late", "bit", "garbage"];

/** One way to spoil a frame. */
export interface Injection {
	readonly how: Spoiling;
	/** Byte in front of which a frame is split, or number of the bit that is wrong; 0 for the other ways. */
	readonly at: number;
}

const GARBAGE = Buffer.from("\xff\x00\x81garbage\r\n", "latin1");
/** Longer than the silence that ends a Modbus RTU frame at 9600 baud. */
const SPLIT_MS = 5;
/** The second of two equal frames comes this much after the first. */
const DOUBLED_MS = 1;
const LATE_TIMEOUTS = 1.4;
/** Of a long reply the beginning says what it is. */
const WORDING_MAX = 60;

/** Every way to spoil a frame of so many bytes once: every split and every bit. */
export function everyInjection(bytes: number): Injection[] {
	const splits = Array.from({ length: Math.max(0, bytes - 1) }, (_, i) => ({ how: "split" as const, at: i + 1 }));
	const bits = Array.from({ length: 8 * bytes }, (_, at) => ({ how: "bit" as const, at }));
	const others = (["lost", "doubled", "late", "garbage"] as const).map((how) => ({ how, at: 0 }));
	return [...others, ...splits, ...bits];
}

interface Piece {
	readonly bytes: Uint8Array;
	readonly delayMs: number;
}

/** What arrives instead of `bytes`. */
export function spoilt({ how, at }: Injection, bytes: Uint8Array, timeoutMs: number): readonly Piece[] {
	switch (how) {
		case "lost":
			return [];
		case "doubled":
			return [
				{ bytes, delayMs: 0 },
				{ bytes, delayMs: DOUBLED_MS },
			];
		case "late":
			return [{ bytes, delayMs: LATE_TIMEOUTS * timeoutMs }];
		case "garbage":
			return [{ bytes: Buffer.concat([bytes, GARBAGE]), delayMs: 0 }];
		case "split":
			return [
				{ bytes: bytes.slice(0, at), delayMs: 0 },
				{ bytes: bytes.slice(at), delayMs: SPLIT_MS },
			];
		case "bit": {
			const wrong = Uint8Array.from(bytes);
			wrong[at >> 3]! ^= 1 << (at & 7);
			return [{ bytes: wrong, delayMs: 0 }];
		}
	}
}

/** Of a Modbus request: unit (RTU), function and first register, and of a read the count. */
function modbusKind(bytes: Uint8Array): string {
	const writes = [5, 6, 15, 16].includes(bytes[1]!);
	return Buffer.from(bytes.subarray(0, writes ? 4 : 6)).toString("hex");
}

export function requestKind(protocol: Protocol, bytes: Uint8Array): string {
	if (protocol === "modbus-rtu") return modbusKind(bytes);
	if (protocol === "modbus-tcp") return modbusKind(bytes.subarray(6));
	return wording(bytes);
}

/** A text without the numbers in it. */
function wording(bytes: Uint8Array): string {
	const text = Buffer.from(bytes).toString("latin1");
	return text
		.replace(/[-+]?\d+\.\d+(E[-+]\d+)?/g, "#")
		.replace(/[^\x20-\x7e]/g, (c) => `<${c.charCodeAt(0)}>`)
		.slice(0, WORDING_MAX);
}

/** A topic with what tells messages on it apart. */
function messageKind(topic: string, payload: Uint8Array): string {
	const text = Buffer.from(payload).toString("latin1");
	return [topic, ...(text.match(/"(?:status|row|cmd|ok)":(?:"[^"]*"|\w+)/g) ?? [])].join(" ");
}

export class WireTap {
	/** Sees each frame before it arrives; what it gives arrives instead. */
	onFrame: ((frame: Frame) => readonly Piece[] | undefined) | undefined;

	constructor(private readonly clock: Clock) {}

	opener(line: string, protocol: Protocol, open: OpenByteStream): OpenByteStream {
		return async () => this.tapped(line, protocol, await open());
	}

	/** Messages are its frames; MQTT never splits one. */
	mqtt(line: string, link: MqttLink): MqttLink {
		const pass = this.passing();
		const passOwn = this.passing();
		return {
			open: () => link.open(),
			get isOpen() {
				return link.isOpen;
			},
			subscribe: (topic, listener) =>
				link.subscribe(topic, (message) => {
					const frame: Frame = {
						line,
						direction: "reply",
						kind: messageKind(message.topic, message.payload),
						bytes: message.payload,
					};
					pass(frame, (payload) => listener({ ...message, payload }));
				}),
			publish: async (topic, payload, options) => {
				if (!link.isOpen) return link.publish(topic, payload, options);
				const frame: Frame = { line, direction: "request", kind: messageKind(topic, payload), bytes: payload };
				passOwn(frame, (bytes) => void link.publish(topic, bytes, options).catch(() => {}));
			},
			onClose: (listener) => link.onClose(listener),
			close: () => link.close(),
		};
	}

	private tapped(line: string, protocol: Protocol, inner: ByteStream): ByteStream {
		let asked = "nothing";
		const passRequest = this.passing();
		const passReply = this.passing();
		return {
			name: inner.name,
			get isOpen() {
				return inner.isOpen;
			},
			write: (bytes) => {
				asked = requestKind(protocol, bytes);
				passRequest({ line, direction: "request", kind: asked, bytes }, (arriving) => {
					if (inner.isOpen) inner.write(arriving);
				});
			},
			onBytes: (listener) =>
				inner.onBytes((bytes) => {
					const kind = protocol === "bytes" ? `${asked} -> ${wording(bytes)}` : asked;
					passReply({ line, direction: "reply", kind, bytes }, listener);
				}),
			onClose: (listener) => inner.onClose(listener),
			close: () => inner.close(),
		};
	}

	/** One direction of a line, which never changes the order of its bytes. */
	private passing(): (frame: Frame, arrive: (bytes: Uint8Array) => void) => void {
		let busyUntilMs = 0;
		return (frame, arrive) => {
			const pieces = this.onFrame?.(frame) ?? [{ bytes: frame.bytes, delayMs: 0 }];
			for (const { bytes, delayMs } of pieces) {
				if (bytes.length === 0) continue;
				const nowMs = this.clock.nowMs();
				busyUntilMs = Math.max(busyUntilMs, nowMs + delayMs);
				if (busyUntilMs <= nowMs) arrive(bytes);
				else this.clock.setTimer(busyUntilMs - nowMs, () => arrive(bytes));
			}
		};
	}
}
