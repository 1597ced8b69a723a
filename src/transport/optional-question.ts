/** Questions that an instrument may not know: some say so, others pass over them in silence. */
import { AdlayerError } from "#core/errors.js";
import type { LineRequest, RequestLine } from "#core/wire.js";

/** So many questions passed over, and silence is this instrument's way to say that it does not know: it is not asked twice any more. */
const SILENCES_PATIENT = 2;

/** Asks what need not be known, of an instrument that has answered something else: silence is an answer here. */
export class OptionalQuestions {
	private silences = 0;
	/** Titles of questions that have been answered: silence to one of these is no answer any more. */
	private readonly known: Set<string>;

	constructor(
		private readonly line: RequestLine,
		known: readonly string[] = [],
	) {
		this.known = new Set(known);
	}

	/** The reply, or undefined where nobody answered. Rejects with DEVICE_SILENT where the same question was answered before. */
	ask<Reply>(request: LineRequest<Reply>): Promise<Reply | undefined> {
		return this.settle(request.title, (retries) => this.line.request({ ...request, ...retries }));
	}

	/** As `ask`, for a question of several requests, which take `retries` into theirs. */
	async settle<Reply>(
		title: string,
		question: (retries: { readonly retries?: number }) => Promise<Reply>,
	): Promise<Reply | undefined> {
		if (this.known.has(title)) return question({});
		// Repeated once, to tell a lost frame from silence.
		const reply = await unlessSilent(question({ retries: this.silences < SILENCES_PATIENT ? 1 : 0 }));
		if (reply === undefined) this.silences += 1;
		else this.known.add(title);
		return reply;
	}
}

/** The reply, or undefined where nobody answered. */
export function unlessSilent<Reply>(question: Promise<Reply>): Promise<Reply | undefined> {
	return unless(question, ["DEVICE_SILENT"]);
}

/** The reply, or undefined where none came that could be read. */
export function unlessUnanswered<Reply>(question: Promise<Reply>): Promise<Reply | undefined> {
	return unless(question, ["DEVICE_SILENT", "REPLY_INVALID"]);
}

async function unless<Reply>(question: Promise<Reply>, codes: readonly string[]): Promise<Reply | undefined> {
	try {
		return await question;
	} catch (thrown) {
		if (thrown instanceof AdlayerError && codes.includes(thrown.code)) return undefined;
		throw thrown;
	}
}
