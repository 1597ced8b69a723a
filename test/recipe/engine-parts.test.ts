import { describe, expect, it } from "vitest";
import { AnnealCount, AnnealCounts } from "#recipe/engine/anneal-count.js";
import { endingRecords, type InterruptedRun, pulsesInTheBalance } from "#recipe/engine/interrupted-run.js";
import { PressureTrace } from "#recipe/engine/pressure-trace.js";
import { PulseCount } from "#record/pulse-count.js";
import type { RunCreated } from "#record/records.js";
import type { RunTrail } from "#record/run-trail.js";

const TRAIL: RunTrail = {
	started: new Map(),
	done: new Set(),
	count: new PulseCount(),
	trends: [],
	anneals: new Map(),
	prompts: [],
	elapsedS: 0,
	cause: "",
	values: new Map(),
};
const ORDER = { zone: "stage", atC: 180, bandC: 0.5, forS: 60 };

describe("the minutes of an anneal", () => {
	it("count between two readings in band", () => {
		const count = new AnnealCount(ORDER);
		for (const [second, celsius] of [179.4, 179.5, 180, 180.5, 180.6, 180].entries())
			count.push(second * 1_000, celsius);
		expect(count.inBandS).toBe(2);
		expect(count.maximumC).toBe(180.6);
	});

	it("do not count over a time without a reading", () => {
		const count = new AnnealCount(ORDER);
		count.push(0, 180);
		count.push(1_000, 180);
		count.push(2_000, null);
		count.push(30_000, 180);
		count.push(31_000, 180);
		expect(count.inBandS).toBe(2);
	});

	it("end with what was ordered", () => {
		const count = new AnnealCount(ORDER);
		for (let second = 0; second <= 100; second += 1) count.push(second * 1_000, 180);
		expect(count.inBandS).toBe(60);
		expect(count.done).toBe(true);
	});

	it("are each step's own, and their sum is told", () => {
		const counts = new AnnealCounts();
		expect(counts.summary).toBeNull();
		const first = counts.of(7, ORDER);
		const read = (atMs: number) => () => ({ atMs, celsius: 180 });
		for (let second = 0; second <= 70; second += 1) counts.push(read(second * 1_000));
		expect(counts.of(7, ORDER)).toBe(first);
		const second = counts.of(9, { ...ORDER, forS: 30 });
		for (let at = 71; at <= 82; at += 1) counts.push(read(at * 1_000));
		expect([first.inBandS, second.inBandS]).toEqual([60, 11]);
		expect(counts.summary).toEqual({ inBandS: 71, maximumC: 180 });
	});
});

describe("the pressure evidence of a dose", () => {
	/** 4 Hz, 10 Pa baseline, and a bump of 8 Pa that decays in steps after 3 s. */
	function trace(perS = 4, seconds = 10): PressureTrace {
		const samples = new PressureTrace();
		for (let i = 0; i <= seconds * perS; i += 1) {
			const atMs = (i * 1_000) / perS;
			samples.push(atMs, atMs <= 3_000 ? 10 : 10 + 8 * Math.exp(-(atMs - 3_000) / 1_000));
		}
		return samples;
	}

	it("is peak and area above the mean before it", () => {
		const { baselinePa, peakPa, areaPaS } = trace(50).evidence(3_000, 8_000)!;
		expect(baselinePa).toBe(10);
		expect(peakPa).toBeCloseTo(8 * Math.exp(-0.02), 6);
		expect(areaPaS).toBeCloseTo(8 * (1 - Math.exp(-5)), 0);
	});

	it("is kept for a dose and its baseline at 50 Hz however long the run", () => {
		const samples = trace(50, 60);
		for (let i = 0; i < 350; i += 1) samples.push(60_000 + i * 20, 12);
		expect(samples.evidence(62_000, 67_000)).not.toBeNull();
	});

	it("is none without samples on both sides, or over a gap", () => {
		expect(new PressureTrace().evidence(0, 5_000)).toBeNull();
		expect(trace().evidence(20_000, 25_000)).toBeNull();
		const broken = trace();
		broken.push(10_100, null);
		expect(broken.evidence(3_000, 8_000)).toBeNull();
	});
});

describe("the records that close what a restart found open", () => {
	const created: RunCreated & { wall: number } = {
		kind: "run-created",
		run: "r1",
		recipe: "x",
		recipeVersion: "1",
		recipeText: "",
		recipeSha256: "",
		parameters: {},
		sample: "s",
		product: "Li@4LiAlOx-ex",
		operator: "test",
		acknowledged: [],
		labFileText: "",
		labFileSha256: "",
		softwareVersion: "1",
		simulated: true,
		material: "Li",
		meltingPointC: 180.5,
		neverAboveC: null,
		plan: { totalS: 500, steps: 20, cycles: 4, phases: [], pulses: {}, thicknessNm: 1 },
		wall: 1_000,
	};
	const pulse = { run: "r1", pulse: 3, precursor: "TMA", valve: "TMA", commandedMs: 15, cycle: 2 };
	const known = (
		state: InterruptedRun["openRun"] extends infer Open
			? NonNullable<Open> extends { state: infer S }
				? S
				: never
			: never,
	): InterruptedRun => ({
		lastWall: 61_000,
		openRun: { run: "r1", created, state, cyclesDone: 1, lastStep: null, trail: TRAIL },
		intended: [pulse, { ...pulse, run: "older", pulse: 9 }],
	});
	const brief = (run: InterruptedRun) =>
		[...pulsesInTheBalance(run, 5), ...endingRecords(run)].map((record) =>
			record.kind === "run-state" ? `${record.from} > ${record.to}` : record.kind,
		);

	it("end the run as aborted, by way of aborting", () => {
		expect(brief(known("stopping"))).toEqual([
			"pulse",
			"pulse",
			"stopping > aborting",
			"aborting > aborted",
			"run-finished",
		]);
		expect(brief(known("aborting"))).toEqual(["pulse", "pulse", "aborting > aborted", "run-finished"]);
		expect(endingRecords(known("stopping")).at(-1)).toMatchObject({
			state: "aborted",
			cycles: { ordered: 4, complete: 1, repeated: 0, unknown: 1 },
			durationS: 60,
			plannedS: 500,
			anneal: null,
			peakFoilC: null,
		});
	});

	it("count no cycle as complete that went on after a dose that left nothing", () => {
		const count = new PulseCount();
		count.missed.add(1);
		const { openRun, ...rest } = known("stopping");
		const ended = { ...rest, openRun: { ...openRun!, cyclesDone: 3, trail: { ...TRAIL, count } } };
		expect(endingRecords(ended).at(-1)).toMatchObject({ cycles: { complete: 2 } });
	});

	it("add only the missing end to a run that had reached it", () => {
		expect(brief(known("complete"))).toEqual(["pulse", "pulse", "run-finished"]);
		expect(endingRecords(known("stopped")).at(-1)).toMatchObject({ state: "stopped" });
	});

	it("are none where nothing was open", () => {
		expect(brief({ lastWall: 0, openRun: null, intended: [] })).toEqual([]);
	});
});
