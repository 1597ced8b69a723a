import { mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { InstrumentSimulator, SimulatorConnection, SimulatorContext } from "#device/contract.js";
import type { CellPort } from "#device/cycler.js";
import {
	CHUNK_ROWS_MAX,
	type Element,
	endOfMessage,
	escapeXml,
	type Message,
	parseMessage,
	TERMINATOR,
} from "./codec.js";
import { DEFAULT_PASSWORD, DEFAULT_USERNAME, type NewareBts8Settings } from "./config.js";
import { LocalTime } from "./local-time.js";
import { SimulatedChannel } from "./simulated-channel.js";

/** What the simulated cycler is wired to. */
export interface NewareBts8Port {
	/** The cell in the channel of that name. */
	cell(channel: string): CellPort;
	/** Unix ms of the moment at which the simulated time is 0. */
	readonly wallAtZeroMs?: number;
	/** A file on the BTS computer's disk; undefined when there is none. Absent: this machine's disk. */
	readSteps?(path: string): string | undefined;
}

const DEVICE_TYPE = "27";
const IP = "127.0.0.1";
const REQUEST_BYTES_MAX = 1_048_576;
const STEPS_BYTES_MAX = 1_048_576;
const WALL_AT_ZERO_MS = Date.UTC(2026, 0, 1);

interface Simulated {
	readonly devid: string;
	readonly subdevid: string;
	readonly chlid: string;
	readonly electronics: SimulatedChannel;
}

interface Session {
	buffer: Buffer;
	connected: boolean;
}

/**
 * A BTS 8 server with the channels of its settings. It has the habits of real ones: CRLF inside of replies, `--` for nothing,
 * no step_id in a channel at rest, `donwload_resp`, subdevid 1 in every status, a failed start labelled as the second
 * channel, the count of an inquiry always 1, testtime in ms that restarts with every step. Before `connect` it says nothing.
 */
export class NewareBts8Simulator implements InstrumentSimulator {
	private readonly channels: readonly Simulated[];
	private readonly zone: LocalTime;
	private nowMs = 0;
	private lastTestid = 0;
	private readonly lights = new Set<Simulated>();

	constructor(private readonly context: SimulatorContext<NewareBts8Settings, NewareBts8Port>) {
		this.zone = new LocalTime(context.settings.time_zone);
		// The folder is one of the computer that is simulated here.
		if (context.port.readSteps === undefined && context.settings.steps_folder !== undefined)
			mkdirSync(context.settings.steps_folder.here, { recursive: true });
		this.channels = Object.entries(context.settings.channels).map(([name, { at }]) => {
			const [devid = "", subdevid = "", chlid = ""] = at.split("-");
			return { devid, subdevid, chlid, electronics: new SimulatedChannel(context.port.cell(name)) };
		});
	}

	receive(bytes: Uint8Array, connection: SimulatorConnection): void {
		connection.state ??= { buffer: Buffer.alloc(0), connected: false };
		const session = connection.state as Session;
		session.buffer = Buffer.concat([session.buffer, bytes]);
		for (let end = endOfMessage(session.buffer); end !== undefined; end = endOfMessage(session.buffer)) {
			const text = session.buffer.subarray(0, end.body).toString("utf8");
			session.buffer = session.buffer.subarray(end.taken);
			const reply = this.answer(text, session);
			if (reply !== undefined) connection.send(Buffer.from(`${reply}${TERMINATOR}`, "utf8"));
		}
		if (session.buffer.length > REQUEST_BYTES_MAX) session.buffer = Buffer.alloc(0);
	}

	advance(nowMs: number): void {
		const durationS = (nowMs - this.nowMs) / 1_000;
		if (durationS <= 0) return;
		this.nowMs = nowMs;
		for (const { electronics } of this.channels) electronics.advance(durationS, this.wallMs);
	}

	nextEventMs(): number {
		return Number.POSITIVE_INFINITY;
	}

	/** The cycler's power; the computer with its tests stays. */
	powerCycle(): void {
		for (const { electronics } of this.channels) electronics.powerCycle(this.wallMs);
	}

	/** What an operator at the BTS computer does. */
	electronicsOf(at: string): SimulatedChannel | undefined {
		return this.channels.find(({ devid, subdevid, chlid }) => `${devid}-${subdevid}-${chlid}` === at)?.electronics;
	}

	private get wallMs(): number {
		return this.context.wallMs?.() ?? (this.context.port.wallAtZeroMs ?? WALL_AT_ZERO_MS) + this.nowMs;
	}

	/** What it cannot read it does not answer: clients that wait without end hang there. */
	private answer(text: string, session: Session): string | undefined {
		let message: Message;
		try {
			message = parseMessage(text);
		} catch {
			return undefined;
		}
		const { username = DEFAULT_USERNAME, password = DEFAULT_PASSWORD } = this.context.settings;
		if (message.command === "connect") {
			session.connected = message.text("username") === username && message.text("password") === password;
			return reply("connect", [`  <result>${session.connected ? "ok" : "false"}</result>`]);
		}
		return session.connected ? this.execute(message) : undefined;
	}

	private execute(message: Message): string | undefined {
		switch (message.command) {
			case "getdevinfo":
				return this.devices();
			case "getchlstatus":
				return this.list(message, "getchlstatus", "status", (channel, { chlid, devid }) => {
					const word = channel?.electronics.word ?? "false";
					return `<status ${place(devid, "1", chlid)} reservepause="1">${word}</status>`;
				});
			case "inquire":
				return this.list(message, "inquire", "inquire", (channel) => this.inquired(channel), 1);
			case "inquiredf":
				return this.list(message, "inquiredf", "chl", (channel, address) => {
					const { testid = 0, rows = [], word = "finish" } = channel?.electronics ?? {};
					const { devid, subdevid, chlid } = address;
					return `<chl devtype="${DEVICE_TYPE}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}" testid="${testid}" count="${rows.length}">${word !== "working"}</chl>`;
				});
			case "download":
				return this.download(message);
			case "downloadlog":
				return this.downloadLog(message);
			case "downloadStepLayer":
				return this.downloadSteps(message);
			case "start":
				return this.list(message, "start", "start", (channel, address, element) => {
					const ok = channel !== undefined && this.start(channel, element);
					const chlid = ok ? address.chlid : "2";
					return `<start ${place(address.devid, address.subdevid, chlid)}>${ok ? "ok" : "false"}</start>`;
				});
			case "stop":
				return this.list(message, "stop", "stop", (channel, { devid, subdevid, chlid }) => {
					const ok = channel?.electronics.stop(this.wallMs) === true;
					return `<stop ${place(devid, subdevid, chlid)}>${ok ? "ok" : "false"}</stop>`;
				});
			case "light":
				return this.list(message, "light", "light", (channel, { devid, subdevid, chlid }, { text }) => {
					if (channel !== undefined) this.lights[text === "true" ? "add" : "delete"](channel);
					return `<light ${place(devid, subdevid, chlid)}>${channel === undefined ? "false" : "ok"}</light>`;
				});
			case "clearflag":
				return this.list(message, "clearflag", "clearflag", (channel, { devid, subdevid, chlid }) => {
					const isFlagged = channel?.electronics.word === "protect";
					if (isFlagged) channel.electronics.word = "stop";
					return `<clearflag ${place(devid, subdevid, chlid)}>${isFlagged ? "ok" : "false"}</clearflag>`;
				});
			default:
				return undefined;
		}
	}

	private start(channel: Simulated, { attributes, text }: Element): boolean {
		const steps = this.context.port.readSteps === undefined ? this.readDisk(text) : this.context.port.readSteps(text);
		if (steps === undefined) return false;
		const order = { barcode: attributes.barcode ?? "", testid: this.lastTestid + 1, wallMs: this.wallMs };
		if (!channel.electronics.start(steps, order)) return false;
		this.lastTestid += 1;
		return true;
	}

	/** The BTS computer is this machine: its folder `there` is the folder `here`, and other paths are what they say. */
	private readDisk(path: string): string | undefined {
		const folder = this.context.settings.steps_folder;
		const isShared = folder !== undefined && path.startsWith(folder.there);
		const local = isShared ? join(folder.here, basename(path.replaceAll("\\", "/"))) : path;
		try {
			return statSync(local).size > STEPS_BYTES_MAX ? undefined : readFileSync(local, "utf8");
		} catch {
			return undefined;
		}
	}

	private devices(): string {
		const lines = this.channels.map(
			({ devid, subdevid, chlid, electronics }) =>
				`    <channel ip="${IP}" devtype="${DEVICE_TYPE}" devid="${devid}" subdevid="${subdevid}" Channelid="${chlid}">${electronics.word !== "working"}</channel>`,
		);
		return reply("getdevinfo", [
			'  <serverip count="1">',
			`    <server ip="${IP}" port="3306" />`,
			"  </serverip>",
			`  <middle count="${this.channels.length}">`,
			...lines,
			"</middle>",
		]);
	}

	private list(
		message: Message,
		command: string,
		name: string,
		line: (channel: Simulated | undefined, address: Address, element: Element) => string,
		count?: number,
	): string {
		const lines = message.elements(name).map((element) => {
			const address = addressOf(element);
			return `    ${line(this.channelAt(address), address, element)}`;
		});
		// The real count is right for one channel and for all of them.
		const said = count === undefined || lines.length === this.channels.length ? lines.length : count;
		return reply(command, [`  <list count="${said}">`, ...lines, "  </list>"]);
	}

	private inquired(channel: Simulated | undefined): string {
		if (channel === undefined) return '<inquire dev="0-0-0-0-0" step_type="--" workstatus="false" barcode="" />';
		const { devid, subdevid, chlid, electronics } = channel;
		const { word, stepId, cycle, voltageV, currentA, capacityAh, energyWh, totalS, stepS, barcode } = electronics;
		const works = word === "working";
		const step = works ? ` step_id="${stepId}"` : "";
		const shown = (value: number): string => short(works ? value : 0);
		return (
			`<inquire dev="${DEVICE_TYPE}-${devid}-${subdevid}-${chlid}-0" cycle_id="${works ? cycle : 1}"${step} ` +
			`step_type="${electronics.stepType}" workstatus="${word}" barcode="${escapeXml(barcode)}" ` +
			`current="${shown(currentA)}" voltage="${short(voltageV)}" capacity="${shown(capacityAh)}" energy="${shown(energyWh)}" ` +
			`totaltime="${works ? tenths(totalS) : 0}" relativetime="${works ? tenths(stepS) : 0}" open_or_close="0" ` +
			`log_code="${works ? 102_000 : 0}" />`
		);
	}

	private download(message: Message): string {
		const [element] = message.elements("download");
		const address = addressOf(element);
		const { testid = 0, rows = [] } = this.channelAt(address)?.electronics ?? {};
		const startpos = Number(element?.attributes.startpos ?? 0);
		const asked = Number(element?.attributes.count ?? 0);
		const from = Math.max(0, startpos - 1);
		const data = rows
			.slice(from, from + Math.min(asked, CHUNK_ROWS_MAX))
			.map(
				(row) =>
					`    <data seqid="${row.seqid}" stepid="${row.stepid}" cycleid="${row.cycleid}" steptype="${row.steptype}" ` +
					`testtime="${row.testtimeMs}" atime="${this.zone.text(row.wallMs)}" volt="${row.volt}" curr="${row.curr}" ` +
					`cap="${row.cap}" eng="${row.eng}" />`,
			);
		const { devid, subdevid, chlid } = address;
		return reply("donwload", [
			`  <download devtype="${DEVICE_TYPE}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}" testid="${testid}" startpos="${startpos}" count="${asked}" auxid="0" />`,
			...listOf(data),
		]);
	}

	private downloadLog(message: Message): string {
		const address = addressOf(message.elements("download")[0]);
		const { testid = 0, log = [] } = this.channelAt(address)?.electronics ?? {};
		const { devid, subdevid, chlid } = address;
		const data = log.map(
			({ seqid, code, wallMs }) => `    <data seqid="${seqid}" log_code="${code}" atime="${this.zone.text(wallMs)}" />`,
		);
		return reply("donwloadlog", [
			`  <download devtype="${DEVICE_TYPE}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}" testid="${testid}" log_lever="0" />`,
			...listOf(data),
		]);
	}

	private downloadSteps(message: Message): string {
		const address = addressOf(message.elements("downloadStepLayer")[0]);
		const { testid = 0, layer = [], rows = [] } = this.channelAt(address)?.electronics ?? {};
		const { devid, subdevid, chlid } = address;
		const data = layer.map((step, index) => {
			const [first, last] = [rows[step.startseqid - 1], rows[step.endseqid - 1]];
			return (
				`    <data startseqid="${step.startseqid}" endseqid="${step.endseqid}" stepindex="${index + 1}" stepid="${step.stepid}" ` +
				`cycleid="${step.cycleid}" steptype="${step.steptype}" steptime="${step.steptimeMs}" endatime="${this.zone.text(step.wallMs)}" ` +
				`startvolt="${first?.volt ?? 0}" endvolt="${last?.volt ?? 0}" startcurr="${first?.curr ?? 0}" endcurr="${last?.curr ?? 0}" ` +
				`cap="${last?.cap ?? 0}" eng="${last?.eng ?? 0}" dcir="0" />`
			);
		});
		return reply("downloadStepLayer", [
			`  <downloadStepLayer devtype="${DEVICE_TYPE}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}" testid="${testid}" />`,
			...listOf(data),
		]);
	}

	private channelAt(address: Address): Simulated | undefined {
		return this.channels.find(
			({ devid, subdevid, chlid }) =>
				devid === address.devid && subdevid === address.subdevid && chlid === address.chlid,
		);
	}
}

interface Address {
	readonly devid: string;
	readonly subdevid: string;
	readonly chlid: string;
}

/** Digits alone, so that what a client sends can stand in a reply. */
function addressOf(element: Element | undefined): Address {
	const digits = (name: string): string => (element?.attributes[name] ?? "").replace(/\D/g, "");
	return { devid: digits("devid"), subdevid: digits("subdevid"), chlid: digits("chlid") };
}

const place = (devid: string, subdevid: string, chlid: string): string =>
	`ip="${IP}" devtype="${DEVICE_TYPE}" devid="${devid}" subdevid="${subdevid}" chlid="${chlid}"`;

const listOf = (data: readonly string[]): string[] =>
	data.length === 0 ? ['  <list count="0" />'] : [`  <list count="${data.length}">`, ...data, "  </list>"];

const reply = (command: string, lines: readonly string[]): string =>
	[
		'<?xml version="1.0" encoding="UTF-8"?>',
		'<bts version="1.0">',
		`  <cmd>${command}_resp</cmd>`,
		...lines,
		"</bts>",
	].join("\r\n");

/** Live values come with four decimals, times in tenths. */
const short = (value: number): string => String(Number(value.toFixed(4)));
const tenths = (seconds: number): string => String(Number(seconds.toFixed(1)));
