/**
 * The simulated BTS server before a client that somebody else wrote: the requests of EmpaEconversion/aurora-neware
 * (`aurora_neware/neware.py`), byte for byte, with its habits: a quotation mark behind the list of a start, several channels in
 * one request, a download of nothing to learn the test's number, 2,048 bytes at a time and an end told by the terminator alone.
 */
import { describe, expect, it } from "vitest";
import type { SimulatorConnection } from "#device/contract.js";
import { NewareBts8Simulator } from "#drivers/neware-bts8/simulator.js";
import { encodeSteps } from "#drivers/neware-bts8/steps.js";
import { PROGRAM, resistor, SETTINGS } from "./rig.js";

const TERMINATOR = "\n\n#\r\n";
const place = (chlid: number, subdevid = 1) =>
	`ip="127.0.0.1" devtype="27" devid="21" subdevid="${subdevid}" chlid="${chlid}"`;
const placeWithoutIp = (chlid: number) => `devtype="27" devid="21" subdevid="1" chlid="${chlid}"`;

type Attributes = Readonly<Record<string, string>>;

/** By patterns and not by the simulator's own codec: an element with its attributes, and its text where it has one. */
const ELEMENT = /<(\w+)((?: \w+="[^"<]*")*) ?(?:\/>|>([^<]*)<\/\1>)/g;
const ATTRIBUTE = / (\w+)="([^"]*)"/g;

class StrangeClient {
	readonly simulator: NewareBts8Simulator;
	private received = "";
	private readonly connection: SimulatorConnection = {
		state: undefined,
		send: (bytes) => {
			this.received += Buffer.from(bytes).toString("utf8");
		},
	};

	constructor() {
		const steps = encodeSteps(PROGRAM, "C-1", { guid: "g", date: "20260101000000" });
		this.simulator = new NewareBts8Simulator({
			name: "cycler",
			settings: SETTINGS,
			port: { cell: () => resistor(), readSteps: (path) => (path === "C:\\steps\\one.xml" ? steps : undefined) },
			seed: 1,
			unit: 1,
		});
	}

	command(body: string): string {
		this.received = "";
		const text = `<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0">${body}</bts>${TERMINATOR}`;
		this.simulator.receive(Buffer.from(text, "utf8"), this.connection);
		expect(this.received.endsWith(TERMINATOR), this.received).toBe(true);
		// One reply: a second terminator would be left over for the next request.
		expect(this.received.indexOf(TERMINATOR)).toBe(this.received.length - TERMINATOR.length);
		return this.received.slice(0, -TERMINATOR.length);
	}

	/** Attributes of the elements in the list, and their text by the element's name. */
	records(body: string, list = "list"): Attributes[] {
		const inside = new RegExp(`<${list}(?: [^>]*[^/>])?>(.*)</${list}>`, "s").exec(this.command(body))?.[1] ?? "";
		return [...inside.matchAll(ELEMENT)].map(([, name, attributes, text]) => ({
			...Object.fromEntries([...attributes!.matchAll(ATTRIBUTE)].map(([, key, value]) => [key!, value!])),
			...(text === undefined || text === "" ? {} : { [name!]: text }),
		}));
	}

	connect(): void {
		this.command("<cmd>connect</cmd><username>admin</username><password>neware</password><type>bfgs</type>");
	}

	start(...orders: readonly [chlid: number, barcode: string, path: string][]): Attributes[] {
		const starts = orders.map(
			([chlid, barcode, path]) => `<start ${place(chlid)} barcode="${barcode}">${path}</start>`,
		);
		return this.records(
			`<cmd>start</cmd><list count = "${orders.length}">${starts.join("")}<backup backupdir="C:\\Neware data\\\\" remotedir="" filenametype="0" customfilename="" addtimewhenrepeat="0" createdirbydate="0" filetype="0" backupontime="1" backupontimeinterval="720" backupfree="1" /></list>"`,
		);
	}
}

function connected(): StrangeClient {
	const client = new StrangeClient();
	client.connect();
	return client;
}

describe("a client of another make", () => {
	it("finds the channels in <middle>, the last part of their address as Channelid", () => {
		const channels = connected().records("<cmd>getdevinfo</cmd>", "middle");
		expect(channels.map(({ devid, subdevid, Channelid }) => `${devid}-${subdevid}-${Channelid}`)).toEqual([
			"21-1-1",
			"21-1-2",
			"21-2-1",
		]);
		for (const channel of channels) expect(channel).toMatchObject({ ip: "127.0.0.1", devtype: "27", channel: "true" });
	});

	it("gets one answer for each channel that it asks for, in its order", () => {
		const client = connected();
		const list = (name: string, rest = "") =>
			`<cmd>${name}</cmd><list count = "2">${[1, 2].map((chlid) => `<${name === "getchlstatus" ? "status" : name} ${place(chlid)}${rest}>true</${name === "getchlstatus" ? "status" : name}>`).join("")}</list>`;
		expect(client.records(list("getchlstatus")).map(({ status }) => status)).toEqual(["finish", "finish"]);
		const inquired = client.records(list("inquire", ' aux="0" barcode="1"'));
		expect(inquired.map(({ dev, workstatus }) => [dev, workstatus])).toEqual([
			["27-21-1-1-0", "finish"],
			["27-21-1-2-0", "finish"],
		]);
	});

	it("starts two channels in one request, of which one has no step file, and stops the other", () => {
		const client = connected();
		const started = client.start([1, "C-1", "C:\\steps\\one.xml"], [2, "C-2", "C:\\steps\\none.xml"]);
		expect(started.map(({ start }) => start)).toEqual(["ok", "false"]);
		const [status] = client.records(
			`<cmd>inquire</cmd><list count = "1"><inquire ${place(1)} aux="0" barcode="1">true</inquire></list>`,
		);
		expect(status).toMatchObject({ workstatus: "working", barcode: "C-1", step_type: "rest", cycle_id: "1" });
		const stopped = client.records(
			`<cmd>stop</cmd><list count = "2">${[1, 2].map((chlid) => `<stop ${place(chlid)}>true</stop>`).join("")}</list>`,
		);
		expect(stopped.map(({ stop }) => stop)).toEqual(["ok", "false"]);
	});

	it("downloads a test in pieces by its count, every row once, and learns the test's number from a download of nothing", () => {
		const client = connected();
		client.start([1, "C-1", "C:\\steps\\one.xml"]);
		client.simulator.advance(12_000_000);
		const [extent] = client.records(
			`<cmd>inquiredf</cmd><list count = "1"><chl ${placeWithoutIp(1)} testid="0" /></list>`,
		);
		const total = Number(extent!.count);
		expect(total).toBeGreaterThan(1_000);
		const rows: Attributes[] = [];
		for (let left = total; left > 0; left -= 1_000) {
			rows.push(
				...client.records(
					`<cmd>download</cmd><download ${placeWithoutIp(1)} auxid="0" testid="0" startpos="${rows.length + 1}" count="1000"/>`,
				),
			);
		}
		expect(rows.map(({ seqid }) => Number(seqid))).toEqual(Array.from({ length: total }, (_, at) => at + 1));
		const columns = ["seqid", "stepid", "cycleid", "steptype", "testtime", "atime", "volt", "curr", "cap", "eng"];
		for (const row of rows) expect(Object.keys(row)).toEqual(columns);
		const reply = client.command(
			`<cmd>download</cmd><download ${placeWithoutIp(1)} auxid="0" testid="0" startpos="0" count="0"/>`,
		);
		expect(/(?<=testid=")\d+(?=")/.exec(reply)?.[0]).toBe(extent!.testid);
		expect(reply).toContain('<list count="0" />');
	});

	it("reads log and steps of the last test, switches lights, and clears no flag where there is none", () => {
		const client = connected();
		client.start([1, "C-1", "C:\\steps\\one.xml"]);
		client.simulator.advance(1_000_000);
		const [first] = client.records(`<cmd>downloadlog</cmd><download ${placeWithoutIp(1)} testid="0"/>`);
		expect(first).toMatchObject({ seqid: "1", log_code: "100000" });
		const steps = client.records(`<cmd>downloadStepLayer</cmd><downloadStepLayer ${placeWithoutIp(1)} />`);
		expect(steps[0]).toMatchObject({ stepid: "1", steptype: "rest", steptime: "60000" });
		const light = client.records(`<cmd>light</cmd><list count = "1"><light ${place(1)}>true</light></list>`);
		expect(light[0]!.light).toBe("ok");
		const flag = client.records(`<cmd>clearflag</cmd><list count = "1"><clearflag ${place(1)}>true</clearflag></list>`);
		expect(flag[0]!.clearflag).toBe("false");
	});
});
