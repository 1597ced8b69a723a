import type { AddressInfo } from "node:net";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { AppLimits } from "#api/ports.js";
import { SystemClock } from "#core/clock.js";
import { controlStarted, runCreated, runState, stepEnded, world } from "./world.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0)) await close();
});

async function listening(options: { limits?: Partial<AppLimits>; eventsKept?: number; database?: boolean } = {}) {
	const made = await world({ clock: new SystemClock(), ...options });
	await made.app.listen({ port: 0, host: "127.0.0.1" });
	closers.push(() => made.app.close());
	const { port } = made.app.server.address() as AddressInfo;
	made.recorder.write(controlStarted);
	made.recorder.write(runCreated());
	made.recorder.write(runState("idle", "running"));
	return { ...made, port };
}

/** A listener over a plain socket: sees exactly the bytes that were sent. */
class Listener {
	text = "";
	closed = false;
	private constructor(readonly socket: Socket) {
		socket.setEncoding("utf8");
		socket.on("data", (chunk) => {
			this.text += chunk;
		});
		socket.on("close", () => {
			this.closed = true;
		});
		socket.on("error", () => {});
	}

	static open(port: number, path: string, headers: Record<string, string | number> = {}): Listener {
		const socket = connect({ port, host: "127.0.0.1" });
		const lines = Object.entries({ Host: `127.0.0.1:${port}`, Accept: "text/event-stream", ...headers });
		socket.write(
			`GET /api/v1${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
		);
		closers.push(async () => socket.destroy());
		return new Listener(socket);
	}

	get ids(): number[] {
		return [...this.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
	}

	async until(condition: () => boolean, what: string): Promise<void> {
		const deadline = performance.now() + 50_000;
		while (!condition()) {
			if (performance.now() > deadline)
				throw new Error(`Not within 50 s: ${what}. Received ${this.text.length} characters.`);
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}
}

describe("following a run", () => {
	it("begins with the run's beginning and goes on live", async () => {
		const { port, recorder } = await listening();
		const listener = Listener.open(port, "/runs/r1/events");
		await listener.until(() => listener.ids.length === 2, "catch-up");
		recorder.write(stepEnded(1));
		await listener.until(() => listener.ids.length === 3, "live event");
		expect(listener.ids).toEqual([2, 3, 4]);
		expect(listener.text.toLowerCase()).toContain("adlayer-simulated: true");
		expect(listener.text).toContain("event: step-ended\n");
	});

	it("resumes after a loss without gap or double while events go on", async () => {
		const { port, recorder } = await listening();
		const seen: number[] = [];
		let last = 0;
		let index = 0;
		const writing = setInterval(() => recorder.write(stepEnded(index++)), 2);
		try {
			for (let connection = 0; connection < 5; connection += 1) {
				const listener = Listener.open(port, "/runs/r1/events", last === 0 ? {} : { "Last-Event-ID": last });
				await listener.until(() => listener.ids.length >= 10, "ten events");
				listener.socket.destroy();
				seen.push(...listener.ids);
				last = seen.at(-1)!;
			}
		} finally {
			clearInterval(writing);
		}
		expect(seen).toEqual(Array.from({ length: seen.length }, (_, place) => place + 2));
	});

	it("takes from the database what the ring has lost, and joins the live events without gap or double", async () => {
		const { port, recorder, history } = await listening({ eventsKept: 50 });
		for (let index = 0; index < 3_000; index += 1) recorder.write(stepEnded(index));
		history.storedThrough = 2_970;
		let index = 3_000;
		const writing = setInterval(() => recorder.write(stepEnded(index++)), 5);
		const storing = setInterval(() => {
			history.storedThrough += 20;
		}, 5);
		try {
			const listener = Listener.open(port, "/runs/r1/events");
			await listener.until(() => listener.ids.length > 3_100, "3,100 events");
			const ids = listener.ids;
			expect(ids).toEqual(Array.from({ length: ids.length }, (_, place) => place + 2));
		} finally {
			clearInterval(writing);
			clearInterval(storing);
		}
	});

	it("answers 503 before anything is sent when what is missing would be in a database that is not there", async () => {
		const { app, recorder } = await listening({ eventsKept: 10, database: false });
		for (let index = 0; index < 30; index += 1) recorder.write(stepEnded(index));
		const answer = await app.inject({ url: "/api/v1/runs/r1/events", headers: { accept: "text/event-stream" } });
		expect(answer.json()).toMatchObject({ status: 503, code: "DATABASE_UNAVAILABLE" });
	});

	it("refuses a resume point that it never gave", async () => {
		const { app } = await listening();
		const headers = { accept: "text/event-stream", "last-event-id": "x" };
		expect((await app.inject({ url: "/api/v1/runs/r1/events", headers })).statusCode).toBe(400);
	});

	it("drops a listener that takes nothing, holds no memory for it, and lets it resume", async () => {
		const { port, recorder, app } = await listening({ limits: { stalledMsMax: 2_000 } });
		const slow = Listener.open(port, "/runs/r1/events");
		await slow.until(() => slow.ids.length === 2, "beginning");
		slow.socket.pause();
		const lively = Listener.open(port, "/runs/r1/events");
		let index = 0;
		const writing = setInterval(() => {
			for (let n = 0; n < 200; n += 1) recorder.write({ ...stepEnded(index++), detail: "x".repeat(400) } as never);
		}, 10);
		const followers = async () => (await app.inject({ url: "/api/v1/health" })).json().followers as number;
		let count = 2;
		const looking = setInterval(() => void followers().then((now) => (count = now)), 50);
		try {
			await lively.until(() => count === 1, "the slow listener is dropped");
		} finally {
			clearInterval(writing);
			clearInterval(looking);
		}
		const written = recorder.records.length;
		await lively.until(() => lively.ids.at(-1) === written, "the lively listener has everything");
		slow.socket.resume();
		await slow.until(() => slow.closed, "the slow listener learns that it was dropped");
		const whole = slow.text.slice(0, slow.text.lastIndexOf("\n\n") + 2);
		const ids = [...whole.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
		const last = ids.at(-1)!;
		expect(last).toBeLessThan(written);
		const again = Listener.open(port, "/runs/r1/events", { "Last-Event-ID": last });
		await again.until(() => again.ids.at(-1) === written, "the rest");
		expect([...ids, ...again.ids]).toEqual(Array.from({ length: written - 1 }, (_, place) => place + 2));
	});

	it("is bounded in the number of listeners", async () => {
		const { port, app } = await listening({ limits: { followersMax: 1 } });
		const first = Listener.open(port, "/status");
		await first.until(() => first.text.includes("event: status"), "first");
		const refused = await app.inject({ url: "/api/v1/status", headers: { accept: "text/event-stream" } });
		expect(refused.json()).toMatchObject({ status: 503, code: "SERVICE_BUSY" });
	});
});

describe("following the state", () => {
	it("sends it again and again, a heartbeat on quiet streams, and ends with the service", async () => {
		const { port, app } = await listening({ limits: { statusEveryMs: 20, heartbeatMs: 30 } });
		const state = Listener.open(port, "/status");
		const events = Listener.open(port, "/runs/r1/events");
		await state.until(() => state.text.split("event: status").length > 4, "several states");
		await events.until(() => events.text.includes(": still here"), "heartbeat");
		await app.close();
		await state.until(() => state.closed && events.closed, "end");
	});
});
