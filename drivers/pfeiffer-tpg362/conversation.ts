/** Mnemonics, acknowledgements and ENQ: questions to the controller and what becomes of them. */
import { AdlayerError } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import { OptionalQuestions, unlessSilent, unlessUnanswered } from "#transport/optional-question.js";
import {
	CR,
	decodeErrorWord,
	ENQ,
	ETX,
	encodeMnemonic,
	LF,
	parseAcknowledgement,
	parseData,
	printable,
} from "./codec.js";

/** After ETX, the line counts as quiet after this long: one and a half periods of the fastest continuous output. */
const QUIET_MS = 150;
const DRAIN_LIMIT_MS = 2_000;

/** The line's end behind an ACK that has come without it: some leave it out, from others it is still on its way. */
const BARE_QUIET_MS = 5;
const BARE_LIMIT_MS = 50;

const ENQUIRY = Uint8Array.of(ENQ);
/** For a far end that reads whole lines only. */
const LINE_END = Uint8Array.of(CR, LF);
const ENQUIRY_LINE = Uint8Array.of(ENQ, CR, LF);

/** What every relative knows one of. */
const FIRST_ITEMS = ["UNI", "PRX", "PR1"] as const;
const UNANSWERED = { text: "", refused: "silence" } as const;

/** What became of a question: its data, a refusal, or nothing at all. */
export interface Asked {
	readonly text: string;
	readonly refused?: string;
}

export class Conversation {
	private enquiry = ENQUIRY;
	/** Some ENQ has been answered since the connection was made. */
	private enquiryProven = false;
	/** In a look: silence to a question is taken for not knowing it. */
	private optional: OptionalQuestions | undefined;

	constructor(private readonly line: RequestLine) {}

	/** Opens the line and makes a controller that streams, as after power-up until it hears a first character, listen. */
	async begin({ looking }: { readonly looking: boolean }): Promise<void> {
		this.optional = looking ? new OptionalQuestions(this.line) : undefined;
		this.enquiry = ENQUIRY;
		this.enquiryProven = false;
		await this.line.open();
		await this.line.send(Uint8Array.of(ETX));
		await this.line.drain(QUIET_MS, DRAIN_LIMIT_MS);
	}

	close(): Promise<void> {
		return this.line.close();
	}

	/** Sends a mnemonic and reads its data. In a look a question that is passed over in silence is one that is not known. */
	async ask(mnemonic: string): Promise<Asked> {
		const { optional } = this;
		if (optional === undefined) return this.askAloud(mnemonic);
		return (await optional.settle(mnemonic, ({ retries }) => this.askAloud(mnemonic, retries))) ?? UNANSWERED;
	}

	/** As `ask`; throws REPLY_INVALID with the decoded ERROR word when the controller refuses. */
	async demand(mnemonic: string): Promise<string> {
		const reply = await this.ask(mnemonic);
		if (reply.refused !== undefined) {
			throw new AdlayerError("REPLY_INVALID", `The controller refused ${mnemonic}: ${reply.refused}.`);
		}
		return reply.text;
	}

	/** The first question of a connection. One that is passed over in silence is taken for unknown when another is answered. */
	async askFirst(mnemonic: string): Promise<Asked> {
		const asked = await unlessSilent(this.askAloud(mnemonic));
		if (asked !== undefined) return asked;
		await this.askAny(FIRST_ITEMS);
		return UNANSWERED;
	}

	/** A bare ENQ: the data of the item last acknowledged, read anew. */
	async enquire(): Promise<string> {
		const ask = (bytes: Uint8Array, once = false): Promise<string> =>
			this.line.request({ bytes, parse: parseData, title: "ENQ", ...(once ? { retries: 0 } : {}) });
		if (!this.enquiryProven) {
			const plain = await unlessUnanswered(ask(ENQUIRY, true));
			// A far end that reads whole lines has the ENQ, and waits for the line's end.
			const text = plain ?? (await unlessUnanswered(ask(LINE_END, true)));
			if (plain === undefined && text !== undefined) this.enquiry = ENQUIRY_LINE;
			this.enquiryProven = text !== undefined;
			if (text !== undefined) return text;
		}
		return ask(this.enquiry);
	}

	/** Some answer to one of these; throws that of the last when all are passed over. */
	private async askAny(mnemonics: readonly string[]): Promise<void> {
		for (const mnemonic of mnemonics.slice(0, -1)) {
			if ((await unlessSilent(this.askAloud(mnemonic, 0))) !== undefined) return;
		}
		await this.askAloud(mnemonics.at(-1)!);
	}

	private async askAloud(mnemonic: string, retries?: number): Promise<Asked> {
		const acknowledged = await this.line.request({
			bytes: encodeMnemonic(mnemonic),
			parse: (received) => parseAcknowledgement(received, mnemonic),
			title: mnemonic,
			...(retries === undefined ? {} : { retries }),
		});
		if (acknowledged.bare) await this.line.drain(BARE_QUIET_MS, BARE_LIMIT_MS);
		const text = await this.enquire();
		if (acknowledged.taken) return { text };
		return { text, refused: decodeErrorWord(text) ?? `an ERROR word that is none, "${printable(text)}"` };
	}
}
