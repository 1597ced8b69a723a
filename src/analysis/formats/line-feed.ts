/** Bytes in pieces of any size as whole lines. */
import { refuse } from "#analysis/formats/title-line.js";

/** A longer line is no row of a cycler, and would have to be kept whole. */
export const LINE_BYTES_MAX = 65_536;

export interface LineFeedOptions {
	readonly newline: number;
	/** Bytes at the beginning that belong to no line. */
	readonly skipBytes: number;
	/** Whole lines, each with its end. */
	readonly onLines: (bytes: Uint8Array, start: number, end: number) => void;
	/** Lines given so far, for what is said of the next. */
	readonly lineCount: () => number;
}

export class LineFeed {
	private readonly newline: number;
	private skipLeft: number;
	private carry = new Uint8Array(4_096);
	private carried = 0;

	constructor(private readonly options: LineFeedOptions) {
		this.newline = options.newline;
		this.skipLeft = options.skipBytes;
	}

	push(bytes: Uint8Array): void {
		let start = Math.min(this.skipLeft, bytes.length);
		this.skipLeft -= start;
		if (this.carried > 0) {
			const end = bytes.indexOf(this.newline, start);
			const until = end < 0 ? bytes.length : end + 1;
			this.keep(bytes, start, until);
			if (end < 0) return;
			this.giveCarried();
			start = until;
		}
		const last = bytes.lastIndexOf(this.newline);
		if (last >= start) {
			this.options.onLines(bytes, start, last + 1);
			start = last + 1;
		}
		this.keep(bytes, start, bytes.length);
	}

	/** A last line without an end; empty where there is none. */
	get rest(): Uint8Array {
		return this.carry.subarray(0, this.carried);
	}

	/** Gives the rest as a line. */
	giveRest(): void {
		if (this.carried === 0) return;
		this.keep(Uint8Array.of(this.newline), 0, 1);
		this.giveCarried();
	}

	private giveCarried(): void {
		const { carried } = this;
		this.carried = 0;
		this.options.onLines(this.carry, 0, carried);
	}

	private keep(bytes: Uint8Array, start: number, end: number): void {
		const size = this.carried + end - start;
		if (size > LINE_BYTES_MAX)
			throw refuse(
				`Line ${this.options.lineCount() + 1} is longer than ${LINE_BYTES_MAX} bytes: this is no table of rows.`,
			);
		if (size > this.carry.length) {
			const larger = new Uint8Array(Math.max(size, this.carry.length * 2));
			larger.set(this.rest);
			this.carry = larger;
		}
		this.carry.set(bytes.subarray(start, end), this.carried);
		this.carried = size;
	}
}
