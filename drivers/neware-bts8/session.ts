import { AdlayerError } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import {
	type ChannelAddress,
	type Element,
	invalid,
	isOk,
	isReplyTo,
	type Message,
	messageText,
	parseMessage,
	printable,
	requests,
} from "./codec.js";

/** Channels in one request: their replies stay far below the longest message that the line takes. */
const CHANNELS_MAX = 256;

export interface SessionLogin {
	readonly username: string;
	readonly password: string;
}

/**
 * A session with the server: one request at a time; a reply that does not end, does not fit or does not come costs the socket,
 * and the next request opens another. Errors: LINK_UNREACHABLE, LINK_LOST, DEVICE_SILENT, REPLY_INVALID, IDENTITY_MISMATCH.
 */
export class NewareSession {
	/** The channels that the server had when the session was opened last. */
	found: readonly ChannelAddress[] = [];
	private isOpen = false;
	/** A server that leaves channels out of lists is asked for one at a time. */
	private oneByOne = false;
	private turn: Promise<unknown> = Promise.resolve();

	constructor(
		private readonly line: RequestLine,
		private readonly login: SessionLogin,
	) {}

	/** One after the other: the interface answers without ids. */
	inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
		const result = this.turn.then(work, work);
		this.turn = result.catch(() => {});
		return result;
	}

	async open(): Promise<void> {
		await this.close();
		await this.line.open();
		const answer = (await this.exchange("connect", requests.connect(this.login.username, this.login.password))).text(
			"result",
		);
		if (!isOk(answer)) {
			await this.close();
			throw new AdlayerError("IDENTITY_MISMATCH", `The server answered "${printable(answer)}" to connect.`, {
				hint: "Activate the API in BTS, and check user name and password.",
			});
		}
		this.found = (await this.exchange("getdevinfo", requests.getdevinfo())).elements("channel").map(addressOf);
		this.isOpen = true;
	}

	/** One that broke meanwhile is opened anew. */
	async ensureOpen(): Promise<void> {
		if (!this.isOpen || !this.line.isOpen) await this.open();
	}

	async close(): Promise<void> {
		this.isOpen = false;
		await this.line.close();
	}

	/** One request and the reply to it. Anything else costs the socket. */
	async ask(command: string, bytes: Uint8Array): Promise<Message> {
		// A connection that broke meanwhile would be opened anew without a session.
		if (!this.line.isOpen) await this.ensureOpen();
		return this.exchange(command, bytes);
	}

	/** Of a single channel. */
	async askOne(command: string, element: string, bytes: Uint8Array): Promise<Element> {
		const elements = (await this.ask(command, bytes)).elements(element);
		if (elements.length === 1) return elements[0]!;
		throw invalid(`${elements.length} channels came in answer to ${command} of one`);
	}

	/** One element for each channel, in the order of asking: labels and counts of replies are not to be trusted. */
	async askEach(
		command: string,
		element: string,
		channels: readonly ChannelAddress[],
		request: (channels: readonly ChannelAddress[]) => Uint8Array,
	): Promise<Element[]> {
		const found: Element[] = [];
		for (let at = 0; at < channels.length; ) {
			const group = channels.slice(at, at + (this.oneByOne ? 1 : CHANNELS_MAX));
			if (group.length === 1) {
				found.push(await this.askOne(command, element, request(group)));
				at += 1;
				continue;
			}
			const elements = (await this.ask(command, request(group))).elements(element);
			if (elements.length !== group.length) {
				this.oneByOne = true;
				continue;
			}
			found.push(...elements);
			at += group.length;
		}
		return found;
	}

	private async exchange(command: string, bytes: Uint8Array): Promise<Message> {
		try {
			const text = await this.line.request({ bytes, parse: messageText(), title: command, retries: 0 });
			const message = parseMessage(text);
			if (isReplyTo(command, message.command)) return message;
			throw invalid(`"${printable(message.command)}" came in answer to ${command}`);
		} catch (thrown) {
			await this.close();
			throw thrown;
		}
	}
}

/** The key of the last part has a capital in the real replies; others may have neither. */
function addressOf({ attributes }: Element): ChannelAddress {
	const { ip = "", devtype = "", devid = "", subdevid = "" } = attributes;
	const chlid = attributes.channelid ?? attributes.chlid ?? "";
	for (const part of [devtype, devid, subdevid, chlid]) {
		if (!/^\d{1,9}$/.test(part))
			throw invalid(`A channel came without a number in devtype, devid, subdevid or Channelid`);
	}
	return { ip, devtype, devid, subdevid, chlid };
}
