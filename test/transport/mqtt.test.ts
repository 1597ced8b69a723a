import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "#core/clock.js";
import type { MqttMessage } from "#core/wire.js";
import { mqttAtmosphere } from "#drivers/mqtt-atmosphere/index.js";
import { openMqttHost } from "#lab/mqtt-host.js";
import { parseAddress } from "#transport/address.js";
import { MemoryBroker } from "#transport/memory-mqtt.js";
import { BrokerLink, type MqttAddress } from "#transport/mqtt.js";
import { mqttLogin } from "#transport/mqtt-login.js";
import { topicFits } from "#transport/mqtt-topics.js";
import { freePort } from "../support/mosquitto.js";

const MOSQUITTO = ["mosquitto", "/usr/sbin/mosquitto"].find((path) => spawnSync(path, ["-h"]).error === undefined);
if (MOSQUITTO === undefined && process.env.ADLAYER_TEST_ALL === "1")
	throw new Error("mosquitto is missing: apt-get install mosquitto");

const folder = mkdtempSync(join(tmpdir(), "adlayer-mqtt-"));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	for (const endMs = performance.now() + 20_000; !(await condition()); await rest(10))
		expect(performance.now(), "in time").toBeLessThan(endMs);
}

function linkTo(port: number, options = "", env: Record<string, string> = {}): BrokerLink {
	const address = parseAddress(`mqtt://127.0.0.1:${port}/box${options}`) as MqttAddress;
	const link = new BrokerLink(address, new SystemClock(), env);
	cleanups.push(() => link.close());
	return link;
}

const said = ({ topic, payload, retained }: MqttMessage) =>
	`${topic} ${Buffer.from(payload)}${retained ? " retained" : ""}`;

describe("topics", () => {
	it.each([
		["box/o2", "box/o2", true],
		["box/+", "box/o2", true],
		["box/+", "box/o2/x", false],
		["box/#", "box/o2/x", true],
		["box/#", "box", true],
		["box/o2", "box/o2/x", false],
		["box/o2/x", "box/o2", false],
	])("%s against %s: %s", (filter, topic, fits) => {
		expect(topicFits(filter, topic)).toBe(fits);
	});
});

describe("logins", () => {
	it("come from the environment or a file, never from the lab file", () => {
		const path = join(folder, "login");
		writeFileSync(path, "box:se:cret\n");
		expect(mqttLogin("box", { ADLAYER_LOGIN_BOX: "user:word" })).toEqual({ username: "user", password: "word" });
		expect(mqttLogin("box", { ADLAYER_LOGIN_BOX_FILE: path })).toEqual({ username: "box", password: "se:cret" });
		expect(() => mqttLogin("box", {})).toThrow(/neither ADLAYER_LOGIN_BOX nor ADLAYER_LOGIN_BOX_FILE/);
		expect(() => mqttLogin("box", { ADLAYER_LOGIN_BOX: "word" })).toThrow(/user:password/);
		expect(() => mqttLogin("box", { ADLAYER_LOGIN_BOX_FILE: join(folder, "none") })).toThrow(/cannot be read/);
		expect(() => parseAddress("mqtt://user:word@host/box")).toThrow();
		expect(parseAddress("mqtts://host/box?login=box&ca=/etc/ca.pem")).toMatchObject({
			scheme: "mqtts",
			port: 8883,
			login: "box",
			ca: "/etc/ca.pem",
		});
	});
});

describe.runIf(MOSQUITTO !== undefined)("a link to Mosquitto", () => {
	// As root it would become a user that may not read the passwords.
	const user = process.getuid?.() === 0 ? "user root\n" : "";

	async function broker(port: number, passwords = "allow_anonymous true"): Promise<ChildProcess> {
		const file = join(folder, `${port}.conf`);
		writeFileSync(file, `${user}listener ${port} 127.0.0.1\n${passwords}\n`);
		const child = spawn(MOSQUITTO!, ["-c", file], { stdio: "ignore" });
		cleanups.push(() => child.kill("SIGKILL"));
		const probe = linkTo(port);
		await until(() =>
			probe.open().then(
				() => true,
				(error: Error) => /authori/i.test(error.message),
			),
		);
		await probe.close();
		return child;
	}

	it("subscribes and publishes below its prefix, and tells retained messages from fresh ones", async () => {
		const port = await freePort();
		await broker(port);
		const sender = linkTo(port);
		await sender.open();
		await sender.publish("o2", Buffer.from("0.4"), { retain: true });
		const heard: string[] = [];
		const link = linkTo(port);
		await link.open();
		await link.subscribe("+", (message) => heard.push(said(message)));
		await until(() => heard.length === 1);
		await sender.publish("o2", Buffer.from("0.5"));
		await until(() => heard.length === 2);
		expect(heard).toEqual(["o2 0.4 retained", "o2 0.5"]);
	});

	it("tells the death of the broker, queues nothing, and is opened anew", async () => {
		const port = await freePort();
		const child = await broker(port);
		const link = linkTo(port);
		await link.open();
		let lost = 0;
		link.onClose(() => {
			lost += 1;
		});
		child.kill("SIGKILL");
		await until(() => lost === 1);
		expect(link.isOpen).toBe(false);
		await expect(link.publish("o2", Buffer.from("1"))).rejects.toMatchObject({ code: "LINK_LOST" });
		await expect(link.open()).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		await broker(port);
		await link.open();
		const heard: string[] = [];
		await link.subscribe("o2", (message) => heard.push(said(message)));
		await link.publish("o2", Buffer.from("2"));
		await until(() => heard.length === 1);
		expect(heard).toEqual(["o2 2"]);
	});

	it("logs in, and says why it may not", async () => {
		const file = join(folder, "passwords");
		const made = spawnSync("mosquitto_passwd", ["-c", "-b", file, "box", "secret"]);
		if (made.error !== undefined) return;
		const port = await freePort();
		await broker(port, `allow_anonymous false\npassword_file ${file}`);
		await linkTo(port, "?login=b", { ADLAYER_LOGIN_B: "box:secret" }).open();
		await expect(linkTo(port, "?login=b", { ADLAYER_LOGIN_B: "box:wrong" }).open()).rejects.toMatchObject({
			code: "LINK_UNREACHABLE",
			message: expect.stringMatching(/authori/i),
		});
	});

	it("carries a glovebox monitor", async () => {
		const port = await freePort();
		const child = await broker(port);
		const sender = linkTo(port);
		await sender.open();
		const oxygen = { gas: "O2", topic: "o2", payload: "number", ppm_per_unit: 1, ppm_min: 0, ppm_max: 10 } as const;
		const device = mqttAtmosphere.create({
			name: "box",
			settings: { stale_s: 20, signals: { oxygen } },
			clock: new SystemClock(),
			mqtt: linkTo(port),
		});
		await sender.publish("o2", Buffer.from("0.4"), { retain: true });
		expect(await device.connect()).toMatchObject({ confirmed: true, warnings: [/unknown age/] });
		await sender.publish("o2", Buffer.from("0.5"));
		await until(async () => (await device.poll()).oxygen?.value === 0.5);
		child.kill("SIGKILL");
		await until(() =>
			device.poll().then(
				() => false,
				({ code }) => code === "LINK_LOST",
			),
		);
	});
});

describe("the broker of the simulated lab", () => {
	it("serves what simulated instruments publish, and takes nothing from others", async () => {
		const memory = new MemoryBroker();
		memory.publish("box/o2", Buffer.from("0.4"), { retain: true });
		const host = await openMqttHost(memory);
		cleanups.push(() => host.close());
		const port = Number(host.place.split(":")[1]);
		const heard: string[] = [];
		const link = linkTo(port);
		await link.open();
		await link.subscribe("o2", (message) => heard.push(said(message)));
		await until(() => heard.length === 1);
		memory.publish("box/o2", Buffer.from("0.5"), { retain: true });
		await until(() => heard.length === 2);
		expect(heard).toEqual(["o2 0.4 retained", "o2 0.5"]);
		await link.publish("o2", Buffer.from("9")).catch(() => {});
		await rest(50);
		expect(heard).toHaveLength(2);
	});
});
