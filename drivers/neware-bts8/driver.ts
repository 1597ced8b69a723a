import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import type { RequestLine } from "#core/wire.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import type {
	ChannelRange,
	ChannelStatus,
	CurrentSign,
	Cycler,
	CyclerProgram,
	CyclerRow,
	CyclerRows,
	RowRequest,
	StartOrder,
	TestExtent,
} from "#device/cycler.js";
import { rangeRefusals } from "#device/cycler-refusals.js";
import {
	CHUNK_ROWS_MAX,
	type ChannelAddress,
	type Element,
	integerOf,
	invalid,
	isOk,
	isReplyTo,
	keyOf,
	type Message,
	messageText,
	parseMessage,
	printable,
	requests,
} from "./codec.js";
import { DEFAULT_BACKUP_FOLDER, DEFAULT_PASSWORD, DEFAULT_USERNAME, type NewareBts8Settings } from "./config.js";
import { LocalTime } from "./local-time.js";
import { type Chunk, chunkOf, SignProbe, statusOf } from "./rows.js";
import { encodeSteps } from "./steps.js";

/** Channels in one request: their replies stay far below the longest message that the line takes. */
const CHANNELS_MAX = 256;
/** Ranges of missing rows that are asked for again in one go. */
const REFETCHES_MAX = 8;
/** How long a test may take to appear after its start, and a channel to stop; looked at this often. */
const VERIFY_MS = 15_000;
const VERIFY_STEP_MS = 1_000;

/** How a step file gets to where the BTS computer can read it. */
export type WriteSteps = (path: string, text: string) => Promise<void>;

type Channel = { readonly name: string; readonly address: ChannelAddress };

/**
 * A BTS 8 server with its channels. One request at a time; a reply that does not end, does not fit or does not come costs
 * the socket, and the next request opens another. Errors: LINK_UNREACHABLE, LINK_LOST, DEVICE_SILENT, REPLY_INVALID, and
 * IDENTITY_MISMATCH, DEVICE_MISCONFIGURED of `connect`, CYCLER_REFUSED and CHANNEL_BUSY of `start` and `stop`.
 */
export class NewareBts8 implements Device, Cycler {
	readonly signals: Record<string, SignalInfo> = {};
	readonly channels: Readonly<Record<string, ChannelRange>>;
	readonly cycler: Cycler = this;
	private readonly line: RequestLine;
	private readonly probe = new SignProbe();
	private readonly zone: LocalTime | undefined;
	private used: readonly Channel[] = [];
	private found: readonly ChannelAddress[] = [];
	private isOpen = false;
	/** A server that leaves channels out of lists is asked for one at a time. */
	private oneByOne = false;
	private turn: Promise<unknown> = Promise.resolve();

	constructor(
		private readonly context: DriverContext<NewareBts8Settings>,
		private readonly writeSteps: WriteSteps = (path, text) => writeFile(path, text, { encoding: "utf8", flag: "wx" }),
	) {
		if (context.line === undefined) throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a tcp address.`);
		this.line = context.line;
		this.zone = zoneOf(context.settings.time_zone);
		this.channels = Object.fromEntries(
			Object.entries(context.settings.channels).map(([name, { voltage_V, current_A_max }]) => [
				name,
				{ voltageVMin: voltage_V.min, voltageVMax: voltage_V.max, currentAMax: current_A_max },
			]),
		);
		this.signals.running = { unit: "1", kind: "state", description: "Channels with a running test" };
		for (const name of Object.keys(this.channels)) this.addSignals(name);
	}

	get currentSign(): CurrentSign {
		return this.probe.sign;
	}

	/** As `connect`, and every channel that the server has becomes readable; the lab file need not name any. */
	async inspect(): Promise<Identification> {
		return this.inTurn(async () => {
			await this.openSession();
			const own = this.configured();
			const others = this.found.filter((address) => !own.some((channel) => keyOf(channel.address) === keyOf(address)));
			this.used = [
				...own.filter(({ address }) => address.ip !== ""),
				...others.map((address) => ({ name: `channel_${keyOf(address).replaceAll("-", "_")}`, address })),
			];
			for (const { name } of this.used) this.addSignals(name);
			return this.identification();
		});
	}

	async connect(): Promise<Identification> {
		return this.inTurn(async () => {
			await this.openSession();
			const misfits = [...this.settingsProblems(), ...this.absentChannels()];
			if (misfits.length > 0) {
				await this.drop();
				throw new AdlayerError("DEVICE_MISCONFIGURED", misfits.join(" "));
			}
			this.used = this.configured();
			return this.identification();
		});
	}

	/** Voltage and current of every channel, and how many run. */
	async poll(): Promise<PolledValues> {
		const statuses = Object.entries(await this.look());
		const values: Record<string, PolledValue> = {
			running: { value: statuses.filter(([, { activity }]) => activity === "running").length, quality: "good" },
		};
		for (const [name, { voltageV, currentA }] of statuses) {
			values[`${name}_voltage`] = polled(voltageV);
			values[`${name}_current`] = polled(currentA);
		}
		return values;
	}

	/** A cycler has no part in the reactor's safe state: its tests go on by themselves. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		await this.drop();
	}

	refusals(channel: string, program: CyclerProgram): readonly Problem[] {
		const range = this.channels[channel];
		if (range === undefined) return [refusal(`${this.context.name} has no channel ${channel}.`)];
		const problems = rangeRefusals(`${this.context.name}.${channel}`, range, program);
		if (this.context.settings.steps_folder === undefined) {
			problems.push(refusal(`${this.context.name} has no steps_folder: tests cannot be started on it.`));
		}
		return problems;
	}

	status(): Promise<Readonly<Record<string, ChannelStatus>>> {
		return this.look();
	}

	async extents(): Promise<Readonly<Record<string, TestExtent>>> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const elements = await this.perChannel("inquiredf", "chl", this.used, requests.inquiredf);
			return Object.fromEntries(this.used.map(({ name, address }, at) => [name, extentOf(address, elements[at]!)]));
		});
	}

	async rows({ channel, test, fromSeq, rowsMax }: RowRequest): Promise<CyclerRows> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const { address } = this.channelNamed(channel);
			const count = Math.min(rowsMax, CHUNK_ROWS_MAX);
			const chunk = await this.download(address, test, fromSeq, count);
			const rows = [...chunk.rows];
			const gaps: { fromSeq: number; toSeq: number }[] = [];
			for (const hole of chunk.missing.slice(0, REFETCHES_MAX)) {
				const again = await this.download(address, test, hole.fromSeq, hole.toSeq - hole.fromSeq + 1);
				rows.push(...again.rows);
				gaps.push(...holesIn(again.rows, hole));
			}
			// What could not be asked for again now is left for the next request.
			const later = chunk.missing[REFETCHES_MAX];
			const kept = rows.filter(({ seq }) => later === undefined || seq < later.fromSeq).sort((a, b) => a.seq - b.seq);
			for (const row of kept) this.probe.observe(row.stepType, row.currentA);
			return {
				rows: kept.map((row) => ({ ...row, currentA: this.probe.chargePositive(row.stepType, row.currentA) })),
				gaps,
			};
		});
	}

	async start({ channel, barcode, program }: StartOrder): Promise<{ test: string }> {
		const problems = this.refusals(channel, program);
		if (problems.length > 0) {
			const message = `${channel} cannot run ${program.protocol}: ${problems.map((problem) => problem.message).join(" ")}`;
			throw new AdlayerError("CYCLER_REFUSED", message, { problems: [...problems] });
		}
		return this.inTurn(async () => {
			await this.ensureSession();
			const one = this.channelNamed(channel);
			const { activity, word } = await this.statusOfOne(one);
			if (activity === "running" || activity === "unknown") {
				throw new AdlayerError("CHANNEL_BUSY", `${this.context.name}.${channel} is "${word}".`);
			}
			const before = await this.extentOfOne(one);
			const folder = this.context.settings.steps_folder!;
			const file = `${barcode.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 60)}-${randomUUID()}.xml`;
			const date = new Date(this.context.clock.wallMs()).toISOString().replace(/\D/g, "").slice(0, 14);
			await this.writeSteps(join(folder.here, file), encodeSteps(program, barcode, { guid: randomUUID(), date }));
			const separator = folder.there.includes("\\") ? "\\" : "/";
			const stepsPath = `${folder.there.replace(/[\\/]$/, "")}${separator}${file}`;
			const backupFolder = this.context.settings.backup_folder ?? DEFAULT_BACKUP_FOLDER;
			let lost: AdlayerError | undefined;
			try {
				const message = await this.ask("start", requests.start(one.address, { barcode, stepsPath, backupFolder }));
				// Labels of this reply have named another channel: the one element is ours because we asked for one.
				const answer = message.elements("start")[0]?.text ?? "";
				if (!isOk(answer)) throw this.refused(channel, `start was answered "${printable(answer)}"`, START_HINT);
			} catch (thrown) {
				lost = asAdlayerError(thrown);
				if (lost.code === "CYCLER_REFUSED") throw lost;
			}
			// Whatever was answered: the channel itself says whether it runs. Nothing is started a second time.
			const test = await this.appears(one, barcode, before.test);
			if (test !== undefined) return { test };
			if (lost !== undefined) throw lost;
			const message = `start of ${channel} was answered ok, and no new test appeared within ${VERIFY_MS / 1_000} s.`;
			throw new AdlayerError("READBACK_MISMATCH", message, { hint: START_HINT });
		});
	}

	async stop(channel: string): Promise<void> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const one = this.channelNamed(channel);
			const first = await this.statusOfOne(one);
			if (isAtRest(first)) return;
			let answer = "nothing";
			try {
				answer = (await this.ask("stop", requests.stop(one.address))).elements("stop")[0]?.text ?? "";
			} catch (thrown) {
				answer = asAdlayerError(thrown).message;
			}
			const stopped = await this.until(async () => (isAtRest(await this.statusOfOne(one)) ? true : undefined));
			if (stopped === true) return;
			throw this.refused(
				channel,
				`stop was answered "${printable(answer)}", and it still runs`,
				"Stop it in BTS Client.",
			);
		});
	}

	/** Switches the channel's light, to find it in the rack. */
	light(channel: string, on: boolean): Promise<void> {
		return this.order(channel, "light", (address) => requests.light(address, on));
	}

	/** Clears a buzzer or alarm flag; CYCLER_REFUSED when there is none. */
	clearFlag(channel: string): Promise<void> {
		return this.order(channel, "clearflag", requests.clearflag);
	}

	/** The log of the last test: codes as they came. */
	async log(channel: string): Promise<readonly { seq: number; logCode: string; wallMs: number }[]> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const message = await this.ask("downloadlog", requests.downloadlog(this.channelNamed(channel).address));
			return message.elements("data").map((element) => ({
				seq: integerOf(element, "seqid"),
				logCode: element.attributes.log_code ?? "",
				wallMs: this.zone!.wallMs(element.attributes.atime ?? ""),
			}));
		});
	}

	/** The steps of the last test as the server summarises them: attributes as they came. */
	async stepLayer(channel: string): Promise<readonly Readonly<Record<string, string>>[]> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const { address } = this.channelNamed(channel);
			const message = await this.ask("downloadStepLayer", requests.downloadStepLayer(address));
			return message.elements("data").map(({ attributes }) => attributes);
		});
	}

	private async order(
		channel: string,
		command: string,
		request: (address: ChannelAddress) => Uint8Array,
	): Promise<void> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const message = await this.ask(command, request(this.channelNamed(channel).address));
			const answer = message.elements(command)[0]?.text ?? "";
			if (!isOk(answer)) throw this.refused(channel, `${command} was answered "${printable(answer)}"`);
		});
	}

	private look(): Promise<Record<string, ChannelStatus>> {
		return this.inTurn(async () => {
			await this.ensureSession();
			const elements = await this.perChannel("inquire", "inquire", this.used, requests.inquire);
			return Object.fromEntries(this.used.map(({ name }, at) => [name, this.signed(statusOf(elements[at]!))]));
		});
	}

	private signed(status: ChannelStatus): ChannelStatus {
		const { stepType, currentA } = status;
		this.probe.observe(stepType, currentA);
		return currentA === null ? status : { ...status, currentA: this.probe.chargePositive(stepType, currentA) };
	}

	private async statusOfOne(channel: Channel): Promise<ChannelStatus> {
		const message = await this.ask("inquire", requests.inquire([channel.address]));
		return statusOf(this.onlyOne(message, "inquire"));
	}

	private async extentOfOne(channel: Channel): Promise<TestExtent> {
		const message = await this.ask("inquiredf", requests.inquiredf([channel.address]));
		return extentOf(channel.address, this.onlyOne(message, "chl"));
	}

	private onlyOne(message: Message, name: string): Element {
		const elements = message.elements(name);
		if (elements.length === 1) return elements[0]!;
		throw invalid(`${elements.length} channels came in answer to one`);
	}

	/** The test of our barcode that the channel did not have before; undefined when none appears in time. */
	private appears(channel: Channel, barcode: string, before: string | null): Promise<string | undefined> {
		return this.until(async () => {
			const { test } = await this.extentOfOne(channel);
			if (test === null || test === before) return undefined;
			const status = await this.statusOfOne(channel);
			return status.barcode === null || status.barcode === barcode ? test : undefined;
		});
	}

	/** Asks until there is an answer or VERIFY_MS are over; broken connections in between are opened anew. */
	private async until<Found>(ask: () => Promise<Found | undefined>): Promise<Found | undefined> {
		const endMs = this.context.clock.nowMs() + VERIFY_MS;
		for (;;) {
			let failed: unknown;
			try {
				await this.ensureSession();
				const found = await ask();
				if (found !== undefined) return found;
			} catch (thrown) {
				failed = thrown;
			}
			if (this.context.clock.nowMs() >= endMs) {
				if (failed !== undefined) throw failed;
				return undefined;
			}
			await this.context.clock.sleep(VERIFY_STEP_MS);
		}
	}

	/** One element for each channel, in the order of asking: labels and counts of replies are not to be trusted. */
	private async perChannel(
		command: string,
		element: string,
		channels: readonly Channel[],
		request: (channels: readonly ChannelAddress[]) => Uint8Array,
	): Promise<Element[]> {
		const found: Element[] = [];
		for (let at = 0; at < channels.length; ) {
			const group = channels.slice(at, at + (this.oneByOne ? 1 : CHANNELS_MAX)).map(({ address }) => address);
			const elements = (await this.ask(command, request(group))).elements(element);
			if (elements.length !== group.length) {
				if (group.length === 1) throw invalid(`${elements.length} channels came in answer to ${command} of one`);
				this.oneByOne = true;
				continue;
			}
			found.push(...elements);
			at += group.length;
		}
		return found;
	}

	private async download(address: ChannelAddress, test: string, fromSeq: number, count: number): Promise<Chunk> {
		const message = await this.ask("download", requests.download(address, fromSeq, count));
		let chunk: Chunk;
		try {
			chunk = chunkOf(message, { fromSeq, count }, this.zone!);
		} catch (thrown) {
			await this.drop();
			throw thrown;
		}
		const testid =
			chunk.testid ??
			(await this.ask("inquiredf", requests.inquiredf([address]))).elements("chl")[0]?.attributes.testid;
		const found = `${keyOf(address)}-${testid}`;
		if (found === test) return chunk;
		throw new AdlayerError("CYCLER_REFUSED", `The channel has test ${found} now, not ${test}.`, {
			context: { test, found },
		});
	}

	/** One request and the reply to it, in a session. Anything else costs the socket. */
	private async ask(command: string, bytes: Uint8Array): Promise<Message> {
		// A connection that broke meanwhile would be opened anew without one.
		if (!this.line.isOpen) await this.ensureSession();
		return this.exchange(command, bytes);
	}

	private async exchange(command: string, bytes: Uint8Array): Promise<Message> {
		try {
			const text = await this.line.request({ bytes, parse: messageText(), title: command, retries: 0 });
			const message = parseMessage(text);
			if (isReplyTo(command, message.command)) return message;
			throw invalid(`"${printable(message.command)}" came in answer to ${command}`);
		} catch (thrown) {
			await this.drop();
			throw thrown;
		}
	}

	/** A session for whoever has already connected once. */
	private async ensureSession(): Promise<void> {
		if (this.used.length === 0 && this.found.length === 0) {
			throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
		}
		if (!this.isOpen || !this.line.isOpen) await this.openSession();
	}

	private async openSession(): Promise<void> {
		await this.drop();
		await this.line.open();
		const { username = DEFAULT_USERNAME, password = DEFAULT_PASSWORD } = this.context.settings;
		const answer = (await this.exchange("connect", requests.connect(username, password))).text("result");
		if (!isOk(answer)) {
			await this.drop();
			throw new AdlayerError("IDENTITY_MISMATCH", `The server answered "${printable(answer)}" to connect.`, {
				hint: "Activate the API in BTS, and check user name and password.",
			});
		}
		this.found = (await this.exchange("getdevinfo", requests.getdevinfo())).elements("channel").map(addressOf);
		this.isOpen = true;
	}

	private async drop(): Promise<void> {
		this.isOpen = false;
		await this.line.close();
	}

	private identification(): Identification {
		const types = [...new Set(this.found.map(({ devtype, devid }) => `device ${devid} of type ${devtype}`))];
		const warnings = this.found.length === 0 ? ["The server has no channels: BTS sees no cycler."] : [];
		if (this.found.length > 0) warnings.push(...this.absentChannels());
		warnings.push(...this.settingsProblems());
		return {
			identity: {
				manufacturer: "Neware",
				model: types.length === 0 ? "BTS 8" : `BTS 8 with ${types.join(", ")}`,
				serial: null,
				firmware: null,
			},
			confirmed: this.found.length > 0,
			warnings,
		};
	}

	private settingsProblems(): string[] {
		const { time_zone, channels } = this.context.settings;
		const at = Object.values(channels).map((channel) => channel.at);
		return [
			...(this.zone === undefined ? [`There is no time zone "${time_zone}".`] : []),
			...Object.entries(channels)
				.filter(([, { voltage_V }]) => voltage_V.min >= voltage_V.max)
				.map(([name]) => `Of channel ${name} voltage_V.min is not below voltage_V.max.`),
			...[...new Set(at.filter((key, index) => at.indexOf(key) !== index))].map(
				(key) => `More than one channel of the lab file is at ${key}.`,
			),
		];
	}

	private absentChannels(): string[] {
		const there = new Set(this.found.map(keyOf));
		return Object.entries(this.context.settings.channels)
			.filter(([, { at }]) => !there.has(at))
			.map(([name, { at }]) => `The server has no channel ${at} (${name}).`);
	}

	/** A channel that the server does not have comes with an empty address. */
	private configured(): Channel[] {
		const nowhere: ChannelAddress = { ip: "", devtype: "", devid: "", subdevid: "", chlid: "" };
		return Object.entries(this.context.settings.channels).map(([name, { at }]) => ({
			name,
			address: this.found.find((address) => keyOf(address) === at) ?? nowhere,
		}));
	}

	private channelNamed(name: string): Channel {
		const channel = this.used.find((one) => one.name === name);
		if (channel !== undefined) return channel;
		throw new AdlayerError("CYCLER_REFUSED", `${this.context.name} has no channel ${name}.`);
	}

	private refused(channel: string, why: string, hint?: string): AdlayerError {
		const message = `${this.context.name}.${channel}: ${why}.`;
		return new AdlayerError("CYCLER_REFUSED", message, hint === undefined ? {} : { hint });
	}

	private addSignals(name: string): void {
		this.signals[`${name}_voltage`] ??= { unit: "V", kind: "measurement", description: `Voltage of ${name}` };
		this.signals[`${name}_current`] ??= { unit: "A", kind: "measurement", description: `Current of ${name}` };
	}

	/** One after the other: the interface answers without ids. */
	private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
		const result = this.turn.then(work, work);
		this.turn = result.catch(() => {});
		return result;
	}
}

const START_HINT =
	"Check that the steps folder is the same from both sides, that the channel is free in BTS, and that its API may write.";

const isAtRest = ({ activity }: ChannelStatus): boolean => activity !== "running" && activity !== "unknown";

const polled = (value: number | null): PolledValue =>
	value === null ? { value: null, quality: "fault", detail: "the channel gives no value" } : { value, quality: "good" };

const refusal = (message: string): Problem => ({ severity: "error", code: "CYCLER_REFUSED", message });

function zoneOf(name: string): LocalTime | undefined {
	try {
		return new LocalTime(name);
	} catch {
		return undefined;
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

function extentOf(address: ChannelAddress, element: Element): TestExtent {
	const { testid } = element.attributes;
	const rows = integerOf(element, "count");
	const hasNone = testid === undefined || testid === "" || testid === "--" || testid === "0";
	return hasNone ? { test: null, rows: 0 } : { test: `${keyOf(address)}-${testid}`, rows };
}

function holesIn(rows: readonly CyclerRow[], { fromSeq, toSeq }: { fromSeq: number; toSeq: number }) {
	const holes: { fromSeq: number; toSeq: number }[] = [];
	let next = fromSeq;
	for (const { seq } of rows) {
		if (seq > next) holes.push({ fromSeq: next, toSeq: seq - 1 });
		next = seq + 1;
	}
	if (next <= toSeq) holes.push({ fromSeq: next, toSeq });
	return holes;
}
