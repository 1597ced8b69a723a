import { type CodeEntry, ERROR_CODES, type ErrorCode } from "#core/error-codes.js";

/** One problem found at a door (file, body, argument): where it is, what was found, and the limit it breaks. */
export interface Problem {
	severity: "error" | "warning";
	code: string;
	message: string;
	line?: number;
	column?: number;
	/** Path inside the document, e.g. `steps[3].repeat.times`. */
	path?: string;
	value?: unknown;
	limit?: unknown;
}

export interface ErrorDetails {
	/** The numbers behind the message. */
	context?: Record<string, unknown>;
	/** All problems at once, for files and bodies. */
	problems?: Problem[];
	cause?: unknown;
	/** What to do next, where it is more precise than the code's own advice. */
	hint?: string;
}

/** The one error class. `message` is one sentence with the numbers in it. */
export class AdlayerError extends Error {
	readonly code: ErrorCode;
	readonly context: Record<string, unknown>;
	readonly problems: Problem[];
	readonly hint: string;

	constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
		super(message, details.cause === undefined ? undefined : { cause: details.cause });
		this.name = "AdlayerError";
		this.code = code;
		this.context = details.context ?? {};
		this.problems = details.problems ?? [];
		this.hint = details.hint ?? ERROR_CODES[code].next;
	}

	get entry(): CodeEntry {
		return ERROR_CODES[this.code];
	}

	/** The form that crosses the control link, REST and `--json`. */
	toJSON(): { code: ErrorCode; message: string; hint: string; context?: object; problems?: Problem[] } {
		return {
			code: this.code,
			message: this.message,
			hint: this.hint,
			...(Object.keys(this.context).length > 0 ? { context: this.context } : {}),
			...(this.problems.length > 0 ? { problems: this.problems } : {}),
		};
	}

	/** Rebuilds an error that came over a link; an unknown code becomes INTERNAL. */
	static fromJSON(value: {
		code?: string;
		message?: string;
		hint?: string;
		context?: Record<string, unknown>;
		problems?: Problem[];
	}): AdlayerError {
		const code =
			value.code !== undefined && Object.hasOwn(ERROR_CODES, value.code) ? (value.code as ErrorCode) : "INTERNAL";
		return new AdlayerError(code, value.message ?? "An error without a message.", {
			...(value.hint === undefined ? {} : { hint: value.hint }),
			...(value.context === undefined ? {} : { context: value.context }),
			...(value.problems === undefined ? {} : { problems: value.problems }),
		});
	}
}

/** Whatever was thrown, as an AdlayerError. */
export function asAdlayerError(thrown: unknown): AdlayerError {
	if (thrown instanceof AdlayerError) return thrown;
	const message = thrown instanceof Error ? thrown.message : String(thrown);
	return new AdlayerError("INTERNAL", message, { cause: thrown });
}

/** A programmer's mistake: never caught as an operating condition. Control goes to its safe state and exits. */
export function assert(condition: unknown, message: string): asserts condition {
	if (!condition) throw new Error(`Assertion: ${message}`);
}
