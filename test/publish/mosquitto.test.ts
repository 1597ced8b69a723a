import { setTimeout as rest } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { Publisher } from "#publish/publisher.js";
import type { ControlStatus } from "#record/status.js";
import { MOSQUITTO, Mosquitto } from "../support/mosquitto.js";

const STATUS: ControlStatus = {
	station: "sim1",
	simulated: true,
	speed: 1,
	version: "0.1.0",
	t: 0,
	wall: 0,
	run: null,
	instruments: {},
	signals: { "gauge.chamber": { value: 86, unit: "Pa", quality: "good", at: 5, seq: 7 } },
	interlocks: [],
	alarms: [],
};

describe.runIf(MOSQUITTO !== undefined)("with Mosquitto as the broker (MQTT_URL)", () => {
	let broker: Mosquitto;
	let client: MqttClient;
	const seen = new Map<string, string>();

	beforeAll(async () => {
		broker = await Mosquitto.started();
		client = await connectAsync(broker.url, { reconnectPeriod: 100 });
		client.on("message", (topic, payload) => seen.set(topic, payload.toString()));
		await client.subscribeAsync("adlayer/#");
	});

	afterAll(async () => {
		await client?.endAsync(true);
		broker?.stop();
	});

	const until = async (condition: () => boolean) => {
		for (const endMs = performance.now() + 20_000; !condition(); await rest(10))
			expect(performance.now(), [...seen].join(" | ")).toBeLessThan(endMs);
	};

	it("publishes signals and that it is online, and says farewell when it ends", async () => {
		const publisher = new Publisher({
			clock: new SystemClock(),
			url: broker.url,
			station: "sim1",
			source: { status: () => STATUS, subscribe: () => () => {} },
		});
		publisher.start();
		await until(() => seen.has("adlayer/v1/sim1/gauge/chamber") && seen.has("adlayer/v1/sim1/online"));
		expect(JSON.parse(seen.get("adlayer/v1/sim1/gauge/chamber")!)).toMatchObject({
			value: 86,
			unit: "Pa",
			quality: "good",
			at: 5,
			seq: 7,
			simulated: true,
		});
		const online = seen.get("adlayer/v1/sim1/online");
		await publisher.stop();
		await until(() => seen.get("adlayer/v1/sim1/online") !== online);
	});
});
