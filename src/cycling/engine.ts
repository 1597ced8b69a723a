import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import { CellTestBook } from "#cycling/book.js";
import { checked, judgeFor, readProtocol } from "#cycling/ordered-protocol.js";
import { withTestTime } from "#cycling/test-time.js";
import type { ChannelStatus, Cycler, TestExtent } from "#device/cycler.js";
import type { CellTestPosition, CellTestRow, CellTestState } from "#record/cell-tests.js";
import type { RecordBody, RecordSink } from "#record/records.js";

/** Rows in one record: below the size at which a line of the journal becomes unwieldy. */
const ROWS_PER_RECORD = 250;
/** Chunks fetched from one cycler in one round, so that a test that is far behind does not hold up the others. */
const CHUNKS_PER_ROUND = 8;
/** Of many tests on one cycler each has its turn within so many rounds: its rows are on record that soon. */
const ROUNDS_A_TURN = 4;
/** While all tests of a cycler run, what its channels do is asked this often; how many rows they have, in every round. */
const STATUS_MS = 4_000;
/** Open tests are written down anew this often, so that the segments before may go. */
const POSITIONS_MS = 300_000;
/** A test that was started and is not there after this long was not taken. */
const START_LOOK_MS = 60_000;
/** Starts that may come to nothing before a person has to look. */
const START_ATTEMPTS = 3;
/** Open tests of one service. */
export const OPEN_TESTS_MAX = 4_096;

export interface CellTestOrder {
	readonly cell: string;
	readonly cycler: string;
	readonly channel: string | null;
	readonly protocolText: string;
	readonly areaCm2: number | null;
	readonly activeMassG: number | null;
	readonly operator: string;
	readonly attendedBy?: string;
}

export interface CellTestsOptions {
	/** By the instrument's name. */
	readonly cyclers: Readonly<Record<string, Cycler>>;
	readonly sink: RecordSink;
	readonly clock: Clock;
	readonly newId: () => string;
	/** Filled from the journal by following its records. */
	readonly book?: CellTestBook;
}

/** A test's channel in one round. */
interface Seen {
	/** Undefined in a round that did not ask. */
	readonly status: ChannelStatus | undefined;
	readonly extent: TestExtent;
}

/**
 * Battery tests from order to end: a queue for the channels, one start each, and every row into the journal once. What is
 * known is what the journal says; after a restart the book is filled from it and the rounds go on where it ends.
 */
export class CellTests {
	private readonly book: CellTestBook;
	private readonly busy = new Set<string>();
	private readonly startedMs = new Map<string, number>();
	private readonly attempts = new Map<string, number>();
	private readonly wantsStop = new Map<string, string>();
	/** By cycler: when its channels were last asked what they do. */
	private readonly askedMs = new Map<string, number>();
	private positionsMs: number;

	constructor(private readonly options: CellTestsOptions) {
		this.book = options.book ?? new CellTestBook();
		this.positionsMs = options.clock.nowMs();
	}

	get open(): readonly CellTestPosition[] {
		return this.book.open;
	}

	/** Puts a test into the queue. Throws PROTOCOL_INVALID, CYCLER_REFUSED, CHANNEL_BUSY; nothing is written then. */
	order(order: CellTestOrder): string {
		const { cell, cycler: name, channel } = order;
		const cycler = this.options.cyclers[name];
		if (cycler === undefined) throw new AdlayerError("CYCLER_REFUSED", `There is no cycler ${name}.`);
		if (this.book.open.length >= OPEN_TESTS_MAX) {
			throw new AdlayerError("CHANNEL_BUSY", `${OPEN_TESTS_MAX} tests are open; that is the most.`);
		}
		const double = this.book.open.find((test) => test.order.cell === cell);
		if (double !== undefined) {
			throw new AdlayerError("CHANNEL_BUSY", `Cell ${cell} has the open test ${double.order.cellTest}.`);
		}
		const { program, protocol, sha256 } = readProtocol(order);
		judgeFor(order, protocol);
		const candidates = channel === null ? Object.keys(cycler.channels) : [channel];
		const refusals = candidates.map((candidate) => cycler.refusals(candidate, program));
		if (!refusals.some((problems) => problems.length === 0)) {
			const problems = refusals.flat();
			const message = `No channel of ${name} can run ${protocol}: ${problems.map((problem) => problem.message).join(" ")}`;
			throw new AdlayerError("CYCLER_REFUSED", message, { problems: [...problems] });
		}
		const cellTest = this.options.newId();
		this.write({
			kind: "cell-test-ordered",
			cellTest,
			cell,
			cycler: name,
			channel,
			protocol,
			protocolText: order.protocolText,
			protocolSha256: sha256,
			areaCm2: order.areaCm2,
			activeMassG: order.activeMassG,
			operator: order.operator,
			attendedBy: order.attendedBy ?? null,
		});
		return cellTest;
	}

	/** A queued test leaves the queue at once, a running one is stopped in the next round. */
	stop(cellTest: string, cause: string): void {
		const test = this.book.get(cellTest);
		if (test === undefined) throw new AdlayerError("NOT_FOUND", `There is no open test ${cellTest}.`);
		if (test.state === "queued") this.change(test, "stopped", cause);
		else this.wantsStop.set(cellTest, cause);
	}

	/** One look at every cycler that has open tests; one that does not answer holds up none of the others. */
	async round(): Promise<void> {
		const names = [...new Set(this.book.open.map((test) => test.order.cycler))];
		await Promise.all(names.map((name) => this.roundOf(name)));
		if (this.options.clock.nowMs() - this.positionsMs < POSITIONS_MS) return;
		this.positionsMs = this.options.clock.nowMs();
		this.write({ kind: "cell-test-positions", open: this.book.open });
	}

	private async roundOf(name: string): Promise<void> {
		const cycler = this.options.cyclers[name];
		if (cycler === undefined || this.busy.has(name)) return;
		this.busy.add(name);
		try {
			const own = this.book.open.filter((test) => test.order.cycler === name);
			const { waiting, channels } = waitingOf(cycler, own);
			// The status first: what it calls finished has no rows beyond the extent that comes after.
			const statuses = this.isDue(name, own, waiting) ? await cycler.status(channels) : undefined;
			if (statuses !== undefined) this.askedMs.set(name, this.options.clock.nowMs());
			const extents = await cycler.extents(channels);
			const seen = (channel: string | null): Seen | undefined => {
				const status = channel === null ? undefined : statuses?.[channel];
				const extent = channel === null ? undefined : extents[channel];
				if (extent === undefined || (statuses !== undefined && status === undefined)) return undefined;
				return { status, extent };
			};
			for (const test of own.filter(({ state }) => state === "starting")) this.settle(test, seen(test.channel));
			// Those that are furthest behind come first.
			const running = this.book.open.filter((test) => test.order.cycler === name && test.state === "running");
			let chunks = Math.max(CHUNKS_PER_ROUND, Math.ceil(running.length / ROUNDS_A_TURN));
			const behind = (test: CellTestPosition) => (seen(test.channel)?.extent.rows ?? 0) - (test.lastRow?.seq ?? 0);
			for (const test of running.sort((a, b) => behind(b) - behind(a))) {
				chunks -= await this.follow(cycler, test, seen(test.channel), chunks);
			}
			if (statuses !== undefined) await this.startWaiting(name, statuses, extents);
		} catch (thrown) {
			// The plant says that the cycler is at fault; its tests go on by themselves and are caught up with.
			asAdlayerError(thrown);
		} finally {
			this.busy.delete(name);
		}
	}

	/** Tests that could begin, start or are to stop want to know what the channels do now. */
	private isDue(name: string, own: readonly CellTestPosition[], waiting: readonly CellTestPosition[]): boolean {
		const sinceMs = this.options.clock.nowMs() - (this.askedMs.get(name) ?? Number.NEGATIVE_INFINITY);
		if (sinceMs >= STATUS_MS || waiting.length > 0) return true;
		return own.some(({ state, order }) => state === "starting" || this.wantsStop.has(order.cellTest));
	}

	/** Fetches what is new and notices the end; gives the number of chunks that it took. */
	private async follow(
		cycler: Cycler,
		test: CellTestPosition,
		seen: Seen | undefined,
		chunksMax: number,
	): Promise<number> {
		const { cellTest, cycler: name } = test.order;
		if (seen === undefined) return 0;
		if (seen.extent.test !== test.cyclerTest) {
			this.change(
				test,
				"lost",
				`${name}.${test.channel} has test ${seen.extent.test ?? "none"}, not ${test.cyclerTest}`,
			);
			return 0;
		}
		let chunks = 0;
		let last = test.lastRow;
		while (chunks < chunksMax && (last?.seq ?? 0) < seen.extent.rows) {
			const fromSeq = (last?.seq ?? 0) + 1;
			const request = { channel: test.channel!, test: test.cyclerTest!, fromSeq, rowsMax: ROWS_PER_RECORD };
			const { rows, gaps } = await cycler.rows(request);
			chunks += 1;
			const timed: CellTestRow[] = [];
			for (const row of rows) {
				// A cycler that gives a row again does not get it into the record again.
				if (row.seq <= (last?.seq ?? 0)) continue;
				last = withTestTime(row, last);
				timed.push(last);
			}
			if (timed.length === 0) break;
			this.write({ kind: "cell-test-rows", cellTest, rows: timed, currentSign: cycler.currentSign, gaps });
		}
		if (seen.status === undefined) return chunks;
		const now = this.book.get(cellTest)!;
		const stop = this.wantsStop.get(cellTest) ?? this.overdue(now);
		const { activity, word } = seen.status;
		if (activity === "running" && stop !== undefined) await cycler.stop(test.channel!);
		const isComplete = (now.lastRow?.seq ?? 0) >= seen.extent.rows;
		if (activity !== "running" && activity !== "unknown" && isComplete) this.change(now, activity, stop ?? word);
		return chunks;
	}

	/** Why a test has to end that the cycler would not end by itself. */
	private overdue(test: CellTestPosition): string | undefined {
		const { file } = checked(test.order.protocolText);
		const hours = (test.lastRow?.testS ?? 0) / 3_600;
		if (file === undefined || hours <= file.limits.hours) return undefined;
		return `it has taken ${hours.toFixed(2)} h, limits.hours is ${file.limits.hours}`;
	}

	/** A start whose answer was lost, or that was on its way when control died. */
	private settle(test: CellTestPosition, seen: Seen | undefined): void {
		if (seen?.status === undefined) return;
		const { cell, cellTest } = test.order;
		const { barcode } = seen.status;
		const isNew = seen.extent.test !== null && seen.extent.test !== test.cyclerTest;
		if (isNew && (barcode === null || barcode === cell)) {
			this.change(test, "running", "found on its channel", { cyclerTest: seen.extent.test });
			return;
		}
		if (isNew) {
			this.change(test, "lost", `the channel has test ${seen.extent.test} of ${barcode}`);
			return;
		}
		const nowMs = this.options.clock.nowMs();
		const sinceMs = this.startedMs.get(cellTest) ?? nowMs;
		this.startedMs.set(cellTest, sinceMs);
		if (nowMs - sinceMs < START_LOOK_MS) return;
		this.startedMs.delete(cellTest);
		const attempts = (this.attempts.get(cellTest) ?? 0) + 1;
		this.attempts.set(cellTest, attempts);
		if (attempts < START_ATTEMPTS) {
			this.change(test, "queued", "its start was not taken", { channel: test.order.channel, cyclerTest: null });
		} else this.change(test, "refused", `its start was not taken ${attempts} times`);
	}

	/** As the queue goes, until no channel is left that is at rest. */
	private async startWaiting(
		name: string,
		statuses: Readonly<Record<string, ChannelStatus>>,
		extents: Readonly<Record<string, TestExtent>>,
	): Promise<void> {
		const cycler = this.options.cyclers[name]!;
		const own = this.book.open.filter((test) => test.order.cycler === name);
		const taken = takenBy(own);
		const free = new Set(
			Object.keys(cycler.channels).filter((channel) => {
				const activity = statuses[channel]?.activity;
				const isAtRest = activity === "finished" || activity === "stopped" || activity === "protected";
				return isAtRest && !taken.has(channel);
			}),
		);
		for (const test of own) {
			if (free.size === 0) return;
			if (test.state !== "queued") continue;
			const asked = test.order.channel;
			if (asked !== null && !free.has(asked)) continue;
			const { program } = readProtocol(test.order);
			const candidates = asked === null ? [...free] : [asked];
			const channel = candidates.find((each) => cycler.refusals(each, program).length === 0);
			if (channel === undefined) continue;
			free.delete(channel);
			await this.start(cycler, test, channel, extents);
		}
	}

	private async start(
		cycler: Cycler,
		test: CellTestPosition,
		channel: string,
		extents: Readonly<Record<string, TestExtent>>,
	): Promise<void> {
		const { order } = test;
		const { program } = readProtocol(order);
		const before = extents[channel]?.test ?? null;
		this.change(test, "starting", "its channel is free", { channel, cyclerTest: before });
		this.startedMs.set(order.cellTest, this.options.clock.nowMs());
		// Only a start that is on the disk can be found out about after a crash.
		await this.options.sink.synced();
		const starting = this.book.get(order.cellTest)!;
		try {
			const attended = order.attendedBy === null ? {} : { attendedBy: order.attendedBy };
			const { test: cyclerTest } = await cycler.start({ channel, barcode: order.cell, program, ...attended });
			this.change(starting, "running", "started", { cyclerTest });
		} catch (thrown) {
			const { code, message } = asAdlayerError(thrown);
			// Anything else leaves it open whether the test runs: the next rounds look.
			if (code === "CYCLER_REFUSED") this.change(starting, "refused", message);
		}
	}

	private change(
		test: CellTestPosition,
		to: CellTestState,
		cause: string,
		place: { channel?: string | null; cyclerTest?: string | null } = {},
	): void {
		const { channel = test.channel, cyclerTest = test.cyclerTest } = place;
		const { cellTest } = test.order;
		if (to !== "starting" && to !== "running") this.wantsStop.delete(cellTest);
		if (to !== "starting") this.startedMs.delete(cellTest);
		if (to !== "starting" && to !== "queued") this.attempts.delete(cellTest);
		this.write({
			kind: "cell-test-state",
			cellTest,
			from: test.state,
			to,
			cause,
			channel,
			cyclerTest,
		});
	}

	private write(record: RecordBody): void {
		this.options.sink.append(record);
		this.book.follow(record);
	}
}

/** Channels that open tests have. */
const takenBy = (tests: readonly CellTestPosition[]): Set<string | null> =>
	new Set(tests.filter(({ state }) => state !== "queued").map(({ channel }) => channel));

/** Queued tests whose channel none of ours has, and the channels that there is anything to know of. */
function waitingOf(
	{ channels }: Cycler,
	own: readonly CellTestPosition[],
): { waiting: CellTestPosition[]; channels: string[] } {
	const taken = takenBy(own);
	const free = Object.keys(channels).filter((channel) => !taken.has(channel));
	const waiting = own.filter(
		({ state, order: { channel } }) => state === "queued" && (channel === null ? free.length > 0 : !taken.has(channel)),
	);
	const isForAny = waiting.some(({ order }) => order.channel === null);
	const wanted = isForAny ? free : waiting.flatMap(({ order }) => order.channel ?? []);
	const used = [...taken].filter((channel) => channel !== null);
	return { waiting, channels: [...new Set([...used, ...wanted])] };
}
