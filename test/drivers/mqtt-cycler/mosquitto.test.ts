/** The bridge contract over Mosquitto: last will, commands, replies, rows. */
import { setTimeout as rest } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import { MqttCycler } from "#drivers/mqtt-cycler/driver.js";
import { MqttCyclerSimulator } from "#drivers/mqtt-cycler/simulator.js";
import { parseAddress } from "#transport/address.js";
import { BrokerLink, type MqttAddress } from "#transport/mqtt.js";
import { MOSQUITTO, Mosquitto } from "../../support/mosquitto.js";
import { PROGRAM, resistor, SETTINGS } from "./rig.js";

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

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function broker(): Promise<Mosquitto> {
	const started = await Mosquitto.started();
	cleanups.push(() => started.stop());
	return started;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	for (const endMs = performance.now() + 20_000; !(await condition()); await rest(10))
		expect(performance.now(), "in time").toBeLessThan(endMs);
}

/** A bridge that publishes with QoS 1, whose last will says that it is offline, and that comes back to a broker that does. */
async function bridge({ url }: Mosquitto): Promise<MqttClient> {
	let client: MqttClient | undefined;
	await until(async () => {
		client = await connectAsync(
			url,
			{
				clientId: "bridge",
				reconnectPeriod: 100,
				will: { topic: "lab/c1/online", payload: Buffer.from("offline"), qos: 1, retain: true },
			},
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
	mqtt.on("error", () => {});
	mqtt.on("connect", () => mqtt.publish("lab/c1/online", "online", { qos: 1, retain: true }));
	mqtt.on("message", (topic, payload) => simulator.hear(topic.slice("lab/c1/".length), payload));
	await mqtt.subscribeAsync("lab/c1/+/cmd", { qos: 1 });
	const timer = setInterval(() => simulator.advance(performance.now() - startMs), TICK_MS);
	cleanups.push(() => clearInterval(timer));
	cleanups.push(() => mqtt.endAsync(true));
	return mqtt;
}

function driver({ url }: Mosquitto): MqttCycler {
	const clock = new SystemClock();
	const link = new BrokerLink(parseAddress(`${url}/lab/c1`) as MqttAddress, clock, {});
	cleanups.push(() => link.close());
	return new MqttCycler({ name: "cycler", settings: SETTINGS, clock, mqtt: link });
}

const fresh = (device: MqttCycler) => until(async () => (await device.status()).a1 !== undefined);

async function everyRowOnce(device: MqttCycler, test: string): Promise<void> {
	const seqs: number[] = [];
	while (seqs.length < ROWS) {
		const { rows, gaps } = await device.rows({ channel: "a1", test, fromSeq: seqs.length + 1, rowsMax: 7 });
		expect(gaps).toEqual([]);
		expect(rows.length).toBeGreaterThan(0);
		seqs.push(...rows.map(({ seq }) => seq));
	}
	expect(seqs).toEqual(Array.from({ length: ROWS }, (_, at) => at + 1));
}

describe.runIf(MOSQUITTO !== undefined)("a bridge on Mosquitto", () => {
	it("runs a test, and a driver that comes late has every row of it", async () => {
		const at = await broker();
		await bridge(at);
		const first = driver(at);
		expect(await first.connect()).toMatchObject({ confirmed: true });
		await fresh(first);
		const { test } = await first.start({ channel: "a1", barcode: "cell-1", program: SHORT });
		await first.close();
		const late = driver(at);
		await late.connect();
		await fresh(late);
		await until(async () => (await late.status()).a1?.activity === "finished");
		expect((await late.extents()).a1).toEqual({ test, rows: ROWS });
		await everyRowOnce(late, test);
	});

	it("loses nothing when the broker dies in the middle of a test and comes back without its memory", async () => {
		const at = await broker();
		await bridge(at);
		const device = driver(at);
		await device.connect();
		await fresh(device);
		const { test } = await device.start({ channel: "a1", barcode: "cell-1", program: SHORT });
		at.kill();
		await until(() =>
			device.poll().then(
				() => false,
				({ code }) => code === "LINK_LOST",
			),
		);
		at.start();
		await until(() =>
			device.connect().then(
				() => true,
				() => false,
			),
		);
		await until(async () => (await device.status()).a1?.activity === "finished");
		await everyRowOnce(device, test);
	});

	it("is offline by its last will when it dies, and is believed again when it has come back", async () => {
		const at = await broker();
		const client = await bridge(at);
		const device = driver(at);
		await device.connect();
		await fresh(device);
		// Dies without a word.
		client.options.reconnectPeriod = 0;
		client.stream.destroy();
		await until(() =>
			device.poll().then(
				() => false,
				({ code }) => code === "DEVICE_SILENT",
			),
		);
		await bridge(at);
		await until(() =>
			device.poll().then(
				({ a1_voltage }) => a1_voltage?.quality === "good",
				() => false,
			),
		);
	});
});
