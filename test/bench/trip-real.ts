/**
 * The trip in real time: control, service and the simulated lab as processes of their own on real lines, a fault in the lab,
 * and the time on the lab's own wires from the first reply that carries the bad value to the precursor lines being low.
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, setPriority, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { ControlClient } from "#control-link/client.js";
import { SystemClock } from "#core/clock.js";
import { Prng } from "#core/prng.js";
import type { ControlStatus } from "#record/status.js";
import { dataFolder, ROOT } from "#src/processes/files.js";
import { PROCESS_VARIABLE, type ProcessName } from "#src/processes/main.js";
import { startEmbeddedPostgres } from "#store/embedded-postgres.js";
import { labTextAnywhere } from "../support/lab-text.js";
import type { LoadOrder } from "./load-generator.js";
import { atLeast, atMost, type Bar, type BenchResult, isTrue, quantile } from "./report.js";
import type { TripCause, TripMeasured, TripOrder } from "./trip-lab.js";

const LAB = resolve(import.meta.dirname, "../../recipes/labs/simulated.lab.yaml");
/** Of each cause, in each situation, without and with load. */
const REPEATS = 8;
const PULSE_MS = 2_000;
const IN_PULSE_MS_MAX = 1_000;
const STILL = 1.04;
const STILL_MS = 1_500;
/** Before the first dose the chamber must have stood still for 10 s. */
const FIRST_STILL_MS = 11_000;
const TRIP_MS_MAX = 200;
const THERMAL_MS_MAX = 2_000;
const SERVICE_NICE = 10;
const LOAD = { requestsPerS: 50, streams: 20, rowsPerS: 50_000 };

type Situation = "purging" | "pulse-running";

interface Sample extends TripMeasured {
	readonly cause: TripCause;
	readonly situation: Situation;
	readonly loaded: boolean;
	/** From the first bad reply to both lines written low and, of a pulse that ran, to its line being low. */
	readonly ms: number;
}

const CAUSES: readonly TripCause[] = ["pressure", "digital-input", "thermal"];

/** Gauge, valves and flow ten times a second; pulses long enough to be cut; little to wait for by hand. */
function benchLabText(): string {
	const fast = ["io", "gauge", "carrier"].reduce(
		(text, name) => text.replace(new RegExp(`(^  ${name}:\\n(?:    .*\\n)*?    poll_ms: )\\d+`, "m"), "$1100"),
		labTextAnywhere(LAB),
	);
	return fast
		.replaceAll(/longest_pulse_ms: \d+/g, `longest_pulse_ms: ${PULSE_MS}`)
		.replace(/^( {2}manual: ).*$/m, "$1{ idle_s: 900, purge_s: { TMA: 1, H2O: 1 } }");
}

class Bench {
	readonly samples: Sample[] = [];
	private hasDosed = false;

	constructor(
		private readonly control: ControlClient,
		private readonly lab: ChildProcess,
		private readonly chance: Prng,
	) {}

	async measure(cause: TripCause, situation: Situation, loaded: boolean): Promise<void> {
		const measured = await this.byHand(cause, situation === "pulse-running");
		const { writtenMs, fellMs } = measured;
		const ms = situation === "pulse-running" ? fellMs : writtenMs;
		this.samples.push({ cause, situation, loaded, ...measured, ms: ms ?? Number.NaN });
		await this.reset();
	}

	until(condition: (status: ControlStatus) => boolean, what: string): Promise<ControlStatus> {
		return untilStatus(this.control, condition, what);
	}

	private async byHand(cause: TripCause, inPulse: boolean): Promise<TripMeasured> {
		const { control, chance } = this;
		await control.request("manual-set", { actuator: "stop_valve", value: "open", by: "bench" });
		await control.request("manual-set", { actuator: "carrier", value: 100, by: "bench" });
		await this.settled(inPulse && !this.hasDosed ? FIRST_STILL_MS : STILL_MS);
		if (!inPulse) {
			await rest(500 + chance.uniform() * 500);
			return this.order({ cause });
		}
		const measured = this.order({ cause, inPulseAfterMs: chance.uniform() * IN_PULSE_MS_MAX });
		const dose = { precursor: "TMA", ms: PULSE_MS, by: "bench" };
		for (const endMs = performance.now() + 30_000; ; await rest(100)) {
			const refused = await control
				.request("manual-dose", dose, { timeoutMs: 10_000 })
				.then(() => "")
				.catch(({ code, message }) => (code === "PERMIT_REFUSED" ? (message as string) : ""));
			this.hasDosed = refused === "";
			if (this.hasDosed) break;
			if (performance.now() > endMs) throw new Error(`No dose: ${refused}`);
		}
		return measured;
	}

	/** The pressure before a dose is what the chamber must come back to after it. */
	private async settled(stillMs: number): Promise<void> {
		let lowest = Number.POSITIVE_INFINITY;
		let highest = 0;
		let sinceMs = performance.now();
		await this.until(({ signals }) => {
			const { value, quality } = signals["gauge.chamber"]!;
			const nowMs = performance.now();
			if (quality !== "good" || value === null || value > lowest * STILL || value < highest / STILL) {
				lowest = Number.POSITIVE_INFINITY;
				highest = 0;
				sinceMs = nowMs;
				return false;
			}
			lowest = Math.min(lowest, value);
			highest = Math.max(highest, value);
			return nowMs - sinceMs >= stillMs;
		}, "a chamber that stands still");
	}

	private async order(order: TripOrder): Promise<TripMeasured> {
		this.lab.send(order);
		const [answer] = (await once(this.lab, "message")) as [{ measured: TripMeasured }];
		return answer.measured;
	}

	/** The cause goes, the reactor goes to rest, and what is latched is acknowledged and reset. */
	private async reset(): Promise<void> {
		const { control } = this;
		this.lab.send("clear");
		await control.request("make-safe", { by: "bench" }, { timeoutMs: 20_000 });
		for (const endMs = performance.now() + 30_000; ; await rest(100)) {
			const { interlocks, alarms } = await control.request("status", {});
			const latched = interlocks.filter(({ state }) => state !== "clear");
			if (latched.length === 0) return;
			for (const { alarm } of alarms.filter(({ state }) => state.includes("unacknowledged")))
				await control.request("acknowledge-alarm", { alarm, by: "bench" }).catch(() => {});
			for (const { interlock } of latched.filter(({ state }) => state === "cleared"))
				await control.request("reset-interlock", { interlock, by: "bench" }).catch(() => {});
			if (performance.now() > endMs)
				throw new Error(`Still latched: ${latched.map(({ interlock, cause }) => `${interlock} ${cause}`).join("; ")}`);
		}
	}
}

async function untilStatus(
	control: ControlClient,
	condition: (status: ControlStatus) => boolean,
	what: string,
): Promise<ControlStatus> {
	let last: ControlStatus | undefined;
	for (const endMs = performance.now() + 90_000; performance.now() < endMs; await rest(20)) {
		last = await control.request("status", {}).catch(() => undefined);
		if (last !== undefined && condition(last)) return last;
	}
	throw new Error(`Not in time: ${what}; the run: ${JSON.stringify(last?.run)}`);
}

function startProcess(name: ProcessName, options: object): ChildProcess {
	return fork(join(ROOT, "dist/src/processes/main.js"), [], {
		env: { ...process.env, [PROCESS_VARIABLE]: JSON.stringify({ name, options }) },
		stdio: ["ignore", "ignore", "ignore", "ipc"],
		execArgv: [],
	});
}

async function ready(child: ChildProcess): Promise<{ url?: string }> {
	const [message] = (await once(child, "message")) as [{ ready?: { url?: string }; failed?: { message: string } }];
	if (message.failed !== undefined) throw new Error(message.failed.message);
	return message.ready!;
}

async function end(child: ChildProcess | undefined): Promise<void> {
	if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
	const exited = once(child, "exit");
	child.kill("SIGTERM");
	const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
	await exited;
	clearTimeout(late);
}

export async function tripInRealTime(seed: number): Promise<BenchResult> {
	const dataDir = mkdtempSync(join(tmpdir(), "adlayer-trip-"));
	const labFile = join(dataDir, "bench.lab.yaml");
	writeFileSync(labFile, benchLabText());
	const postgres = await startEmbeddedPostgres({ folder: join(dataDir, "db"), clock: new SystemClock() });
	process.env.DATABASE_URL = postgres.url;
	const options = { dataDir, labFile, speed: 1, port: 0 };
	const children: ChildProcess[] = [];
	const started = (child: ChildProcess) => {
		children.push(child);
		return child;
	};
	const helper = (file: string, env: Record<string, string>) =>
		started(
			fork(resolve(import.meta.dirname, file), [], { env: { ...process.env, ...env }, execArgv: process.execArgv }),
		);
	try {
		const lab = helper("trip-lab.ts", { TRIP_LAB: JSON.stringify({ dataDir, labFile }) });
		await ready(lab);
		await ready(started(startProcess("control", options)));
		const service = started(startProcess("service", options));
		setPriority(service.pid!, SERVICE_NICE);
		const { url } = await ready(service);
		const order: LoadOrder = { url: url!, databaseUrl: postgres.url, ...LOAD };
		const load = helper("load-generator.ts", { LOAD_ORDER: JSON.stringify(order) });
		setPriority(load.pid!, SERVICE_NICE);
		await once(load, "message");
		const control = new ControlClient(dataFolder(dataDir).controlSocket);
		const bench = new Bench(control, lab, new Prng(seed, "trip"));
		await bench.until(
			({ instruments }) => Object.values(instruments).every(({ state }) => state === "ready"),
			"instruments",
		);
		const load1 = [loadavg()[0]!];
		for (const loaded of [false, true]) {
			if (loaded) load.send("on");
			for (let n = 0; n < REPEATS; n += 1)
				for (const cause of CAUSES)
					for (const situation of ["purging", "pulse-running"] as const) await bench.measure(cause, situation, loaded);
			load1.push(loadavg()[0]!);
		}
		load.send("end");
		return { bars: barsOf(bench.samples), detail: { loadAverage1Min: load1, ...detailOf(bench.samples) } };
	} finally {
		for (const child of children.reverse()) await end(child);
		delete process.env.DATABASE_URL;
		await postgres.stop();
		rmSync(dataDir, { recursive: true, force: true });
	}
}

const worst = (samples: readonly Sample[]) =>
	samples.reduce((most, { ms }) => (Number.isNaN(ms) || ms > most ? ms : most), 0);

function barsOf(samples: readonly Sample[]): Bar[] {
	const bars = CAUSES.flatMap((cause) =>
		[false, true].flatMap((loaded) => {
			const of = samples.filter((sample) => sample.cause === cause && sample.loaded === loaded);
			const id = `trip.real.${cause}.${loaded ? "loaded" : "quiet"}`;
			const limitMs = cause === "thermal" ? THERMAL_MS_MAX : TRIP_MS_MAX;
			const times = of.map(({ ms }) => ms);
			return [
				atMost(`${id}.p50`, quantile(times, 0.5), "ms", limitMs),
				atMost(`${id}.p95`, quantile(times, 0.95), "ms", limitMs),
				atMost(`${id}.max`, worst(of), "ms", limitMs),
			];
		}),
	);
	const afterwards = samples.filter(({ situation }) => situation !== "pulse-running");
	return [
		...bars,
		atLeast("trip.real.measured", samples.filter(({ ms }) => Number.isFinite(ms)).length, "1", samples.length),
		isTrue(
			"trip.real.no-line-rises",
			afterwards.every(({ hasRisen }) => !hasRisen),
		),
	];
}

function detailOf(samples: readonly Sample[]): object {
	return {
		samples: samples.map(({ cause, situation, loaded, ms, writtenMs, fellMs }) => ({
			cause,
			situation,
			loaded,
			ms: Math.round(ms * 10) / 10,
			writtenMs,
			fellMs,
		})),
	};
}
