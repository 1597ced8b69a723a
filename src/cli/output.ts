/** Where the command's words go. With --json stdout carries the result alone, and people read stderr. */
import type { AdlayerError } from "#core/errors.js";

/** A stream as far as the command needs one. */
export interface TextSink {
	write(text: string): unknown;
	readonly isTTY?: boolean | undefined;
	readonly columns?: number | undefined;
}

const WIDTH_DEFAULT = 80;

export class Output {
	constructor(
		private readonly stdout: TextSink,
		private readonly stderr: TextSink,
		readonly json: boolean,
	) {}

	/** What people read: stdout, or stderr with --json. */
	get people(): TextSink {
		return this.json ? this.stderr : this.stdout;
	}

	get width(): number {
		return this.people.columns ?? WIDTH_DEFAULT;
	}

	line(text = ""): void {
		this.people.write(`${text}\n`);
	}

	/** For logs, in either mode. */
	log(text: string): void {
		this.stderr.write(`${text}\n`);
	}

	/** The one JSON object of --json; nothing without it. */
	result(value: object): void {
		if (this.json) this.stdout.write(`${JSON.stringify(value, finite)}\n`);
	}

	/** Says a failure in the form of the mode. */
	failure(error: AdlayerError): void {
		this.stderr.write(`${error.code}: ${error.message}\n`);
		for (const { line, column, severity, code, message } of error.problems) {
			// One that has no place and is said already.
			if (line === undefined && error.message.endsWith(message)) continue;
			const place = line === undefined ? "" : `${line}:${column ?? 1} `;
			this.stderr.write(`  ${place}${severity} ${code}: ${message}\n`);
		}
		this.stderr.write(`${error.hint}\n`);
		const { code, message, hint, problems } = error;
		this.result({ ok: false, error: { code, message, hint, ...(problems.length > 0 ? { problems } : {}) } });
	}
}

/** JSON has no NaN: what is not a number is null. */
const finite = (_key: string, value: unknown): unknown =>
	typeof value === "number" && !Number.isFinite(value) ? null : value;
