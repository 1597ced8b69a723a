import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { Publisher } from "#publish/publisher.js";
import type { ControlStatus } from "#record/status.js";

const MOSQUITTO = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => spawnSync(path, ["-h"]).error === undefined);
if (MOSQUITTO === undefined && process.env.ADLAYER_TEST_ALL === "1")
	throw new Error("mosquitto is missing: apt-get install mosquitto");

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

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}

describe.runIf(MOSQUITTO !== undefined)("with Mosquitto as the broker (MQTT_URL)", () => {
	const folder = mkdtempSync(join(tmpdir(), "adlayer-mosquitto-"));
	let broker: ChildProcess;
	let url: string;
	let client: MqttClient;
	const seen = new Map<string, string>();

	beforeAll(async () => {
		const port = await freePort();
		url = `mqtt://127.0.0.1:${port}`;
		writeFileSync(join(folder, "mosquitto.conf"), `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
		broker = spawn(MOSQUITTO!, ["-c", join(folder, "mosquitto.conf")], { stdio: "ignore" });
		client = await connectAsync(url, { reconnectPeriod: 100 });
		client.on("message", (topic, payload) => seen.set(topic, payload.toString()));
		await client.subscribeAsync("adlayer/#");
	});

	afterAll(async () => {
		await client?.endAsync(true);
		broker?.kill();
		rmSync(folder, { recursive: true, force: true });
	});

	const until = async (condition: () => boolean) => {
		for (const endMs = performance.now() + 20_000; !condition(); await rest(10))
			expect(performance.now(), [...seen].join(" | ")).toBeLessThan(endMs);
	};

	it("publishes signals and that it is online, and says farewell when it ends", async () => {
		const publisher = new Publisher({
			clock: new SystemClock(),
			url,
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
