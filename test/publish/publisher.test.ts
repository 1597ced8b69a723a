import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { type EmbeddedBroker, startBroker } from "#publish/broker.js";
import { Publisher, type StatusSource } from "#publish/publisher.js";
import { topicsOf } from "#publish/topics.js";
import type { JournalRecord } from "#record/records.js";
import type { ControlStatus } from "#record/status.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0).reverse()) await close();
});

const EMPTY: ControlStatus = {
	station: "sim1",
	simulated: true,
	speed: 1,
	version: "0.1.0",
	t: 0,
	wall: 0,
	run: null,
	instruments: {},
	signals: {},
	interlocks: [],
	alarms: [],
};

/** The present as the tests set it. */
class Source implements StatusSource {
	present: ControlStatus = EMPTY;
	private readonly listeners = new Set<(record: JournalRecord) => void>();

	status(): ControlStatus {
		return this.present;
	}

	subscribe(listener: (record: JournalRecord) => void): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	happen(kind: "run-state" | "alarm" | "step-started"): void {
		for (const listener of this.listeners) listener({ kind } as JournalRecord);
	}

	measure(value: number, seq: number, quality: "good" | "stale" = "good"): void {
		const signal = { value, unit: "Pa", quality, at: 5, seq } as const;
		this.present = { ...this.present, signals: { "gauge.chamber": signal } };
	}
}

async function until(condition: () => boolean, what: string): Promise<void> {
	const deadline = performance.now() + 50_000;
	while (!condition()) {
		if (performance.now() > deadline) throw new Error(`Not within 20 s: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

async function broker(port = 0): Promise<EmbeddedBroker> {
	const made = await startBroker({ port });
	closers.push(() => made.close());
	return made;
}

function publisher(at: Pick<EmbeddedBroker, "url" | "login">, source: Source, intervalMs = 40): Publisher {
	const made = new Publisher({
		clock: new SystemClock(),
		url: at.url,
		login: at.login,
		station: "sim1",
		source,
		intervalMs,
	});
	made.start();
	closers.push(() => made.stop());
	return made;
}

async function dashboard(url: string) {
	const client: MqttClient = await connectAsync(url, { reconnectPeriod: 0 });
	const messages: { topic: string; payload: Record<string, unknown>; retain: boolean }[] = [];
	client.on("message", (topic, payload, packet) =>
		messages.push({ topic, payload: JSON.parse(payload.toString()), retain: packet.retain }),
	);
	client.on("error", () => {});
	await client.subscribeAsync("adlayer/v1/sim1/#");
	closers.push(() => client.endAsync(true));
	const latest = (suffix: string) => messages.findLast(({ topic }) => topic === `adlayer/v1/sim1/${suffix}`)?.payload;
	return { client, messages, latest };
}

describe("topics", () => {
	it("follow the names of the lab file, without MQTT's own characters", () => {
		const topics = topicsOf("sim1");
		expect(topics.signal("gauge.chamber")).toBe("adlayer/v1/sim1/gauge/chamber");
		expect(topics.alarm("FLOW/LOW#")).toBe("adlayer/v1/sim1/alarms/FLOW_LOW_");
		expect(topics.online).toBe("adlayer/v1/sim1/online");
	});
});

describe("publishing", () => {
	it("retains value, unit, quality, time and sequence number, marked as simulated", async () => {
		const at = await broker();
		const source = new Source();
		source.measure(40, 7);
		const made = publisher(at, source);
		await until(() => made.published >= 4, "first state");
		const { latest, messages } = await dashboard(at.url);
		await until(() => latest("gauge/chamber") !== undefined && latest("run/state") !== undefined, "retained state");
		expect(latest("gauge/chamber")).toEqual({ value: 40, unit: "Pa", quality: "good", at: 5, seq: 7, simulated: true });
		expect(latest("run/state")).toEqual({ run: null, state: "idle", simulated: true });
		expect(latest("online")).toEqual({ online: true, simulated: true });
		expect(messages.every(({ retain }) => retain)).toBe(true);
	});

	it("sends at most one message per signal and interval, the latest value", async () => {
		const at = await broker();
		const source = new Source();
		publisher(at, source, 100);
		const { messages, latest } = await dashboard(at.url);
		await until(() => latest("online")?.online === true, "online");
		const begin = performance.now();
		for (let seq = 1; seq <= 300; seq += 1) {
			source.measure(seq, seq);
			await new Promise((resolve) => setTimeout(resolve, 1));
		}
		await until(() => latest("gauge/chamber")?.value === 300, "the latest value");
		const intervals = (performance.now() - begin) / 100;
		const count = messages.filter(({ topic }) => topic.endsWith("gauge/chamber")).length;
		expect(count).toBeLessThanOrEqual(Math.ceil(intervals) + 1);
	});

	it("says when a value has become stale, and does not repeat what has not changed", async () => {
		const at = await broker();
		const source = new Source();
		source.measure(40, 7);
		publisher(at, source, 20);
		const { messages, latest } = await dashboard(at.url);
		await until(() => latest("gauge/chamber") !== undefined, "value");
		await new Promise((resolve) => setTimeout(resolve, 150));
		source.measure(40, 7, "stale");
		await until(() => latest("gauge/chamber")?.quality === "stale", "stale");
		expect(messages.filter(({ topic }) => topic.endsWith("gauge/chamber"))).toHaveLength(2);
	});

	it("sends changes of run and alarms at once, and that an alarm is normal again", async () => {
		const at = await broker();
		const source = new Source();
		publisher(at, source, 3_600_000);
		const { latest } = await dashboard(at.url);
		await until(() => latest("online")?.online === true, "online");
		const alarm = {
			alarm: "FLOW_LOW",
			state: "unacknowledged",
			priority: "high",
			message: "m",
			response: "r",
			at: 1,
		} as const;
		source.present = { ...EMPTY, alarms: [alarm] };
		source.happen("alarm");
		await until(() => latest("alarms/FLOW_LOW")?.state === "unacknowledged", "alarm");
		source.present = EMPTY;
		source.happen("alarm");
		await until(() => latest("alarms/FLOW_LOW")?.state === "normal", "normal");
	});
});

describe("a broker that is away", () => {
	it("disturbs nobody, and gets the present state when it comes back, also after a restart without memory", async () => {
		const first = await startBroker();
		const source = new Source();
		source.measure(1, 1);
		const login = first.login;
		const made = publisher({ url: first.url, login }, source);
		await until(() => made.connected, "connected");
		await first.close();
		await until(() => !made.connected, "away");
		source.measure(2, 2);
		source.happen("run-state");
		const port = Number(new URL(first.url).port);
		const open = await startOpenBroker(port);
		closers.push(open.close);
		const { latest } = await dashboard(first.url);
		await until(() => latest("gauge/chamber")?.value === 2, "the present value");
		expect(latest("online")).toMatchObject({ online: true });
		await made.stop();
		await until(() => latest("online")?.online === false, "farewell");
	});

	it("is told by last will when the publisher dies without a farewell", async () => {
		const at = await broker();
		const made = publisher(at, new Source());
		const { latest } = await dashboard(at.url);
		await until(() => latest("online")?.online === true, "online");
		// The process's death as the broker sees it: the connection breaks without a disconnect.
		(made as unknown as { client: MqttClient }).client.stream.destroy();
		await until(() => latest("online")?.online === false, "last will");
	});
});

describe("the embedded broker", () => {
	it("lets nobody else speak in the service's name", async () => {
		const at = await broker();
		const source = new Source();
		const made = publisher(at, source);
		await until(() => made.connected, "connected");
		const { client, latest } = await dashboard(at.url);
		client.publish("adlayer/v1/sim1/run/state", JSON.stringify({ state: "forged" }), { retain: true });
		await until(() => !client.connected, "the forger is disconnected");
		expect(latest("run/state")?.state).not.toBe("forged");
		await expect(
			connectAsync(at.url, { username: at.login.username, password: "guess", reconnectPeriod: 0 }),
		).rejects.toThrow();
		const other = await dashboard(at.url);
		await until(() => other.latest("run/state") !== undefined, "retained");
		expect(other.latest("run/state")?.state).toBe("idle");
	});
});

/** A broker as a lab may run its own: whoever comes may publish. */
async function startOpenBroker(port: number): Promise<{ close: () => Promise<void> }> {
	const { Aedes } = await import("aedes");
	const { createServer } = await import("node:net");
	const aedes = await Aedes.createBroker();
	const server = createServer(aedes.handle);
	await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
	return {
		close: async () => {
			await new Promise<void>((resolve) => aedes.close(() => resolve()));
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}
