/** What is older than the lab file's stale_ms is shown as stale, whoever shows it; until then it is not. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, expect, it, vi } from "vitest";
import { buildApp } from "#api/app.js";
import { LiveState } from "#api/live-state.js";
import { ControlServer } from "#control-link/server.js";
import { SystemClock } from "#core/clock.js";
import { startBroker } from "#publish/broker.js";
import { Publisher } from "#publish/publisher.js";
import { topicsOf } from "#publish/topics.js";
import { world } from "../api/world.js";
import { adlayer } from "../cli/support.js";
import { Story } from "./stories.js";

/** Of the gauge in the shipped lab. */
const STALE_MS = 2_000;
const LOOK_MS = 100;

const closers: (() => unknown)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0).reverse()) await close();
});

it("the control link, REST, MQTT and adlayer status call a value stale as soon as it is older than its stated age", async () => {
	const story = new Story({ pumped: true });
	closers.push(() => story.stop());
	const { clock } = story;
	const live = new LiveState({ clock, station: "sim1", simulated: true, speed: 1, version: "test" });
	live.reachedEnd();
	for (const record of story.journal.records) live.apply(record);
	story.journal.onRecord((record) => live.apply(record));
	await story.ready();
	await story.forS(5);

	const { deps } = await world();
	const app = await buildApp({ ...deps, live, clock });
	closers.push(() => app.close());
	const rest = async () => {
		const { json } = await app.inject("/api/v1/signals");
		const { signals } = json() as { signals: { id: string; quality: string }[] };
		return signals.find(({ id }) => id === "gauge.chamber")!.quality;
	};

	const data = mkdtempSync(join(tmpdir(), "adlayer-stale-"));
	closers.push(() => rmSync(data, { recursive: true, force: true }));
	const server = await ControlServer.listen({ socketPath: join(data, "control.sock"), handle: story.control.handle });
	closers.push(() => server.close());
	const command = async () => {
		const { stdout } = await adlayer(["status", "--data", data], { env: {} });
		return /^gauge .*chamber (stale|fault|[\d.]+ Pa)/m.exec(stdout)?.[1];
	};

	const broker = await startBroker({ host: "127.0.0.1", port: 0 });
	closers.push(() => broker.close());
	const { url, login } = broker;
	const listener = await connectAsync(url);
	closers.push(() => listener.endAsync(true));
	let heard: { quality: string; value: number } | undefined;
	listener.on("message", (_topic, payload) => {
		heard = JSON.parse(payload.toString()) as typeof heard;
	});
	await listener.subscribeAsync(topicsOf("sim1").signal("gauge.chamber"));
	const publisher = new Publisher({
		clock: new SystemClock(),
		url,
		login,
		station: "sim1",
		source: live,
		intervalMs: 10,
	});
	publisher.start();
	closers.push(() => publisher.stop());

	const device = story.control.plant.device("gauge");
	vi.spyOn(device, "poll").mockReturnValue(new Promise(() => {}));
	const { atMs } = story.control.plant.reading("gauge.chamber");
	const seen: Record<string, Record<string, string | undefined>> = {};
	for (const ageMs of [STALE_MS - LOOK_MS, STALE_MS + LOOK_MS, 2 * STALE_MS]) {
		await clock.advance(atMs + ageMs - clock.nowMs());
		const quality = ageMs > STALE_MS ? "stale" : "good";
		await vi.waitFor(() => expect(heard?.quality).toBe(quality), { timeout: 20_000 });
		seen[ageMs] = {
			link: story.status.signals["gauge.chamber"]!.quality,
			rest: await rest(),
			status: (await command())!.replace(/^[\d.]+ Pa$/, "good"),
		};
	}
	const all = (quality: string) => ({ link: quality, rest: quality, status: quality });
	expect(seen).toEqual({
		[STALE_MS - LOOK_MS]: all("good"),
		[STALE_MS + LOOK_MS]: all("stale"),
		[2 * STALE_MS]: all("stale"),
	});
});
