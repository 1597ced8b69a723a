/** Servers that write the same messages in another hand: whatever XML leaves open, and what real programs do with it. */
import { describe, expect, it } from "vitest";
import { endOfMessage, parseMessage } from "#drivers/neware-bts8/codec.js";
import { statusOf } from "#drivers/neware-bts8/rows.js";
import * as captured from "./captured.js";
import { PROGRAM, Rig, whole } from "./rig.js";

const END = "\n\n#\r\n";
const attributesOf = (text: string): string[] => text.match(/[\w]+="[^"]*"/g) ?? [];
/** Each tag that has attributes, with the attributes told otherwise. */
const withTags = (text: string, change: (name: string, attributes: string[], close: string) => string): string =>
	text.replace(/<(\w+)((?:\s+\w+="[^"]*")+)\s*(\/?)>/g, (_all, name: string, attributes: string, close: string) =>
		change(name, attributesOf(attributes), close),
	);

const HANDS: readonly (readonly [string, (xml: string) => string])[] = [
	["as it is", (xml) => xml],
	[
		"with attributes the other way round",
		(xml) => withTags(xml, (name, all, close) => `<${name} ${all.reverse().join(" ")}${close}>`),
	],
	[
		"with single quotes",
		(xml) => withTags(xml, (name, all, close) => `<${name} ${all.join(" ").replaceAll('"', "'")}${close}>`),
	],
	[
		"with line breaks between attributes",
		(xml) => withTags(xml, (name, all, close) => `<${name}\r\n\t${all.join("\r\n\t")}\r\n${close}>`),
	],
	[
		"with spaces around =",
		(xml) => withTags(xml, (name, all, close) => `<${name} ${all.join(" ").replaceAll('="', ' = "')}${close}>`),
	],
	[
		"with spaces inside of values",
		(xml) => xml.replaceAll(/(volt|curr|voltage|current|count|testid)="([^"]+)"/g, '$1=" $2 "'),
	],
	[
		"with attributes in capitals",
		(xml) =>
			withTags(
				xml,
				(name, all, close) =>
					`<${name} ${all.map((one) => one.replace(/^\w+/, (word) => word.toUpperCase())).join(" ")}${close}>`,
			),
	],
	[
		"with elements in capitals",
		(xml) => xml.replace(/<(\/?)(\w+)/g, (_all, slash: string, name: string) => `<${slash}${name.toUpperCase()}`),
	],
	[
		"with words in capitals",
		(xml) =>
			xml
				.replace(/workstatus="(\w)/g, (_all, first: string) => `workstatus="${first.toUpperCase()}`)
				.replace(">ok<", ">OK<")
				.replace(/(step_?type)="(\w+)"/g, (_all, name: string, word: string) => `${name}="${word.toUpperCase()}"`),
	],
	["without line breaks", (xml) => xml.replaceAll(/>\s+</g, "><")],
	["without a declaration", (xml) => xml.replace(/<\?xml[^>]*\?>\s*/, "")],
	["with a byte order mark", (xml) => `\uFEFF${xml}`],
	["with line breaks before it", (xml) => `\r\n\r\n${xml}`],
	["with comments", (xml) => xml.replaceAll("<list", "<!-- the list --><list")],
	[
		"with elements that are closed by themselves",
		(xml) => xml.replaceAll(/<(data|inquire)([^>]*) \/>/g, "<$1$2></$1>"),
	],
	[
		"with attributes and elements that nobody knows",
		(xml) =>
			withTags(xml, (name, all, close) => `<${name} reserved="7" ${all.join(" ")} unit="x"${close}>`).replace(
				"</cmd>",
				"</cmd><session>9</session>",
			),
	],
	[
		"without what is not needed",
		(xml) =>
			xml.replaceAll(
				/ (open_or_close|log_code|barcode|step_id|auxid|reservepause|devtype|ip)="[^"]*"(?=[^>]*\/>)/g,
				"",
			),
	],
	[
		"with characters by number",
		(xml) =>
			xml.replaceAll(
				/barcode="([^"]*)"/g,
				(_all, code: string) => `barcode="${code.replace("#", "&#35;").replace("@", "&#x40;")}"`,
			),
	],
	["with times in fractions", (xml) => xml.replaceAll(/(atime="[^"]*)"/g, '$1.000"')],
];

const ORDER = { channel: "a1", barcode: "Li@200LiAlOx-ex #1", program: PROGRAM };

/** A whole story: start, live values, rows, end. */
async function story(write: (reply: Buffer) => readonly Uint8Array[]) {
	const rig = new Rig();
	rig.fate = (bytes) => {
		const pieces = write(Buffer.from(bytes));
		return pieces.length === 1 ? whole(pieces[0]!) : { pieces: pieces.map((piece) => ({ bytes: piece, delayMs: 1 })) };
	};
	const identification = await rig.run(rig.device.connect());
	const { test } = await rig.run(rig.device.start(ORDER));
	await rig.clock.advance(1_500_000);
	rig.simulator.advance(rig.clock.nowMs());
	const { a1 } = await rig.run(rig.device.status());
	const extent = (await rig.run(rig.device.extents())).a1!;
	const { rows, gaps } = await rig.run(rig.device.rows({ channel: "a1", test, fromSeq: 1, rowsMax: 1_000 }));
	const sign = rig.device.currentSign;
	await rig.run(rig.device.stop("a1"));
	const after = (await rig.run(rig.device.status())).a1!.activity;
	const starts = rig.sent.filter((text) => text.includes("<cmd>start</cmd>")).length;
	return {
		identification,
		test,
		activity: a1!.activity,
		voltageV: a1!.voltageV,
		currentA: a1!.currentA,
		extent,
		rows,
		gaps,
		sign,
		after,
		starts,
	};
}

const rewritten = (hand: (xml: string) => string) => (reply: Buffer) => {
	const text = reply.toString("utf8");
	return [Buffer.from(hand(text.slice(0, -END.length)) + END, "utf8")];
};
/** Words for the kind of step are the server's own. */
const inSmallLetters = <Told extends { rows: readonly { stepType: string }[] }>(told: Told) => ({
	...told,
	rows: told.rows.map((row) => ({ ...row, stepType: row.stepType.toLowerCase() })),
});

describe("a server that writes", () => {
	it.each(HANDS)("%s is understood in everything", async (_name, hand) => {
		const plain = await story((reply) => [reply]);
		const { identification: _plain, ...expected } = plain;
		const { identification, ...told } = inSmallLetters(await story(rewritten(hand)));
		expect(told).toEqual(expected);
		expect(identification.confirmed).toBe(true);
		expect(told).toMatchObject({ activity: "running", after: "stopped", starts: 1, sign: "charge-positive" });
		expect(told.rows.length).toBeGreaterThan(100);
	});

	it.each([
		["the end with line feeds alone", (reply: Buffer) => [Buffer.from(reply.toString("utf8").replace(END, "\n\n#\n"))]],
		["the end at once", (reply: Buffer) => [Buffer.from(reply.toString("utf8").replace(END, "#\r\n"))]],
		["each reply twice in one packet", (reply: Buffer) => [Buffer.concat([reply, reply])]],
		[
			"a reply to something else behind each",
			(reply: Buffer) => [Buffer.concat([reply, Buffer.from(`${captured.CONNECT}${END}`)])],
		],
		[
			"in packets of 7 bytes",
			(reply: Buffer) =>
				Array.from({ length: Math.ceil(reply.length / 7) }, (_, n) => reply.subarray(7 * n, 7 * n + 7)),
		],
	] as const)("%s is understood in everything", async (_name, write) => {
		const { identification: _plain, ...expected } = await story((reply) => [reply]);
		const { identification: _told, ...told } = await story(write);
		expect(told).toEqual(expected);
	});

	it("its end in any way is found after every byte of it, and nowhere before", () => {
		for (const end of [END, "#\r\n", "\r\n#\r\n", "\n\n#\n", "#\n"]) {
			const message = Buffer.from(captured.DOWNLOADED + end, "utf8");
			for (let length = 0; length < message.length; length += 1)
				expect(endOfMessage(message.subarray(0, length)), `${JSON.stringify(end)} at ${length}`).toBeUndefined();
			expect(endOfMessage(message)).toEqual({ body: captured.DOWNLOADED.length, taken: message.length });
		}
	});

	it("one thing twice in two cases, numbers with units, or without volt or ampere is refused", async () => {
		const invalid = expect.objectContaining({ code: "REPLY_INVALID" });
		const inquired = (change: (xml: string) => string) => () =>
			parseMessage(change(captured.INQUIRED)).elements("inquire").map(statusOf);
		expect(inquired((xml) => xml.replace('voltage="4.6947"', 'voltage="4.6947" Voltage="3.1"'))).toThrowError(invalid);
		expect(inquired((xml) => xml.replace('voltage="4.6947"', 'voltage="4.6947 V"'))).toThrowError(invalid);
		expect(inquired((xml) => xml.replace('voltage="4.6947"', 'voltage="4,6947"'))).toThrowError(invalid);
		expect(inquired((xml) => xml.replace('workstatus="working"', ""))).toThrowError(invalid);
		for (const name of ["volt", "curr", "cap", "seqid", "testtime", "atime"])
			await expect(story(rewritten((xml) => xml.replaceAll(new RegExp(` ${name}="[^"]*"`, "g"), "")))).rejects.toEqual(
				invalid,
			);
	});
});
