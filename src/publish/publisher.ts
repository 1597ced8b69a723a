/**
 * Sends the present state to an MQTT broker. It only ever holds the present: while the broker is away nothing queues up,
 * and when it is back everything retained is sent anew.
 */
import { connect, type MqttClient } from "mqtt";
import type { Clock, Timer } from "#core/clock.js";
import { type Topics, topicsOf } from "#publish/topics.js";
import type { FollowedCellTest } from "#record/cell-test-history.js";
import type { JournalRecord } from "#record/records.js";
import type { ControlStatus, SignalStatus } from "#record/status.js";

/** At most one message per signal in this time (real time); the latest value wins. */
export const SIGNAL_INTERVAL_MS = 1_000;
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const KEEPALIVE_S = 10;
/** Wait for the broker to take the farewell. */
const FAREWELL_MS = 500;

/** The present, as src/api's LiveState gives it. */
export interface StatusSource {
	status(): ControlStatus;
	/** Tells every record that is not a sample, as it comes. */
	subscribe(listener: (record: JournalRecord) => void): () => void;
}

export interface PublisherOptions {
	readonly clock: Clock;
	/** mqtt://host:port */
	readonly url: string;
	readonly station: string;
	readonly source: StatusSource;
	readonly login?: { readonly username: string; readonly password: string };
	readonly intervalMs?: number;
}

export class Publisher {
	private readonly topics: Topics;
	private client: MqttClient | undefined;
	private timer: Timer | undefined;
	private unsubscribe: (() => void) | undefined;
	/** What the broker was last given, by topic. */
	private readonly sent = new Map<string, string>();
	private readonly sentSignals = new Map<string, { seq: number; quality: string }>();
	private readonly alarmsShown = new Set<string>();
	/** By topic: the last test of each channel. */
	private readonly cellTests = new Map<string, string>();
	published = 0;

	constructor(private readonly options: PublisherOptions) {
		this.topics = topicsOf(options.station);
	}

	get connected(): boolean {
		return this.client?.connected ?? false;
	}

	/** Begins connecting and goes on trying; returns at once and never throws for a broker that is away. */
	start(): void {
		const { url, login, source } = this.options;
		const client = connect(url, {
			reconnectPeriod: RECONNECT_MS,
			connectTimeout: CONNECT_TIMEOUT_MS,
			keepalive: KEEPALIVE_S,
			// A broker that is away must cost no memory: what it misses is sent as the then present state.
			queueQoSZero: false,
			clean: true,
			resubscribe: false,
			will: { topic: this.topics.online, payload: Buffer.from(this.onlinePayload(false)), qos: 1, retain: true },
			...login,
		});
		this.client = client;
		client.on("connect", () => this.publishAll());
		// Without a listener an unreachable broker would end the service; the client retries by itself.
		client.on("error", () => {});
		this.unsubscribe = source.subscribe((record) => this.happened(record));
		this.tick();
	}

	/** Says farewell and disconnects. */
	async stop(): Promise<void> {
		this.timer?.cancel();
		this.unsubscribe?.();
		const { client } = this;
		this.client = undefined;
		if (client === undefined) return;
		if (client.connected) {
			const farewell = client.publishAsync(this.topics.online, this.onlinePayload(false), { qos: 1, retain: true });
			await Promise.race([farewell.catch(() => {}), this.options.clock.sleep(FAREWELL_MS)]);
		}
		await client.endAsync(true).catch(() => {});
	}

	/** A battery test has another state or verdict: its channel's topic says so, now or when the broker is back. */
	cellTest({ cycler, channel, ...test }: FollowedCellTest): void {
		if (channel === null) return;
		const topic = this.topics.cellTest(cycler, channel);
		const payload = JSON.stringify({ ...test, verdict: test.verdict ?? null });
		this.cellTests.set(topic, payload);
		if (this.connected) this.send(topic, payload);
	}

	private tick(): void {
		this.timer = this.options.clock.setTimer(this.options.intervalMs ?? SIGNAL_INTERVAL_MS, () => {
			if (this.connected) {
				const status = this.options.source.status();
				this.publishSignals(status);
				this.publishState(status);
			}
			this.tick();
		});
	}

	private publishAll(): void {
		this.sent.clear();
		this.sentSignals.clear();
		const status = this.options.source.status();
		this.send(this.topics.online, this.onlinePayload(true));
		this.publishState(status);
		this.publishSignals(status);
		for (const [topic, payload] of this.cellTests) this.send(topic, payload);
	}

	private happened(record: JournalRecord): void {
		if (!this.connected) return;
		const isState =
			record.kind === "run-created" ||
			record.kind === "run-state" ||
			record.kind === "run-finished" ||
			record.kind === "step-started" ||
			record.kind === "alarm";
		if (isState) this.publishState(this.options.source.status());
	}

	private publishState(status: ControlStatus): void {
		const { run, alarms } = status;
		const marked = markOf(status);
		const state =
			run === null
				? { run: null, state: "idle" }
				: {
						run: run.run,
						state: run.state,
						cause: run.cause,
						recipe: run.recipe,
						product: run.product,
						cycles: run.cycles,
					};
		this.send(this.topics.runState, JSON.stringify({ ...state, ...marked }));
		this.send(this.topics.runStep, JSON.stringify({ run: run?.run ?? null, step: run?.step ?? null, ...marked }));
		if (status.maintenance !== undefined)
			this.send(this.topics.maintenance, JSON.stringify({ ...status.maintenance, ...marked }));
		for (const alarm of alarms) {
			this.alarmsShown.add(alarm.alarm);
			this.send(this.topics.alarm(alarm.alarm), JSON.stringify({ ...alarm, ...marked }));
		}
		for (const alarm of this.alarmsShown) {
			if (alarms.some((present) => present.alarm === alarm)) continue;
			this.send(this.topics.alarm(alarm), JSON.stringify({ alarm, state: "normal", ...marked }));
		}
	}

	private publishSignals(status: ControlStatus): void {
		const marked = markOf(status);
		for (const [id, signal] of Object.entries(status.signals)) {
			const before = this.sentSignals.get(id);
			if (before !== undefined && before.seq === signal.seq && before.quality === signal.quality) continue;
			if (this.publish(this.topics.signal(id), JSON.stringify({ ...payloadOf(signal), ...marked }))) {
				this.sentSignals.set(id, { seq: signal.seq, quality: signal.quality });
			}
		}
	}

	/** Publishes what has changed. */
	private send(topic: string, payload: string): void {
		if (this.sent.get(topic) === payload) return;
		if (this.publish(topic, payload)) this.sent.set(topic, payload);
	}

	private publish(topic: string, payload: string): boolean {
		const { client } = this;
		if (client === undefined || !client.connected) return false;
		// A broker that does not drain its socket gets fewer messages, not a growing buffer here.
		if (client.stream.writableNeedDrain) return false;
		client.publish(topic, payload, { qos: 0, retain: true });
		this.published += 1;
		return true;
	}

	private onlinePayload(online: boolean): string {
		return JSON.stringify({ online, ...markOf(this.options.source.status()) });
	}
}

function payloadOf(signal: SignalStatus): object {
	const { value, unit, quality, at, seq } = signal;
	return { value, unit, quality, at, seq };
}

const markOf = (status: ControlStatus): object => (status.simulated ? { simulated: true } : {});
