import {
	appendFileSync,
	closeSync,
	existsSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { MemoryJournal } from "#journal/memory.js";
import { JournalReader } from "#journal/reader.js";
import { lastKnown } from "#journal/recover.js";
import { listSegments } from "#journal/segments.js";
import { SEQ_GAP_AFTER_REBOOT } from "#journal/writer.js";
import type { RecordBody } from "#record/records.js";
import { note, openWriter, runCreated, sample, steppedClock, temporaryFolder, WALL_MS } from "./support.js";

async function readAll(reader: JournalReader) {
	const records = [];
	for (let batch = await reader.read(); batch !== undefined; batch = await reader.read())
		records.push(...batch.lines.map(({ record }) => record));
	return records;
}

const readers: JournalReader[] = [];
afterEach(async () => {
	for (const reader of readers.splice(0)) await reader.close();
});

function readerOf(dir: string, name = "test") {
	const reader = new JournalReader({ dir, name, clock: steppedClock() });
	readers.push(reader);
	return reader;
}

function overwrite(file: string, text: string, at: number) {
	const fd = openSync(file, "r+");
	writeSync(fd, text, at);
	closeSync(fd);
}

function firstSegment(dir: string): string {
	return listSegments(dir)[0]!.file;
}

describe("the journal's file", () => {
	it("is a header line and then one line per record, each with the checksum of its JSON", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir);
		expect(writer.append(note("Grüße, 20 °C"))).toBe(1);
		expect(writer.append(sample(133.3))).toBe(2);
		await writer.close();
		const lines = readFileSync(firstSegment(dir), "utf8").trimEnd().split("\n");
		for (const line of lines) expect(line.slice(0, 9)).toBe(`${crc32(line.slice(9)).toString(16).padStart(8, "0")} `);
		const [header, first, second] = lines.map((line) => JSON.parse(line.slice(9)));
		expect(header).toMatchObject({
			journal: writer.journal,
			schema: 1,
			firstSeq: 1,
			station: "sim1",
			createdWall: WALL_MS,
		});
		expect(first).toEqual({ seq: 1, t: 0, wall: WALL_MS, ...note("Grüße, 20 °C") });
		expect(second).toEqual({ seq: 2, t: 0, wall: WALL_MS, ...sample(133.3) });
	});

	it("has an event before append returns, and samples once synced", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir);
		writer.append(note("now"));
		expect(readFileSync(firstSegment(dir), "utf8")).toContain('"now"');
		writer.append(sample(1));
		await writer.synced();
		expect(readFileSync(firstSegment(dir), "utf8")).toContain('"sample"');
		await writer.close();
	});

	it("holds the same bytes as a journal in memory under the same clock", async () => {
		const dir = temporaryFolder();
		const clock = steppedClock();
		const writer = openWriter(dir, { clock });
		const memory = new MemoryJournal(clock);
		for (const sink of [writer, memory]) {
			sink.append(note("one"));
			sink.append(sample(null));
			sink.append(runCreated("r1"));
		}
		await writer.close();
		const bytes = readFileSync(firstSegment(dir));
		expect(bytes.subarray(bytes.indexOf(10) + 1).equals(memory.bytes())).toBe(true);
	});

	it("makes lab time wait while somebody waits for the disk", async () => {
		const clock = steppedClock();
		const writer = openWriter(temporaryFolder(), { clock });
		writer.append(note("intent"));
		const synced = writer.synced();
		expect(clock.expecting).toBe(1);
		await synced;
		expect(clock.expecting).toBe(0);
		await writer.close();
	});

	it("syncs by itself every 100 ms", async () => {
		const dir = temporaryFolder();
		const clock = steppedClock();
		const writer = openWriter(dir, { clock });
		writer.append(sample(5));
		expect(readFileSync(firstSegment(dir), "utf8")).not.toContain('"sample"');
		await clock.advance(100);
		expect(readFileSync(firstSegment(dir), "utf8")).toContain('"sample"');
		await writer.close();
	});
});

describe("opening the journal again", () => {
	it("goes on with the next number", async () => {
		const dir = temporaryFolder();
		const first = openWriter(dir);
		first.append(note("a"));
		await first.close();
		const second = openWriter(dir);
		expect(second.journal).toBe(first.journal);
		expect(second.append(note("b"))).toBe(2);
		await second.close();
		expect((await readAll(readerOf(dir))).map(({ seq }) => seq)).toEqual([1, 2]);
	});

	it.each([
		["without its end", (file: string) => truncateSync(file, statSync(file).size - 7)],
		["with one wrong byte", (file: string) => overwrite(file, "~", statSync(file).size - 5)],
		["followed by half a line", (file: string) => appendFileSync(file, '0badc0de {"seq":3,"t":')],
		["followed by zeros", (file: string) => appendFileSync(file, Buffer.alloc(512))],
	])("cuts a last line %s and says so", async (_what, damage) => {
		const dir = temporaryFolder();
		const first = openWriter(dir);
		first.append(note("kept"));
		first.append(note("last"));
		await first.close();
		damage(firstSegment(dir));
		const second = openWriter(dir);
		await second.close();
		const records = await readAll(readerOf(dir));
		expect(records[0]).toMatchObject({ seq: 1, message: "kept" });
		expect(records.at(-1)).toMatchObject({ kind: "note", code: "JOURNAL_TORN_LINE", seq: records.length });
	});

	it("refuses a journal whose middle is corrupted and names file, line and byte", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir);
		for (let index = 0; index < 5; index += 1) writer.append(note(`message ${index}`));
		await writer.close();
		const file = firstSegment(dir);
		const byte = readFileSync(file, "utf8").indexOf("message 2");
		overwrite(file, "M", byte);
		const line = readFileSync(file).lastIndexOf(10, byte) + 1;
		expect(() => openWriter(dir)).toThrow(
			expect.objectContaining({ code: "JOURNAL_CORRUPT", context: { file, line: 4, byte: line } }),
		);
		const reader = readerOf(dir);
		expect((await reader.read())!.lines.map(({ record }) => record.seq)).toEqual([1, 2]);
		await expect(reader.read()).rejects.toMatchObject({
			code: "JOURNAL_CORRUPT",
			context: { file, line: 4, byte: line },
		});
	});

	it("numbers far ahead after a reboot, for readers may have seen lines that the disk never got", async () => {
		const dir = temporaryFolder();
		const first = openWriter(dir);
		first.append(note("a"));
		await first.close();
		const second = openWriter(dir, { boot: "boot-2" });
		expect(second.append(note("b"))).toBe(2 + SEQ_GAP_AFTER_REBOOT);
		await second.close();
		expect((await readAll(readerOf(dir))).length).toBe(2);
	});

	it("begins anew where a crash left a segment without its header", async () => {
		const dir = temporaryFolder();
		const first = openWriter(dir);
		first.append(note("a"));
		await first.close();
		writeFileSync(join(dir, "0000000000000002.journal"), "1234");
		const second = openWriter(dir);
		expect(second.append(note("b"))).toBe(2);
		await second.close();
	});

	it("refuses a second writer, and not the lock of a dead one", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir);
		expect(() => openWriter(dir)).toThrow(expect.objectContaining({ code: "JOURNAL_LOCKED" }));
		await writer.close();
		const holder = { pid: 2 ** 22 + 1, host: hostname(), boot: null, started: "1", token: "x" };
		writeFileSync(join(dir, "lock"), JSON.stringify(holder));
		await openWriter(dir).close();
		writeFileSync(join(dir, "lock"), "");
		await openWriter(dir).close();
	});

	it("respects the lock of another machine as long as it beats", () => {
		const dir = temporaryFolder();
		writeFileSync(
			join(dir, "lock"),
			JSON.stringify({ pid: 1, host: "elsewhere", boot: "b", started: "1", token: "x" }),
		);
		expect(() => openWriter(dir)).toThrow(expect.objectContaining({ code: "JOURNAL_LOCKED" }));
	});
});

describe("segments", () => {
	it("begin at their size, and are deleted when all readers are done, but the newest and those of the open run", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir, { segmentBytes: 4000 });
		const fill = (count: number) => {
			for (let index = 0; index < count; index += 1) writer.append(note("x".repeat(100)));
		};
		fill(100);
		expect(listSegments(dir).length).toBeGreaterThan(4);
		expect(writer.deleteAcknowledged()).toEqual([]);
		writer.append(runCreated("r1"));
		fill(100);
		const store = readerOf(dir, "store");
		const publish = readerOf(dir, "publish");
		expect((await readAll(store)).length).toBe(201);
		await publish.read(1);
		store.acknowledge(201);
		publish.acknowledge(1);
		expect(writer.deleteAcknowledged()).toEqual([]);
		publish.acknowledge(201);
		expect(writer.deleteAcknowledged().length).toBeGreaterThan(2);
		expect(listSegments(dir)[0]!.firstSeq).toBeLessThanOrEqual(101);
		writer.append({
			kind: "run-finished",
			run: "r1",
			state: "complete",
			product: "p",
			cycles: { ordered: 1, complete: 1, repeated: 0, unknown: 0 },
			worstPulseErrorMs: null,
			peakFoilC: null,
			peakFoilUncertaintyC: null,
			anneal: null,
			durationS: 1,
			plannedS: 1,
		});
		writer.deleteAcknowledged();
		expect(listSegments(dir).length).toBe(2);
		await writer.close();
	});
});

describe("open battery tests", () => {
	const order = {
		kind: "cell-test-ordered",
		cellTest: "t-1",
		cell: "C-77",
		cycler: "cycler",
		channel: null,
		protocol: "p",
		protocolText: "text",
		protocolSha256: "00",
		areaCm2: 1.27,
		activeMassG: null,
		operator: "mk",
		attendedBy: null,
	} as const;
	const row = {
		seq: 1,
		cycle: 1,
		step: 1,
		stepType: "rest",
		stepS: 10,
		testS: 10,
		wallMs: WALL_MS,
		voltageV: 0,
		currentA: 0,
		capacityAh: 0,
		energyWh: 0,
	};
	const rows = (...seqs: number[]): RecordBody => ({
		kind: "cell-test-rows",
		cellTest: "t-1",
		rows: seqs.map((seq) => ({ ...row, seq })),
		currentSign: "unproven",
		gaps: [],
	});

	it("are told from their order or their last positions on, and those segments are kept", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir, { segmentBytes: 4000 });
		const fill = () => {
			for (let index = 0; index < 100; index += 1) writer.append(note("x".repeat(100)));
		};
		fill();
		const ordered = writer.append(order);
		const state = { kind: "cell-test-state", cellTest: "t-1", cause: "", channel: "a1", cyclerTest: "7" } as const;
		writer.append({ ...state, from: "queued", to: "running" });
		fill();
		writer.append(rows(1, 2));
		writer.append(rows(3));
		fill();
		const store = readerOf(dir, "store");
		await readAll(store);
		store.acknowledge(writer.lastSeq);
		expect(writer.deleteAcknowledged().length).toBeGreaterThan(2);
		const [first, second] = listSegments(dir);
		expect(first!.firstSeq).toBeLessThanOrEqual(ordered);
		expect(second!.firstSeq).toBeGreaterThan(ordered);
		const told = () => lastKnown(dir)!.cellTests;
		expect(told()).toMatchObject([order, { to: "running" }, { kind: "cell-test-rows", rows: [{ seq: 3 }] }]);
		const position = { order, state: "running", channel: "a1", cyclerTest: "7", lastRow: { ...row, seq: 3 } } as const;
		writer.append({ kind: "cell-test-positions", open: [position] });
		fill();
		await readAll(store);
		store.acknowledge(writer.lastSeq);
		expect(writer.deleteAcknowledged().length).toBeGreaterThan(2);
		writer.append(rows(4));
		expect(told()).toMatchObject([{ open: [{ state: "running" }] }, { rows: [{ seq: 4 }] }]);
		await writer.close();
	});
});

describe("the disk bound", () => {
	it.each([
		[0.69, "ok"],
		[0.7, "alarm"],
		[0.85, "no-new-runs"],
		[0.95, "samples-thinned"],
	])("at %f is %s", async (fraction, level) => {
		const writer = openWriter(temporaryFolder(), { measureDisk: async () => fraction });
		expect(await writer.measureDisk()).toEqual({ level, usedFraction: fraction });
		expect(writer.diskState().level).toBe(level);
		await writer.close();
	});

	it("thins samples on a nearly full disk, and never events", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir, { measureDisk: async () => 0.96 });
		await writer.measureDisk();
		for (let index = 0; index < 200; index += 1) {
			writer.append(sample(index));
			writer.append(note("event"));
		}
		await writer.close();
		const records = await readAll(readerOf(dir));
		expect(records.filter(({ kind }) => kind === "sample").length).toBe(10);
		expect(records.filter(({ kind }) => kind === "note").length).toBe(200);
		expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index + 1));
	});
});

describe("a reader", () => {
	it("follows the growing journal across segments and waits before half a line", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir, { segmentBytes: 2000 });
		const reader = readerOf(dir);
		const seen: number[] = [];
		for (let round = 0; round < 50; round += 1) {
			writer.append(note(`round ${round}`));
			for (const record of await readAll(reader)) seen.push(record.seq);
		}
		expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
		expect(reader.endSeq()).toBe(50);
		const file = listSegments(dir).at(-1)!.file;
		const whole = readFileSync(file);
		writer.append(note("torn in two"));
		const longer = readFileSync(file);
		truncateSync(file, whole.length + 20);
		expect(await reader.read()).toBeUndefined();
		writeFileSync(file, longer);
		expect((await reader.read())!.lines[0]!.record).toMatchObject({ seq: 51, message: "torn in two" });
		await writer.close();
	});

	it("resumes after what it acknowledged, or from a position it is given", async () => {
		const dir = temporaryFolder();
		const writer = openWriter(dir, { segmentBytes: 1000 });
		for (let index = 0; index < 30; index += 1) writer.append(note(`n${index}`));
		const first = readerOf(dir);
		await first.read(7);
		first.acknowledge(7);
		await first.close();
		const again = readerOf(dir);
		expect((await again.read())!.lines[0]!.record.seq).toBe(8);
		await again.seek({ journal: writer.journal, seq: 22 });
		expect((await again.read())!.lines[0]!.record.seq).toBe(23);
		await again.seek({ journal: "another", seq: 22 });
		expect((await again.read())!.lines[0]!.record.seq).toBe(1);
		await writer.close();
	});

	it("waits for a journal that does not exist yet", async () => {
		const dir = temporaryFolder();
		const reader = readerOf(join(dir, "later"));
		expect(await reader.read()).toBeUndefined();
		expect(existsSync(join(dir, "later"))).toBe(false);
		const writer = openWriter(join(dir, "later"));
		writer.append(note("first"));
		expect((await reader.read())!.lines.length).toBe(1);
		await writer.close();
	});

	it("goes over to a new journal that has replaced the old one", async () => {
		const dir = temporaryFolder();
		const old = openWriter(dir);
		old.append(note("old"));
		await old.close();
		const reader = readerOf(dir);
		await reader.read();
		for (const { file } of listSegments(dir)) rmSync(file);
		const fresh = openWriter(dir);
		fresh.append(note("new"));
		const batch = await reader.read();
		expect(batch?.journal).toBe(fresh.journal);
		await fresh.close();
	});
});

describe("what is known after a crash", () => {
	it("is the open run with its state, step, cycles, doses and the pulse in the balance", async () => {
		const dir = temporaryFolder();
		const clock = steppedClock();
		const writer = openWriter(dir, { clock, segmentBytes: 1500 });
		const step = (index: number, cycle?: number) =>
			({
				index,
				path: `steps[${index}]`,
				phase: "deposition",
				type: "pulse",
				title: "t",
				plannedS: 1,
				...(cycle === undefined ? {} : { cycle }),
			}) as const;
		writer.append(runCreated("r1"));
		writer.append({ kind: "run-state", run: "r1", from: "idle", to: "running", cause: "start" });
		for (let cycle = 1; cycle <= 3; cycle += 1) {
			writer.append({ kind: "step-started", run: "r1", ...step(cycle, cycle) });
			const pulse = { run: "r1", pulse: cycle, precursor: "TMA", valve: "io.DIO2", commandedMs: 15, cycle };
			writer.append({ kind: "pulse-intended", ...pulse });
			await clock.advance(1000);
			if (cycle === 3) break;
			writer.append({
				kind: "pulse",
				...pulse,
				dueT: 0,
				issuedT: 0,
				confirmedMs: 15,
				effective: null,
				fate: "delivered",
			});
			writer.append({
				kind: "step-ended",
				run: "r1",
				index: cycle,
				type: "pulse",
				phase: "deposition",
				cycle,
				outcome: "done",
				plannedS: 1,
				actualS: 1,
			});
		}
		for (let index = 0; index < 20; index += 1) writer.append(sample(index));
		await writer.synced();
		const known = lastKnown(dir)!;
		expect(known).toMatchObject({ journal: writer.journal, station: "sim1", lastSeq: writer.lastSeq });
		expect(known.openRun).toMatchObject({
			run: "r1",
			state: "running",
			cyclesDone: 2,
			lastStep: { index: 3 },
			lastStepEnd: null,
		});
		expect(known.openRun!.created.recipeText).toBe("recipe: al2o3\n");
		expect(known.intended).toMatchObject([{ pulse: 3, precursor: "TMA", commandedMs: 15 }]);
		expect(known.lastDose.TMA).toMatchObject({ fate: "unknown", wall: WALL_MS + 2000 });
		await writer.close();
	});

	it("is nothing without a journal", () => {
		expect(lastKnown(temporaryFolder())).toBeUndefined();
	});
});
