/**
 * The TCP/XML interface of Neware's BTS 8: texts to messages and back, pure. One request, one reply, no ids.
 * Source: the public program EmpaEconversion/aurora-neware (`aurora_neware/neware.py`) and the replies in its
 * `tests/mocks.py`, captured from a BTS 8.0 machine. Neware publishes no manual of it.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { AdlayerError } from "#core/errors.js";

export const TERMINATOR = "\n\n#\r\n";
const HEAD = '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0">';
/** The longest download that is asked for, rows. */
export const CHUNK_ROWS_MAX = 1_000;

/** Which channel: as the API addresses it. `key` is devid-subdevid-chlid, which is what people call a channel. */
export interface ChannelAddress {
	readonly ip: string;
	readonly devtype: string;
	readonly devid: string;
	readonly subdevid: string;
	readonly chlid: string;
}

export const keyOf = ({ devid, subdevid, chlid }: ChannelAddress): string => `${devid}-${subdevid}-${chlid}`;

const place = ({ ip, devtype, devid, subdevid, chlid }: ChannelAddress): string =>
	`ip="${escapeXml(ip)}" devtype="${devtype}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}"`;
const placeWithoutIp = ({ devtype, devid, subdevid, chlid }: ChannelAddress): string =>
	`devtype="${devtype}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}"`;

const encode = (body: string): Uint8Array => Buffer.from(`${HEAD}${body}</bts>${TERMINATOR}`, "utf8");

/** The spaces around = are the real client's. */
const list = (items: readonly string[]): string => `<list count = "${items.length}">${items.join("")}</list>`;

export const requests = {
	connect: (user: string, password: string): Uint8Array =>
		encode(
			`<cmd>connect</cmd><username>${escapeXml(user)}</username><password>${escapeXml(password)}</password><type>bfgs</type>`,
		),
	getdevinfo: (): Uint8Array => encode("<cmd>getdevinfo</cmd>"),
	getchlstatus: (channels: readonly ChannelAddress[]): Uint8Array =>
		encode(`<cmd>getchlstatus</cmd>${list(channels.map((channel) => `<status ${place(channel)}>true</status>`))}`),
	inquire: (channels: readonly ChannelAddress[]): Uint8Array =>
		encode(
			`<cmd>inquire</cmd>${list(
				channels.map((channel) => `<inquire ${place(channel)} aux="0" barcode="1">true</inquire>`),
			)}`,
		),
	inquiredf: (channels: readonly ChannelAddress[]): Uint8Array =>
		encode(`<cmd>inquiredf</cmd>${list(channels.map((channel) => `<chl ${placeWithoutIp(channel)} testid="0" />`))}`),
	download: (channel: ChannelAddress, startpos: number, count: number): Uint8Array =>
		encode(
			`<cmd>download</cmd><download ${placeWithoutIp(channel)} auxid="0" testid="0" startpos="${startpos}" count="${count}"/>`,
		),
	downloadlog: (channel: ChannelAddress): Uint8Array =>
		encode(`<cmd>downloadlog</cmd><download ${placeWithoutIp(channel)} testid="0"/>`),
	downloadStepLayer: (channel: ChannelAddress): Uint8Array =>
		encode(`<cmd>downloadStepLayer</cmd><downloadStepLayer ${placeWithoutIp(channel)} />`),
	start: (channel: ChannelAddress, order: { barcode: string; stepsPath: string; backupFolder: string }): Uint8Array =>
		encode(
			`<cmd>start</cmd><list count = "1"><start ${place(channel)} barcode="${escapeXml(order.barcode)}">` +
				`${escapeXml(order.stepsPath)}</start><backup backupdir="${escapeXml(order.backupFolder)}" remotedir="" ` +
				'filenametype="0" customfilename="" addtimewhenrepeat="0" createdirbydate="0" filetype="0" ' +
				'backupontime="1" backupontimeinterval="720" backupfree="1" /></list>',
		),
	stop: (channel: ChannelAddress): Uint8Array =>
		encode(`<cmd>stop</cmd>${list([`<stop ${place(channel)}>true</stop>`])}`),
	light: (channel: ChannelAddress, on: boolean): Uint8Array =>
		encode(`<cmd>light</cmd>${list([`<light ${place(channel)}>${on}</light>`])}`),
	clearflag: (channel: ChannelAddress): Uint8Array =>
		encode(`<cmd>clearflag</cmd>${list([`<clearflag ${place(channel)}>true</clearflag>`])}`),
};

const HASH = 0x23;
const SPACES: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];
const CLOSING = "</bts>";

/**
 * Where the first message in `bytes` ends: `body` bytes of XML, `taken` with the terminator. Undefined while there is no
 * end yet. A message ends with `#` CR LF after `</bts>`, whatever white space is between, or after two line feeds; after
 * `</bts>` a line feed alone does, too. Looks from `fromByte` on, so that a long message is not searched again for every packet.
 */
export function endOfMessage(bytes: Uint8Array, fromByte = 0): { body: number; taken: number } | undefined {
	for (let at = bytes.indexOf(HASH, fromByte); at >= 0; at = bytes.indexOf(HASH, at + 1)) {
		const isFeed = bytes[at + 1] === 0x0a;
		if (!isFeed && at + 2 >= bytes.length) return undefined;
		if (!isFeed && (bytes[at + 1] !== 0x0d || bytes[at + 2] !== 0x0a)) continue;
		let body = at;
		while (body > 0 && SPACES.includes(bytes[body - 1]!)) body -= 1;
		const closing = Buffer.from(bytes.subarray(Math.max(0, body - CLOSING.length), body)).toString("latin1");
		const isClosed = closing.toLowerCase() === CLOSING;
		const isSpaced = !isFeed && at >= 2 && bytes[at - 1] === 0x0a && bytes[at - 2] === 0x0a;
		if (isClosed || isSpaced) return { body, taken: at + (isFeed ? 2 : 3) };
	}
	return undefined;
}

/** For `LineRequest.parse`: the text of one whole message. */
export function messageText(): (received: Uint8Array) => { reply: string; taken: number } | undefined {
	let searched = 0;
	return (received) => {
		const end = endOfMessage(received, Math.min(searched, received.length));
		// The last bytes may be the beginning of a terminator.
		searched = Math.max(0, received.length - 3);
		if (end === undefined) return undefined;
		return { reply: Buffer.from(received.subarray(0, end.body)).toString("utf8"), taken: end.taken };
	};
}

/** One element: its attributes by their names in small letters, and its text. */
export interface Element {
	readonly attributes: Readonly<Record<string, string>>;
	readonly text: string;
}

export interface Message {
	readonly command: string;
	/** Elements by name, whatever its case, in the order in which they came, at the top and inside `<list>` or `<middle>`. */
	elements(name: string): readonly Element[];
	/** Text of an element at the top; "" when there is none. */
	text(name: string): string;
}

const TEXT = "#text";
const parser = new XMLParser({
	ignoreAttributes: false,
	attributeNamePrefix: "",
	attributesGroupName: "$",
	textNodeName: TEXT,
	parseTagValue: false,
	parseAttributeValue: false,
	processEntities: false,
	ignoreDeclaration: true,
	ignorePiTags: true,
	maxNestedTags: 16,
	transformTagName: (name) => name.toLowerCase(),
});

const COMMENT = /<!--[\s\S]*?-->/g;

/** Reads one message. Numbers stay text. Throws REPLY_INVALID on what is no message of this interface. */
export function parseMessage(received: string): Message {
	const text = received
		.replace(/^\uFEFF/, "")
		.replace(COMMENT, "")
		.trim();
	// Entities are never expanded, and what declares any is nobody we know.
	if (text.includes("<!")) throw invalid("A document with declarations (<!...) came");
	if (XMLValidator.validate(text) !== true) throw invalid(`"${printable(text)}" came, which is not well-formed XML`);
	let root: unknown;
	try {
		root = (parser.parse(text) as Record<string, unknown>).bts;
	} catch (cause) {
		throw invalid(
			`"${printable(text)}" came, which cannot be read (${cause instanceof Error ? cause.message : cause})`,
		);
	}
	if (!isNode(root)) throw invalid(`"${printable(text)}" came, which is no <bts> message`);
	const top = root;
	const groups = [top, ...nodes(top.list), ...nodes(top.middle)];
	return {
		command: textOf(nodes(top.cmd)[0] ?? {}),
		elements: (name) => groups.flatMap((group) => nodes(group[name.toLowerCase()])).map(elementOf),
		text: (name) => textOf(nodes(top[name.toLowerCase()])[0] ?? {}),
	};
}

type Node = Record<string, unknown>;
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

/** One or many, with or without attributes, in one form. */
function nodes(value: unknown): Node[] {
	if (value === undefined) return [];
	const all: unknown[] = Array.isArray(value) ? value : [value];
	return all.map((one) => (isNode(one) ? one : { [TEXT]: typeof one === "string" ? one : "" }));
}

const textOf = (node: Node): string => {
	const text = node[TEXT];
	return typeof text === "string" ? unescapeXml(text).trim() : "";
};

function elementOf(node: Node): Element {
	const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
	for (const [name, value] of Object.entries(isNode(node.$) ? node.$ : {})) {
		const known = name.toLowerCase();
		if (known in attributes) throw invalid(`An element came with ${printable(known)} twice`);
		attributes[known] = unescapeXml(String(value)).trim();
	}
	return { attributes, text: textOf(node) };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The five that XML itself has, and characters by number; anything else stays as it came. */
export const unescapeXml = (text: string): string =>
	text.replace(
		/&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([\da-f]{1,6}));/gi,
		(all, name?: string, ten?: string, hex?: string) => {
			if (name !== undefined) return ENTITIES[name] ?? all;
			const code = ten === undefined ? Number.parseInt(hex!, 16) : Number(ten);
			return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
		},
	);
export const escapeXml = (text: string): string =>
	text.replace(/[&<>"']/g, (character) => {
		const name = Object.keys(ENTITIES).find((key) => ENTITIES[key] === character)!;
		return `&${name};`;
	});

/** A number that must be there. Throws REPLY_INVALID. */
export function numberOf(element: Element, name: string): number {
	const text = element.attributes[name];
	const value = optionalNumber(text);
	if (value === null) throw invalid(`${name}="${printable(text ?? "")}" came, which is no number`);
	return value;
}

/** `--`, nothing and an absent attribute are null; anything else that is no number throws REPLY_INVALID. */
export function optionalNumber(text: string | undefined): number | null {
	if (text === undefined || text === "" || text === "--") return null;
	if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(text)) {
		throw invalid(`"${printable(text)}" came, which is no number`);
	}
	return Number(text);
}

/** A count or a sequence number. Throws REPLY_INVALID. */
export function integerOf(element: Element, name: string): number {
	const value = numberOf(element, name);
	if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name}="${value}" came, which is no count`);
	return value;
}

/** `ok`, in any case. */
export const isOk = (answer: string): boolean => answer.toLowerCase() === "ok";

/** Replies to downloads are misspelt by the server (`donwload_resp`); both spellings are taken. */
export function isReplyTo(command: string, reply: string): boolean {
	const said = reply.toLowerCase();
	const name = command.toLowerCase();
	return said === `${name}_resp` || said === `${name.replace("download", "donwload")}_resp`;
}

export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, ".").slice(0, 60);

export const invalid = (message: string): AdlayerError => new AdlayerError("REPLY_INVALID", `${message}.`);
