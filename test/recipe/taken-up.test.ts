import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { MemoryJournal } from "#journal/memory.js";
import { lastKnownFrom } from "#journal/recover.js";
import { pulsesInTheBalance } from "#recipe/engine/interrupted-run.js";
import { refuseRestart } from "#recipe/engine/refusals.js";
import { backToDose, resumeAt, stepsBefore } from "#recipe/engine/restart.js";
import { baseProof, type Present, takeUp } from "#recipe/engine/taken-up.js";
import type { Plan, Step } from "#recipe/plan.js";
import { planDigest } from "#recipe/plan-digest.js";
import type { PulseRecord, RecordBody, RunCreated } from "#record/records.js";
import { SHORT_RECIPE } from "./short-recipe.js";
import { check, lab } from "./support.js";

const SHORT = check(SHORT_RECIPE, { lab: { ...lab, carrier: { ...lab.carrier, gas: "N2" } } }).plan!;
const LAB_SHA = "a".repeat(64);
const GONE_S = 30;

/** Any step, with what matters of it. */
const step = (type: Step["type"], more: object = {}) => ({
	type,
	title: type,
	path: "p",
	phase: "p",
	plannedS: 1,
	...more,
});

function planOf(...steps: readonly object[]): Plan {
	return { ...SHORT, steps: steps.map((each, index) => ({ ...each, index })) as unknown as Step[], purgeMinimumS: {} };
}

const PUMP = step("pump-down", { belowPa: 13, timeoutS: 900 });
const FLOW = step("flow", { sccm: 100 });
const heat = (zone: string) => step("heat", { zones: [{ zone, toC: 80, rampCPerMin: 15 }] });
const HEAT = heat("stage");
const TMA = step("pulse", { precursor: "TMA", widthMs: 15, cycle: 1 });
const H2O = step("pulse", { precursor: "H2O", widthMs: 15, cycle: 1 });
const EXPOSURE = step("exposure", { precursor: "TMA", widthMs: 15, soakS: 10, cycle: 1 });
const purge = (seconds: number, cycleEnds = false) => step("purge", { after: "", seconds, cycleEnds, cycle: 1 });
const EVACUATE = step("line-evacuate", { lines: [], widthMs: 15, purgeS: 5, pulsesMax: 9 });
const ANNEAL = step("anneal", {
	zone: "stage",
	atC: 100,
	rampCPerMin: 5,
	approachFromC: 5,
	approachCPerMin: 2,
	forS: 600,
	neverAboveC: 103,
});
const COOL = step("cool", { zone: "stage", belowC: 60, timeoutS: 900 });
const LID = step("prompt", { id: "load", lidMayOpen: true });
const PLAN = planOf(PUMP, FLOW, HEAT, TMA, purge(5), H2O, purge(20, true), ANNEAL, COOL);

/** The records of a run of a plan that has come to the step at `position`, which has not ended. */
function ranTo(
	plan: Plan,
	position: number,
	then: readonly RecordBody[] = [],
	created: Partial<RunCreated["plan"]> = {},
) {
	const clock = new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) });
	const journal = new MemoryJournal(clock);
	const { recipe, recipeVersion, parameters, product, neverAboveC, phases, pulses, thicknessNm, totalS } = plan;
	const of = { totalS, phases, pulses, thicknessNm, steps: plan.steps.length, cycles: plan.cyclesOrdered };
	journal.append({
		...{ kind: "run-created", run: "r1", recipe, recipeVersion, parameters, product, neverAboveC, sample: "s" },
		...{ recipeText: "", recipeSha256: "", operator: "mk", acknowledged: [], labFileText: "", labFileSha256: LAB_SHA },
		...{ softwareVersion: "1", simulated: true, material: "Li", meltingPointC: 180.5 },
		plan: { ...of, sha256: planDigest(plan), ...created },
	});
	journal.append({ kind: "run-state", run: "r1", from: "idle", to: "running", cause: "start" });
	for (const { index, path, phase, type, title, plannedS, cycle } of plan.steps.slice(0, position + 1)) {
		const at = { run: "r1", index, phase, type, plannedS, ...(cycle === undefined ? {} : { cycle }) };
		journal.append({ kind: "step-started", ...at, path, title });
		if (index < position) journal.append({ kind: "step-ended", ...at, outcome: "done", actualS: 1 });
	}
	for (const body of then) journal.append(body);
	const known = lastKnownFrom(journal.records);
	return { known, openRun: known.openRun!, present: presentOf(plan, clock.wallMs()) };
}

const presentOf = (plan: Plan | undefined, lastWall: number): Present => ({
	...{ plan, why: "There is no film LiAlOx.", labFileSha256: LAB_SHA, softwareVersion: "1" },
	zones: { stage: { heatsFoil: true }, wall: { heatsFoil: false } } as unknown as Present["zones"],
	wall: lastWall + GONE_S * 1_000,
});

function takenUpAt(plan: Plan, position: number, then: readonly RecordBody[] = []) {
	const { known, openRun, present } = ranTo(plan, position, then);
	return takeUp(known, openRun, present);
}

const intended = (pulse: number, index: number, run = "r1"): RecordBody => ({
	...{ kind: "pulse-intended", run, pulse, precursor: "TMA", valve: "TMA", commandedMs: 15, index },
});
const ended = (index: number): RecordBody => ({
	...{ kind: "step-ended", run: "r1", index, phase: "p", type: "pulse", plannedS: 1, outcome: "done", actualS: 1 },
});

describe("a run that is taken up", () => {
	it("stands at its interrupted step, and at the next one when that had ended", () => {
		expect(takenUpAt(PLAN, 4)).toMatchObject({ position: 4, step: { type: "purge" }, differences: [] });
		expect(takenUpAt(PLAN, 4, [ended(4)])).toMatchObject({ position: 5, step: { type: "pulse", precursor: "H2O" } });
	});

	it("repeats the dose whose fate is unknown, also from its purge", () => {
		const inPulse = takenUpAt(PLAN, 3, [intended(1, 3)]);
		expect(inPulse).toMatchObject({
			position: 3,
			count: { unknown: 1 },
			facts: { repeat: "unknown", halfCycle: "TMA" },
		});
		const unknown: PulseRecord = {
			...{ kind: "pulse", run: "r1", pulse: 1, precursor: "TMA", valve: "TMA", cycle: 1, commandedMs: 15 },
			...{ dueT: 0, issuedT: 0, confirmedMs: null, effective: null, fate: "unknown" },
		};
		const inPurge = takenUpAt(PLAN, 4, [intended(1, 3), unknown]);
		expect(inPurge).toMatchObject({ position: 3, step: { type: "pulse" }, facts: { repeat: "unknown" } });
	});

	it("counts no pulse of another run", () => {
		const { count, position } = takenUpAt(PLAN, 4, [intended(1, 3, "r0")]);
		expect([count.unknown, count.inDoubt.size, position]).toEqual([0, 0, 4]);
	});

	it("takes a pulse for delivered when its own step had ended, not one of the same place in another run", () => {
		const { known } = ranTo(PLAN, 4, [intended(1, 3), intended(1, 3, "r0"), intended(2, 5)]);
		expect(pulsesInTheBalance(known, 0).map(({ fate }) => fate)).toEqual(["delivered", "unknown", "unknown"]);
	});

	it("counts the cycles whose last purge has ended, and the time without control", () => {
		expect(takenUpAt(PLAN, 6)).toMatchObject({ completeCycles: 0, elapsedS: GONE_S, facts: { gapS: GONE_S } });
		expect(takenUpAt(PLAN, 6, [ended(6)])).toMatchObject({ completeCycles: 1, position: 7 });
		expect(takenUpAt(PLAN, 7)).toMatchObject({ completeCycles: 1 });
		const { known, openRun, present } = ranTo(PLAN, 6);
		const setBack = takeUp(known, openRun, { ...present, wall: known.lastWall - 86_400_000 });
		expect(setBack).toMatchObject({ elapsedS: 0, facts: { gapS: 0 } });
	});

	it.each<[string, readonly object[], number | undefined]>([
		["before any flow is ordered", [HEAT], undefined],
		["after a flow", [FLOW, PUMP, FLOW], 100],
		["after a pump-down", [FLOW, PUMP], 0],
		["after a leak check", [FLOW, step("leak-check")], 0],
		["after a backfill", [FLOW, step("backfill")], 0],
	])("wants the carrier that its steps had ordered: %s", (_when, before, sccm) => {
		const plan = planOf(...before, TMA);
		expect(takenUpAt(plan, before.length).carrierSccm).toBe(sccm);
	});

	it("wants the temperatures that its steps had ordered, below the same bound, and none after a cooling", () => {
		const heated = { toC: 80, rampCPerMin: 15, approachFromC: 0, approachCPerMin: 15 };
		const ramps = takenUpAt(planOf(HEAT, heat("wall"), TMA), 2).ramps;
		expect(Object.fromEntries(ramps)).toEqual({
			stage: { ...heated, neverAboveC: SHORT.neverAboveC },
			wall: { ...heated, neverAboveC: undefined },
		});
		const annealed = { toC: 100, rampCPerMin: 5, approachFromC: 5, approachCPerMin: 2, neverAboveC: 103, holds: true };
		expect(takenUpAt(PLAN, 8).ramps.get("stage")).toEqual(annealed);
		expect(takenUpAt(planOf(HEAT, COOL, TMA), 2).ramps.size).toBe(0);
		// What it has not come to is not ordered.
		expect(takenUpAt(PLAN, 2).ramps.size).toBe(0);
	});

	it("knows the minutes of an interrupted anneal, and that none have passed in one that had only begun", () => {
		const minutes: RecordBody = { kind: "anneal-progress", run: "r1", index: 7, inBandS: 125, maximumC: 100.2 };
		expect(takenUpAt(PLAN, 7, [minutes]).facts.annealMinutes).toBe(2.1);
		expect(takenUpAt(PLAN, 7).facts.annealMinutes).toBe(0);
		expect(takenUpAt(PLAN, 8, [minutes]).facts.annealMinutes).toBeNull();
	});
});

describe("the restart of a run that is taken up", () => {
	const annealAfter = (inBandS: number) =>
		takenUpAt(PLAN, 7, [{ kind: "anneal-progress", run: "r1", index: 7, inBandS, maximumC: 100 }]);

	it("of an anneal names its minutes, also when they are none", () => {
		const refused = expect.objectContaining({ code: "ANNEAL_INTERRUPTED" });
		for (const named of [undefined, 0, 2, 2.2]) expect(() => refuseRestart(annealAfter(125), named)).toThrow(refused);
		refuseRestart(annealAfter(125), 2.1);
		expect(() => refuseRestart(takenUpAt(PLAN, 7), undefined)).toThrow(refused);
		refuseRestart(takenUpAt(PLAN, 7), 0);
		refuseRestart(takenUpAt(PLAN, 4), undefined);
	});

	it.each<[string, (at: ReturnType<typeof ranTo>) => Parameters<typeof takeUp>, RegExp]>([
		[
			"the lab file",
			({ known, openRun, present }) => [known, openRun, { ...present, labFileSha256: "b" }],
			/^The lab file/,
		],
		[
			"the plan",
			({ known, openRun, present }) => [known, openRun, { ...present, plan: planOf(PUMP, TMA) }],
			/^The plan is/,
		],
		[
			"what the recipe means",
			({ known, openRun, present }) => [known, openRun, { ...present, plan: undefined }],
			/gives no plan any more: There is no film LiAlOx/,
		],
	])("is refused when %s is not as it was, and nothing of the plan is left to execute", (_what, changed, message) => {
		const takenUp = takeUp(...changed(ranTo(PLAN, 4)));
		expect(takenUp.differences).toEqual([expect.stringMatching(message)]);
		expect([takenUp.plan.steps, takenUp.position, takenUp.carrierSccm]).toEqual([[], 0, undefined]);
		expect(() => refuseRestart(takenUp, undefined)).toThrow(expect.objectContaining({ code: "PLAN_CHANGED" }));
	});

	it("is refused when the record does not say by which plan the run began", () => {
		const { known, openRun, present } = ranTo(PLAN, 4, [], { sha256: undefined as never });
		expect(takeUp(known, openRun, present).differences).toEqual([
			"The record does not say by which plan the run began.",
		]);
	});
});

describe("base pressure", () => {
	const proofBefore = (
		index: number,
		plan = planOf(PUMP, { ...PUMP, belowPa: 5 }, TMA, purge(5), EXPOSURE, EVACUATE, HEAT, PUMP),
	) => baseProof(plan.steps[index], plan);

	it.each([
		["a pulse", 2],
		["the purge after a dose", 3],
		["an exposure", 4],
		["the emptying of a line", 5],
	])("is proven again before %s, by the last pump-down before it", (_what, index) => {
		expect(proofBefore(index)).toMatchObject({ type: "pump-down", belowPa: 5, index: 8 });
	});

	it("is not asked for by what neither doses nor purges, nor where the recipe has proven none", () => {
		expect(proofBefore(6)).toBeUndefined();
		expect(baseProof(undefined, PLAN)).toBeUndefined();
		expect(proofBefore(0, planOf(TMA, PUMP))).toBeUndefined();
	});
});

describe("what comes before the interrupted step", () => {
	const ramps = new Map([["stage", { toC: 80, rampCPerMin: 15, approachFromC: 0, approachCPerMin: 15 }]]);
	const plan = planOf(
		TMA,
		purge(5),
		H2O,
		purge(20),
		EXPOSURE,
		EVACUATE,
		step("wait"),
		step("wait-until"),
		HEAT,
		ANNEAL,
		LID,
	);
	const before = (index: number, wanted: typeof ramps = ramps, of = plan) => stepsBefore(of.steps[index]!, of, wanted);
	const types = (steps: readonly Step[]) => steps.map(({ type }) => type);

	it.each([
		["a pulse", 0, ["stabilise", "purge"]],
		["a purge, which is itself made in full", 1, ["stabilise"]],
		["an exposure", 4, ["stabilise", "purge"]],
		["the emptying of a line", 5, ["purge"]],
		["a wait", 6, ["stabilise"]],
		["a wait for a value", 7, ["stabilise"]],
		["a heating", 8, []],
		["an anneal, which counts its own time in band", 9, []],
		["a question", 10, []],
	])("of %s", (_what, index, expected) => {
		expect(types(before(index))).toEqual(expected);
	});

	it("is each wanted zone within 2 °C for a minute, outside the plan", () => {
		expect(before(0)[0]).toMatchObject({
			...{ zones: [{ zone: "stage", targetC: 80 }], bandC: 2, forS: 60, timeoutS: 7_200 },
			index: plan.steps.length,
		});
		expect(types(before(0, new Map()))).toEqual(["purge"]);
	});

	it("is the longest purge of the plan, be it one of its steps or what a dose needs", () => {
		expect(before(0)[1]).toMatchObject({ seconds: 20, cycleEnds: false, index: plan.steps.length });
		const longer = { ...plan, purgeMinimumS: { TMA: 30, H2O: 10 } };
		expect(before(0, ramps, longer)[1]).toMatchObject({ seconds: 30 });
		expect(before(0, ramps, { ...plan, purgeMinimumS: { TMA: 10 } })[1]).toMatchObject({ seconds: 20 });
	});
});

describe("where a held run goes on", () => {
	const plan = planOf(step("backfill"), LID, TMA, purge(5), step("prompt", { id: "look", lidMayOpen: false }));

	it("is the backfill before a question under an open lid, for the hold has emptied the chamber", () => {
		expect(resumeAt(1, plan)).toBe(0);
		expect(resumeAt(2, plan)).toBe(2);
		expect(resumeAt(4, plan)).toBe(4);
		expect(resumeAt(0, planOf(LID, step("backfill")))).toBe(0);
	});

	it("is the dose of a purge when that dose is in doubt", () => {
		expect(backToDose(3, plan, new Map([[2, "unknown"]]))).toBe(2);
		expect(backToDose(3, plan, new Map([[1, "unknown"]]))).toBe(3);
		expect(backToDose(4, plan, new Map([[3, "unknown"]]))).toBe(4);
	});
});
