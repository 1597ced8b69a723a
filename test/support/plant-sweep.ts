/**
 * A run of the whole plant with one frame after another spoilt: the next one only when the plant has recovered from the last,
 * so that none can mask another. Every good value in the journal is held against the twin.
 */
import { Prng } from "#core/prng.js";
import { driverNamed } from "#drivers/index.js";
import type { JournalRecord } from "#record/records.js";
import type { LabFile } from "#src/config.js";
import { Story } from "../plant/stories.js";
import { SHORT_RECIPE } from "../recipe/short-recipe.js";
import { driverOnLine } from "./virtual-plant.js";
import { everyInjection, type Frame, type Injection, type Spoiling, spoilt } from "./wire-tap.js";

export type PlantAct = "power-cycle" | "unplugged";

export interface PlantFinding {
	readonly seed: number;
	readonly injection: string;
	readonly problem: string;
}

export interface PlantSweep {
	/** As many as were asked for, unless the plant has no more to spoil. */
	readonly injections: number;
	readonly violations: readonly PlantFinding[];
	/** Wrong good values for one poll, from a bit that the protocol has no means to find. */
	readonly undetectable: readonly PlantFinding[];
	/** Injections after which the run went on as if nothing had been, and those that ended in a trip with all dosing valves shut. */
	readonly recovered: number;
	readonly tripped: number;
	/** By way and driver. */
	readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
	/** Drivers on whose lines nothing was spoilt. */
	readonly untouched: readonly string[];
}

export interface PlantSweepOptions {
	readonly lab: LabFile;
	readonly seed: number;
	/** Injections in one run. */
	readonly perRun: number;
	readonly injections: number;
	/** Power cycles and unplugged cables among them, at most; each costs a restart. */
	readonly acts: number;
}

interface Planned {
	/** The instrument of an act, or the line of a frame. */
	readonly where: string;
	readonly driver: string;
	readonly act?: PlantAct;
	readonly frame?: { readonly direction: Frame["direction"]; readonly kind: string; readonly bytes: number };
	readonly injection?: Injection;
}

/** After an injection the plant is back within this, and a run that was held can go on. */
const RECOVERY_MS = 60_000;
/** A trip has switched the heaters off: the reactor is heated anew. */
const RESTART_MS = 3_600_000;
/** Reconnecting to all that hangs on a line takes no longer. */
const QUIET_MS = 4_000;
/** A frame of a kind that comes once in a cycle comes within two. */
const WAIT_MS = 120_000;
const UNPLUGGED_MS = 4_000;
const PULSE_OPEN_MS_MAX = 250;
/** A reading was taken some time before it is in the journal: a poll with all its retries. */
const POLL_MS_MAX = 3_000;
const RESOLUTION = {
	temperature: { relative: 0, absolute: 0.25 },
	pressure: { relative: 0.02, absolute: 0.2 },
	flow: { relative: 0.02, absolute: 1 },
	level: { relative: 0, absolute: 0 },
} as const;

interface Sense {
	readonly signal: string;
	readonly of: keyof typeof RESOLUTION;
	readonly truth: (story: Story) => number;
}

/** What can be held against the twin, by the roles of the lab file. */
function sensesOf(lab: LabFile): Sense[] {
	const { zones, pressures, carrier, precursors, stop_valve } = lab.content.reactor as unknown as {
		zones: Record<string, { instrument: string }>;
		pressures: { chamber: string; foreline: string };
		carrier: { instrument: string };
		precursors: Record<string, { output: string }>;
		stop_valve: { output: string };
	};
	const isOpen = (valve: string) => (story: Story) => (story.lab.twin.isValveOpen(valve) ? 1 : 0);
	return [
		...Object.entries(zones).map(
			([zone, { instrument }]): Sense => ({
				signal: `${instrument}.temperature`,
				of: "temperature",
				truth: (story) => story.lab.twin.zoneC(zone),
			}),
		),
		{ signal: pressures.chamber, of: "pressure", truth: (story) => story.lab.twin.chamberPa },
		{ signal: pressures.foreline, of: "pressure", truth: (story) => story.lab.twin.forelinePa },
		{ signal: `${carrier.instrument}.flow`, of: "flow", truth: (story) => story.lab.twin.carrierSccm },
		...Object.entries(precursors).map(
			([valve, { output }]): Sense => ({ signal: output, of: "level", truth: isOpen(valve) }),
		),
		{ signal: stop_valve.output, of: "level", truth: isOpen("stop") },
	];
}

/** A story whose every frame passes the tap, with its truth kept beside it. */
class TappedStory extends Story {
	readonly wrong: string[] = [];
	private readonly senses: readonly Sense[];
	private readonly history: { readonly atMs: number; readonly values: readonly number[] }[] = [];
	private readonly dosing: readonly string[];
	private openSinceMs: number | undefined;

	constructor(lab: LabFile, seed: number) {
		super({ lab, seed, tapped: true });
		this.senses = sensesOf(lab);
		this.dosing = Object.keys(this.lab.twin.truth().doses);
		const { twin } = this.lab;
		const advance = twin.advance.bind(twin);
		twin.advance = (nowMs) => {
			advance(nowMs);
			this.remember();
		};
		// What is switched twice at one instant has been both.
		const setValve = twin.setValve.bind(twin);
		twin.setValve = (valve, open, atMs) => {
			setValve(valve, open, atMs);
			this.remember();
		};
		this.journal.onRecord((record) => this.judge(record));
	}

	private remember(): void {
		const atMs = this.clock.nowMs();
		this.history.push({ atMs, values: this.senses.map(({ truth }) => truth(this)) });
		if (this.history.length > 4_000) this.history.splice(0, 2_000);
		const isDosing = this.dosing.some((valve) => this.lab.twin.isValveOpen(valve));
		if (!isDosing) this.openSinceMs = undefined;
		else this.openSinceMs ??= this.lab.twin.nowMs;
		if (this.openSinceMs !== undefined && this.lab.twin.nowMs - this.openSinceMs > PULSE_OPEN_MS_MAX) {
			this.wrong.push(`a dosing valve has been open for ${this.lab.twin.nowMs - this.openSinceMs} ms`);
			this.openSinceMs = this.lab.twin.nowMs;
		}
	}

	/** A good value lies within what was true while it can have been taken. */
	private judge(record: JournalRecord): void {
		if (record.kind !== "sample") return;
		this.truth();
		const sinceMs = this.clock.nowMs() - POLL_MS_MAX;
		for (const [index, { signal, of }] of this.senses.entries()) {
			const at = signal.indexOf(".");
			if (signal.slice(0, at) !== record.instrument) continue;
			const name = signal.slice(at + 1);
			const value = record.values[name];
			if (value === null || value === undefined || record.fault?.[name] !== undefined) continue;
			const { relative, absolute } = RESOLUTION[of];
			let low = Number.POSITIVE_INFINITY;
			let high = Number.NEGATIVE_INFINITY;
			for (let i = this.history.length - 1; i >= 0 && this.history[i]!.atMs >= sinceMs; i -= 1) {
				low = Math.min(low, this.history[i]!.values[index]!);
				high = Math.max(high, this.history[i]!.values[index]!);
			}
			const slack = relative * Math.abs(high) + absolute;
			if (value < low - slack || value > high + slack)
				this.wrong.push(`${signal} ${value} is in the journal as good; between ${low} and ${high} was true`);
		}
	}

	/** What is shown as good is no older than the lab file states. */
	get shownTooOld(): string[] {
		return this.control.plant.instruments.flatMap(({ name, staleMs, device }) =>
			Object.keys(device.signals).filter((signal) => {
				const { quality, atMs } = this.control.plant.reading(`${name}.${signal}`);
				return quality === "good" && this.clock.nowMs() - atMs > staleMs;
			}),
		);
	}
}

/** As cold as purges are known for, so that a run that was tripped is soon warm again. */
const RECIPE = SHORT_RECIPE.replace("tma_line: { to_degC: 50", "tma_line: { to_degC: 40")
	.replace("wall: { to_degC: 80", "wall: { to_degC: 60")
	.replace("stage: { to_degC: 80", "stage: { to_degC: 60")
	.replace("for_s: 5 }", "for_s: 10 }")
	.replace("- purge: { for_s: 20 }", "- purge: { for_s: 40 }")
	.replace("within_degC: 1, for_s: 60", "within_degC: 2, for_s: 10");
/** Of protocols that carry a checksum themselves. */
const CHECKED = ["eurotherm-3216", "watlow-ezzone-pm", "pfeiffer-pvp", "inficon-sqm160"];

async function depositing(lab: LabFile, seed: number): Promise<TappedStory> {
	const story = new TappedStory(lab, seed);
	await story.ready();
	await story.launch("short.recipe.yaml", { recipeText: RECIPE, set: { cycles: 500 } });
	await story.step("pulse", 1);
	return story;
}

/** The distinct frames of two cycles, by line. */
async function framesOfTwoCycles(lab: LabFile, seed: number): Promise<Planned[]> {
	const story = await depositing(lab, seed);
	const frames = new Map<string, Planned>();
	story.tap!.onFrame = ({ line, direction, kind, bytes }) => {
		const key = `${line} ${direction} ${kind}`;
		if (!frames.has(key))
			frames.set(key, {
				where: line,
				driver: driverOnLine(lab, line),
				frame: { direction, kind, bytes: bytes.length },
			});
		return undefined;
	};
	await story.step("pulse", 5);
	const { wrong } = story;
	await story.stop();
	if (wrong.length > 0) throw new Error(`Nothing spoilt, and ${wrong[0]}`);
	return [...frames.values()];
}

export async function sweepPlant(options: PlantSweepOptions): Promise<PlantSweep> {
	const { lab, seed } = options;
	const chance = new Prng(seed, "plant sweep");
	const frames = await framesOfTwoCycles(lab, seed);
	const plan = planOf({ ...options, frames, chance });
	const sweep = {
		injections: 0,
		violations: [] as PlantFinding[],
		undetectable: [] as PlantFinding[],
		recovered: 0,
		tripped: 0,
		counts: {} as Record<string, Record<string, number>>,
	};
	const wanted = () => options.injections - sweep.injections;
	while (plan.length > 0 && wanted() > 0) {
		const story = await depositing(lab, seed);
		const batch = plan.splice(0, Math.min(options.perRun, wanted()));
		for (let planned = batch.shift(); planned !== undefined; planned = batch.shift()) {
			const how: Spoiling | PlantAct = planned.act ?? planned.injection!.how;
			const { frame } = planned;
			const injection =
				frame === undefined
					? `${how} ${planned.where}`
					: `${how} at ${planned.injection!.at} of ${planned.where} ${frame.direction} ${frame.kind}`;
			const outcome = await inject(story, planned);
			if (outcome.missed) continue;
			sweep.injections += 1;
			const counts = { ...sweep.counts[how] };
			counts[planned.driver] = (counts[planned.driver] ?? 0) + 1;
			sweep.counts[how] = counts;
			if (outcome.tripped) sweep.tripped += 1;
			else if (outcome.problem === undefined) sweep.recovered += 1;
			const wrong = story.wrong.splice(0);
			const { problem } = outcome;
			if (problem !== undefined) sweep.violations.push({ seed, injection, problem });
			else if (wrong.length === 1 && how === "bit" && !CHECKED.includes(planned.driver))
				sweep.undetectable.push({ seed, injection, problem: wrong[0]! });
			else if (wrong.length > 0) sweep.violations.push({ seed, injection, problem: wrong.join("; ") });
			if (problem !== undefined || outcome.ended) break;
		}
		// What did not fit into a run that ended comes in the next.
		plan.unshift(...batch);
		const { violations } = story.truth();
		for (const { kind } of violations)
			sweep.violations.push({ seed, injection: "any of the run", problem: `twin: ${kind}` });
		await story.stop();
	}
	const touched = new Set(Object.values(sweep.counts).flatMap((byDriver) => Object.keys(byDriver)));
	const drivers = new Set(Object.values(lab.content.instruments).map(({ driver }) => driver));
	return { ...sweep, untouched: [...drivers].filter((driver) => !touched.has(driver)) };
}

/**
 * Instruments switched off and unplugged; then in turn frames lost, doubled, late or followed by garbage, and splits and bits,
 * each driver's in turn, so that the beginning of the plan has all of them.
 */
function planOf(options: {
	readonly lab: LabFile;
	readonly acts: number;
	readonly frames: readonly Planned[];
	readonly chance: Prng;
}): Planned[] {
	const { lab, frames, chance } = options;
	const acts = Object.entries(lab.content.instruments)
		.filter(([, { driver }]) => driver !== "mqtt-atmosphere")
		.flatMap(([instrument, { driver }]) =>
			(["power-cycle", "unplugged"] as const).map((act): Planned => ({ where: instrument, driver, act })),
		);
	const all = frames.flatMap(({ where, driver, frame }) =>
		everyInjection(frame!.bytes)
			.filter(({ how }) => driver !== "mqtt-atmosphere" || how !== "split")
			.map((injection): Planned => ({ where, driver, frame: frame!, injection })),
	);
	const isPartial = ({ injection }: Planned) => injection!.how === "split" || injection!.how === "bit";
	const whole = dealt(
		shuffled(
			all.filter((each) => !isPartial(each)),
			chance,
		),
		({ driver }) => driver,
	);
	const partial = dealt(shuffled(all.filter(isPartial), chance), ({ driver }) => driver);
	const isWhole = new Set(whole);
	const frameByFrame = dealt([...whole, ...partial], (each) => String(isWhole.has(each)));
	return [...shuffled(acts, chance).slice(0, options.acts), ...frameByFrame];
}

/** One of each kind in turn, as long as there are any. */
function dealt<T>(items: readonly T[], kindOf: (item: T) => string): T[] {
	const hands = new Map<string, T[]>();
	for (const item of items) {
		const hand = hands.get(kindOf(item));
		if (hand === undefined) hands.set(kindOf(item), [item]);
		else hand.push(item);
	}
	const longest = Math.max(0, ...[...hands.values()].map(({ length }) => length));
	return Array.from({ length: longest }, (_, turn) =>
		[...hands.values()].flatMap((hand) => hand.slice(turn, turn + 1)),
	).flat();
}

function shuffled<T>(items: readonly T[], chance: Prng): T[] {
	const mixed = [...items];
	for (let i = mixed.length - 1; i > 0; i -= 1) {
		const j = chance.integer(0, i);
		[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
	}
	return mixed;
}

interface Outcome {
	readonly missed?: true;
	readonly tripped?: boolean;
	/** No further injection fits into this run. */
	readonly ended?: true;
	readonly problem?: string;
}

async function inject(story: TappedStory, planned: Planned): Promise<Outcome> {
	const before = story.truth().doses;
	const pulsesBefore = story.records("pulse").length;
	let isDone = false;
	if (planned.act !== undefined) {
		story.lab.faults.begin({
			kind: planned.act,
			target: planned.where,
			...(planned.act === "unplugged" ? { forS: UNPLUGGED_MS / 1_000 } : {}),
		});
		isDone = true;
	} else {
		const { frame, injection } = planned;
		const { timeoutMs } = driverNamed(planned.driver)!.timing;
		story.tap!.onFrame = ({ line, direction, kind, bytes }) => {
			if (isDone || line !== planned.where || direction !== frame!.direction || kind !== frame!.kind) return undefined;
			isDone = true;
			return spoilt({ ...injection!, at: injection!.at % (8 * bytes.length) }, bytes, timeoutMs);
		};
		await story.clock.advanceUntil(() => isDone, WAIT_MS).catch(() => {});
		story.tap!.onFrame = undefined;
		if (!isDone) return { missed: true };
	}
	const stale = new Set<string>();
	for (let ms = 0; ms < QUIET_MS + (planned.act === undefined ? 0 : UNPLUGGED_MS); ms += 500) {
		await story.clock.advance(500);
		for (const signal of story.shownTooOld) stale.add(signal);
	}
	if (stale.size > 0) return { problem: `${[...stale].join(", ")} shown as good past its age` };
	try {
		await story.clock.advanceUntil(() => story.control.plant.allReady, RECOVERY_MS);
	} catch {
		return { problem: `not connected again: ${story.latched.join(", ")}` };
	}
	if (isRunning(story)) return doseProblem(story, before, pulsesBefore) ?? { tripped: false };
	await story.clock.advanceUntil(() => story.runState === "held", RECOVERY_MS).catch(() => {});
	if (story.runState !== "held") return { problem: `the run is ${story.runState}` };
	if (story.openPrecursors.length > 0) return { problem: `held with ${story.openPrecursors.join(", ")} open` };
	const dosed = doseProblem(story, before, pulsesBefore);
	if (dosed !== undefined) return dosed;
	await story.clock.advance(10_000);
	try {
		await story.resetAll();
		await story.command("restart");
		await story.clock.advanceUntil(() => story.runState !== "restarting", RESTART_MS);
		if (!isRunning(story)) return endedSafe(story);
	} catch (thrown) {
		// A pump that has lost its power stands until a person starts it.
		if (planned.act === "power-cycle") return endedSafe(story);
		return { problem: `held for ${story.run.cause}, and cannot go on: ${(thrown as Error).message}` };
	}
	return { tripped: true };
}

const isRunning = (story: TappedStory): boolean => story.runState === "running";

/** A second trip, of another cause, is as safe as the first; the run is left there. */
function endedSafe(story: TappedStory): Outcome {
	if (story.latched.length === 0)
		return { problem: `after the restart the run is ${story.runState}: ${story.run.cause}` };
	if (story.openPrecursors.length > 0) return { problem: `tripped with ${story.openPrecursors.join(", ")} open` };
	return { tripped: true, ended: true };
}

/** No dose without its announcement, and none twice. */
function doseProblem(
	story: TappedStory,
	before: Readonly<Record<string, number>>,
	pulses: number,
): Outcome | undefined {
	const total = (doses: Readonly<Record<string, number>>) => Object.values(doses).reduce((sum, n) => sum + n, 0);
	const given = total(story.truth().doses) - total(before);
	const recorded = story.records("pulse").length - pulses;
	// One may be under way at either end.
	if (given > recorded + 1) return { problem: `${given} doses in the twin, ${recorded} pulses in the journal` };
	return undefined;
}
