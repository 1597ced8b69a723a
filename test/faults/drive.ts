/** Drives one run through a fault plan, with an operator who resets and restarts once the faults are over. */
import { Prng } from "#core/prng.js";
import type { JournalRecord } from "#record/records.js";
import { Story } from "../plant/stories.js";
import { TEN_CYCLES } from "../recipe/short-recipe.js";
import { Invariants, recordFaults } from "./invariants.js";
import { type Fault, KINDS } from "./kinds.js";

export interface Outcome {
	readonly seed: number;
	readonly plan: string;
	/** The kinds of fault that were meant to happen. */
	readonly kinds: readonly string[];
	readonly state: string;
	readonly broken: readonly string[];
	readonly labS: number;
}

export interface PlannedFault {
	readonly fault: Fault;
	readonly atS: number;
	readonly forS: number;
}

interface Scene {
	readonly recipe: string;
	readonly text?: string;
	/** In which the faults begin, from the launch, or from the first step of this type. */
	readonly spanS: number;
	readonly fromStep?: string;
	/** What one of the faults is; of all kinds in turn when absent. */
	readonly firstKinds?: readonly string[];
	readonly limitS: number;
}

export const TEN: Scene = {
	recipe: "ten-cycles.recipe.yaml",
	text: TEN_CYCLES,
	spanS: 1_100,
	limitS: 30_000,
};
/** On the way up to the anneal, where the margin to the melting point is smallest. */
export const RAMP: Scene = {
	...TEN,
	spanS: 240,
	fromStep: "anneal",
	firstKinds: ["sensor-broken-stage", "power-cut", "lid-contact-opens"],
};
export const WHOLE: Scene = { recipe: "li-two-step.recipe.yaml", spanS: 9_000, limitS: 90_000 };

const FINAL = new Set(["complete", "stopped", "aborted"]);
/** The operator looks this often, and gives a run up after so many restarts. */
const LOOK_S = 20;
const RESTARTS_MAX = 12;

export function faultPlan(seed: number, scene: Scene): PlannedFault[] {
	const chance = new Prng(seed, "fault plan");
	// Every kind comes alone in turn, then in pairs and threes.
	const count = seed % 3 === 0 ? 1 : 2 + Math.floor(chance.uniform() * 2);
	const firsts = scene.firstKinds === undefined ? KINDS : KINDS.filter(({ kind }) => scene.firstKinds!.includes(kind));
	return Array.from({ length: count }, (_, index) => {
		const fault = index === 0 ? firsts[seed % firsts.length]! : KINDS[Math.floor(chance.uniform() * KINDS.length)]!;
		const isNear = index > 0 && chance.uniform() < 0.5;
		return {
			fault,
			atS: isNear ? -1 : chance.uniform() * scene.spanS,
			forS: 0.2 + chance.uniform() ** 2 * 60,
		};
	});
}

export const planText = (plan: readonly PlannedFault[]): string =>
	plan
		.map(
			({ fault, atS, forS }) =>
				`${fault.kind} at ${atS < 0 ? "the same time" : `${atS.toFixed(1)} s`} for ${forS.toFixed(1)} s`,
		)
		.join(", ");

export async function drive(seed: number, scene: Scene, options: { cycles?: number } = {}): Promise<Outcome> {
	const plan = faultPlan(seed, scene);
	const story = new Story({ seed: (seed % 10) + 1, pumped: true });
	await story.ready();
	const chance = new Prng(seed, "fault chance");
	await story.launch(scene.recipe, {
		...(scene.text === undefined ? {} : { recipeText: scene.text }),
		...(options.cycles === undefined ? {} : { set: { cycles: options.cycles } }),
	});
	let active = 0;
	const invariants = new Invariants(story, () => active === 0);
	let kills = 0;
	const schedule = () => {
		let beforeS = 0;
		for (const { fault, atS, forS } of plan) {
			const whenS = atS < 0 ? beforeS + chance.uniform() * 5 : atS;
			beforeS = whenS;
			active += 1;
			if (/^(control-killed|power-cut)/.test(fault.kind)) kills += 2;
			story.clock.setTimer(whenS * 1_000, () => {
				const end = fault.begin(story, chance);
				story.clock.setTimer(forS * 1_000, () => {
					end();
					active -= 1;
				});
			});
		}
	};
	if (scene.fromStep === undefined) schedule();
	else {
		let isPlanned = false;
		story.journal.onRecord((record) => {
			if (isPlanned || record.kind !== "step-started" || record.type !== scene.fromStep) return;
			isPlanned = true;
			schedule();
		});
	}
	const broken = await operate(story, scene.limitS, () => active === 0);
	const isBeyond = (text: string) => plan.some(({ fault }) => fault.beyondSoftware?.test(text));
	const found = [...broken, ...invariants.broken, ...recordFaults(story, kills)].filter((text) => !isBeyond(text));
	const state = story.runState ?? "none";
	const labS = story.clock.nowMs() / 1_000;
	await story.stop();
	return { seed, plan: planText(plan), kinds: plan.map(({ fault }) => fault.kind), state, broken: found, labS };
}

/** Until the run is over; what then is not as it should be. */
export async function operate(
	story: Story,
	limitS: number,
	isQuiet: () => boolean,
	restartsMax = RESTARTS_MAX,
): Promise<string[]> {
	const endMs = story.clock.nowMs() + limitS * 1_000;
	let restarts = 0;
	const isOver = () => story.records("run-finished").length > 0;
	while (!isOver()) {
		await story.forS(LOOK_S);
		if (story.clock.nowMs() > endMs)
			return [`Not over after ${limitS} s: ${story.runState}, ${story.status.run?.cause}`];
		if (story.isControlDead || !isQuiet() || isOver()) continue;
		const { runState } = story;
		try {
			if (runState === "paused") await story.command("resume");
			if (runState !== "held") continue;
			if (restarts > restartsMax) {
				await story.command("abort");
				continue;
			}
			if (!story.control.plant.allReady) continue;
			await story.resetAll();
			const annealMinutes = story.run.interruption?.annealMinutes ?? null;
			await story.command("restart", annealMinutes === null ? {} : { annealMinutes });
			restarts += 1;
		} catch (thrown) {
			const code = (thrown as { code?: string }).code;
			if (code !== "INTERLOCK_TRIPPED" && code !== "DEVICE_NOT_READY" && code !== "COMMAND_NOT_ALLOWED") throw thrown;
			restarts += 0.2;
		}
	}
	await story.forS(30);
	const told: string[] = [];
	if (FINAL.has(story.runState ?? "") || story.runState === undefined) {
		if (story.openPrecursors.length > 0) told.push(`${story.openPrecursors.join()} open at the end.`);
		const hot = Object.entries(story.setpointsC).filter(([, setpointC]) => setpointC !== 0);
		if (hot.length > 0) told.push(`Heaters on at the end: ${JSON.stringify(hot)}.`);
	}
	return told;
}

/** Control killed at its `n`th record that is not a sample, gone for a while, then restarted to the end. */
export async function killAtRecord(n: number, cycles: number): Promise<Outcome> {
	const story = new Story({ seed: 1, pumped: true });
	let count = 0;
	let killedAt = "";
	const follow = (record: JournalRecord) => {
		if (record.kind === "sample") return;
		count += 1;
		if (count !== n) return;
		killedAt = `${record.kind} (record ${record.seq})`;
		story.kill();
		story.clock.setTimer(7_000, () => story.comeBack());
	};
	for (const record of story.journal.records) follow(record);
	story.journal.onRecord(follow);
	await story.clock.advanceUntil(() => story.control.plant.allReady || story.isControlDead, 30_000);
	if (story.isControlDead) await story.forS(10);
	await story.ready();
	const invariants = new Invariants(story);
	const relaunch = () => story.launch(TEN.recipe, { recipeText: TEN_CYCLES, set: { cycles } });
	await relaunch().catch(() => {});
	if (story.records("run-created").length === 0) await relaunch();
	const broken = await operate(story, TEN.limitS, () => true);
	const told = [...broken, ...invariants.broken, ...recordFaults(story, 1)];
	if (killedAt === "") told.push(`There is no record ${n}.`);
	const labS = story.clock.nowMs() / 1_000;
	const state = story.records("run-finished")[0]?.state ?? "none";
	await story.stop();
	return { seed: n, plan: `killed at ${killedAt}`, kinds: ["control-killed-at-record"], state, broken: told, labS };
}

/** How many records that are not samples a run of so many cycles writes. */
export async function recordsOf(cycles: number): Promise<number> {
	const story = new Story({ seed: 1, pumped: true });
	await story.ready();
	await story.launch(TEN.recipe, { recipeText: TEN_CYCLES, set: { cycles } });
	await operate(story, TEN.limitS, () => true);
	const count = story.journal.records.findIndex(({ kind }) => kind === "run-finished") + 1;
	const events = story.journal.records.slice(0, count).filter(({ kind }) => kind !== "sample").length;
	await story.stop();
	return events;
}

/** One long run, with control killed `kills` times at random instants. */
export async function killAtRandom(seed: number, kills: number): Promise<Outcome> {
	const chance = new Prng(seed, "kills");
	const story = await new Story({ seed, pumped: true }).ready();
	await story.launch(TEN.recipe, { recipeText: TEN_CYCLES, set: { cycles: 4 * kills } });
	const invariants = new Invariants(story);
	let left = kills;
	const next = () => {
		if (left === 0 || story.records("run-finished").length > 0) return;
		left -= 1;
		story.kill();
		story.clock.setTimer(chance.uniform() * 8_000, () => {
			story.comeBack();
			story.clock.setTimer(20_000 + chance.uniform() * 250_000, next);
		});
	};
	story.clock.setTimer(200_000 * chance.uniform(), next);
	const broken = await operate(story, 300_000, () => true, 5 * kills);
	const told = [...broken, ...invariants.broken, ...recordFaults(story, kills)];
	if (left > 0) told.push(`The run was over before ${left} of ${kills} kills.`);
	const labS = story.clock.nowMs() / 1_000;
	const state = story.records("run-finished")[0]?.state ?? "none";
	await story.stop();
	return {
		seed,
		plan: `${kills - left} kills at random instants`,
		kinds: ["control-killed-at-random"],
		state,
		broken: told,
		labS,
	};
}
