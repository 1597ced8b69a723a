/** The verdict of every running battery test, kept up with its rows as they come into the database. */
import { asAdlayerError } from "#core/errors.js";
import type { CellTestHistory, CellTestVerdict, FollowedCellTest, StoredHalfCycle } from "#record/cell-test-history.js";
import type { CellTestOrdered, CellTestRow, CellTestState } from "#record/cell-tests.js";
import type { JournalRecord } from "#record/records.js";
import { TestAnalysis, type TestFacts } from "./test-analysis.js";

/** Rows fetched at once when some were missed. */
const ROWS_A_FETCH = 5_000;
const HALF_CYCLES_A_FETCH = 10_000;
/** Tests that have ended and whose verdict is kept at hand. */
const ENDED_MAX = 512;
/** Tests taken up at once: the open ones first, of which there are no more than this. */
export const TAKEN_UP_MAX = 4_096;

export interface RunningVerdictsOptions {
	readonly history: CellTestHistory;
	/** What a protocol's text tells of the cell. */
	readonly factsOf: (protocolText: string) => TestFacts;
	/** A state or verdict is another than before. */
	readonly changed: (test: FollowedCellTest) => void;
	/** A test is over and has its verdict: what else is to know does so when this resolves, if need be for the second time. */
	readonly ended: (test: FollowedCellTest) => Promise<void>;
	/** Something could not be read or stored; it is tried again with the next row, or when the test is taken up again. */
	readonly failed: (message: string) => void;
}

interface Followed {
	readonly order: Pick<CellTestOrdered, "cellTest" | "cell" | "cycler" | "protocol" | "protocolText">;
	state: CellTestState;
	channel: string | null;
	startedAt: number | null;
	endedAt: number | null;
	/** Undefined until what is stored of the test has been read. */
	analysis: TestAnalysis | undefined;
	/** Half-cycles that are stored. */
	stored: number;
	/** Rows are in the database up to this number. */
	throughSeq: number;
	/** Last told verdict, as text. */
	told: string;
	/** Kept when the analysis is let go. */
	verdict: CellTestVerdict | null;
	/** Its end is known wherever it should be. */
	isConcluded: boolean;
	/** False when a later test has its channel: those who follow the channel know that one. */
	readonly isToldOf: boolean;
	work: Promise<void>;
}

const ENDED: readonly CellTestState[] = ["finished", "stopped", "protected", "refused", "lost"];

/**
 * Follows the records of the journal once they are in the database. Rows that follow on are evaluated as they are; where some
 * were missed, and after a restart, they are read back from the last half-cycle on.
 */
export class RunningVerdicts {
	private readonly tests = new Map<string, Followed>();

	constructor(private readonly options: RunningVerdictsOptions) {}

	/** Records that have just come into the database, in order. Returns at once. */
	take(records: readonly JournalRecord[]): void {
		for (const record of records) {
			switch (record.kind) {
				case "cell-test-ordered":
					this.add(record, { state: "queued", channel: record.channel });
					break;
				case "cell-test-state": {
					const test = this.tests.get(record.cellTest);
					if (test === undefined) break;
					test.state = record.to;
					test.channel = record.channel;
					if (record.to === "running") test.startedAt ??= record.wall;
					if (ENDED.includes(record.to)) test.endedAt = record.wall;
					this.queue(test, () => this.settle(test));
					break;
				}
				case "cell-test-rows": {
					const test = this.tests.get(record.cellTest);
					if (test === undefined) break;
					const { rows } = record;
					test.throughSeq = Math.max(test.throughSeq, rows.at(-1)?.seq ?? 0);
					this.queue(test, () => this.evaluate(test, rows));
					break;
				}
				default:
			}
		}
	}

	/**
	 * Takes up the tests that the database has open, and those that ended without their end coming to be known: the service was
	 * killed at that instant, or something was away; and tells again of those whose cell has been registered since. To be called
	 * once the database can be asked, and from time to time.
	 */
	async takeUp(): Promise<void> {
		const { history } = this.options;
		for (const { cellTest, state, isLastOfChannel } of await history.unconcludedCellTests(TAKEN_UP_MAX)) {
			const followed = this.tests.get(cellTest);
			if (followed !== undefined && !ENDED.includes(state)) continue;
			const detail = await history.cellTest(cellTest);
			if (detail === undefined) continue;
			const test = followed ?? this.add(detail, { ...detail, isToldOf: isLastOfChannel });
			test.throughSeq = Math.max(test.throughSeq, detail.rows);
			if (ENDED.includes(detail.state)) {
				test.state = detail.state;
				test.channel = detail.channel;
				test.startedAt ??= detail.startedAt;
				test.endedAt = detail.endedAt;
				this.queue(test, () => this.settle(test));
				// One at a time: of the past there may be thousands.
				await test.work;
			} else this.queue(test, () => this.evaluate(test, []));
		}
		for (const cellTest of await history.cellTestsWithoutItem(TAKEN_UP_MAX)) await this.tellOfPast(cellTest);
	}

	/** Its cell was registered when it was over. */
	private async tellOfPast(cellTest: string): Promise<void> {
		try {
			const detail = await this.options.history.cellTest(cellTest);
			const verdict = (await this.verdictOf(cellTest)) ?? null;
			if (detail !== undefined) await this.options.ended({ ...detail, verdict });
		} catch (thrown) {
			this.options.failed(`battery test ${cellTest}: ${asAdlayerError(thrown).message}`);
		}
	}

	/** Undefined for a test that is not followed. */
	of(cellTest: string): FollowedCellTest | undefined {
		const test = this.tests.get(cellTest);
		return test === undefined ? undefined : told(test);
	}

	/** Of a test that is followed or of the past; undefined when there is no such test. */
	async verdictOf(cellTest: string): Promise<CellTestVerdict | null | undefined> {
		const followed = this.tests.get(cellTest);
		if (followed !== undefined) {
			await followed.work;
			return followed.verdict;
		}
		const detail = await this.options.history.cellTest(cellTest);
		if (detail === undefined) return undefined;
		const { analysis } = await this.read(cellTest, detail.protocolText);
		await this.catchUp(cellTest, analysis, detail.rows);
		if (ENDED.includes(detail.state)) analysis.end();
		return analysis.verdict;
	}

	/** Everything that is followed, for those who come later. */
	get all(): readonly FollowedCellTest[] {
		return [...this.tests.values()].map(told);
	}

	/** What is under way has been done. */
	async settled(): Promise<void> {
		await Promise.all([...this.tests.values()].map(({ work }) => work));
	}

	private add(
		order: Followed["order"],
		known: { state: CellTestState; channel: string | null; startedAt?: number | null; isToldOf?: boolean },
	): Followed {
		const there = this.tests.get(order.cellTest);
		if (there !== undefined) return there;
		const { cellTest, cell, cycler, protocol, protocolText } = order;
		const test: Followed = {
			order: { cellTest, cell, cycler, protocol, protocolText },
			state: known.state,
			channel: known.channel,
			startedAt: known.startedAt ?? null,
			endedAt: null,
			analysis: undefined,
			stored: 0,
			throughSeq: 0,
			told: "",
			verdict: null,
			isConcluded: false,
			isToldOf: known.isToldOf ?? true,
			work: Promise.resolve(),
		};
		this.tests.set(cellTest, test);
		return test;
	}

	/** One after the other for each test; a failure leaves it to be read back. */
	private queue(test: Followed, work: () => Promise<void> | void): void {
		test.work = test.work.then(work).catch((thrown) => {
			test.analysis = undefined;
			this.options.failed(`battery test ${test.order.cellTest}: ${asAdlayerError(thrown).message}`);
		});
	}

	private async evaluate(test: Followed, rows: readonly CellTestRow[]): Promise<void> {
		const { cellTest, protocolText } = test.order;
		if (test.analysis === undefined) {
			const { analysis, stored } = await this.read(cellTest, protocolText);
			test.analysis = analysis;
			test.stored = stored;
		}
		const { analysis } = test;
		const first = rows[0]?.seq ?? Number.POSITIVE_INFINITY;
		if (first <= analysis.seq + 1) analysis.push(rows);
		else await this.catchUp(cellTest, analysis, test.throughSeq);
		await this.store(test, analysis);
		test.verdict = analysis.verdict;
		this.tell(test);
	}

	/** The test has changed its state; with its end its evaluation is let go. */
	private async settle(test: Followed): Promise<void> {
		if (!ENDED.includes(test.state)) return this.tell(test);
		if (test.isConcluded) return;
		if (test.throughSeq > 0) {
			await this.evaluate(test, []);
			const last = test.analysis?.end() ?? null;
			if (last !== null) await this.options.history.saveHalfCycles(test.order.cellTest, [last]);
			test.verdict = test.analysis?.verdict ?? null;
		}
		test.analysis = undefined;
		this.tell(test);
		await this.options.ended(told(test));
		await this.options.history.concludeCellTest(test.order.cellTest);
		test.isConcluded = true;
		const concluded = [...this.tests.values()].filter(({ isConcluded }) => isConcluded);
		for (const { order } of concluded.slice(0, Math.max(0, concluded.length - ENDED_MAX)))
			this.tests.delete(order.cellTest);
	}

	private async read(cellTest: string, protocolText: string): Promise<{ analysis: TestAnalysis; stored: number }> {
		const { history, factsOf } = this.options;
		const halves: StoredHalfCycle[] = [];
		for (;;) {
			const page = await history.halfCycles(cellTest, { fromIndex: halves.length, limit: HALF_CYCLES_A_FETCH });
			halves.push(...(page ?? []));
			if ((page?.length ?? 0) < HALF_CYCLES_A_FETCH) break;
		}
		const analysis = new TestAnalysis(factsOf(protocolText), halves);
		// The one that a test ended in is made anew by the rows behind the others.
		return { analysis, stored: Math.min(halves.length, analysis.halfCycleCount) };
	}

	private async catchUp(cellTest: string, analysis: TestAnalysis, throughSeq: number): Promise<void> {
		while (analysis.seq < throughSeq) {
			const rows = await this.options.history.cellTestRows(cellTest, {
				fromSeq: analysis.seq + 1,
				limit: ROWS_A_FETCH,
			});
			if (rows === undefined || rows.length === 0) break;
			analysis.push(rows);
		}
	}

	private async store(test: Followed, analysis: TestAnalysis): Promise<void> {
		const { cellTest } = test.order;
		if (analysis.halfCycleCount < test.stored) {
			// What had been taken for half-cycles was rest beside the currents that came later.
			await this.options.history.dropHalfCycles(cellTest, 0);
			test.stored = 0;
		}
		if (analysis.halfCycleCount === test.stored) return;
		await this.options.history.saveHalfCycles(cellTest, analysis.storable(test.stored));
		test.stored = analysis.halfCycleCount;
	}

	private tell(test: Followed): void {
		const { kind, atHours, atCycle, halfCycles } = test.verdict ?? {};
		const text = JSON.stringify([test.state, test.channel, kind, atHours, atCycle, halfCycles]);
		if (text === test.told || !test.isToldOf) return;
		test.told = text;
		this.options.changed(told(test));
	}
}

function told({ order, state, channel, startedAt, endedAt, verdict }: Followed): FollowedCellTest {
	const { cellTest, cell, cycler, protocol } = order;
	return { cellTest, cell, cycler, channel, protocol, state, startedAt, endedAt, verdict };
}
