import { describe, expect, it } from "vitest";
import { SteppedClock } from "#core/clock.js";
import { MemoryJournal } from "#journal/memory.js";
import type { PulseRecord, RecordBody } from "#record/records.js";
import { memoryState } from "#src/campaign/campaigns.js";
import { type Counted, Counters, type Counts } from "#src/maintenance/counters.js";
import { Maintenance, type MaintenanceLimits } from "#src/maintenance/maintenance.js";

const COUNTED: Counted = {
	mgPerMs: { TMA: 0.02, H2O: 0.01 },
	pump: { signal: "io.pump_running", level: 1 },
	chamber: "gauge.chamber",
	heaters: { stage: "stage", wall: "wall" },
};
const NO_LIMITS: MaintenanceLimits = { pulsesMax: {}, leftGMin: {}, pumpHoursMax: null, basePaMax: null };

const pulse = (precursor: string, over: Partial<PulseRecord> = {}): RecordBody => ({
	kind: "pulse",
	run: "r",
	pulse: 1,
	precursor,
	valve: precursor,
	cycle: 1,
	commandedMs: 15,
	dueT: 0,
	issuedT: 0,
	confirmedMs: 20,
	effective: null,
	fate: "delivered",
	...over,
});
const sample = (instrument: string, values: Record<string, number | null>): RecordBody => ({
	kind: "sample",
	instrument,
	values,
});
const step = (type: string): RecordBody => ({
	kind: "step-started",
	run: "r",
	index: 0,
	path: "steps[0]",
	phase: "prepare",
	type,
	title: type,
	plannedS: 1,
});
const ended = (outcome: "done" | "interrupted"): RecordBody =>
	({
		kind: "step-ended",
		run: "r",
		index: 0,
		type: "pump-down",
		phase: "p",
		outcome,
		plannedS: 1,
		actualS: 1,
	}) as RecordBody;

/** Records a second apart, unless said otherwise. */
function counted(records: readonly RecordBody[], from?: Counts, everyMs = 1000): Counts {
	const counters = new Counters(COUNTED, from);
	for (const [index, record] of records.entries())
		counters.follow(record, { seq: (from?.seq ?? 0) + index + 1, t: index * everyMs, wall: 1_000_000 + index });
	return counters.counts();
}

describe("the counters", () => {
	it("count every pulse that opened or may have opened the valve, and what left the bottle", () => {
		const counts = counted([
			pulse("TMA"),
			pulse("TMA", { confirmedMs: null, fate: "unknown" }),
			pulse("TMA", { fate: "not-delivered" }),
			pulse("H2O"),
		]);
		expect(counts.pulses).toEqual({ TMA: 2, H2O: 1 });
		expect(counts.bottles.TMA!.usedMg).toBeCloseTo(0.02 * 35, 9);
		expect(counts.bottles.H2O!.usedMg).toBeCloseTo(0.01 * 20, 9);
	});

	it("begin anew with a full bottle, whose valve keeps its age", () => {
		const counts = counted([
			pulse("TMA"),
			{ kind: "bottle-changed", precursor: "TMA", grams: 25, by: "mk" },
			pulse("TMA"),
		]);
		expect(counts.pulses.TMA).toBe(2);
		expect(counts.bottles.TMA).toEqual({ grams: 25, usedMg: 0.4, changedAt: 1_000_001, by: "mk" });
	});

	it("count hours only while the pump is proven running, and heaters while they give power", () => {
		const on = sample("io", { pump_running: 1 });
		const off = sample("io", { pump_running: 0 });
		const silent = sample("io", { pump_running: null });
		expect(counted([on, on, on]).pumpMs).toBe(2000);
		expect(counted([on, on, off, on, on]).pumpMs).toBe(2000);
		expect(counted([on, silent, on]).pumpMs).toBe(0);
		const heating = sample("stage", { temperature: 100, output: 40 });
		expect(counted([heating, heating, sample("stage", { output: 0 })]).heaterMs).toEqual({ stage: 1000 });
	});

	it("do not count a gap in which nobody looked", () => {
		const on = sample("io", { pump_running: 1 });
		expect(counted([on, on], undefined, 60_001).pumpMs).toBe(0);
	});

	it("take the lowest pressure of each pump-down that was reached", () => {
		const down = [step("pump-down"), sample("gauge", { chamber: 90 }), sample("gauge", { chamber: null })];
		const bottom = sample("gauge", { chamber: 8 });
		const counts = counted([
			...down,
			bottom,
			ended("done"),
			sample("gauge", { chamber: 1 }),
			...down,
			ended("interrupted"),
		]);
		expect(counts.basePressures.map(({ pa, run }) => ({ pa, run }))).toEqual([{ pa: 8, run: "r" }]);
	});

	it("are the same whether counted in one go, or from the file and the journal after it", () => {
		const records = [pulse("TMA"), sample("io", { pump_running: 1 }), pulse("H2O"), pulse("TMA")];
		const half = counted(records.slice(0, 2));
		const counters = new Counters(COUNTED, half);
		// A journal is read again from the beginning: what the file knows is not counted twice.
		for (const [index, record] of records.entries())
			counters.follow(record, { seq: index + 1, t: index * 1000, wall: 1_000_000 + index });
		expect(counters.counts()).toEqual(counted(records));
	});
});

describe("maintenance", () => {
	function world(limits: Partial<MaintenanceLimits> = {}) {
		const journal = new MemoryJournal(new SteppedClock({ wallStartMs: Date.UTC(2026, 0, 1) }));
		const file = memoryState<Counts>();
		const maintenance = new Maintenance({
			counted: COUNTED,
			precursors: ["TMA", "H2O"],
			limits: { ...NO_LIMITS, ...limits },
			file,
			journal,
		});
		journal.onRecord((record) => maintenance.follow(record, record));
		return { journal, file, maintenance };
	}

	it("says what is not known instead of a number", () => {
		const { maintenance } = world();
		const { bottles, warnings } = maintenance.status;
		expect(bottles.TMA).toMatchObject({ grams: null, leftG: null, usedG: 0 });
		expect(warnings).toEqual([]);
	});

	it("warns at the limits of the lab file", async () => {
		const { journal, maintenance } = world({ pulsesMax: { TMA: 3 }, leftGMin: { TMA: 24.9995 }, basePaMax: 5 });
		await maintenance.changeBottle({ precursor: "TMA", grams: 25, by: "mk" });
		expect(maintenance.status.warnings).toEqual([]);
		for (const record of [
			pulse("TMA"),
			pulse("TMA"),
			step("pump-down"),
			sample("gauge", { chamber: 8 }),
			ended("done"),
		])
			journal.append(record);
		expect(maintenance.status.warnings.map(({ what }) => what)).toEqual(["bottle.TMA", "base-pressure"]);
		journal.append(pulse("TMA"));
		expect(maintenance.status.warnings.map(({ what }) => what)).toEqual(["valve.TMA", "bottle.TMA", "base-pressure"]);
	});

	it("has a changed bottle on the disk before it says so", async () => {
		const { journal, file, maintenance } = world();
		await maintenance.changeBottle({ precursor: "TMA", grams: 25, by: "mk" });
		expect(file.load()!.bottles.TMA).toMatchObject({ grams: 25, by: "mk" });
		expect(journal.records.map(({ kind }) => kind)).toEqual(["bottle-changed"]);
		await expect(maintenance.changeBottle({ precursor: "TiCl4", grams: 25, by: "mk" })).rejects.toMatchObject({
			code: "NOT_FOUND",
		});
		await expect(maintenance.changeBottle({ precursor: "TMA", grams: -1, by: "mk" })).rejects.toMatchObject({
			code: "USAGE",
		});
	});
});
