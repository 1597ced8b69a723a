/** The verdict of running tests: as from a file, whatever is restarted when, at a cost that does not grow. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { FollowedCellTest } from "#record/cell-test-history.js";
import type { CellTestOrdered, CellTestRow, CellTestState } from "#record/cell-tests.js";
import type { JournalRecord, RecordBody } from "#record/records.js";
import { cellFacts } from "#src/cell-facts.js";
import { RunningVerdicts } from "#src/verdicts/running-verdicts.js";
import { TestAnalysis } from "#src/verdicts/test-analysis.js";
import { TestItems } from "#src/verdicts/test-items.js";
import { parseCellConstants } from "#twin/cells/constants.js";
import { simulateCellTest } from "#twin/cells/ideal-cycler.js";
import { PAPER_TESTS, paperCellTest } from "#twin/cells/paper-tests.js";
import { MemoryCellTests } from "../support/memory-cell-tests.js";

const RECIPES = resolve(import.meta.dirname, "../../recipes");
const protocolText = (name: string) => readFileSync(resolve(RECIPES, `protocols/${name}.protocol.yaml`), "utf8");
const constants = parseCellConstants(readFileSync(resolve(RECIPES, "twins/cells.twin.yaml"), "utf8"), "cells");

/** Rows of one of the paper's tests, with the capacity that a cycler counts in each step. */
function rowsOf(id: string, cell: number, hours: number): CellTestRow[] {
	const paper = PAPER_TESTS.find((test) => test.id === id)!;
	const { spec, test } = paperCellTest(paper, paper.cells[cell]!);
	const rows: CellTestRow[] = [];
	let stepBefore = 0;
	let beganS = 0;
	let capacityAh = 0;
	simulateCellTest({
		constants,
		spec,
		test: { ...test, hours },
		seed: 7,
		sink: (testS, voltageV, currentA, cycle, step) => {
			if (step !== stepBefore) {
				beganS = testS;
				capacityAh = 0;
			} else capacityAh += (Math.abs(currentA) * (testS - rows.at(-1)!.testS)) / 3_600;
			stepBefore = step;
			const stepType = currentA === 0 ? "rest" : currentA > 0 ? "cc" : "dc";
			const wallMs = 1e12 + testS * 1_000;
			const seq = rows.length + 1;
			rows.push({
				seq,
				cycle,
				step,
				stepType,
				stepS: testS - beganS,
				testS,
				wallMs,
				voltageV,
				currentA,
				capacityAh,
				energyWh: 0,
			});
		},
	});
	return rows;
}

const ORDER: CellTestOrdered = {
	kind: "cell-test-ordered",
	cellTest: "t-1",
	cell: "C-1",
	cycler: "neware",
	channel: "c1",
	protocol: "li-40um-3ma",
	protocolText: protocolText("li-40um-3ma"),
	protocolSha256: "ab",
	areaCm2: 1.131,
	activeMassG: null,
	operator: "mk",
	attendedBy: null,
};

let seq = 0;
const recorded = (body: RecordBody): JournalRecord => {
	seq += 1;
	return { seq, t: seq, wall: 1e12 + seq, ...body };
};
const rowsRecord = (rows: CellTestRow[]) =>
	recorded({ kind: "cell-test-rows", cellTest: "t-1", rows, currentSign: "charge-positive", gaps: [] });
const stateRecord = (to: CellTestState) =>
	recorded({ kind: "cell-test-state", cellTest: "t-1", from: "queued", to, cause: "", channel: "c1", cyclerTest: "x" });

function follower(history: MemoryCellTests) {
	const changes: FollowedCellTest[] = [];
	const failures: string[] = [];
	const verdicts = new RunningVerdicts({
		history,
		factsOf: cellFacts,
		changed: (test) => changes.push(test),
		ended: async () => {},
		failed: (message) => failures.push(message),
	});
	return { verdicts, changes, failures };
}

const ROWS = rowsOf("Li-Li 40 um 3 mA/cm2", 0, 60);
const whole = (rows: readonly CellTestRow[]) => {
	const analysis = new TestAnalysis(cellFacts(ORDER.protocolText));
	analysis.push(rows);
	return analysis;
};

describe("the verdict of a running test", () => {
	it("comes with the rows, and is that of the whole", async () => {
		const history = new MemoryCellTests(ORDER);
		const { verdicts, changes } = follower(history);
		verdicts.take([recorded(ORDER), stateRecord("running")]);
		let told = Number.NaN;
		for (const row of ROWS) {
			history.rows.push(row);
			verdicts.take([rowsRecord([row])]);
			if (row.seq % 500 === 0) await verdicts.settled();
			if (Number.isNaN(told) && verdicts.of("t-1")!.verdict?.kind === "depletion") told = row.testS;
		}
		await verdicts.settled();
		const expected = whole(ROWS).verdict;
		expect(expected.kind).toBe("depletion");
		expect(verdicts.of("t-1")).toMatchObject({ state: "running", startedAt: expect.any(Number), verdict: expected });
		expect(changes.at(-1)!.verdict).toMatchObject({ kind: "depletion", halfCycles: expected.halfCycles });
		expect(history.rowsRead).toBe(0);
		expect(history.halves).toHaveLength(expected.halfCycles);
	});

	it.each([0.1, 0.5, 0.77, 0.93])(
		"goes on after a restart at %f of the test as if there had been none, reading one half-cycle",
		async (part) => {
			const history = new MemoryCellTests(ORDER);
			const first = follower(history);
			first.verdicts.take([recorded(ORDER), stateRecord("running")]);
			const cut = Math.floor(part * ROWS.length);
			history.rows.push(...ROWS.slice(0, cut));
			for (let at = 0; at < cut; at += 40) first.verdicts.take([rowsRecord(ROWS.slice(at, Math.min(cut, at + 40)))]);
			await first.verdicts.settled();
			const second = follower(history);
			await second.verdicts.takeUp();
			await second.verdicts.settled();
			expect(second.verdicts.of("t-1")!.verdict).toEqual(whole(ROWS.slice(0, cut)).verdict);
			const longest = Math.max(
				...history.halves.map((half, at) => (history.halves[at + 1]?.firstSeq ?? 0) - half.firstSeq),
			);
			expect(history.rowsRead).toBeLessThanOrEqual(2 * longest + 2);
			history.rows.push(...ROWS.slice(cut));
			for (const row of ROWS.slice(cut)) second.verdicts.take([rowsRecord([row])]);
			await second.verdicts.settled();
			expect(second.verdicts.of("t-1")!.verdict).toEqual(whole(ROWS).verdict);
			const stored = whole(ROWS)
				.storable(0)
				.map(({ resume: _resume, ...half }) => half);
			expect(history.halves.map(({ resume: _resume, ...half }) => half)).toEqual(stored);
		},
	);

	it("reads back what it missed, and what came while the database was away", async () => {
		const history = new MemoryCellTests(ORDER);
		const { verdicts, failures } = follower(history);
		verdicts.take([recorded(ORDER), stateRecord("running")]);
		history.rows.push(...ROWS.slice(0, 3_000));
		verdicts.take([rowsRecord(ROWS.slice(0, 100)), rowsRecord(ROWS.slice(2_900, 3_000))]);
		await verdicts.settled();
		expect(verdicts.of("t-1")!.verdict).toEqual(whole(ROWS.slice(0, 3_000)).verdict);
		history.isAway = true;
		history.rows.push(...ROWS.slice(3_000));
		verdicts.take([rowsRecord(ROWS.slice(3_000))]);
		await verdicts.settled();
		expect(failures[0]).toMatch(/^battery test t-1: .*away/);
		history.isAway = false;
		verdicts.take([rowsRecord(ROWS.slice(-1))]);
		await verdicts.settled();
		expect(verdicts.of("t-1")!.verdict).toEqual(whole(ROWS).verdict);
	});

	it("costs the same for a row of the last week as for one of the first hour", () => {
		const rows = rowsOf("Li-Li 350 um 3 mA/cm2", 1, 350);
		const analysis = new TestAnalysis(cellFacts(protocolText("li-350um-3ma")));
		const part = Math.floor(rows.length / 8);
		const cost = (from: number) => {
			const startMs = performance.now();
			for (const row of rows.slice(from, from + part)) {
				analysis.push([row]);
				expect(analysis.verdict.kind).toBe("none");
			}
			return performance.now() - startMs;
		};
		const costs = Array.from({ length: 8 }, (_, n) => cost(n * part));
		const middle = (values: number[]) => values.sort((a, b) => a - b)[1]!;
		expect(middle(costs.slice(5))).toBeLessThan(3 * middle(costs.slice(1, 4)));
	});

	it("takes what the protocol tells of the cell", () => {
		expect(cellFacts(protocolText("li-350um-1ma"))).toEqual({ chemistry: "symmetric", limitV: 2 });
		expect(cellFacts(protocolText("li-o2-0.1ma"))).toEqual({ chemistry: "li-o2", limitV: null });
		expect(cellFacts(protocolText("li-lfp"))).toEqual({ chemistry: "li-lfp", limitV: null });
	});
});

describe("the item of a battery test", () => {
	const test: FollowedCellTest = {
		cellTest: "t-1",
		cell: "C-77",
		cycler: "neware",
		channel: "c1",
		protocol: "li-40um-3ma",
		state: "running",
		startedAt: Date.UTC(2026, 0, 1),
		endedAt: null,
		verdict: null,
	};
	const verdict = { kind: "depletion", atHours: 47.5, atCycle: 60, halfCycles: 120, throughSeq: 9 } as const;

	function items(cells: readonly { id: string; barcode: string | null }[]) {
		const written: { act: string; body: unknown }[] = [];
		const item = new TestItems({
			software: "adlayer 1",
			failed: (message) => written.push({ act: "failed", body: message }),
			descent: {
				list: async (_kind, { barcode }) => cells.filter((cell) => cell.barcode === barcode) as never,
				get: async (kind, id) =>
					(kind === "cell"
						? cells.find((cell) => cell.id === id)
						: written.map(({ body }) => ({ body, withdrawn: null })).at(-1)) as never,
				create: async ({ body }) => written.push({ act: "create", body }) as never,
				change: async (_kind, _id, { body }) => written.push({ act: "change", body }) as never,
			},
		});
		return { item, written };
	}

	it("is made when the test of a registered cell starts, and gets its end and verdict", async () => {
		const { item, written } = items([{ id: "cell-5", barcode: "C-77" }]);
		item.follow({ ...test, state: "queued", startedAt: null });
		item.follow(test);
		item.follow({ ...test, verdict });
		const ended: FollowedCellTest = { ...test, state: "finished", endedAt: Date.UTC(2026, 0, 3), verdict };
		item.follow(ended);
		await item.conclude(ended);
		await item.conclude(ended);
		expect(written.map(({ act }) => act)).toEqual(["create", "change"]);
		expect(written[0]!.body).toEqual({
			cell: "cell-5",
			protocol: "li-40um-3ma",
			instrument: "neware",
			channel: "c1",
			startedAt: "2026-01-01T00:00:00.000Z",
		});
		expect(written[1]!.body).toMatchObject({
			endedAt: "2026-01-03T00:00:00.000Z",
			verdict: { kind: "depletion", atHours: 47.5, atCycle: 60, software: "adlayer 1" },
		});
	});

	it("is not made of a cell that nobody registered", async () => {
		const { item, written } = items([]);
		item.follow(test);
		await item.settled();
		expect(written).toEqual([]);
	});
});
