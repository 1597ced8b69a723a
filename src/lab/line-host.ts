/** A place where one simulated line can be reached by other processes. */
export interface LineHost {
	/** A device path, or `host:port`. */
	readonly place: string;
	/** Unplugged: clients are broken off and nobody gets in; plugged in again it is at the same place. */
	plug(isPlugged: boolean): void;
	close(): Promise<void>;
}

/** What a host does with a client: gives it the sender of answers, gets the receiver of its bytes. */
export type AcceptClient = (send: (bytes: Uint8Array) => void) => { receive(bytes: Uint8Array): void; close(): void };
