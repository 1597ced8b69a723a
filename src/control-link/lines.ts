/** Cuts a byte stream into lines of bounded length. */
const LINE_FEED = 10;

export class LineSplitter {
	private parts: Buffer[] = [];
	private length = 0;

	constructor(private readonly bytesMax: number) {}

	/** The lines that `chunk` completes, without their line feeds; undefined when one is longer than allowed. */
	push(chunk: Buffer): string[] | undefined {
		const lines: string[] = [];
		let start = 0;
		for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
			this.keep(chunk.subarray(start, end));
			if (this.length > this.bytesMax) return undefined;
			lines.push(Buffer.concat(this.parts, this.length).toString("utf8"));
			this.parts = [];
			this.length = 0;
			start = end + 1;
		}
		this.keep(chunk.subarray(start));
		return this.length > this.bytesMax ? undefined : lines;
	}

	private keep(part: Buffer): void {
		if (part.length === 0) return;
		this.parts.push(part);
		this.length += part.length;
	}
}
