import { describe, expect, it } from "vitest";
import {
	endOfMessage,
	isReplyTo,
	messageText,
	parseMessage,
	requests,
	TERMINATOR,
} from "#drivers/neware-bts8/codec.js";
import { LocalTime } from "#drivers/neware-bts8/local-time.js";
import { chunkOf, SignProbe, statusOf } from "#drivers/neware-bts8/rows.js";
import { decodeSteps, encodeSteps } from "#drivers/neware-bts8/steps.js";
import * as captured from "./captured.js";
import { PROGRAM } from "./rig.js";

const ADDRESS = { ip: "127.0.0.1", devtype: "27", devid: "21", subdevid: "1", chlid: "1" };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
const bytes = (message: string): Uint8Array => Buffer.from(message, "utf8");

describe("neware-bts8 requests", () => {
	it("are byte for byte those of the public client", () => {
		const head = '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0">';
		expect(text(requests.connect("admin", "neware"))).toBe(
			`${head}<cmd>connect</cmd><username>admin</username><password>neware</password><type>bfgs</type></bts>\n\n#\r\n`,
		);
		expect(text(requests.inquire([ADDRESS]))).toBe(
			`${head}<cmd>inquire</cmd><list count = "1"><inquire ip="127.0.0.1" devtype="27" devid="21" subdevid="1" chlid="1" aux="0" barcode="1">true</inquire></list></bts>\n\n#\r\n`,
		);
		expect(text(requests.download(ADDRESS, 219_576, 1_000))).toContain(
			'<cmd>download</cmd><download devtype="27" devid="21" subdevid="1" chlid="1" auxid="0" testid="0" startpos="219576" count="1000"/>',
		);
		expect(text(requests.downloadlog(ADDRESS))).toContain(
			'<cmd>downloadlog</cmd><download devtype="27" devid="21" subdevid="1" chlid="1" testid="0"/>',
		);
		expect(text(requests.downloadStepLayer(ADDRESS))).toContain(
			'<cmd>downloadStepLayer</cmd><downloadStepLayer devtype="27" devid="21" subdevid="1" chlid="1" />',
		);
		expect(text(requests.stop(ADDRESS))).toContain(
			'<cmd>stop</cmd><list count = "1"><stop ip="127.0.0.1" devtype="27" devid="21" subdevid="1" chlid="1">true</stop></list>',
		);
	});

	it("carry a barcode with any character as text", () => {
		const order = { barcode: `Li<"&'>`, stepsPath: "C:\\a&b.xml", backupFolder: "C:\\" };
		const sent = text(requests.start(ADDRESS, order));
		expect(sent).toContain('barcode="Li&lt;&quot;&amp;&apos;&gt;"');
		const [start] = parseMessage(sent.slice(0, -TERMINATOR.length)).elements("start");
		expect(start).toMatchObject({ attributes: { barcode: `Li<"&'>` }, text: "C:\\a&b.xml" });
	});
});

describe("the end of a message", () => {
	it("is found after any part of it, whatever line ends are inside", () => {
		const message = bytes(captured.INQUIRED + TERMINATOR);
		const parse = messageText();
		for (let length = 1; length < message.length; length += 1) expect(parse(message.slice(0, length))).toBeUndefined();
		expect(parse(message)).toEqual({ reply: captured.INQUIRED, taken: message.length });
	});

	it.each(["\n\n#\r\n", "#\r\n", "\r\n#\r\n", "\n#\r\n"])("may be %j", (end) => {
		expect(endOfMessage(bytes(captured.CONNECT + end))).toEqual({
			body: captured.CONNECT.length,
			taken: captured.CONNECT.length + end.length,
		});
	});

	it("is no # in the middle of a barcode", () => {
		expect(endOfMessage(bytes('<bts><inquire barcode="cell #\r\n1" /></bts>'))).toBeUndefined();
	});

	it("leaves what comes behind it", () => {
		const one = captured.CONNECT + TERMINATOR;
		expect(messageText()(bytes(one + captured.INQUIRED))).toEqual({ reply: captured.CONNECT, taken: one.length });
	});
});

describe("captured replies", () => {
	it("list the channels, or none", () => {
		expect(parseMessage(captured.DEVICES).elements("channel")).toHaveLength(2);
		expect(parseMessage(captured.DEVICES).elements("channel")[1]).toEqual({
			attributes: { ip: "127.0.0.1", devtype: "27", devid: "21", subdevid: "1", channelid: "2" },
			text: "false",
		});
		expect(parseMessage(captured.NO_DEVICES).elements("channel")).toEqual([]);
	});

	it("give live values in A, V, Ah, Wh and s, and null for what is not there", () => {
		const [idle, working] = parseMessage(captured.INQUIRED).elements("inquire").map(statusOf);
		expect(idle).toMatchObject({ activity: "finished", word: "finish", step: null, stepType: null, voltageV: 3.8834 });
		expect(working).toEqual({
			activity: "running",
			word: "working",
			barcode: "251203_kigr_gen17_02",
			cycle: 44,
			step: 4,
			stepType: "dc",
			voltageV: 4.6947,
			currentA: -0.0003,
			capacityAh: 0.001,
			energyWh: 0.0047,
			testS: 3_189_199.3,
			stepS: 12_319,
			logCode: "102000",
		});
	});

	it("give rows with their time in the step in s and their wall time in the zone that is said", () => {
		const message = parseMessage(captured.DOWNLOADED);
		const { testid, rows, missing } = chunkOf(
			message,
			{ fromSeq: 219_583, count: 1_000 },
			new LocalTime("Europe/Zurich"),
		);
		expect({ testid, missing }).toEqual({ testid: "143", missing: [] });
		expect(rows.map(({ seq }) => seq)).toEqual([219_583, 219_584, 219_585]);
		expect(rows[0]).toEqual({
			seq: 219_583,
			cycle: 29,
			step: 24,
			stepType: "dc",
			stepS: 36_120,
			wallMs: Date.UTC(2025, 11, 28, 21, 29, 55),
			voltageV: 3.55259799957275,
			currentA: -0.000295052566798404,
			capacityAh: 0.00296038226224482,
			energyWh: 0.0135760009288788,
		});
		// 10.03 h at 0.295 mA: the time is that of the step, not of the test, which ran for 25 days.
		expect(rows[2]!.capacityAh / (rows[2]!.stepS / 3_600)).toBeCloseTo(Math.abs(rows[2]!.currentA), 6);
		expect(parseMessage(captured.NOTHING_DOWNLOADED).elements("data")).toEqual([]);
	});

	it("are recognised under the server's own spelling", () => {
		expect(isReplyTo("download", "donwload_resp")).toBe(true);
		expect(isReplyTo("downloadlog", "donwloadlog_resp")).toBe(true);
		expect(isReplyTo("download", "download_resp")).toBe(true);
		expect(isReplyTo("downloadStepLayer", "downloadStepLayer_resp")).toBe(true);
		expect(isReplyTo("download", "donwloadlog_resp")).toBe(false);
		expect(isReplyTo("inquire", "inquiredf_resp")).toBe(false);
	});

	it("may fail under the label of another channel", () => {
		expect(parseMessage(captured.START_FAILED).elements("start")).toMatchObject([{ text: "false" }]);
	});
});

describe("what is no reply", () => {
	it.each([
		["an unclosed element", "<bts><cmd>a_resp</cmd>"],
		["another document", "<html></html>"],
		["no XML", "hello"],
		["a document type", '<!DOCTYPE bts><bts version="1.0"><cmd>a_resp</cmd></bts>'],
		["an entity", '<!DOCTYPE bts [<!ENTITY x "y">]><bts><cmd>&x;</cmd></bts>'],
	])("%s is refused", (_what, message) => {
		expect(() => parseMessage(message)).toThrowError(expect.objectContaining({ code: "REPLY_INVALID" }));
	});

	it("rows that run backwards, or one number with two contents, are refused; a repeated row counts once", () => {
		const zone = new LocalTime("UTC");
		const lines = captured.DOWNLOADED.match(/ {4}<data.*\/>/g)!;
		const reply = (...picked: string[]) =>
			parseMessage(`<bts><cmd>download_resp</cmd><list>${picked.join("")}</list></bts>`);
		const request = { fromSeq: 219_583, count: 10 };
		const refused = expect.objectContaining({ code: "REPLY_INVALID" });
		expect(() => chunkOf(reply(lines[1]!, lines[0]!), request, zone)).toThrowError(refused);
		expect(() => chunkOf(reply(lines[0]!, lines[0]!.replace("3.55", "3.56")), request, zone)).toThrowError(refused);
		expect(chunkOf(reply(lines[0]!, lines[0]!, lines[1]!), request, zone).rows).toHaveLength(2);
		expect(chunkOf(reply(lines[0]!, lines[2]!), request, zone).missing).toEqual([{ fromSeq: 219_584, toSeq: 219_584 }]);
		expect(chunkOf(reply(...lines), { fromSeq: 219_584, count: 1 }, zone).rows.map(({ seq }) => seq)).toEqual([
			219_584,
		]);
	});
});

describe("the BTS computer's clock", () => {
	const zurich = new LocalTime("Europe/Zurich");

	it("is read in summer and winter", () => {
		expect(zurich.wallMs("2025-07-01 12:00:00")).toBe(Date.UTC(2025, 6, 1, 10));
		expect(zurich.wallMs("2025-12-01 12:00:00")).toBe(Date.UTC(2025, 11, 1, 11));
		expect(zurich.text(Date.UTC(2025, 6, 1, 10))).toBe("2025-07-01 12:00:00");
	});

	it("shows an hour twice in autumn: the row before tells which", () => {
		const first = Date.UTC(2025, 9, 26, 0, 30);
		expect(zurich.wallMs("2025-10-26 02:30:00")).toBe(first);
		expect(zurich.wallMs("2025-10-26 02:30:00", first + 1_800_000)).toBe(first + 3_600_000);
	});

	it("refuses what is no time", () => {
		expect(() => zurich.wallMs("yesterday")).toThrowError(expect.objectContaining({ code: "REPLY_INVALID" }));
	});
});

describe("the sign of the current", () => {
	const probe = (...seen: [string, number][]): SignProbe => {
		const sign = new SignProbe();
		for (const [stepType, currentA] of seen) for (let i = 0; i < 3; i += 1) sign.observe(stepType, currentA);
		return sign;
	};

	it("is unproven until steps show it", () => {
		expect(probe().sign).toBe("unproven");
		expect(probe(["cc", 0.001]).sign).toBe("unproven");
		expect(probe(["rest", -0.001], ["cv", -1]).sign).toBe("unproven");
	});

	it("is proven by discharge steps, turned round where charging is negative, and given back where only sizes come", () => {
		expect(probe(["dc", -0.001]).sign).toBe("charge-positive");
		expect(probe(["cc", -0.001]).chargePositive("cv", -0.002)).toBe(0.002);
		const sizes = probe(["cc", 0.001], ["dc", 0.001]);
		expect(sizes.sign).toBe("magnitude");
		expect(sizes.chargePositive("dc", 0.001)).toBe(-0.001);
		expect(probe(["cc", 0.001], ["cc", -0.001]).sign).toBe("contradictory");
	});
});

describe("step files", () => {
	const file = encodeSteps(PROGRAM, "cell & 1", { guid: "g", date: "20260101000000" });

	it("have mA, 0.1 mV, ms and mA s, loops by step number, and an end", () => {
		expect(file).toContain(
			'<Step1 Step_ID="1" Step_Type="4"><Limit><Main><Time Value="60000" /></Main></Limit></Step1>',
		);
		expect(file).toContain(
			'<Step3 Step_ID="3" Step_Type="2"><Limit><Main><Curr Value="1" /><Time Value="600000" /><Stop_Volt Value="-20000" /></Main></Limit></Step3>',
		);
		expect(file).toContain('<Start_Step Value="2" /><Cycle_Count Value="20" />');
		expect(file).toContain('<Step5 Step_ID="5" Step_Type="6"></Step5>');
		expect(file).toContain('<Volt><Upper Value="20000" /><Lower Value="-20000" /></Volt>');
		expect(file).toContain('<Remark Value="cell &amp; 1" />');
	});

	it("are understood by the simulated cycler, as is one that BTS wrote", () => {
		expect(decodeSteps(file)?.steps).toHaveLength(5);
		const own =
			'<?xml version="1.0" encoding="utf-8"?><root><config type="Step File" version="18"><Step_Info Num="2">' +
			'<Step1 Step_ID="1" Step_Type="2"><Limit><Main><Curr Value="1.54" /><Cap Value="5544" /></Main></Limit></Step1>' +
			'<Step2 Step_ID="2" Step_Type="6" /></Step_Info></config></root>';
		expect(decodeSteps(own)).toMatchObject({
			steps: [{ kind: "cc", currentA: expect.closeTo(-0.00154, 12), ends: { capacityAh: 0.00154 } }, { kind: "end" }],
			recordS: 10,
		});
		expect(decodeSteps("hello there")).toBeUndefined();
	});
});
