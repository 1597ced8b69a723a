import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { StartOptions } from "#cli/launcher.js";
import { main } from "#cli/main.js";
import { EventParser } from "#cli/rest-client.js";
import { SystemClock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import {
	controlStarted,
	pulse,
	runCreated,
	runFinished,
	runState,
	sample,
	stepEnded,
	stepStarted,
	world,
} from "../api/world.js";
import { adlayer, Sink } from "./support.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0).reverse()) await close();
});

/** A service over a real socket whose control plays a short run once it is launched. */
async function service(
	options: { state?: "complete" | "aborted"; stepMs?: number; endless?: boolean; database?: boolean } = {},
) {
	const made = await world({ clock: new SystemClock(), database: options.database ?? true });
	const { app, recorder, control } = made;
	recorder.write(controlStarted);
	await app.listen({ port: 0, host: "127.0.0.1" });
	closers.push(() => app.close());
	const { port } = app.server.address() as AddressInfo;
	const state = options.state ?? "complete";
	control.answer = () => {
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		void play();
		return { run: "r1", state: "running", product: "Li@3LiAlOx-ex", sample: "S1" };
	};
	const play = async () => {
		for (let index = 0; options.endless || index < 3; index += 1) {
			recorder.t += 1_000;
			recorder.write(stepStarted({ index, cycle: index + 1 }));
			recorder.write(pulse(index, index + 1, "TMA", 15.01));
			recorder.write(sample("gauge", { chamber: 40 }));
			recorder.write(stepEnded(index, "r1", index + 1));
			await new Promise((resolve) => setTimeout(resolve, options.stepMs ?? 10));
			if (!app.server.listening) return;
		}
		recorder.write(runState("running", state));
		recorder.write(runFinished("r1", state));
	};
	return { ...made, port, url: `http://127.0.0.1:${port}` };
}

describe("run", () => {
	it("launches, follows to the end and gives the run's figures", async () => {
		const { url, control } = await service();
		const args = [
			"run",
			"li",
			"--url",
			url,
			"--set",
			"cycles=3",
			"--set",
			"gas=Ar",
			"--sample",
			"S1",
			"--ack",
			"A",
			"--ack",
			"B",
			"--operator",
			"mk",
			"--json",
		];
		const { code, json, stdout, stderr } = await adlayer(args);
		expect(control.asked[0]?.args).toMatchObject({
			recipe: "li.recipe.yaml",
			set: { cycles: 3, gas: "Ar" },
			sample: "S1",
			operator: "mk",
			acknowledge: ["A", "B"],
		});
		expect(code).toBe(0);
		expect(json).toEqual({
			ok: true,
			run: "r1",
			state: "complete",
			product: "Li@3LiAlOx-ex",
			cycles: { ordered: 3, complete: 3, repeated: 0, unknown: 0 },
			peakFoilC: 180.1,
			worstPulseErrorMs: 0.02,
			rows: expect.any(Number),
			durationS: 101,
			anneals: [],
		});
		expect(stdout.trim().split("\n")).toHaveLength(1);
		expect(stderr).toContain("SIMULATED Li@3LiAlOx-ex");
		expect(stderr).toContain("3 of 3 delivered");
	});

	it("answers exit code 1 for a run that was aborted, and null rows without a database", async () => {
		const { url } = await service({ state: "aborted", database: false });
		const { code, json } = await adlayer(["run", "li", "--url", url, "--json"]);
		expect(code).toBe(1);
		expect(json).toMatchObject({ ok: false, state: "aborted", rows: null });
	});

	it("passes on control's refusal with its problems", async () => {
		const { url, control } = await service();
		control.answer = () => {
			throw new AdlayerError("ACKNOWLEDGEMENT_MISSING", "MELTING_NOT_EXCLUDED must be acknowledged.", {
				hint: "--ack MELTING_NOT_EXCLUDED",
			});
		};
		const { code, json } = await adlayer(["run", "li", "--url", url, "--json"]);
		expect(code).toBe(5);
		expect(json.error).toMatchObject({ code: "ACKNOWLEDGEMENT_MISSING", hint: "--ack MELTING_NOT_EXCLUDED" });
	});

	it("stays with a run through a loss of the connection", async () => {
		const made = await service({ stepMs: 700 });
		const following = adlayer(["run", "li", "--url", made.url, "--json"]);
		await new Promise((resolve) => setTimeout(resolve, 400));
		// Every open connection breaks; the service itself stays.
		made.app.server.closeAllConnections();
		const { code, json, stderr } = await following;
		expect(code, stderr).toBe(0);
		expect(json).toMatchObject({ ok: true, state: "complete" });
		expect(stderr).toContain("trying again");
		expect(stderr).toContain("The service is back.");
	});

	it("ends when interrupted, and says that the run goes on", async () => {
		const { url } = await service({ endless: true });
		const interrupting = new AbortController();
		setTimeout(() => interrupting.abort(), 400);
		const { code, json } = await adlayer(["run", "li", "--url", url, "--json"], { interrupted: interrupting.signal });
		expect(code).toBe(1);
		expect(json.error.code).toBe("INTERRUPTED");
		expect(json.error.message).toContain("goes on");
	});

	it("says that there is no service, exit code 3", async () => {
		const { code, json } = await adlayer(["run", "li", "--url", "http://127.0.0.1:9", "--json"]);
		expect(code).toBe(3);
		expect(json.error.code).toBe("SERVICE_UNREACHABLE");
	});

	it("redraws one block on a terminal", async () => {
		const { url } = await service({ stepMs: 400 });
		const stdout = new Sink(true, 72);
		await main(["run", "li", "--url", url], {
			stdout,
			stderr: new Sink(),
			env: {},
			interrupted: new AbortController().signal,
		});
		expect(stdout.text).toContain("A\x1b[0JSIMULATED");
		expect(stdout.text).toContain("SIMULATED  sim1  Li@3LiAlOx-ex  RUNNING");
	});
});

describe("demo", () => {
	function launcherOf(made: Awaited<ReturnType<typeof service>>) {
		const seen: { options?: StartOptions; stopped: boolean } = { stopped: false };
		const launcher = async () => async (options: StartOptions) => {
			seen.options = options;
			return {
				url: made.url,
				dataDir: options.dataDir,
				mqttUrl: "mqtt://127.0.0.1:1",
				simulated: true,
				speed: options.speed ?? 1,
				labTruth: async () => ({
					thicknessNm: 50,
					interlayerNm: 100,
					lithiatedFraction: 1,
					peakFoilC: 180.2,
					melted: false,
					foil: "Li",
				}),
				stop: async () => {
					seen.stopped = true;
				},
			};
		};
		return { seen, launcher };
	}

	it("starts a simulated lab with a fresh data folder, runs one coating, sums it up and ends everything", async () => {
		const made = await service();
		const { seen, launcher } = launcherOf(made);
		const { code, stdout } = await adlayer(["demo", "--recipe", "li", "--operator", "mk"], { launcher });
		expect(code, stdout).toBe(0);
		expect(seen.options).toMatchObject({ simulate: true, port: 0 });
		expect(seen.options?.dataDir).toContain("adlayer-demo-");
		expect(seen.stopped).toBe(true);
		for (const part of [
			"Li@3LiAlOx-ex  (SIMULATED)",
			"3 of 3 delivered",
			"50.0 nm",
			"below the melting point",
			made.url,
			"mqtt://",
			"adlayer-demo-",
		]) {
			expect(stdout).toContain(part);
		}
	});

	it("gives its figures as JSON, and fails when the run did not complete", async () => {
		const made = await service({ state: "aborted" });
		const { seen, launcher } = launcherOf(made);
		const { code, json } = await adlayer(["demo", "--recipe", "li", "--json"], { launcher });
		expect(code).toBe(1);
		expect(json).toMatchObject({
			ok: false,
			state: "aborted",
			simulated: true,
			truth: { thicknessNm: 50 },
			url: made.url,
		});
		expect(seen.stopped).toBe(true);
	});

	it("waits for instruments that are still connecting", async () => {
		const made = await service();
		const play = made.control.answer;
		let tries = 0;
		made.control.answer = () => {
			tries += 1;
			if (tries < 2) throw new AdlayerError("DEVICE_NOT_READY", "Not every instrument is connected.");
			return play();
		};
		const { launcher } = launcherOf(made);
		expect((await adlayer(["demo", "--recipe", "li"], { launcher })).code).toBe(0);
	});

	it("stays up with --keep until interrupted", async () => {
		const made = await service();
		const { seen, launcher } = launcherOf(made);
		const interrupting = new AbortController();
		const stdout = new Sink();
		const options = { stdout, stderr: new Sink(), env: {}, interrupted: interrupting.signal, launcher };
		const running = main(["demo", "--recipe", "li", "--keep"], options);
		const deadline = performance.now() + 20_000;
		while (!stdout.text.includes("stays up") && performance.now() < deadline)
			await new Promise((resolve) => setTimeout(resolve, 10));
		expect(seen.stopped).toBe(false);
		interrupting.abort();
		expect(await running).toBe(0);
		expect(seen.stopped).toBe(true);
	});
});

describe("server-sent events", () => {
	it("are read however the bytes are split", () => {
		const text = ': still here\n\nid: 7\nevent: pulse\ndata: {"a":1}\n\nid: 8\nevent: note\ndata: {}\n\nid: 9\nda';
		for (let size = 1; size < 12; size += 1) {
			const parser = new EventParser();
			const events = [];
			for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
			expect(events).toEqual([
				{ id: "7", event: "pulse", data: '{"a":1}' },
				{ id: "8", event: "note", data: "{}" },
			]);
		}
	});
});
