/** The bridge contract over Mosquitto: last will, commands, replies, rows. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { MqttCycler } from "#drivers/mqtt-cycler/driver.js";
import { MqttCyclerSimulator } from "#drivers/mqtt-cycler/simulator.js";
import { parseAddress } from "#transport/address.js";
import { BrokerLink, type MqttAddress } from "#transport/mqtt.js";
import { PROGRAM, resistor, SETTINGS } from "./rig.js";

const MOSQUITTO = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => spawnSync(path, ["-h"]).error === undefined);
if (MOSQUITTO === undefined && process.env.ADLAYER_TEST_ALL === "1")
	throw new Error("mosquitto is missing: apt-get install mosquitto");

const TICK_MS = 50;
/** Half a second each way, twice, a row each 0.1 s. */
const SHORT = {
	...PROGRAM,
	recordS: 0.1,
	steps: [
		{
			kind: "repeat" as const,
			times: 2,
			steps: [0.001, -0.001].map((currentA) => ({
				kind: "constant-current" as const,
				currentA,
				ends: { timeS: 0.5 },
			})),
		},
	],
};
const ROWS = 2 * 2 * 5;

const folder = mkdtempSync(join(tmpdir(), "adlayer-bridge-"));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function broker(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	const file = join(folder, `${port}.conf`);
	const user = process.getuid?.() === 0 ? "user root\n" : "";
	writeFileSync(file, `${user}listener ${port} 127.0.0.1\nallow_anonymous true\n`);
	const child = spawn(MOSQUITTO!, ["-c", file], { stdio: "ignore" });
	cleanups.push(() => child.kill("SIGKILL"));
	return port;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	for (const endMs = performance.now() + 20_000; !(await condition()); await rest(10))
		expect(performance.now(), "in time").toBeLessThan(endMs);
}

/** A bridge that publishes with QoS 1, and whose last will says that it is offline. */
async function bridge(port: number): Promise<MqttClient> {
	let client: MqttClient | undefined;
	await until(async () => {
		client = await connectAsync(
			`mqtt://127.0.0.1:${port}`,
			{ reconnectPeriod: 0, will: { topic: "lab/c1/online", payload: Buffer.from("offline"), qos: 1, retain: true } },
			false,
		).catch(() => undefined);
		return client !== undefined;
	});
	const mqtt = client!;
	const startMs = performance.now();
	const simulator = new MqttCyclerSimulator({
		name: "cycler",
		settings: SETTINGS,
		port: { cell: () => resistor },
		seed: 1,
		unit: 1,
		wallMs: () => Date.now(),
		publish: (topic, payload, options) => {
			mqtt.publish(`lab/c1/${topic}`, Buffer.from(payload), { qos: 1, retain: options?.retain === true });
		},
	});
	mqtt.on("message", (topic, payload) => simulator.hear(topic.slice("lab/c1/".length), payload));
	await mqtt.subscribeAsync("lab/c1/+/cmd", { qos: 1 });
	const timer = setInterval(() => simulator.advance(performance.now() - startMs), TICK_MS);
	cleanups.push(() => clearInterval(timer));
	cleanups.push(() => mqtt.endAsync(true));
	return mqtt;
}

function driver(port: number): MqttCycler {
	const clock = new SystemClock();
	const link = new BrokerLink(parseAddress(`mqtt://127.0.0.1:${port}/lab/c1`) as MqttAddress, clock, {});
	cleanups.push(() => link.close());
	return new MqttCycler({ name: "cycler", settings: SETTINGS, clock, mqtt: link });
}

const fresh = (device: MqttCycler) => until(async () => (await device.status()).a1 !== undefined);

describe.runIf(MOSQUITTO !== undefined)("a bridge on Mosquitto", () => {
	it("runs a test, and a driver that comes late has every row of it", { timeout: 60_000 }, async () => {
		const port = await broker();
		await bridge(port);
		const first = driver(port);
		expect(await first.connect()).toMatchObject({ confirmed: true });
		await fresh(first);
		const { test } = await first.start({ channel: "a1", barcode: "cell-1", program: SHORT });
		await first.close();
		const late = driver(port);
		await late.connect();
		await fresh(late);
		await until(async () => (await late.status()).a1?.activity === "finished");
		expect((await late.extents()).a1).toEqual({ test, rows: ROWS });
		const seqs: number[] = [];
		while (seqs.length < ROWS) {
			const { rows, gaps } = await late.rows({ channel: "a1", test, fromSeq: seqs.length + 1, rowsMax: 7 });
			expect(gaps).toEqual([]);
			expect(rows.length).toBeGreaterThan(0);
			seqs.push(...rows.map(({ seq }) => seq));
		}
		expect(seqs).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
	});

	it("is offline by its last will when it dies, and is believed again when it has come back", {
		timeout: 60_000,
	}, async () => {
		const port = await broker();
		const client = await bridge(port);
		const device = driver(port);
		await device.connect();
		await fresh(device);
		// Dies without a word.
		client.stream.destroy();
		await until(() =>
			device.poll().then(
				() => false,
				({ code }) => code === "DEVICE_SILENT",
			),
		);
		await bridge(port);
		await until(() =>
			device.poll().then(
				({ a1_voltage }) => a1_voltage?.quality === "good",
				() => false,
			),
		);
	});
});
