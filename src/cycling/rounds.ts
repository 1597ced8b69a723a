import type { Clock, Timer } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import { CellTestBook, OPEN_STATES } from "#cycling/book.js";
import { type CellTestOrder, CellTests } from "#cycling/engine.js";
import type { Cycler } from "#device/cycler.js";
import { CELL_TESTS_PAGE, type CellTestPosition, type CellTestSummary } from "#record/cell-tests.js";
import type { RecordBody, RecordSink } from "#record/records.js";

/** Every cycler with open tests is looked at this often; one that has not answered yet is left to its answer. */
const ROUND_MS = 1_000;
/** Tests that have ended and can still be shown. */
const ENDED_MAX = 200;
/** Rounds that are under way when control ends are waited for this long. */
const STOP_MS = 2_000;

export interface CellTestRoundsOptions {
	/** By the instrument's name. */
	readonly cyclers: Readonly<Record<string, Cycler>>;
	readonly sink: RecordSink;
	readonly clock: Clock;
	/** Ids of tests, none twice in this journal. */
	readonly newId: () => string;
	/** What the journal tells of the time before. */
	readonly before: readonly RecordBody[];
}

/** Battery tests, looked after about once a second as long as there are cyclers or open tests. */
export class CellTestRounds {
	private readonly book = new CellTestBook();
	private readonly ended = new Map<string, CellTestSummary>();
	private readonly tests: CellTests;
	private readonly underWay = new Set<Promise<void>>();
	private timer: Timer | undefined;

	constructor(private readonly options: CellTestRoundsOptions) {
		const { cyclers, sink, clock, newId, before } = options;
		for (const record of before) {
			this.note(record);
			this.book.follow(record);
		}
		const noting: RecordSink = {
			append: (record) => {
				const seq = sink.append(record);
				this.note(record);
				return seq;
			},
			synced: () => sink.synced(),
		};
		this.tests = new CellTests({ cyclers, sink: noting, clock, newId, book: this.book });
	}

	start(): void {
		const { cyclers } = this.options;
		if (Object.keys(cyclers).length === 0 && this.book.open.length === 0) return;
		this.timer = this.options.clock.setTimer(ROUND_MS, () => {
			this.start();
			const round = this.tests.round().catch(() => {
				// What went wrong at one cycler is its own instrument's fault; what the journal refuses is the journal's alarm.
			});
			this.underWay.add(round);
			void round.finally(() => this.underWay.delete(round));
		});
	}

	/** Tests go on by themselves on their cyclers. */
	async stop(): Promise<void> {
		this.timer?.cancel();
		if (this.underWay.size === 0) return;
		await Promise.race([Promise.all(this.underWay), this.options.clock.sleep(STOP_MS)]);
	}

	/** Throws PROTOCOL_INVALID, CYCLER_REFUSED, CHANNEL_BUSY; nothing is written then. */
	order(order: CellTestOrder): CellTestSummary {
		return this.get(this.tests.order(order));
	}

	/** Throws NOT_FOUND for a test that is not open. */
	stopTest(cellTest: string, by: string): CellTestSummary {
		this.tests.stop(cellTest, `stopped by ${by}`);
		return this.get(cellTest);
	}

	/** By cycler. */
	get channels(): Readonly<Record<string, readonly string[]>> {
		const { cyclers } = this.options;
		return Object.fromEntries(Object.entries(cyclers).map(([name, { channels }]) => [name, Object.keys(channels)]));
	}

	/** Open tests in the order in which they were ordered, then those that have ended, the last first; or the one that is named. */
	page({ cellTest, offset = 0, limit = CELL_TESTS_PAGE }: { cellTest?: string; offset?: number; limit?: number }): {
		tests: readonly CellTestSummary[];
		total: number;
	} {
		if (cellTest !== undefined) {
			const found = this.find(cellTest);
			return found === undefined ? { tests: [], total: 0 } : { tests: [found], total: 1 };
		}
		const { open } = this.book;
		const ended = [...this.ended.values()].reverse();
		const tests = [
			...open.slice(offset, offset + limit).map(summaryOf),
			...ended.slice(Math.max(0, offset - open.length), Math.max(0, offset + limit - open.length)),
		];
		return { tests, total: open.length + ended.length };
	}

	private get(cellTest: string): CellTestSummary {
		const found = this.find(cellTest);
		if (found !== undefined) return found;
		throw new AdlayerError("NOT_FOUND", `There is no battery test ${cellTest}.`);
	}

	private find(cellTest: string): CellTestSummary | undefined {
		const open = this.book.get(cellTest);
		return open === undefined ? this.ended.get(cellTest) : summaryOf(open);
	}

	/** Before the book takes note: it forgets a test that has ended. */
	private note(record: RecordBody): void {
		if (record.kind !== "cell-test-state" || OPEN_STATES.includes(record.to)) return;
		const test = this.book.get(record.cellTest);
		if (test === undefined) return;
		const { to: state, channel, cyclerTest, cause } = record;
		this.ended.set(record.cellTest, { ...summaryOf({ ...test, state, channel, cyclerTest }), cause });
		const [oldest] = this.ended.keys();
		if (this.ended.size > ENDED_MAX && oldest !== undefined) this.ended.delete(oldest);
	}
}

function summaryOf({ order, state, channel, cyclerTest, lastRow }: CellTestPosition): CellTestSummary {
	const { cellTest, cell, cycler, protocol, protocolSha256, areaCm2, activeMassG, operator, attendedBy } = order;
	return {
		cellTest,
		cell,
		state,
		cycler,
		channel,
		cyclerTest,
		protocol,
		protocolSha256,
		areaCm2,
		activeMassG,
		operator,
		attendedBy,
		rows: lastRow?.seq ?? 0,
		lastRow,
	};
}
