/** The evaluation of one battery test, row by row, that can be taken up again where it stood. */
import { CyclingAnalysis } from "#analysis/analysis.js";
import type { Chemistry } from "#analysis/cycles.js";
import type { CutterMark, HalfCycle } from "#analysis/half-cycles.js";
import { CHUNK_ROWS, putMeasured, RowChunk, STEP_KIND } from "#analysis/rows.js";
import type { CellTestVerdict, StoredHalfCycle } from "#record/cell-test-history.js";
import type { CellTestRow } from "#record/cell-tests.js";

/** What the protocol tells of the cell. */
export interface TestFacts {
	readonly chemistry: Chemistry;
	/** The window of a symmetric cell, V: a limit of polarisation. */
	readonly limitV: number | null;
}

/** Filled and emptied within one call: all tests share it. */
const chunk = new RowChunk();
chunk.unixTimeS.fill(Number.NaN);
chunk.ambientC.fill(Number.NaN);
chunk.stepKind.fill(STEP_KIND.unknown);

export class TestAnalysis {
	private readonly analysis: CyclingAnalysis;
	private chargeAh = 0;
	private dischargeAh = 0;
	private isOver = false;
	/** Number of the last row that was pushed. */
	seq = 0;

	constructor(facts: TestFacts, stored: readonly StoredHalfCycle[] = []) {
		this.analysis = new CyclingAnalysis({
			chemistry: facts.chemistry,
			...(facts.limitV === null ? {} : { limitV: facts.limitV }),
		});
		const last = stored.findLastIndex(({ resume }) => resume !== null);
		const mark = stored[last]?.resume as CutterMark | undefined;
		if (mark === undefined) return;
		this.analysis.resume(stored.slice(0, last + 1).map(halfCycleOf), mark);
		this.chargeAh = mark.lastChargeAh;
		this.dischargeAh = mark.lastDischargeAh;
		this.seq = mark.nextLine - 1;
	}

	/** Rows in the order of their numbers; those that were pushed before are passed over. */
	push(rows: readonly CellTestRow[]): void {
		for (const row of rows) {
			if (row.seq <= this.seq) continue;
			this.seq = row.seq;
			if (row.currentA > 0) this.chargeAh = row.capacityAh;
			else if (row.currentA < 0) this.dischargeAh = row.capacityAh;
			const n = chunk.count;
			putMeasured(chunk, n, row);
			chunk.chargeAh[n] = this.chargeAh;
			chunk.dischargeAh[n] = this.dischargeAh;
			chunk.count = n + 1;
			if (chunk.count === CHUNK_ROWS) this.flush();
		}
		this.flush();
	}

	get halfCycleCount(): number {
		return this.analysis.halfCycleCount;
	}

	/** Half-cycles from `index` on as they are stored; behind the last of them an evaluation can go on. */
	storable(index: number): StoredHalfCycle[] {
		const halves = this.analysis.halfCyclesFrom(index);
		const { mark } = this.analysis;
		return halves.map(({ fileCycle, firstLine, ...half }, at) => ({
			...half,
			cycle: fileCycle,
			firstSeq: firstLine,
			resume: at === halves.length - 1 ? mark : null,
		}));
	}

	/** The test is over: the half-cycle that it ended in, as far as it came, counts and is given; null when there is none. */
	end(): StoredHalfCycle | null {
		this.isOver = true;
		const half = this.analysis.openHalfCycle;
		if (half === null) return null;
		const { fileCycle, firstLine, ...figures } = half;
		return { ...figures, cycle: fileCycle, firstSeq: firstLine, resume: null };
	}

	get verdict(): CellTestVerdict {
		const verdict = this.isOver ? this.analysis.result().verdict : this.analysis.verdict;
		const last = this.isOver && this.analysis.openHalfCycle !== null ? 1 : 0;
		return { ...verdict, halfCycles: this.halfCycleCount + last, throughSeq: this.seq };
	}

	private flush(): void {
		if (chunk.count === 0) return;
		this.analysis.push(chunk);
		chunk.count = 0;
	}
}

const halfCycleOf = ({ cycle, firstSeq, resume: _resume, ...half }: StoredHalfCycle): HalfCycle => ({
	...half,
	fileCycle: cycle,
	firstLine: firstSeq,
});
