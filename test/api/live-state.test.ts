import { describe, expect, it } from "vitest";
import { SILENCE_MS } from "#api/live-state.js";
import { SteppedClock } from "#core/clock.js";
import type { PulseRecord } from "#record/records.js";
import {
	controlStarted,
	instrumentReady,
	liveState,
	pulse,
	Recorder,
	runCreated,
	runFinished,
	runState,
	sample,
	stepEnded,
	stepStarted,
	WALL_START,
} from "./world.js";

function arrange(options: { eventsKept?: number } = {}) {
	const clock = new SteppedClock({ wallStartMs: WALL_START });
	const live = liveState(clock, options);
	const recorder = new Recorder();
	recorder.onRecord((record) => live.apply(record));
	const pass = async (ms: number) => {
		await clock.advance(ms);
		recorder.t += ms;
	};
	live.reachedEnd();
	recorder.write(controlStarted);
	recorder.write(instrumentReady("gauge"));
	recorder.write(instrumentReady("stage"));
	return { clock, live, recorder, pass };
}

describe("signals", () => {
	it("are good with their latest value, unit, time and sequence number", () => {
		const { live, recorder } = arrange();
		const { seq } = recorder.write(sample("gauge", { chamber: 40 }));
		expect(live.signal("gauge.chamber")).toEqual({ value: 40, unit: "Pa", quality: "good", at: WALL_START, seq });
	});

	it("are stale before the first sample, and without a value", () => {
		const { live } = arrange();
		expect(live.status().signals["gauge.chamber"]).toMatchObject({ value: null, quality: "stale" });
	});

	it("become stale when their own instrument falls silent while others go on", async () => {
		const { live, recorder, pass } = arrange();
		for (let second = 0; second < 10; second += 1) {
			recorder.write(sample("gauge", { chamber: 40 }));
			recorder.write(sample("stage", { temperature: 100 }));
			await pass(1_000);
		}
		for (let second = 0; second < 4; second += 1) {
			recorder.write(sample("stage", { temperature: 100 }));
			await pass(1_000);
		}
		expect(live.signal("gauge.chamber").quality).toBe("good");
		await pass(2_000);
		recorder.write(sample("stage", { temperature: 100 }));
		expect(live.signal("gauge.chamber")).toMatchObject({ quality: "stale", value: 40 });
		expect(live.signal("stage.temperature").quality).toBe("good");
		expect(live.instrumentQuality("gauge")).toBe("stale");
	});

	it("become stale all together when control falls silent", async () => {
		const { live, recorder, clock } = arrange();
		recorder.write(sample("gauge", { chamber: 40 }));
		await clock.advance(SILENCE_MS + 1);
		expect(live.signal("gauge.chamber").quality).toBe("stale");
	});

	it("stay stale while an old journal is read up, until a record comes that is new", () => {
		const clock = new SteppedClock({ wallStartMs: WALL_START });
		const live = liveState(clock);
		const recorder = new Recorder();
		recorder.onRecord((record) => live.apply(record));
		recorder.write(controlStarted);
		recorder.write(sample("gauge", { chamber: 40 }));
		expect(live.signal("gauge.chamber").quality).toBe("stale");
		live.reachedEnd();
		expect(live.signal("gauge.chamber").quality).toBe("stale");
		recorder.write(sample("gauge", { chamber: 41 }));
		expect(live.signal("gauge.chamber").quality).toBe("good");
	});

	it("are at fault when the instrument says so, and stale when its connection is lost", () => {
		const { live, recorder } = arrange();
		recorder.write({
			kind: "sample",
			instrument: "gauge",
			values: { chamber: null },
			fault: { chamber: "sensor off" },
		});
		expect(live.signal("gauge.chamber")).toMatchObject({ quality: "fault", detail: "sensor off" });
		recorder.write(sample("gauge", { chamber: 40 }));
		recorder.write({ kind: "instrument", instrument: "gauge", driver: "d", address: "a", state: "fault" });
		expect(live.signal("gauge.chamber").quality).toBe("stale");
		expect(live.instrumentQuality("gauge")).toBe("fault");
	});

	it("are none's after control came up again, until it has measured", () => {
		const { live, recorder } = arrange();
		recorder.write(sample("gauge", { chamber: 40 }));
		recorder.write(controlStarted);
		expect(live.signal("gauge.chamber")).toMatchObject({ value: null, quality: "stale" });
	});
});

describe("the present run", () => {
	it("counts time, cycles, pulse errors and what is left", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		for (const cycle of [1, 2]) {
			recorder.write(stepStarted({ index: cycle, cycle }));
			recorder.write(pulse(cycle, cycle, "TMA", 15 + cycle / 100));
			recorder.t += 10_000;
			recorder.write(stepEnded(cycle, "r1", cycle));
		}
		recorder.write(stepStarted({ index: 3, cycle: 3 }));
		recorder.t += 4_000;
		recorder.write(sample("gauge", { chamber: 40 }));
		const run = live.status().run!;
		expect(run.cycles).toEqual({ ordered: 3, complete: 2, repeated: 0, unknown: 0 });
		expect(run.elapsedS).toBe(24);
		expect(run.remainingS).toBe(76);
		expect(run.worstPulseErrorMs).toBeCloseTo(0.02);
		expect(run.step?.cycle).toBe(3);
		expect(Object.keys(run)).not.toContain("cyclesOrdered");
	});

	const announced = (number: number, index: number) =>
		({
			kind: "pulse-intended",
			run: "r1",
			pulse: number,
			precursor: "TMA",
			valve: "TMA",
			commandedMs: 15,
			index,
		}) as const;

	it("counts a half-cycle dosed twice as repeated, and one of unknown fate as unknown", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		for (const [number, confirmedMs] of [
			[1, null],
			[2, 15],
		] as const) {
			recorder.write(announced(number, 4));
			recorder.write(pulse(number, 1, "TMA", confirmedMs));
		}
		expect(live.status().run!.cycles).toMatchObject({ repeated: 1, unknown: 1 });
	});

	it("does not count a cycle as complete that went on after a dose that left nothing", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		for (const cycle of [1, 2]) {
			recorder.write(stepStarted({ index: cycle, cycle }));
			recorder.write(announced(cycle, cycle));
			const trend = { carrierSccm: 100, leftNothing: cycle, repeat: cycle === 2 };
			recorder.write({ ...pulse(cycle, cycle, "TMA", 15), trend } as PulseRecord);
			recorder.write(stepEnded(cycle, "r1", cycle));
		}
		recorder.write(stepStarted({ index: 3, cycle: 3 }));
		expect(live.status().run!.cycles).toMatchObject({ complete: 1, repeated: 0 });
	});

	it("takes the figures of the end from control, stays until reset, and is gone then", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		recorder.t += 101_000;
		recorder.write(runState("running", "complete"));
		recorder.write(runFinished());
		recorder.t += 60_000;
		recorder.write(sample("gauge", { chamber: 40 }));
		expect(live.status().run).toMatchObject({ state: "complete", elapsedS: 101, remainingS: 0, peakFoilC: 180.1 });
		expect(live.runSummary()).toMatchObject({ endedAt: WALL_START + 101_000, durationS: 101 });
		recorder.write(runState("complete", "idle"));
		expect(live.status().run).toBeNull();
	});

	it("is gone when control came up again and says that it has none", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		const none = { ...live.status(), run: null };
		live.adopt(none);
		expect(live.runId).toBe("r1");
		recorder.write(controlStarted);
		live.adopt(none);
		expect(live.runId).toBeNull();
	});

	it("is taken over from control's own word when its beginning was not followed", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(runState("idle", "running"));
		recorder.t = 30_000;
		recorder.write(stepStarted({ index: 1, cycle: 1 }));
		const late = liveState(new SteppedClock({ wallStartMs: WALL_START }));
		late.adopt(live.status());
		expect(late.status().run).toMatchObject({ run: "r1", state: "running", remainingS: 100 });
		late.apply({ ...recorder.records.at(-1)!, seq: 90, t: 32_000 });
		expect(late.status().run).toMatchObject({ elapsedS: 32, cycles: { ordered: 3 } });
	});
});

describe("alarms and interlocks", () => {
	it("show what is not normal, and forget an alarm that is", () => {
		const { live, recorder } = arrange();
		const alarm = { kind: "alarm", alarm: "FLOW_LOW", priority: "high", message: "m", response: "r" } as const;
		recorder.write({ ...alarm, state: "unacknowledged" });
		recorder.write({
			kind: "interlock",
			interlock: "pump",
			state: "tripped",
			cause: "c",
			value: 1,
			limit: 0,
			unit: "1",
			effect: "e",
		});
		expect(live.status().alarms).toHaveLength(1);
		expect(live.status().interlocks).toEqual([{ interlock: "pump", state: "tripped", cause: "c", effect: "e" }]);
		recorder.write({ ...alarm, state: "normal" });
		recorder.write({
			kind: "interlock",
			interlock: "pump",
			state: "reset",
			cause: "c",
			value: null,
			limit: null,
			unit: null,
			effect: "e",
		});
		expect(live.status().alarms).toEqual([]);
		expect(live.status().interlocks[0]?.state).toBe("clear");
	});
});

describe("events", () => {
	it("are held without samples, and ignored when they come twice", () => {
		const { live, recorder } = arrange();
		recorder.write(runCreated());
		recorder.write(sample("gauge", { chamber: 40 }));
		live.apply(recorder.records.at(-2)!);
		expect(live.eventsOf("r1", -1)?.map((record) => record.kind)).toEqual(["run-created"]);
	});

	it("say that something is missing once the ring has lost it", () => {
		const { live, recorder } = arrange({ eventsKept: 4 });
		recorder.write(runCreated());
		for (let index = 1; index <= 4; index += 1) recorder.write(stepEnded(index));
		expect(live.eventsOf("r1", 0)).toBeUndefined();
		expect(live.eventsOf("r1", recorder.records.length - 2)).toHaveLength(2);
	});
});
