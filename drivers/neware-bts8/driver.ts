import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import type { Device, DriverContext, Identification, PolledValue, PolledValues, SignalInfo } from "#device/contract.js";
import type {
	ChannelRange,
	ChannelStatus,
	CurrentSign,
	Cycler,
	CyclerProgram,
	CyclerRows,
	RowRequest,
	StartOrder,
	TestExtent,
} from "#device/cycler.js";
import { rangeRefusals } from "#device/cycler-refusals.js";
import { holesIn } from "#device/row-numbers.js";
import { absent, type Channel, configured, everyChannel, identificationOf, misfits, zoneOf } from "./channels.js";
import { CHUNK_ROWS_MAX, type ChannelAddress, integerOf, isOk, keyOf, printable, requests } from "./codec.js";
import { DEFAULT_BACKUP_FOLDER, DEFAULT_PASSWORD, DEFAULT_USERNAME, type NewareBts8Settings } from "./config.js";
import type { LocalTime } from "./local-time.js";
import { type Chunk, chunkOf, extentOf, SignProbe, statusOf } from "./rows.js";
import { NewareSession } from "./session.js";
import { encodeSteps } from "./steps.js";

/** Ranges of missing rows that are asked for again in one go. */
const REFETCHES_MAX = 8;
/** How long a test may take to appear after its start, and a channel to stop; looked at this often. */
const VERIFY_MS = 15_000;
const VERIFY_STEP_MS = 1_000;

/** How a step file gets to where the BTS computer can read it. */
export type WriteSteps = (path: string, text: string) => Promise<void>;

/**
 * A BTS 8 server with its channels. Errors: those of its session, DEVICE_MISCONFIGURED of `connect`, CYCLER_REFUSED and
 * CHANNEL_BUSY of `start` and `stop`.
 */
export class NewareBts8 implements Device, Cycler {
	readonly signals: Record<string, SignalInfo> = {};
	readonly channels: Readonly<Record<string, ChannelRange>>;
	readonly cycler: Cycler = this;
	private readonly session: NewareSession;
	private readonly probe = new SignProbe();
	private readonly zone: LocalTime | undefined;
	private used: readonly Channel[] = [];
	/** A look at a server without a channel. */
	private seesNothing = false;

	constructor(
		private readonly context: DriverContext<NewareBts8Settings>,
		private readonly writeSteps: WriteSteps = (path, text) => writeFile(path, text, { encoding: "utf8", flag: "wx" }),
	) {
		const { line, settings } = context;
		if (line === undefined) throw new AdlayerError("ADDRESS_INVALID", `${context.name} needs a tcp address.`);
		const { username = DEFAULT_USERNAME, password = DEFAULT_PASSWORD, time_zone, channels } = settings;
		this.session = new NewareSession(line, { username, password });
		this.zone = zoneOf(time_zone);
		this.channels = Object.fromEntries(
			Object.entries(channels).map(([name, { voltage_V, current_A_max }]) => [
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
		return this.session.inTurn(async () => {
			await this.session.open();
			this.used = everyChannel(this.context.settings, this.session.found);
			this.seesNothing = this.used.length === 0;
			for (const { name } of this.used) this.addSignals(name);
			return this.identification();
		});
	}

	async connect(): Promise<Identification> {
		return this.session.inTurn(async () => {
			await this.session.open();
			const { settings } = this.context;
			const { found } = this.session;
			const problems = [...misfits(settings), ...absent(settings, found)];
			if (problems.length > 0) {
				await this.session.close();
				throw new AdlayerError("DEVICE_MISCONFIGURED", problems.join(" "));
			}
			this.used = configured(settings, found);
			this.seesNothing = false;
			return this.identification();
		});
	}

	/** Voltage and current of every channel, and how many run. */
	async poll(): Promise<PolledValues> {
		if (this.seesNothing) {
			const nothing = { value: null, quality: "fault", detail: "BTS sees no cycler" } as const;
			return Object.fromEntries(Object.keys(this.signals).map((signal) => [signal, nothing]));
		}
		const statuses = Object.entries(await this.status());
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
		await this.session.close();
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

	async status(channels?: readonly string[]): Promise<Readonly<Record<string, ChannelStatus>>> {
		return this.inSession(async () => {
			const asked = this.those(channels);
			const addresses = asked.map(({ address }) => address);
			const elements = await this.session.askEach("inquire", "inquire", addresses, requests.inquire);
			return Object.fromEntries(asked.map(({ name }, at) => [name, this.signed(statusOf(elements[at]!))]));
		});
	}

	async extents(channels?: readonly string[]): Promise<Readonly<Record<string, TestExtent>>> {
		return this.inSession(async () => {
			const asked = this.those(channels);
			const addresses = asked.map(({ address }) => address);
			const elements = await this.session.askEach("inquiredf", "chl", addresses, requests.inquiredf);
			return Object.fromEntries(asked.map(({ name, address }, at) => [name, extentOf(address, elements[at]!)]));
		});
	}

	async rows({ channel, test, fromSeq, rowsMax }: RowRequest): Promise<CyclerRows> {
		return this.inSession(async () => {
			const { address } = this.channelNamed(channel);
			const count = Math.min(rowsMax, CHUNK_ROWS_MAX);
			const chunk = await this.download(address, test, fromSeq, count);
			const rows = [...chunk.rows];
			const gaps: { fromSeq: number; toSeq: number }[] = [];
			for (const hole of chunk.missing.slice(0, REFETCHES_MAX)) {
				const again = await this.download(address, test, hole.fromSeq, hole.toSeq - hole.fromSeq + 1);
				rows.push(...again.rows);
				gaps.push(...holesIn(again.rows, hole.fromSeq, hole.toSeq));
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
		return this.inSession(async () => {
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
				const message = await this.session.ask(
					"start",
					requests.start(one.address, { barcode, stepsPath, backupFolder }),
				);
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
		return this.inSession(async () => {
			const one = this.channelNamed(channel);
			const first = await this.statusOfOne(one);
			if (isAtRest(first)) return;
			let answer = "nothing";
			try {
				answer = (await this.session.ask("stop", requests.stop(one.address))).elements("stop")[0]?.text ?? "";
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
		return this.inSession(async () => {
			const message = await this.session.ask("downloadlog", requests.downloadlog(this.channelNamed(channel).address));
			return message.elements("data").map((element) => ({
				seq: integerOf(element, "seqid"),
				logCode: element.attributes.log_code ?? "",
				wallMs: this.zone!.wallMs(element.attributes.atime ?? ""),
			}));
		});
	}

	/** The steps of the last test as the server summarises them: attributes as they came. */
	async stepLayer(channel: string): Promise<readonly Readonly<Record<string, string>>[]> {
		return this.inSession(async () => {
			const { address } = this.channelNamed(channel);
			const message = await this.session.ask("downloadStepLayer", requests.downloadStepLayer(address));
			return message.elements("data").map(({ attributes }) => attributes);
		});
	}

	private async order(
		channel: string,
		command: string,
		request: (address: ChannelAddress) => Uint8Array,
	): Promise<void> {
		return this.inSession(async () => {
			const message = await this.session.ask(command, request(this.channelNamed(channel).address));
			const answer = message.elements(command)[0]?.text ?? "";
			if (!isOk(answer)) throw this.refused(channel, `${command} was answered "${printable(answer)}"`);
		});
	}

	private signed(status: ChannelStatus): ChannelStatus {
		const { stepType, currentA } = status;
		this.probe.observe(stepType, currentA);
		return currentA === null ? status : { ...status, currentA: this.probe.chargePositive(stepType, currentA) };
	}

	private async statusOfOne({ address }: Channel): Promise<ChannelStatus> {
		return statusOf(await this.session.askOne("inquire", "inquire", requests.inquire([address])));
	}

	private async extentOfOne({ address }: Channel): Promise<TestExtent> {
		return extentOf(address, await this.session.askOne("inquiredf", "chl", requests.inquiredf([address])));
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
				await this.session.ensureOpen();
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

	private async download(address: ChannelAddress, test: string, fromSeq: number, count: number): Promise<Chunk> {
		const message = await this.session.ask("download", requests.download(address, fromSeq, count));
		let chunk: Chunk;
		try {
			chunk = chunkOf(message, { fromSeq, count }, this.zone!);
		} catch (thrown) {
			await this.session.close();
			throw thrown;
		}
		const testid =
			chunk.testid ??
			(await this.session.ask("inquiredf", requests.inquiredf([address]))).elements("chl")[0]?.attributes.testid;
		const found = `${keyOf(address)}-${testid}`;
		if (found === test) return chunk;
		throw new AdlayerError("CYCLER_REFUSED", `The channel has test ${found} now, not ${test}.`, {
			context: { test, found },
		});
	}

	/** A session for whoever has already connected once. */
	private inSession<Result>(work: () => Promise<Result>): Promise<Result> {
		return this.session.inTurn(async () => {
			if (this.used.length === 0 && this.session.found.length === 0) {
				throw new AdlayerError("DEVICE_NOT_READY", `${this.context.name} is not connected.`);
			}
			await this.session.ensureOpen();
			return work();
		});
	}

	private identification(): Identification {
		return identificationOf(this.context.settings, this.session.found);
	}

	/** In the order of the lab file; all where none is named. */
	private those(channels: readonly string[] | undefined): readonly Channel[] {
		if (channels === undefined) return this.used;
		const asked = new Set(channels);
		return this.used.filter(({ name }) => asked.has(name));
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
}

const START_HINT =
	"Check that the steps folder is the same from both sides, that the channel is free in BTS, and that its API may write.";

const isAtRest = ({ activity }: ChannelStatus): boolean => activity !== "running" && activity !== "unknown";

const polled = (value: number | null): PolledValue =>
	value === null ? { value: null, quality: "fault", detail: "the channel gives no value" } : { value, quality: "good" };

const refusal = (message: string): Problem => ({ severity: "error", code: "CYCLER_REFUSED", message });
