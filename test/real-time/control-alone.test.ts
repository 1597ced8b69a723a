import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Prng } from "#core/prng.js";
import type { JournalRecord } from "#record/records.js";
import type { ControlStatus, Interruption } from "#record/status.js";
import { SIMULATED_LAB_FILE } from "#src/processes/files.js";
import { adlayer } from "../cli/support.js";
import { labTextAnywhere } from "../support/lab-text.js";
import { RealSystem } from "../support/real-system.js";
import { UnkeptProcesses } from "../support/unkept-processes.js";
import { browserIfAny } from "../web/browser.js";
import { type Alone, killControl, LabEye, last, type Unkept } from "./control-killed.js";

const RECIPE = resolve(import.meta.dirname, "killed-anywhere.recipe.yaml");
const CYCLES = 4;
/** Until control is killed; from then on lab time is real time. */
const SPEED = 10;
const SEED = Number(process.env.ADLAYER_SEED ?? 1);
const PULSE_MS_MAX = 1_000;
const PRECURSORS = ["TMA", "H2O"];
const ZONES = ["stage", "wall", "tma_line"];
/** Of the simulated lab: its T7's watchdog, its controllers' time-out. */
const WATCHDOG_MS = 2_000;
const REMOTE_TIMEOUT_MS = 5_000;
const VALVES_MS_MAX = WATCHDOG_MS + 500;
const HEATERS_MS_MAX = REMOTE_TIMEOUT_MS + 1_000;

type Instant = "in the ramp" | "in a purge" | "in a pulse" | "in an exposure" | "in the anneal";
const INSTANTS: readonly Instant[] = ["in the ramp", "in a purge", "in a pulse", "in an exposure", "in the anneal"];

/** One kill: what the reactor did alone, and what a person finds afterwards. */
interface Story {
	readonly alone: Alone;
	readonly status: ControlStatus;
	readonly cli: string;
	readonly rest: { readonly state: string; readonly interruption: Interruption };
	/** Text of the page's figures and of its choices; undefined without a browser. */
	readonly page: { readonly figures: string; readonly choices: string } | undefined;
}

/** The run by REST, once the service has heard of control's return. */
async function restRun(url: string): Promise<Story["rest"]> {
	for (const endMs = performance.now() + 60_000; ; await rest(50)) {
		const { run } = (await (await fetch(`${url}/api/v1/status`)).json()) as ControlStatus;
		if (run?.state === "held" && run.interruption != null) return { state: run.state, interruption: run.interruption };
		if (performance.now() > endMs) throw new Error(`REST shows ${JSON.stringify(run)}.`);
	}
}

async function pageOf(browser: Browser, url: string): Promise<Story["page"]> {
	const page = await browser.newPage();
	try {
		await page.goto(url);
		await page.locator("#choices-list button").nth(2).waitFor({ timeout: 60_000 });
		const text = async (id: string) => (await page.locator(id).innerText()).replaceAll(/\s+/g, " ");
		return { figures: await text("#interruption"), choices: await text("#choices-list") };
	} finally {
		await page.close();
	}
}

describe("control that is killed with -9 while nobody starts it again", () => {
	const prng = new Prng(SEED, "control alone");
	const stories = new Map<Instant, Story>();
	const folder = mkdtempSync(join(tmpdir(), "adlayer-alone-"));
	let system: Unkept;
	let eye: LabEye;
	let browser: Browser | undefined;
	let records: JournalRecord[];

	/** Takes up the run again and looks at it as a person would. */
	async function comeBack(alone: Alone): Promise<Story> {
		await system.system.begin("control");
		await system.instrumentsReady(60_000);
		const status = await system.until(
			({ run }) => run?.state === "held" && ZONES.every((zone) => run.interruption?.temperatures[zone]?.afterC != null),
			60_000,
			20,
		);
		const { url } = system.system;
		return {
			alone,
			status,
			cli: (await adlayer(["status", "--data", system.dataDir])).stdout,
			rest: await restRun(url),
			page: browser === undefined ? undefined : await pageOf(browser, url),
		};
	}

	async function goOn({ status }: Story): Promise<void> {
		const minutes = status.run!.interruption!.annealMinutes;
		const named = minutes === null ? {} : { annealMinutes: minutes };
		await system.control.request("command", { command: "restart", by: "test", ...named });
	}

	/** Kills at `afterMs` of lab time behind the first moment at which `since` gives one. */
	async function kill(instant: Instant, sinceMs: number, afterMs: number): Promise<void> {
		await eye.seen(({ atMs }) => atMs >= sinceMs + afterMs);
		const story = await comeBack((await killControl(system, eye, [...PRECURSORS, "stop", ...ZONES]))!);
		stories.set(instant, story);
		await goOn(story);
	}

	beforeAll(async () => {
		browser = await browserIfAny();
		const labFile = join(folder, "long-pulses.lab.yaml");
		const text = labTextAnywhere(SIMULATED_LAB_FILE);
		writeFileSync(labFile, text.replaceAll(/longest_pulse_ms: \d+/g, `longest_pulse_ms: ${PULSE_MS_MAX}`));
		system = await RealSystem.startedBy((options) => UnkeptProcesses.start(options), { speed: SPEED, labFile });
		eye = await LabEye.open(system.dataDir);
		await system.instrumentsReady(60_000);
		await system.launch(RECIPE, { cycles: CYCLES });
		const parts = [...PRECURSORS, "stop", ...ZONES];

		const heatsMs = await eye.seen((now) => last(now, "stage")?.on && last(now, "stage")!.atMs);
		await kill("in the ramp", heatsMs, prng.between(2_000, 20_000));

		const shut = (times: number) => () =>
			eye.seen(({ movements: all }) => all.filter(({ of, on }) => of === "TMA" && !on)[times - 1]?.atMs);
		await kill("in a purge", await shut(1)(), prng.between(500, 9_000));

		// The pulse is short: whoever comes too late for one waits for the next.
		for (let alone: Alone | undefined; alone === undefined; ) {
			await eye.seen((now) => last(now, "TMA")?.on, 1);
			alone = await killControl(system, eye, parts, (now) => last(now, "TMA")!.on);
			if (alone === undefined) continue;
			const story = await comeBack(alone);
			stories.set("in a pulse", story);
			await goOn(story);
		}

		const { atMs: fromMs } = await eye.movements();
		const shutOffMs = await eye.seen((now) => {
			const stop = last(now, "stop");
			const dose = last(now, "H2O");
			return (
				stop?.on === false && dose !== undefined && !dose.on && dose.atMs > Math.max(fromMs, stop.atMs) && dose.atMs
			);
		});
		await kill("in an exposure", shutOffMs, prng.between(0, 4_000));

		await system.until(({ run }) => (run?.anneal?.inBandS ?? 0) >= 30 + prng.between(0, 20), 240_000, 5);
		await kill("in the anneal", 0, 0);
		await system.until(({ run }) => run?.state === "complete", 240_000);
		records = await system.journal();
		console.info([`Seed ${SEED}, lab time:`, ...INSTANTS.map((instant) => figures(instant))].join("\n"));
	}, 900_000);

	afterAll(async () => {
		eye?.close();
		await browser?.close();
		await system?.stop();
		rmSync(folder, { recursive: true, force: true });
	});

	const of = (instant: Instant) => stories.get(instant)!;
	const sinceWord = ({ ends, heardMs }: Alone, part: string, instrument: string) =>
		ends[part] == null ? 0 : ends[part].atMs - heardMs[instrument]!;
	const sinceKill = ({ ends, killedMs }: Alone, part: string) => (ends[part] == null ? 0 : ends[part].atMs - killedMs);

	function figures(instant: Instant): string {
		const { alone } = of(instant);
		const each = [...PRECURSORS, "stop", ...ZONES].map((part) => {
			const ms = sinceKill(alone, part);
			return `${part} ${ms <= 0 ? "safe before" : `${(ms / 1_000).toFixed(3)} s`}`;
		});
		return `  ${instant}: ${each.join(", ")}`;
	}

	it.each(INSTANTS)("has its valves where they are safe within the watchdog and half a second, %s", (instant) => {
		const { alone } = of(instant);
		for (const valve of PRECURSORS) expect(alone.ends[valve]?.on ?? false, valve).toBe(false);
		expect(alone.ends.stop?.on).toBe(true);
		for (const valve of [...PRECURSORS, "stop"]) {
			expect(sinceWord(alone, valve, "io"), `${valve} since the last word, seed ${SEED}`).toBeLessThanOrEqual(
				VALVES_MS_MAX,
			);
			expect(sinceKill(alone, valve), `${valve} since the kill, seed ${SEED}`).toBeLessThanOrEqual(VALVES_MS_MAX);
		}
	});

	it.each(INSTANTS)("has its heaters at 0 within the controllers' time-out and a second, %s", (instant) => {
		const { alone } = of(instant);
		for (const zone of ZONES) {
			expect(alone.ends[zone]?.on ?? false, zone).toBe(false);
			expect(sinceWord(alone, zone, zone), `${zone} since the last word, seed ${SEED}`).toBeLessThanOrEqual(
				HEATERS_MS_MAX,
			);
			expect(sinceKill(alone, zone), `${zone} since the kill, seed ${SEED}`).toBeLessThanOrEqual(HEATERS_MS_MAX);
		}
	});

	it("was killed where it was meant to be: the valve open, the chamber shut off, heaters on", () => {
		const pulse = of("in a pulse").alone;
		expect(sinceKill(pulse, "TMA")).toBeGreaterThan(0);
		expect(sinceKill(of("in an exposure").alone, "stop")).toBeGreaterThan(0);
		for (const instant of ["in the ramp", "in the anneal"] as const)
			expect(sinceKill(of(instant).alone, "stage"), instant).toBeGreaterThan(0);
	});

	it.each(INSTANTS)("is found held, with where it stood and what the gap did, %s", (instant) => {
		const { status, cli, rest: byRest, page } = of(instant);
		const { state, interruption, cycles } = status.run!;
		expect(state).toBe("held");
		const { cycle, halfCycle, lastDoses, temperatures, annealMinutes, gapS, differences } = interruption!;
		expect(differences).toEqual([]);
		expect(gapS).toBeGreaterThan(0);
		expect({ cycle, halfCycle }).toEqual(
			{
				"in the ramp": { cycle: null, halfCycle: null },
				"in a purge": { cycle: 1, halfCycle: "TMA" },
				"in a pulse": { cycle: 1 + cycles.complete, halfCycle: "TMA" },
				"in an exposure": { cycle: 1 + cycles.complete, halfCycle: "H2O" },
				"in the anneal": { cycle: null, halfCycle: null },
			}[instant],
		);
		expect(annealMinutes === null).toBe(instant !== "in the anneal");
		if (annealMinutes !== null) expect(annealMinutes).toBeGreaterThanOrEqual(0.5);
		if (instant === "in the ramp") expect(lastDoses).toEqual({ TMA: null, H2O: null });
		else expect(lastDoses.TMA!.sinceS).toBeGreaterThan(gapS - 1);
		if (instant === "in a pulse") expect(lastDoses.TMA!.fate).toBe("unknown");
		for (const zone of ZONES) {
			const { beforeC, afterC, lowestC, highestC } = temperatures[zone]!;
			expect(beforeC, zone).toBeGreaterThan(20);
			expect(lowestC, zone).toBeLessThanOrEqual(Math.min(beforeC!, afterC!));
			expect(highestC, zone).toBeGreaterThanOrEqual(Math.max(beforeC!, afterC!));
		}
		expect(byRest).toMatchObject({ state: "held", interruption: { cycle, halfCycle, annealMinutes } });
		for (const text of [cli, page?.figures ?? cli]) {
			expect(text).toContain(cycle === null ? "outside the cycles" : `cycle ${cycle}, half-cycle ${halfCycle}`);
			expect(text).toMatch(/TMA (never|[\d:]+ ago)/);
			expect(text).toMatch(/Gap,? *stage/);
			if (annealMinutes !== null) expect(text).toContain(`${annealMinutes.toFixed(1)} min`);
		}
		const restart = annealMinutes === null ? "restart" : `restart --anneal-minutes ${annealMinutes}`;
		expect(cli).toContain(`Choose   adlayer ${restart}, stop or abort`);
		if (page !== undefined) for (const choice of ["Restart", "Stop", "Abort"]) expect(page.choices).toContain(choice);
	});

	it("ends with a record of what is complete, repeated and unknown, and nothing lost or doubled", () => {
		const [finished, ...others] = records.filter((record) => record.kind === "run-finished");
		expect(others).toEqual([]);
		const fates = records.flatMap((record) => (record.kind === "pulse" ? [record] : []));
		const unknown = fates.filter(({ fate }) => fate === "unknown").length;
		expect(unknown).toBeGreaterThanOrEqual(1);
		expect(finished).toMatchObject({
			state: "complete",
			cycles: { ordered: CYCLES, complete: CYCLES, repeated: unknown, unknown },
		});
		expect(fates.filter(({ fate }) => fate === "delivered")).toHaveLength(2 * CYCLES);
		const intended = records.flatMap((record) => (record.kind === "pulse-intended" ? [record.pulse] : []));
		expect(fates.map(({ pulse }) => pulse)).toEqual(intended);
		expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
		expect(records.filter(({ kind }) => kind === "run-interrupted")).toHaveLength(INSTANTS.length);
	});
});
