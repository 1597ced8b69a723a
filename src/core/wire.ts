/** One end of a byte stream: a serial port, a TCP socket or a link in memory. */
export interface ByteStream {
	/** What a person would call it, e.g. `/dev/ttyUSB0` or `tcp 10.0.0.5:502`. */
	readonly name: string;
	readonly isOpen: boolean;
	/** Sends bytes; throws LINK_LOST when the stream is closed. */
	write(bytes: Uint8Array): void;
	/** Registers the one receiver of bytes. */
	onBytes(listener: (bytes: Uint8Array) => void): void;
	/** Registers the one receiver of the stream's end. Never relied on alone: a dead line may stay silent. */
	onClose(listener: (cause?: Error) => void): void;
	close(): Promise<void>;
}

/** Opens a stream; called again after each loss. Rejects with LINK_UNREACHABLE. */
export type OpenByteStream = () => Promise<ByteStream>;

/** Wire statistics of one instrument. */
export interface ExchangeCounters {
	exchanges: number;
	retries: number;
	timeouts: number;
	/** Breaks of the line over which a request was asked again. */
	breaks?: number;
	/** In a look: the longest wait for the first byte of an answer, ms; of requests with a time-out of their own, none. */
	slowestMs?: number;
}

/** A request and how to know its reply. */
export interface LineRequest<Reply> {
	readonly bytes: Uint8Array;
	/**
	 * Looks at everything received since the request was sent. Gives `undefined` while more bytes are needed, the reply and
	 * how many bytes it took, or throws REPLY_INVALID (the line then discards, waits and retries).
	 */
	parse(received: Uint8Array): { reply: Reply; taken: number } | undefined;
	/** One sentence about bytes that came in time but hold no reply. */
	diagnose?(received: Uint8Array): string;
	/** Whether such bytes are the answer to an earlier request, where answers tell. */
	isLate?(received: Uint8Array): boolean;
	/** Overrides the driver's timing. */
	readonly timeoutMs?: number;
	readonly retries?: number;
	/** What people would call it in messages and logs: "PR1", "read 40001..40005". */
	readonly title: string;
}

/** Requests and replies over a byte stream that may be shared: one request at a time, bounded, late replies discarded. */
export interface RequestLine {
	request<Reply>(request: LineRequest<Reply>): Promise<Reply>;
	/** Sends bytes that have no reply (a clear, a break). */
	send(bytes: Uint8Array): Promise<void>;
	/** Discards whatever arrives until the line has been quiet for `quietMs`, at most `limitMs`. */
	drain(quietMs: number, limitMs: number): Promise<void>;
	open(): Promise<void>;
	/** False after a loss: the next request opens another stream, in which a session has to be begun anew. */
	readonly isOpen: boolean;
	close(): Promise<void>;
	readonly counters: ExchangeCounters;
}

/** For a write that starts something: it must not be repeated, nor leave late. */
export interface WriteOptions {
	/** Overrides the driver's timing. */
	readonly retries?: number;
	/** Called when the write is about to leave, after any wait for the line; what it throws refuses the write. */
	readonly beforeSending?: () => void;
}

/** One Modbus unit as a driver sees it. Addresses are wire addresses (0-based). All methods reject with AdlayerError. */
export interface ModbusMaster {
	/** Function 03; gives `count` unsigned 16-bit words. */
	readHolding(address: number, count: number): Promise<number[]>;
	/** Function 04. */
	readInput(address: number, count: number): Promise<number[]>;
	/** Function 01. */
	readCoils(address: number, count: number): Promise<boolean[]>;
	/** Function 02. */
	readDiscrete(address: number, count: number): Promise<boolean[]>;
	/** Function 06. */
	writeRegister(address: number, word: number, options?: WriteOptions): Promise<void>;
	/** Function 16. */
	writeRegisters(address: number, words: readonly number[], options?: WriteOptions): Promise<void>;
	/** Function 05. */
	writeCoil(address: number, on: boolean): Promise<void>;
	/** Opens the line if it is not open. */
	open(): Promise<void>;
	/** Closes this unit's share; the line closes with its last user. */
	close(): Promise<void>;
	readonly counters: ExchangeCounters;
}

export interface MqttMessage {
	/** Below the link's prefix. */
	readonly topic: string;
	readonly payload: Uint8Array;
	/** Kept by the broker from before the subscription: of unknown age. */
	readonly retained: boolean;
}

/** The topics of a broker below one prefix. All methods reject with AdlayerError; nothing is queued while the broker is away. */
export interface MqttLink {
	/** Connects if it is not connected; rejects with LINK_UNREACHABLE. */
	open(): Promise<void>;
	readonly isOpen: boolean;
	/** Quality of service 1. `topic` may have wildcards; subscriptions end with `close` and with the loss of the broker. */
	subscribe(topic: string, listener: (message: MqttMessage) => void): Promise<void>;
	/** Quality of service 1; resolves when the broker has it. */
	publish(topic: string, payload: Uint8Array, options?: { readonly retain?: boolean }): Promise<void>;
	onClose(listener: (cause?: Error) => void): void;
	close(): Promise<void>;
}
