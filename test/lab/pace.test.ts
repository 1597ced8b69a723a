import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { askLab, askTruth } from "#lab/ask-lab.js";
import type { MovementsReply } from "#lab/lab-socket.js";
import { PaceServer } from "#lab/pace-server.js";
import { startLab } from "#lab/start-lab.js";
import { connectPace } from "#transport/pace-client.js";
import { labOptions } from "./support.js";

/** Above any speed that clients can keep. */
const FLAT_OUT = 1e6;
/** 250 ms, and what the difference of two times loses to rounding. */
const LEAD_MS_MAX = 250 + 1e-6;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function folder(): string {
	const path = mkdtempSync(join(tmpdir(), "lab-"));
	cleanups.push(() => rmSync(path, { recursive: true, force: true }));
	return path;
}

async function paceServer(speed: number) {
	const path = join(folder(), "pace.sock");
	const moves: number[] = [];
	const server = new PaceServer({ speed, wallAtZeroMs: 1_700_000_000_000, advanceTo: (nowMs) => moves.push(nowMs) });
	await server.start(path);
	cleanups.push(() => server.close());
	return { server, path, moves };
}

async function paceClient(path: string) {
	const client = await connectPace(path);
	cleanups.push(() => client.close());
	return client;
}

describe("pacing", () => {
	it("gives the client the lab's time, wall time and speed", async () => {
		const { path, server } = await paceServer(50);
		const client = await paceClient(path);
		expect(client.clock.nowMs()).toBe(server.nowMs);
		expect(client.clock.wallMs()).toBeCloseTo(1_700_000_000_000 + server.nowMs, 3);
		expect(client.speed).toBe(50);
	});

	it("stands still until the client has started, and while it is busy", async () => {
		const { path, server } = await paceServer(FLAT_OUT);
		const client = await paceClient(path);
		const standsAt = server.nowMs;
		await sleep(60);
		expect(server.nowMs).toBe(standsAt);
		const answered = client.clock.expectAnswer();
		client.start();
		await sleep(60);
		expect(server.nowMs).toBe(standsAt);
		answered();
		await until(() => server.nowMs > standsAt + 1000);
	});

	it("fires timers in order at their exact time, never ahead of the lab and never more than 250 ms behind it", async () => {
		const { path, server } = await paceServer(FLAT_OUT);
		const client = await paceClient(path);
		const { clock } = client;
		const fired: number[] = [];
		const leads: number[] = [];
		const startMs = clock.nowMs();
		const every = (periodMs: number) => {
			clock.setTimer(periodMs, () => {
				fired.push(clock.nowMs() - startMs);
				leads.push(server.nowMs - clock.nowMs());
				if (clock.nowMs() - startMs < 20_000) every(periodMs);
			});
		};
		every(70);
		every(110);
		client.start();
		await until(() => clock.nowMs() - startMs > 20_500);
		expect(fired).toEqual([...fired].sort((a, b) => a - b));
		expect(fired.length).toBe(Math.ceil(20_000 / 70) + Math.ceil(20_000 / 110));
		expect(Math.min(...leads)).toBeGreaterThanOrEqual(0);
		expect(Math.max(...leads)).toBeLessThanOrEqual(LEAD_MS_MAX);
	});

	it("moves the lab to each instant of the client and at most 250 ms at once", async () => {
		const { path, moves } = await paceServer(FLAT_OUT);
		const client = await paceClient(path);
		const { clock } = client;
		const first = moves.length;
		const dueMs = clock.nowMs() + 333.125;
		clock.setTimer(333.125, () => {});
		client.start();
		await until(() => clock.nowMs() > dueMs + 1000);
		const paced = moves.slice(first);
		expect(paced).toContain(dueMs);
		for (let i = 1; i < paced.length; i += 1) expect(paced[i]! - paced[i - 1]!).toBeLessThanOrEqual(LEAD_MS_MAX);
	});

	it("goes no faster than the speed asked for", async () => {
		const { path, server } = await paceServer(20);
		const client = await paceClient(path);
		client.start();
		const [labMs, realMs] = [server.nowMs, performance.now()];
		await sleep(400);
		const speed = (server.nowMs - labMs) / (performance.now() - realMs);
		expect(speed).toBeLessThan(22);
		expect(speed).toBeGreaterThan(0);
	});

	it("runs with real time when the client has gone, and tells a client when the lab has gone", async () => {
		const { path, server } = await paceServer(FLAT_OUT);
		const client = await paceClient(path);
		client.start();
		await until(() => server.nowMs > 5_000);
		client.close();
		await sleep(50);
		const [labMs, realMs] = [server.nowMs, performance.now()];
		await sleep(200);
		const speed = (server.nowMs - labMs) / (performance.now() - realMs);
		expect(speed).toBeGreaterThan(0);
		expect(speed).toBeLessThan(1.5);

		const second = await connectPace(path);
		const lost = new Promise((resolve) => second.onLost(resolve));
		await server.close();
		cleanups.pop();
		cleanups.pop();
		expect(await lost).toMatchObject({ code: "LINK_UNREACHABLE" });
	});

	it("waits for a dead instrument once, not at every instant until its time-out", async () => {
		const { path } = await paceServer(FLAT_OUT);
		const client = await paceClient(path);
		const { clock } = client;
		clock.expectAnswer();
		const startMs = clock.nowMs();
		const tick = () => clock.setTimer(10, tick);
		tick();
		client.start();
		const realMs = performance.now();
		await until(() => clock.nowMs() - startMs > 1000);
		expect(performance.now() - realMs).toBeLessThan(15_000);
	});

	it("gives an answer up only when the lab has read every question, and never with it the question that a late answer sets off", async () => {
		const path = join(folder(), "pace.sock");
		const said: unknown[] = [];
		let answered: () => void;
		const lab = createServer((socket) => {
			socket.on("error", () => {});
			socket.write(`${JSON.stringify({ now: 0, wall: 0, speed: 1_000 })}\n`);
			socket.on("data", (text) => {
				const word = JSON.parse(String(text)) as { echo?: number };
				said.push(word);
				if (word.echo === undefined) return;
				if (word.echo === 1) {
					answered();
					client.clock.expectAnswer();
				}
				socket.write(`${JSON.stringify({ echo: word.echo })}\n`);
			});
		});
		await new Promise<void>((resolve) => lab.listen(path, () => resolve()));
		cleanups.push(() => lab.close());
		const client = await paceClient(path);
		answered = client.clock.expectAnswer();
		client.clock.setTimer(5, () => {});
		client.start();
		await until(() => said.length >= 3);
		expect(said).toEqual([{ echo: 1 }, { echo: 2 }, { upTo: 0, next: 5 }]);
	});

	it("rejects a socket nobody listens on, and one that speaks something else", async () => {
		const path = join(folder(), "other.sock");
		await expect(connectPace(path)).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		const other = createServer((socket) => socket.end("hello\n"));
		await new Promise<void>((resolve) => other.listen(path, () => resolve()));
		cleanups.push(() => other.close());
		await expect(connectPace(path)).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
	});
});

describe("a lab of its own", () => {
	async function lab(speed: number) {
		const at = folder();
		const paths = { paceSocket: join(at, "pace.sock"), labSocket: join(at, "lab.sock") };
		const running = await startLab({ ...labOptions({ pumped: true }), serve: "tcp", speed, ...paths });
		cleanups.push(() => running.close());
		return { running, ...paths };
	}

	it("moves with real time at speed 1 and tells the truth on its socket", async () => {
		const { running, labSocket } = await lab(1);
		expect(running.paceSocket).toBeNull();
		const first = await askTruth(labSocket);
		await sleep(60);
		const second = await askTruth(labSocket);
		expect(second.atMs - first.atMs).toBeGreaterThan(50);
		expect(second).toMatchObject({ foilMaterial: "Li", melted: false, thicknessNm: 0, meanGrowthPerCycleNm: null });
	});

	it("takes faults on its socket and refuses what it does not know", async () => {
		const { running, labSocket } = await lab(1);
		expect(await askLab(labSocket, { fault: "pump-off" })).toMatchObject({ fault: { kind: "pump-off", untilS: null } });
		expect(running.lab.twin.pumpRunning).toBe(false);
		await askLab(labSocket, { fault: "silent", target: "stage", forS: 60 });
		await expect(askLab(labSocket, { fault: "power-cycle", target: "x" })).rejects.toMatchObject({
			code: "USAGE",
		});
		await expect(askLab(labSocket, { ask: "time" } as never)).rejects.toMatchObject({ code: "USAGE" });
	});

	it("says what really moved and when each instrument last heard anything", async () => {
		const { running, labSocket } = await lab(1);
		const { twin } = running.lab;
		const line = running.lab.lines.find(({ members }) => members.some(({ name }) => name === "io"))!;
		running.lab.connect(line, () => {}).receive(Uint8Array.of(0));
		const heardMs = running.lab.nowMs;
		twin.setValve("TMA", true, twin.nowMs);
		twin.setValve("TMA", true, twin.nowMs + 5);
		twin.setValve("TMA", false, twin.nowMs + 15);
		twin.setHeaterPercent("stage", 40);
		twin.setHeaterPercent("stage", 60);
		const reply = (await askLab(labSocket, { ask: "movements" })) as MovementsReply;
		expect(reply.heardMs).toMatchObject({ io: heardMs, gauge: null });
		const of = (what: string) => reply.movements.filter((movement) => movement.of === what);
		expect(of("TMA").map(({ on }) => on)).toEqual([true, false]);
		expect(of("TMA")[1]!.atMs - of("TMA")[0]!.atMs).toBe(20);
		expect(of("stage")).toMatchObject([{ what: "heater", on: true }]);
		expect(reply.atMs).toBeGreaterThanOrEqual(heardMs);
	});

	it("advances with its client when time is accelerated", async () => {
		const { running, paceSocket } = await lab(FLAT_OUT);
		expect(running.paceSocket).toBe(paceSocket);
		const client = await paceClient(paceSocket);
		client.start();
		await until(() => client.clock.nowMs() > 600_000);
		expect(running.truth().atMs).toBe(running.nowMs());
		expect(running.nowMs()).toBeGreaterThanOrEqual(client.clock.nowMs());
	});

	it("does not take the sockets of a lab that is alive, and does those of a dead one", async () => {
		const { running, labSocket, paceSocket } = await lab(1);
		const again = { ...labOptions(), serve: "tcp" as const, speed: 1, paceSocket, labSocket };
		await expect(startLab(again)).rejects.toMatchObject({ code: "LINK_UNREACHABLE" });
		expect((await askTruth(labSocket)).foilMaterial).toBe("Li");
		await running.close();
		cleanups.pop();
		writeFileSync(labSocket, "");
		const next = await startLab(again);
		cleanups.push(() => next.close());
		expect((await askTruth(labSocket)).foilMaterial).toBe("Li");
	});
});

async function until(condition: () => boolean): Promise<void> {
	for (let i = 0; i < 10_000 && !condition(); i += 1) await sleep(2);
	expect(condition()).toBe(true);
}
