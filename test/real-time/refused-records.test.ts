/** Records that a real database refuses: what whoever looks at REST, MQTT or the page sees of it, and how it ends. */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import pg from "pg";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmState } from "#record/records.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { OutsideServices } from "../support/outside-services.js";
import { RealSystem } from "../support/real-system.js";
import { browserIfAny } from "../web/browser.js";

const ALARM = "records.refused";
const WAIT_MS = 60_000;

describe("records that the database refuses", () => {
	let outside: OutsideServices;
	let listener: MqttClient | undefined;
	let system: RealSystem;
	let browser: Browser | undefined;
	let page: Page | undefined;
	const published: { state: AlarmState; message: string }[] = [];

	const isIn =
		(...states: AlarmState[]) =>
		({ alarms }: { readonly alarms: readonly { readonly alarm: string; readonly state: AlarmState }[] }) =>
			alarms.some(({ alarm, state }) => alarm === ALARM && states.includes(state));

	const sql = async (text: string) => {
		const client = new pg.Client({ connectionString: outside.databaseUrl });
		await client.connect();
		try {
			return (await client.query(text)).rows;
		} finally {
			await client.end();
		}
	};

	/** The alarm by REST, once the service has heard of it in one of these states. */
	async function byRest(...states: AlarmState[]) {
		for (const endMs = performance.now() + WAIT_MS; ; await rest(100)) {
			const { alarms } = (await (await fetch(`${system.system.url}/api/v1/alarms`)).json()) as {
				alarms: { alarm: string; state: AlarmState; priority: string; message: string; response: string }[];
			};
			const found = alarms.find(({ alarm, state }) => alarm === ALARM && states.includes(state));
			if (found !== undefined) return found;
			if (performance.now() > endMs) throw new Error(`REST shows ${JSON.stringify(alarms)}.`);
		}
	}

	beforeAll(async () => {
		outside = await OutsideServices.started();
		if (outside.broker !== undefined) {
			listener = await connectAsync(outside.broker.url);
			listener.on("message", (_topic, payload) => void published.push(JSON.parse(payload.toString())));
			await listener.subscribeAsync(`adlayer/v1/+/alarms/${ALARM}`);
		}
		system = await RealSystem.start({ speed: 20 });
		await system.instrumentsReady(WAIT_MS);
		await system.until(({ service }) => service?.database === "ready", WAIT_MS);
		browser = await browserIfAny();
		page = await browser?.newPage();
		await page?.goto(system.system.url);
		await sql("ALTER TABLE events ADD CONSTRAINT forbidden CHECK (kind <> 'run-command') NOT VALID");
		await system.launchText("short.recipe.yaml", SHORT_RECIPE);
		await system.until(isIn("unacknowledged"), WAIT_MS);
	});

	afterAll(async () => {
		await browser?.close();
		await listener?.endAsync();
		await system?.stop();
		await outside?.stop();
	});

	const file = () => join(system.dataDir, "refused-records.jsonl");

	it("are an alarm with the file's name in REST, in MQTT and on the page, while the run goes on", async () => {
		const alarm = await byRest("unacknowledged");
		expect(alarm).toMatchObject({
			priority: "high",
			message: `1 record was refused by the database: ${file()}.`,
			response: expect.stringContaining("what is refused and why"),
		});
		const { run } = await system.status();
		expect(run?.state, `${run?.cause}\n${system.story()}`).toBe("running");
		if (listener !== undefined)
			await expect
				.poll(() => published.at(-1), { timeout: WAIT_MS })
				.toMatchObject({ state: "unacknowledged", message: alarm.message });
		if (page === undefined) return;
		const shown = page.locator("#alarms");
		await shown.getByText(ALARM).first().waitFor({ timeout: WAIT_MS });
		expect(await shown.innerText()).toContain(alarm.message);
		expect(await shown.innerText()).toContain(alarm.response);
	});

	it("are kept with the reason, and what follows them is in the database", async () => {
		const [line] = readFileSync(file(), "utf8").trimEnd().split("\n");
		const { reason, record } = JSON.parse(line!);
		expect(reason).toContain("forbidden");
		expect(record).toMatchObject({ kind: "run-command", command: "start" });
		await expect
			.poll(async () => (await sql(`SELECT count(*)::int AS n FROM events WHERE seq > ${record.seq}`))[0].n, {
				timeout: WAIT_MS,
			})
			.toBeGreaterThan(0);
	});

	it("are an alarm no more once the cause is mended and the file is moved to where it is kept", async () => {
		await sql("ALTER TABLE events DROP CONSTRAINT forbidden");
		renameSync(file(), join(outside.folder, "kept.jsonl"));
		await byRest("returned-unacknowledged");
		await fetch(`${system.system.url}/api/v1/alarms/${ALARM}/acknowledge`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ by: "test" }),
		});
		await system.until(({ alarms }) => alarms.every(({ alarm }) => alarm !== ALARM), WAIT_MS);
		if (page !== undefined)
			await expect.poll(async () => page!.locator("#alarms").innerText(), { timeout: WAIT_MS }).not.toContain(ALARM);
	});
});
