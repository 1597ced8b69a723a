/** The database's side of battery tests in memory, filled from the records of a journal. */
import { OPEN_STATES } from "#cycling/book.js";
import type { CellTestHistory, StoredHalfCycle } from "#record/cell-test-history.js";
import type { CellTestOrdered, CellTestRow, CellTestState } from "#record/cell-tests.js";
import type { JournalRecord } from "#record/records.js";

export class MemoryCellTests implements CellTestHistory {
	readonly rows: CellTestRow[] = [];
	halves: StoredHalfCycle[] = [];
	state: CellTestState = "running";
	endedAt: number | null = null;
	isConcluded = false;
	/** What the database would find of tests without an item. */
	withoutItem: string[] = [];
	rowsRead = 0;
	isAway = false;

	/** Knows the one test that was ordered. */
	constructor(private order?: CellTestOrdered) {}

	take(records: readonly JournalRecord[]): void {
		for (const record of records) {
			if (record.kind === "cell-test-ordered") this.order = record;
			if (record.kind === "cell-test-state") {
				this.state = record.to;
				this.endedAt = OPEN_STATES.includes(record.to) ? null : record.wall;
			}
			if (record.kind === "cell-test-rows") this.rows.push(...record.rows);
		}
	}

	private demand(): void {
		if (this.isAway) throw new Error("away");
	}
	async cellTests() {
		this.demand();
		return [await this.cellTest()];
	}
	async cellTest() {
		this.demand();
		const { kind: _kind, ...order } = this.order!;
		const { state, rows } = this;
		const none = { cause: null, orderedAt: 0, endedAt: this.endedAt, currentSign: null, gaps: [] };
		return { ...order, ...none, state, startedAt: 1, cyclerTest: "x", rows: rows.at(-1)?.seq ?? 0 };
	}
	async unconcludedCellTests() {
		this.demand();
		const { state, order } = this;
		return this.isConcluded ? [] : [{ cellTest: order!.cellTest, state, isLastOfChannel: true }];
	}
	async cellTestsWithoutItem() {
		this.demand();
		return this.withoutItem;
	}
	async concludeCellTest() {
		this.demand();
		this.isConcluded = true;
	}
	async cellTestRows(_id: string, { fromSeq, limit }: { fromSeq: number; limit: number }) {
		this.demand();
		const rows = this.rows.filter(({ seq }) => seq >= fromSeq).slice(0, limit);
		this.rowsRead += rows.length;
		return rows;
	}
	async cellTestPoints() {
		return [];
	}
	async halfCycles(_id: string, { fromIndex, limit }: { fromIndex: number; limit: number }) {
		this.demand();
		return structuredClone(this.halves.slice(fromIndex, fromIndex + limit));
	}
	async saveHalfCycles(_id: string, halves: readonly StoredHalfCycle[]) {
		this.demand();
		// As a database of JSON would; what is there stays.
		const stored = JSON.parse(JSON.stringify(halves)) as StoredHalfCycle[];
		this.halves.push(...stored.filter(({ index }) => index >= this.halves.length));
	}
	async dropHalfCycles(_id: string, fromIndex: number) {
		this.halves.length = fromIndex;
	}
}
