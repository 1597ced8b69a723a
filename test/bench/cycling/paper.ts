/** The paper's table replayed: simulated cells against the verdicts on their rows. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CyclingAnalysis, type Verdict, type VerdictKind } from "#analysis/analysis.js";
import type { Chemistry } from "#analysis/cycles.js";
import { CHUNK_ROWS, RowChunk } from "#analysis/rows.js";
import type { CellEventKind, CellTruth } from "#twin/cells/cell.js";
import { type CellConstants, type Couple, parseCellConstants } from "#twin/cells/constants.js";
import { simulateCellTest } from "#twin/cells/ideal-cycler.js";
import { PAPER_TESTS, type PaperCell, type PaperTest, paperCellTest } from "#twin/cells/paper-tests.js";
import type { CyclingPart } from "../cycling.js";
import { atLeast, atMost, equals } from "../report.js";

const CELLS = 500;
const TIME_TOLERANCE = 0.02;
const CHEMISTRY: Record<Couple, Chemistry> = {
	"Li-Li": "symmetric",
	"Na-Na": "symmetric",
	"Li-O2": "li-o2",
	"Li-LFP": "li-lfp",
};
/** What a cell's fate is called in a verdict; symmetric cells. */
const CALLED: Record<CellEventKind, VerdictKind> = {
	bridged: "short",
	"micro-bridged": "soft-short",
	"electrolyte-used-up": "polarisation",
	"metal-used-up": "depletion",
	"film-worn-through": "none",
};
/** Full cells: process sheet, section 3; the first cycle at the test's own rate is the reference. */
const END_OF_LIFE_PART = 0.8;
const ACTIVATION_CYCLES = 5;

export interface Fate {
	readonly kind: VerdictKind;
	readonly atHours: number | null;
}

/** What a verdict must say: the event that ended the cell, or else a passing one. */
export function fateOf(couple: Couple, { events, halfCycles }: CellTruth): Fate {
	if (CHEMISTRY[couple] === "symmetric") {
		const event = events.find(({ kind }) => kind !== "micro-bridged") ?? events[0];
		return event === undefined ? { kind: "none", atHours: null } : { kind: CALLED[event.kind], atHours: event.atH };
	}
	const cycleStarts = halfCycles.filter(({ direction }) => direction === (couple === "Li-O2" ? "discharge" : "charge"));
	const discharges = halfCycles.filter(({ direction }) => direction === "discharge");
	const reference = couple === "Li-LFP" ? ACTIVATION_CYCLES : 0;
	const limitAh = END_OF_LIFE_PART * (discharges[reference]?.chargeAh ?? 0);
	const cycle = discharges.findIndex(({ chargeAh }, n) => n > reference && chargeAh < limitAh);
	return cycle < 0
		? { kind: "none", atHours: null }
		: { kind: "end-of-life", atHours: cycleStarts[cycle]?.startH ?? Number.NaN };
}

interface Judged {
	readonly test: string;
	readonly finish: string;
	readonly seed: number;
	readonly fate: Fate;
	readonly verdict: Verdict;
	readonly errorH: number | null;
	/** The larger of 2 % and one half-cycle, h; of full cells one cycle of two half-cycles begins where it is counted. */
	readonly allowedH: number;
	readonly rows: number;
}

export function judgeCell(constants: CellConstants, test: PaperTest, cell: PaperCell, seed: number): Judged {
	const analysis = new CyclingAnalysis({ chemistry: CHEMISTRY[test.couple] });
	const chunk = new RowChunk();
	for (const column of ["chargeAh", "dischargeAh", "unixTimeS", "ambientC"] as const) chunk[column].fill(Number.NaN);
	let rows = 0;
	const flush = () => {
		analysis.push(chunk);
		chunk.count = 0;
	};
	const truth = simulateCellTest({
		constants,
		...paperCellTest(test, cell),
		seed,
		sink: (testTimeS, voltageV, currentA, cycle, step) => {
			const n = chunk.count;
			rows += 1;
			chunk.line[n] = rows;
			chunk.testTimeS[n] = testTimeS;
			chunk.voltageV[n] = voltageV;
			chunk.currentA[n] = currentA;
			chunk.cycle[n] = cycle;
			chunk.step[n] = step;
			chunk.count = n + 1;
			if (chunk.count === CHUNK_ROWS) flush();
		},
	});
	if (chunk.count > 0) flush();
	const { verdict } = analysis.result();
	const fate = fateOf(test.couple, truth);
	const errorH = fate.atHours === null || verdict.atHours === null ? null : Math.abs(verdict.atHours - fate.atHours);
	const longest = truth.halfCycles[0];
	const halfCycleH = (truth.halfCycles[1]?.startH ?? 0) - (longest?.startH ?? 0);
	const allowedH = Math.max(TIME_TOLERANCE * (fate.atHours ?? 0), test.couple === "Li-LFP" ? 1 : halfCycleH);
	return { test: test.id, finish: cell.finish, seed, fate, verdict, errorH, allowedH, rows };
}

export async function paperPart(seed: number): Promise<CyclingPart> {
	const path = resolve(import.meta.dirname, "../../../recipes/twins/cells.twin.yaml");
	const constants = parseCellConstants(readFileSync(path, "utf8"), "cells.twin.yaml");
	const all = PAPER_TESTS.flatMap((test) => test.cells.map((cell) => ({ test, cell })));
	const cpu = process.cpuUsage();
	const judged = Array.from({ length: CELLS }, (_, n) => {
		const { test, cell } = all[n % all.length]!;
		return judgeCell(constants, test, cell, seed * CELLS + n);
	});
	const { user, system } = process.cpuUsage(cpu);
	const failed = judged.filter(({ fate }) => fate.kind !== "none");
	const whole = judged.filter(({ fate }) => fate.kind === "none");
	const right = failed.filter(
		({ fate, verdict, errorH, allowedH }) => verdict.kind === fate.kind && errorH !== null && errorH <= allowedH,
	);
	const wrong = judged.filter((each) =>
		each.fate.kind === "none" ? each.verdict.kind !== "none" : !right.includes(each),
	);
	return {
		bars: [
			equals("cycling.paper.cells", judged.length, "cells", CELLS),
			atLeast("cycling.paper.failed", failed.length, "cells", CELLS / 3),
			equals("cycling.paper.verdicts-right", right.length, "cells", failed.length),
			equals(
				"cycling.paper.verdicts-on-nothing",
				whole.filter(({ verdict }) => verdict.kind !== "none").length,
				"cells",
				0,
			),
			atMost("cycling.paper.cpu", (user + system) / 1e6, "s", 120),
		],
		detail: {
			rows: judged.reduce((sum, { rows }) => sum + rows, 0),
			wrong: wrong.slice(0, 100),
			wrongCount: wrong.length,
		},
	};
}
