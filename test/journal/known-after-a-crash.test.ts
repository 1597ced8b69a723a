import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CarryTracker } from "#journal/carry.js";
import { MemoryJournal } from "#journal/memory.js";
import { lastKnown, lastKnownFrom } from "#journal/recover.js";
import { listSegments, segmentFile } from "#journal/segments.js";
import type { AlarmRecord, AlarmState, InterlockRecord, JournalRecord, RecordBody } from "#record/records.js";
import { note, openWriter, runCreated, sample, steppedClock, temporaryFolder, WALL_MS } from "./support.js";

const FIGURES = { dueT: 0, issuedT: 0, confirmedMs: 15, effective: null };
const pulseOf = (run: string | null, pulse: number, precursor: string) => ({
	...{ run, pulse, precursor, valve: precursor, commandedMs: 15 },
	...{ cycle: pulse, index: pulse },
});
const intended = (run: string | null, pulse: number, precursor = "TMA"): RecordBody => ({
	kind: "pulse-intended",
	...pulseOf(run, pulse, precursor),
});
const dosed = (
	run: string | null,
	pulse: number,
	precursor = "TMA",
	fate: "delivered" | "not-delivered" | "unknown" = "delivered",
): RecordBody => ({ kind: "pulse", ...pulseOf(run, pulse, precursor), ...FIGURES, fate });
const started = (run: string): RecordBody => ({ kind: "run-state", run, from: "idle", to: "running", cause: "start" });
const step = (run: string, index: number) =>
	({ run, index, type: "pulse", phase: "p", plannedS: 1, cycle: index }) as const;
const stepStarted = (run: string, index: number): RecordBody => ({
	...{ kind: "step-started", path: `steps[${index}]`, title: "t" },
	...step(run, index),
});
const stepDone = (run: string, index: number): RecordBody => ({
	...{ kind: "step-ended", outcome: "done", actualS: 1 },
	...step(run, index),
});
const annealed = (run: string, inBandS: number): RecordBody => ({
	...{ kind: "anneal-progress", run, index: 9, maximumC: 100, inBandS },
});
const finished = (run: string): RecordBody => ({
	...{ kind: "run-finished", run, state: "complete", product: "p", durationS: 1, plannedS: 1, anneal: null },
	...{ worstPulseErrorMs: null, peakFoilC: null, peakFoilUncertaintyC: null },
	cycles: { ordered: 1, complete: 1, repeated: 0, unknown: 0 },
});
const leakCheck = (passed: boolean): RecordBody => ({
	...{ kind: "leak-check", run: "r0", passed, mtorrPerMin: 1, torrLPerS: 1, limitMtorrPerMin: 2 },
	...{ seconds: 60, startPa: 1, endPa: 2 },
});
const byHand = (command: "set" | "dose" | "safe", order: string): RecordBody => ({
	...{ kind: "manual-command", command, order, by: "mk", id: "1", outcome: "ordered" },
	...{ neverAboveC: null, restAt: null },
});
const MANUAL_ENDED: RecordBody = { kind: "manual-ended", cause: "made safe by mk" };
const interlock = (id: string, state: InterlockRecord["state"]): InterlockRecord => ({
	...{ kind: "interlock", interlock: id, state, cause: "c", value: 1, limit: 0, unit: null, effect: "trip" },
});
const alarm = (id: string, state: AlarmState): AlarmRecord => ({
	...{ kind: "alarm", alarm: id, state, priority: "high", message: "m", response: "r" },
});

/** In memory, a second apart. */
async function recorded(...bodies: readonly RecordBody[]): Promise<readonly JournalRecord[]> {
	const clock = steppedClock();
	const journal = new MemoryJournal(clock);
	for (const body of bodies) {
		journal.append(body);
		await clock.advance(1_000);
	}
	return journal.records;
}

const knownFrom = async (...bodies: readonly RecordBody[]) => lastKnownFrom(await recorded(...bodies));

/** Written to files a second apart, each as small as can be; without its end, as after a crash. */
async function written(bodies: readonly RecordBody[], segmentBytes = 1): Promise<string> {
	const dir = temporaryFolder();
	const clock = steppedClock();
	const writer = openWriter(dir, { clock, segmentBytes });
	for (const body of bodies) {
		writer.append(body);
		await clock.advance(1_000);
	}
	await writer.close();
	return dir;
}

const BEFORE: readonly RecordBody[] = [
	leakCheck(true),
	dosed(null, 3, "O3"),
	byHand("set", "carrier = 20 sccm"),
	interlock("lid-open", "tripped"),
	alarm("interlock.lid-open", "unacknowledged"),
	dosed(null, 1, "H2O"),
	intended("r0", 7, "H2O"),
];
const RUN: readonly RecordBody[] = [
	...[runCreated("r1"), started("r1"), stepStarted("r1", 1), intended("r1", 1), dosed("r1", 1), stepDone("r1", 1)],
	...[stepStarted("r1", 2), intended("r1", 2), sample(3)],
];

describe("what is known after a crash", () => {
	it("is the same by the files of the open run as by all records, for each file carries on what was before it", async () => {
		const bodies = [...BEFORE, ...RUN];
		const dir = await written(bodies);
		for (const { firstSeq, file } of listSegments(dir)) if (firstSeq <= BEFORE.length) rmSync(file);
		const { journal: _journal, station: _station, ...known } = lastKnown(dir)!;
		const all = await knownFrom(...bodies);
		expect(known).toEqual(all);
		expect(all).toMatchObject({
			openRun: { run: "r1", cyclesDone: 1 },
			leakCheck: { wall: WALL_MS, passed: true },
			manual: { by: "mk", order: "carrier = 20 sccm" },
			interlocks: [{ interlock: "lid-open", state: "tripped" }],
			alarms: [{ alarm: "interlock.lid-open", state: "unacknowledged" }],
			intended: [
				{ run: "r0", pulse: 7 },
				{ run: "r1", pulse: 2 },
			],
			lastDose: { H2O: { fate: "unknown" }, TMA: { fate: "unknown" }, O3: { seq: 2, fate: "delivered" } },
		});
	});

	it("counts nothing of a run before into the open one, though one file tells of both", async () => {
		const before = [
			runCreated("r0"),
			started("r0"),
			stepStarted("r0", 1),
			intended("r0", 1),
			dosed("r0", 1, "TMA", "unknown"),
		];
		const dir = await written([...before, stepDone("r0", 1), annealed("r0", 600), finished("r0"), ...RUN], 1_000_000);
		const { trail, cyclesDone } = lastKnown(dir)!.openRun!;
		expect(cyclesDone).toBe(1);
		expect(trail.count).toMatchObject({ pulses: 2, unknown: 0 });
		expect(trail.anneals.size).toBe(0);
		expect(trail.elapsedS).toBe(RUN.length - 2);
	});

	it("is no run once it has finished, nor one that a stray end of another names", async () => {
		expect((await knownFrom(...RUN, finished("r1"))).openRun).toBeNull();
		expect((await knownFrom(...RUN, finished("r0"))).openRun).toMatchObject({ run: "r1" });
	});

	it("is from a last file whose header was cut short what the files before tell, and nothing is removed by looking", async () => {
		const dir = await written(RUN);
		const torn = segmentFile(dir, RUN.length + 1);
		writeFileSync(torn, "0badc0de {");
		expect(lastKnown(dir)).toMatchObject({ lastSeq: RUN.length, openRun: { run: "r1" } });
		expect(readFileSync(torn, "utf8")).toBe("0badc0de {");
	});

	it("is from a last file without a record as old as its header, so that the gap is not that of an age", async () => {
		const dir = await written(RUN);
		const { file } = listSegments(dir).at(-1)!;
		truncateSync(file, readFileSync(file).indexOf(10) + 1);
		expect(lastKnown(dir)).toMatchObject({ lastWall: WALL_MS + 1_000 * (RUN.length - 1), lastSeq: RUN.length - 1 });
	});

	it("is nothing that a damaged file before the last one leaves out in silence", async () => {
		const dir = await written(RUN);
		const { file } = listSegments(dir).at(-3)!;
		truncateSync(file, readFileSync(file).length - 3);
		expect(() => lastKnown(dir)).toThrow(expect.objectContaining({ code: "JOURNAL_CORRUPT" }));
		writeFileSync(file, "");
		expect(() => lastKnown(dir)).toThrow(expect.objectContaining({ code: "JOURNAL_CORRUPT" }));
	});

	it("is refused by a header that does not fit its checksum", async () => {
		const dir = await written([note("a")], 1_000_000);
		const { file } = listSegments(dir)[0]!;
		writeFileSync(file, readFileSync(file, "utf8").replace("sim1", "sim2"));
		expect(() => lastKnown(dir)).toThrow(
			expect.objectContaining({ code: "JOURNAL_CORRUPT", context: { file, line: 1, byte: 0 } }),
		);
	});

	it("is read on behind a record that is longer than what is read at once", async () => {
		const dir = await written([note("x".repeat(1_500_000)), ...RUN], 10_000_000);
		expect(lastKnown(dir)).toMatchObject({ lastSeq: RUN.length + 1, openRun: { run: "r1" } });
	});

	it("is nothing where the folder holds other files", () => {
		const dir = temporaryFolder();
		writeFileSync(join(dir, "1.journal"), "x");
		expect(lastKnown(dir)).toBeUndefined();
	});
});

describe("open battery tests", () => {
	it("are told from the first order on, whatever was ordered after it", async () => {
		const ordered = (cellTest: string): RecordBody => ({
			...{ kind: "cell-test-ordered", cellTest, cell: "C", cycler: "c", channel: null, protocol: "p", operator: "mk" },
			...{ protocolText: "", protocolSha256: "", areaCm2: null, activeMassG: null, attendedBy: null },
		});
		const dir = await written([ordered("t-1"), note("x"), ordered("t-2"), note("y")]);
		expect(lastKnown(dir)!.cellTests).toMatchObject([{ cellTest: "t-1" }, { cellTest: "t-2" }]);
	});
});

describe("the last dose of a precursor", () => {
	it("is one in the balance when that was announced after the last that was delivered", async () => {
		const { lastDose } = await knownFrom(dosed("r1", 1), intended("r1", 2));
		expect(lastDose.TMA).toEqual({ seq: 2, wall: WALL_MS + 1_000, fate: "unknown" });
	});

	it("is the delivered one when another was announced before it and its fate never told", async () => {
		const { lastDose } = await knownFrom(intended("r1", 1), intended("r1", 2), dosed("r1", 2));
		expect(lastDose.TMA).toEqual({ seq: 3, wall: WALL_MS + 2_000, fate: "delivered" });
	});

	it("is not one that was not delivered", async () => {
		const { lastDose } = await knownFrom(dosed("r1", 1), dosed("r1", 2, "TMA", "not-delivered"));
		expect(lastDose.TMA).toEqual({ seq: 1, wall: WALL_MS, fate: "delivered" });
	});
});

describe("pulses in the balance", () => {
	it("are told apart by their run as by their number", async () => {
		const known = await knownFrom(intended("r0", 1), intended("r1", 1), intended("r1", 2), dosed("r1", 1));
		expect(known.intended).toMatchObject([
			{ run: "r0", pulse: 1 },
			{ run: "r1", pulse: 2 },
		]);
	});

	it("are bounded, and the oldest are forgotten first", async () => {
		const known = await knownFrom(...Array.from({ length: 40 }, (_, index) => intended("r1", index + 1)));
		expect(known.intended.map(({ pulse }) => pulse)).toEqual(Array.from({ length: 32 }, (_, index) => index + 9));
	});
});

describe("manual operation that a crash has left", () => {
	it("is the last order, until its end or while it is being put to rest", async () => {
		const hot = byHand("set", "stage = 60 °C");
		expect((await knownFrom(hot)).manual).toEqual({ by: "mk", order: "stage = 60 °C" });
		expect((await knownFrom(hot, byHand("safe", "safe"))).manual).toEqual({ by: "mk", order: "stage = 60 °C" });
		expect((await knownFrom(hot, byHand("safe", "safe"), MANUAL_ENDED)).manual).toBeUndefined();
		expect((await knownFrom(byHand("safe", "safe"))).manual).toBeUndefined();
	});
});

describe("what was latched and alarmed", () => {
	it("is an interlock until its reset, also once its cause is gone, and an alarm until it is normal", async () => {
		const { interlocks, alarms } = await knownFrom(
			...[interlock("a", "tripped"), interlock("b", "tripped"), interlock("c", "tripped")],
			...[interlock("b", "cleared"), interlock("c", "cleared"), interlock("c", "reset")],
			...[alarm("x", "unacknowledged"), alarm("y", "unacknowledged"), alarm("z", "unacknowledged")],
			...[alarm("y", "returned-unacknowledged"), alarm("z", "acknowledged"), alarm("z", "normal")],
		);
		expect(interlocks.map(({ interlock: id, state }) => `${id} ${state}`)).toEqual(["a tripped", "b cleared"]);
		expect(alarms.map(({ alarm: id, state }) => `${id} ${state}`)).toEqual([
			"x unacknowledged",
			"y returned-unacknowledged",
		]);
	});

	it("has room for 64 alarms in the header of a file, and those in it are followed further", async () => {
		const many = Array.from({ length: 70 }, (_, index) => alarm(`a${index}`, "unacknowledged"));
		const { alarms } = await knownFrom(...many, alarm("a0", "acknowledged"), alarm("a69", "acknowledged"));
		expect(alarms).toHaveLength(64);
		expect(alarms.find(({ alarm: id }) => id === "a0")).toMatchObject({ state: "acknowledged" });
		const response = "r".repeat(1_000);
		const dir = await written([...many.map((record) => ({ ...record, response })), note("last")]);
		expect(lastKnown(dir)!.alarms).toHaveLength(64);
	});
});

describe("a snapshot of what is carried", () => {
	it("is not changed by the records that follow it", async () => {
		const tracker = new CarryTracker();
		for (const record of await recorded(...BEFORE)) tracker.follow(record);
		const snapshot = tracker.snapshot();
		const before = structuredClone(snapshot);
		const after = await recorded(
			dosed("r0", 7, "H2O"),
			intended("r1", 1),
			interlock("lid-open", "reset"),
			MANUAL_ENDED,
		);
		for (const record of after) tracker.follow(record);
		expect(snapshot).toEqual(before);
	});
});
