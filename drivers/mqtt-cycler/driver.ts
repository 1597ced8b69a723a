import { randomUUID } from "node:crypto";
import type { Timer } from "#core/clock.js";
import { AdlayerError, asAdlayerError, type Problem } from "#core/errors.js";
import type { MqttLink, MqttMessage } from "#core/wire.js";
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
import { holesIn } from "#device/row-numbers.js";
import { ChannelWatch } from "./channel-watch.js";
import {
	type ChannelState,
	type Command,
	decodeReply,
	decodeState,
	encodeCommand,
	type Reply,
	ROWS_MAX,
} from "./codec.js";
import type { MqttCyclerSettings } from "./config.js";
import { Lateness } from "./lateness.js";
import { SignProof } from "./sign-proof.js";

/** What the bridge, or its last will, said last. */
type Online = "online" | "offline" | "unknown";

/** A bridge answers within this. */
const ANSWER_MS = 10_000;
/** The bridge's first words are waited for as long as a state may be old, but not longer than this. */
const FIRST_STATES_MS_MAX = 45_000;
/** How long a test may take to appear after its start, and a channel to stop; looked at this often. */
const VERIFY_MS = 15_000;
const VERIFY_STEP_MS = 500;

/**
 * A cycler behind a bridge that speaks docs/mqtt-cycler.md. `poll`, `status` and `extents` throw LINK_LOST without the broker
 * and DEVICE_SILENT while the bridge is offline; a channel that is not known is left out of `status` and `extents`. Commands
 * throw DEVICE_SILENT without an answer, REPLY_INVALID, and CYCLER_REFUSED and CHANNEL_BUSY as `Cycler` says.
 */
export class MqttCycler implements Device, Cycler {
	readonly signals: Readonly<Record<string, SignalInfo>>;
	readonly channels: Readonly<Record<string, ChannelRange>>;
	readonly cycler: Cycler = this;
	private readonly link: MqttLink;
	private readonly watches = new Map<string, ChannelWatch>();
	private readonly nameOf = new Map<string, string>();
	private readonly pending = new Map<string, (reply: Reply) => void>();
	private readonly sign = new SignProof();
	private lateness = new Lateness();
	private online: Online = "unknown";
	private replyWrong: string | undefined;

	constructor(private readonly context: DriverContext<MqttCyclerSettings>) {
		const { mqtt, name, settings } = context;
		if (mqtt === undefined) throw new AdlayerError("ADDRESS_INVALID", `${name} needs an mqtt address.`);
		this.link = mqtt;
		const signals: Record<string, SignalInfo> = {
			running: { unit: "1", kind: "state", description: "Channels with a running test" },
		};
		const channels: Record<string, ChannelRange> = {};
		for (const [channel, { topic, voltage_V, current_A_max }] of Object.entries(settings.channels)) {
			const other = this.nameOf.get(topic);
			if (other !== undefined) throw misfit(`${name}: ${other} and ${channel} have the same topic, ${topic}.`);
			if (voltage_V.min >= voltage_V.max) {
				throw misfit(
					`${name}.${channel}: voltage_V.max is ${voltage_V.max}, which is not above min, ${voltage_V.min}.`,
				);
			}
			this.nameOf.set(topic, channel);
			this.watches.set(channel, new ChannelWatch(settings.stale_s));
			channels[channel] = { voltageVMin: voltage_V.min, voltageVMax: voltage_V.max, currentAMax: current_A_max };
			signals[`${channel}_voltage`] = { unit: "V", kind: "measurement", description: `Voltage of ${channel}` };
			signals[`${channel}_current`] = { unit: "A", kind: "measurement", description: `Current of ${channel}` };
		}
		this.channels = channels;
		this.signals = signals;
	}

	get currentSign(): CurrentSign {
		return this.sign.sign;
	}

	/** Listening changes nothing. */
	async inspect(): Promise<Identification> {
		return this.connect();
	}

	async connect(): Promise<Identification> {
		await this.link.close();
		this.online = "unknown";
		this.replyWrong = undefined;
		this.lateness = new Lateness();
		for (const watch of this.watches.values()) {
			watch.isKnown = false;
			watch.forget("no state has come");
		}
		await this.link.open();
		await this.link.subscribe("online", (message) => this.heardOnline(message));
		await this.link.subscribe("+/state", (message) => this.heardState(message));
		await this.link.subscribe("+/cmd/reply", (message) => this.heardReply(message));
		const waitMs = Math.min(this.context.settings.stale_s * 1_000, FIRST_STATES_MS_MAX);
		const missing = () => [...this.watches].flatMap(([name, { isKnown }]) => (isKnown ? [] : [name]));
		await this.until(() => this.isOnline && missing().length === 0, waitMs);
		const { name } = this.context;
		if (!this.isOnline) {
			throw silent(`The bridge of ${name} has not said that it is online (${this.online}) within ${waitMs / 1_000} s.`);
		}
		const unknown = missing();
		if (unknown.length > 0) {
			const which = unknown.map((channel) => `${channel} (${this.wrongOf(channel)})`).join(", ");
			throw silent(`The bridge of ${name} has not told the state of ${which} within ${waitMs / 1_000} s.`);
		}
		return {
			identity: { manufacturer: null, model: null, serial: null, firmware: null },
			// A bridge cannot say what it is: that every channel speaks the contract has to do.
			confirmed: true,
			warnings: [...this.watches.keys()].flatMap((channel) => {
				const wrong = this.wrongOf(channel);
				return wrong === undefined ? [] : [`${channel}: ${wrong}.`];
			}),
		};
	}

	/** Voltage and current of every channel, and how many run. */
	async poll(): Promise<PolledValues> {
		this.demandBridge();
		let running = 0;
		const values: Record<string, PolledValue> = {};
		for (const channel of this.watches.keys()) {
			const seen = this.seen(channel);
			const value = (of: (state: ChannelState) => number): PolledValue =>
				"wrong" in seen
					? { value: null, quality: "fault", detail: seen.wrong }
					: { value: of(seen.state), quality: "good" };
			values[`${channel}_voltage`] = value(({ voltageV }) => voltageV);
			values[`${channel}_current`] = value(({ currentA }) => currentA);
			if ("state" in seen && seen.state.activity === "running") running += 1;
		}
		return { running: { value: running, quality: "good" }, ...values };
	}

	/** A cycler has no part in the reactor's safe state: its tests go on by themselves. */
	async makeSafe(): Promise<void> {}

	async close(): Promise<void> {
		await this.link.close();
	}

	refusals(channel: string, program: CyclerProgram): readonly Problem[] {
		const range = this.channels[channel];
		if (range !== undefined) return rangeRefusals(`${this.context.name}.${channel}`, range, program);
		const message = `${this.context.name} has no channel ${channel}.`;
		return [{ severity: "error", code: "CYCLER_REFUSED", message }];
	}

	async status(): Promise<Readonly<Record<string, ChannelStatus>>> {
		return this.known(({ activity, word, barcode, cycle, step, stepType, ...state }) => ({
			activity,
			word,
			barcode,
			cycle,
			step,
			stepType,
			voltageV: state.voltageV,
			currentA: state.currentA,
			capacityAh: state.capacityAh,
			energyWh: state.energyWh,
			testS: state.testS,
			stepS: state.stepS,
			logCode: state.logCode,
		}));
	}

	async extents(): Promise<Readonly<Record<string, TestExtent>>> {
		return this.known(({ test, seq }) => ({ test, rows: seq }));
	}

	async rows({ channel, test, fromSeq, rowsMax }: RowRequest): Promise<CyclerRows> {
		this.demandBridge();
		const watch = this.watchOf(channel);
		const seen = watch.at(this.context.clock.nowMs());
		if ("wrong" in seen) throw silent(`${this.context.name}.${channel}: ${seen.wrong}.`);
		const { state } = seen;
		if (state.test !== test || fromSeq > state.seq) return { rows: [], gaps: [] };
		const countMax = Math.min(rowsMax, ROWS_MAX);
		const rows = watch.keptFrom(fromSeq, countMax);
		const gaps: { fromSeq: number; toSeq: number }[] = [];
		if (rows.length === 0) {
			// Missed, or from before: fetched up to the first that came by itself.
			const before = (watch.firstKeptFrom(fromSeq) ?? state.seq + 1) - 1;
			const toSeq = Math.min(before, fromSeq + countMax - 1);
			rows.push(...(await this.fetch(channel, test, fromSeq, toSeq)));
			for (const hole of holesIn(rows, fromSeq, toSeq)) {
				const again = await this.fetch(channel, test, hole.fromSeq, hole.toSeq);
				rows.push(...again);
				gaps.push(...holesIn(again, hole.fromSeq, hole.toSeq));
			}
			rows.sort((a, b) => a.seq - b.seq);
			rows.push(...watch.keptFrom(toSeq + 1, countMax - rows.length));
		}
		for (const { stepType, currentA } of rows) this.sign.observe(stepType, currentA);
		return { rows, gaps: rows.length === 0 ? [] : gaps };
	}

	async start({ channel, barcode, program }: StartOrder): Promise<{ test: string }> {
		const problems = this.refusals(channel, program);
		if (problems.length > 0) {
			const message = `${channel} cannot run ${program.protocol}: ${problems.map((problem) => problem.message).join(" ")}`;
			throw new AdlayerError("CYCLER_REFUSED", message, { problems: [...problems] });
		}
		this.demandBridge();
		const before = this.seen(channel);
		const place = `${this.context.name}.${channel}`;
		if ("wrong" in before) throw new AdlayerError("CHANNEL_BUSY", `${place} is not known: ${before.wrong}.`);
		const { activity, word, test: had } = before.state;
		if (activity === "running" || activity === "unknown")
			throw new AdlayerError("CHANNEL_BUSY", `${place} is "${word}".`);
		let lost: AdlayerError | undefined;
		try {
			const reply = await this.ask(channel, { cmd: "start", barcode, program });
			if (!reply.ok) throw refused(`${place}: start was refused: ${reply.error || "without a reason"}.`);
		} catch (thrown) {
			lost = asAdlayerError(thrown);
			if (lost.code === "CYCLER_REFUSED") throw lost;
		}
		// Whatever was answered: the channel itself says whether it runs. Nothing is started a second time.
		let started: string | undefined;
		await this.until(() => {
			const now = this.seen(channel);
			if ("wrong" in now || now.state.test === null || now.state.test === had) return false;
			if (now.state.barcode !== null && now.state.barcode !== barcode) return false;
			started = now.state.test;
			return true;
		}, VERIFY_MS);
		if (started !== undefined) return { test: started };
		if (lost !== undefined) throw lost;
		const message = `start of ${place} was answered ok, and no new test appeared within ${VERIFY_MS / 1_000} s.`;
		throw new AdlayerError("READBACK_MISMATCH", message);
	}

	async stop(channel: string): Promise<void> {
		this.demandBridge();
		const seen = this.seen(channel);
		const place = `${this.context.name}.${channel}`;
		if ("wrong" in seen) throw silent(`${place}: ${seen.wrong}.`);
		const { test, activity } = seen.state;
		if (test === null || (activity !== "running" && activity !== "unknown")) return;
		let answer = "ok";
		try {
			const reply = await this.ask(channel, { cmd: "stop", test_id: test });
			if (!reply.ok) answer = reply.error || "no reason";
		} catch (thrown) {
			answer = asAdlayerError(thrown).message;
		}
		const hasEnded = () => {
			const now = this.seen(channel);
			return "state" in now && now.state.activity !== "running" && now.state.activity !== "unknown";
		};
		if (await this.until(hasEnded, VERIFY_MS)) return;
		throw refused(`${place}: stop was answered "${answer}", and it still runs.`);
	}

	/** Rows from the bridge's own record, in their order, none outside what was asked for. */
	private async fetch(channel: string, test: string, fromSeq: number, toSeq: number): Promise<CyclerRow[]> {
		const reply = await this.ask(channel, {
			cmd: "rows",
			test_id: test,
			from_seq: fromSeq,
			rows_max: toSeq - fromSeq + 1,
		});
		const place = `${this.context.name}.${channel}`;
		if (!reply.ok) throw refused(`${place}: rows from ${fromSeq} were refused: ${reply.error || "without a reason"}.`);
		if (reply.test !== test) {
			throw new AdlayerError("REPLY_INVALID", `${place}: rows of test ${reply.test} came, not of ${test}.`);
		}
		return reply.rows.filter(({ seq }) => seq >= fromSeq && seq <= toSeq);
	}

	/** Sends a command once. Throws LINK_LOST, DEVICE_SILENT. */
	private async ask(channel: string, command: Command): Promise<Reply> {
		const { clock, name, settings } = this.context;
		const id = randomUUID();
		const { topic } = settings.channels[channel]!;
		const release = clock.expectAnswer();
		let timer: Timer | undefined;
		try {
			const answered = new Promise<Reply>((resolve, reject) => {
				this.pending.set(id, resolve);
				timer = clock.setTimer(ANSWER_MS, () => {
					const wrong = this.replyWrong === undefined ? "" : `; what came is no reply: ${this.replyWrong}`;
					reject(silent(`${name}.${channel} has not answered ${command.cmd} within ${ANSWER_MS / 1_000} s${wrong}.`));
				});
			});
			answered.catch(() => {});
			await this.link.publish(`${topic}/cmd`, encodeCommand(id, command));
			return await answered;
		} finally {
			timer?.cancel();
			this.pending.delete(id);
			release();
		}
	}

	private heardOnline({ payload }: MqttMessage): void {
		const said = Buffer.from(payload).toString("utf8");
		this.online = said === "online" || said === "offline" ? said : "unknown";
		if (this.online !== "online") for (const watch of this.watches.values()) watch.forget("the bridge was offline");
	}

	private heardState({ topic, payload, retained }: MqttMessage): void {
		const channel = this.nameOf.get(topic.slice(0, topic.indexOf("/")));
		if (channel === undefined) return;
		const watch = this.watches.get(channel)!;
		const state = decodeState(payload);
		if ("wrong" in state) watch.malformed(state.wrong);
		else if (retained) watch.retained();
		else {
			const nowMs = this.context.clock.nowMs();
			watch.fresh(state.value, nowMs - this.lateness.ofMs(state.value.wallMs, nowMs));
		}
	}

	private heardReply({ payload, retained }: MqttMessage): void {
		if (retained) return;
		const reply = decodeReply(payload);
		if ("wrong" in reply) this.replyWrong = reply.wrong;
		else this.pending.get(reply.value.id)?.(reply.value);
	}

	private get isOnline(): boolean {
		return this.online === "online";
	}

	private demandBridge(): void {
		const { name } = this.context;
		if (!this.link.isOpen) throw new AdlayerError("LINK_LOST", `The broker of ${name} is away.`);
		if (this.online !== "online") throw silent(`The bridge of ${name} is ${this.online}.`);
	}

	private watchOf(channel: string): ChannelWatch {
		const watch = this.watches.get(channel);
		if (watch === undefined) throw refused(`${this.context.name} has no channel ${channel}.`);
		return watch;
	}

	private seen(channel: string): { readonly state: ChannelState } | { readonly wrong: string } {
		return this.watchOf(channel).at(this.context.clock.nowMs());
	}

	private wrongOf(channel: string): string | undefined {
		const seen = this.seen(channel);
		return "wrong" in seen ? seen.wrong : undefined;
	}

	private known<Value>(of: (state: ChannelState) => Value): Record<string, Value> {
		this.demandBridge();
		return Object.fromEntries(
			[...this.watches.keys()].flatMap((channel) => {
				const seen = this.seen(channel);
				return "wrong" in seen ? [] : [[channel, of(seen.state)]];
			}),
		);
	}

	/** False when the condition did not come true in time. */
	private async until(condition: () => boolean, limitMs: number): Promise<boolean> {
		const { clock } = this.context;
		const endMs = clock.nowMs() + limitMs;
		while (!condition()) {
			if (clock.nowMs() >= endMs) return false;
			await clock.sleep(VERIFY_STEP_MS);
		}
		return true;
	}
}

const silent = (message: string) => new AdlayerError("DEVICE_SILENT", message);
const refused = (message: string) => new AdlayerError("CYCLER_REFUSED", message);
const misfit = (message: string) => new AdlayerError("LAB_FILE_INVALID", message);
