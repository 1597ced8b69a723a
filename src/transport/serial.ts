import type { SerialPort } from "serialport";
import { AdlayerError } from "#core/errors.js";
import type { ByteStream, OpenByteStream } from "#core/wire.js";
import type { SerialSettings } from "./address.js";

/** What the systems say of a port that another program holds: lock refused or EBUSY on Unix, access denied on Windows. */
const HELD = /cannot lock|busy|access denied/i;

class SerialStream implements ByteStream {
	private lost = false;
	private bytesListener: ((bytes: Uint8Array) => void) | undefined;
	private closeListener: ((cause?: Error) => void) | undefined;

	constructor(
		readonly name: string,
		private readonly port: SerialPort,
	) {
		port.on("data", (bytes: Uint8Array) => this.bytesListener?.(bytes));
		port.on("error", (cause) => this.lose(cause));
		port.on("close", (cause?: Error) => this.lose(cause));
	}

	get isOpen(): boolean {
		return !this.lost && this.port.isOpen;
	}

	write(bytes: Uint8Array): void {
		if (!this.isOpen) throw new AdlayerError("LINK_LOST", `The port ${this.name} is closed.`);
		this.port.write(bytes as Buffer, (cause) => {
			if (cause != null) this.lose(cause);
		});
	}

	onBytes(listener: (bytes: Uint8Array) => void): void {
		this.bytesListener = listener;
	}

	onClose(listener: (cause?: Error) => void): void {
		this.closeListener = listener;
	}

	close(): Promise<void> {
		this.closeListener = undefined;
		this.lost = true;
		return new Promise((resolve) => {
			if (!this.port.isOpen) {
				resolve();
				return;
			}
			// A port whose device is gone cannot be closed properly; it is given up all the same.
			this.port.close(() => resolve());
		});
	}

	private lose(cause?: Error): void {
		if (this.lost) return;
		this.lost = true;
		if (this.port.isOpen) this.port.close(() => {});
		this.closeListener?.(cause);
	}
}

/**
 * Opens a serial port, raw and exclusive. Rejects with LINK_UNREACHABLE. When the far end dies the port may stay "open"
 * without any event until a write fails: only the time-outs of requests tell.
 */
export function serialOpener(settings: SerialSettings): OpenByteStream {
	return async () => {
		// Loaded when first needed, so that a simulated plant runs where no native serial module exists.
		const { SerialPort } = await import("serialport");
		const port = new SerialPort({
			path: settings.path,
			baudRate: settings.baud,
			parity: settings.parity,
			dataBits: settings.dataBits,
			stopBits: settings.stopBits,
			autoOpen: false,
		});
		await new Promise<void>((resolve, reject) => {
			port.open((cause) => {
				if (cause == null) {
					resolve();
					return;
				}
				const message = `The serial port ${settings.path} could not be opened: ${cause.message}.`;
				const context = { path: settings.path, heldByAnother: HELD.test(cause.message) };
				reject(new AdlayerError("LINK_UNREACHABLE", message, { cause, context }));
			});
		});
		return new SerialStream(settings.path, port);
	};
}
