/** What the journal's end tells after a crash. */
import { rmSync } from "node:fs";
import type { AlarmRecord, InterlockRecord, JournalRecord, RecordBody } from "#record/records.js";
import { CarryTracker } from "./carry.js";
import { type OpenRun, RunFollower } from "./run-follower.js";
import {
	headerOf,
	type IntendedPulse,
	type LastDose,
	listSegments,
	type SegmentHeader,
	scanSegment,
} from "./segments.js";

export interface JournalEnd {
	readonly file: string;
	readonly header: SegmentHeader;
	readonly tracker: CarryTracker;
	/** Sequence number of the last good record. */
	readonly lastSeq: number;
	readonly lastWall: number;
	/** Bytes up to the end of the last good line, and those of a torn line after it. */
	readonly goodBytes: number;
	readonly tornBytes: number;
}

/**
 * Verifies the last segment of the journal in `dir`; undefined when there is no journal. A last segment without a whole
 * header is removed, for nothing is in it; so only the writer calls this. Throws JOURNAL_CORRUPT.
 */
export function recoverEnd(dir: string): JournalEnd | undefined {
	for (;;) {
		const segment = listSegments(dir).at(-1);
		if (segment === undefined) return undefined;
		const end = readEnd(segment);
		if (end !== undefined) return end;
		rmSync(segment.file);
	}
}

function readEnd(segment: { firstSeq: number; file: string }): JournalEnd | undefined {
	const header = headerOf(segment.file);
	if (header === undefined) return undefined;
	const tracker = new CarryTracker(header);
	let lastWall = header.createdWall;
	const end = scanSegment(segment, true, ({ record }) => {
		tracker.follow(record);
		lastWall = record.wall;
	});
	const { goodBytes, lastSeq } = end;
	return { file: segment.file, header, tracker, lastSeq, lastWall, goodBytes, tornBytes: end.fileBytes - goodBytes };
}

export interface LastKnown {
	readonly journal: string;
	readonly station: string;
	readonly lastSeq: number;
	/** Unix ms of the last record. */
	readonly lastWall: number;
	readonly openRun: OpenRun | null;
	/** By precursor: the last pulse that reached the chamber or may have; a pulse in the balance counts. Times are Unix ms. */
	readonly lastDose: Readonly<Record<string, LastDose>>;
	/** Pulses that were announced and have no record of their fate. */
	readonly intended: readonly IntendedPulse[];
	/** The last leak check. */
	readonly leakCheck?: { readonly wall: number; readonly passed: boolean };
	/** The last command of manual operation that did not come to rest. */
	readonly manual?: { readonly by: string; readonly order: string };
	/** The last record of each interlock that was latched, and of each alarm that was not normal. */
	readonly interlocks: readonly InterlockRecord[];
	readonly alarms: readonly AlarmRecord[];
	/** What tells the open battery tests: followed in this order they fill a book. */
	readonly cellTests: readonly RecordBody[];
}

/** Reads what control needs to know after a restart; undefined when the folder holds no journal. Throws JOURNAL_CORRUPT. */
export function lastKnown(dir: string): LastKnown | undefined {
	const segments = listSegments(dir);
	let end: JournalEnd | undefined;
	while (end === undefined) {
		const segment = segments.at(-1);
		if (segment === undefined) return undefined;
		end = readEnd(segment);
		if (end === undefined) segments.pop();
	}
	const { tracker, header, lastSeq, lastWall } = end;
	const follower = new RunFollower();
	const cellTests = new CellTestsFollower();
	const runFrom = tracker.openRun?.seq ?? Number.POSITIVE_INFINITY;
	const testsFrom = tracker.cellTestsSeq ?? Number.POSITIVE_INFINITY;
	segments.forEach((segment, index) => {
		if ((segments[index + 1]?.firstSeq ?? lastSeq + 1) <= Math.min(runFrom, testsFrom)) return;
		scanSegment(segment, index === segments.length - 1, ({ record }) => {
			if (record.seq >= runFrom) follower.follow(record);
			if (record.seq >= testsFrom) cellTests.follow(record);
		});
	});
	return {
		journal: header.journal,
		station: header.station,
		lastSeq,
		lastWall,
		openRun: follower.openRun(),
		...carried(tracker),
		cellTests: cellTests.records,
	};
}

/** The same from records in memory, oldest first. */
export function lastKnownFrom(records: Iterable<JournalRecord>): Omit<LastKnown, "journal" | "station"> {
	const tracker = new CarryTracker();
	const cellTests = new CellTestsFollower();
	let follower = new RunFollower();
	let lastSeq = 0;
	let lastWall = 0;
	for (const record of records) {
		tracker.follow(record);
		if (record.kind === "run-created") follower = new RunFollower();
		follower.follow(record);
		cellTests.follow(record);
		lastSeq = record.seq;
		lastWall = record.wall;
	}
	const openRun = tracker.openRun === null ? null : follower.openRun();
	return {
		lastSeq,
		lastWall,
		openRun,
		...carried(tracker),
		cellTests: cellTests.records,
	};
}

/** Keeps of the records of battery tests what tells the open ones: of rows the last, and nothing from before their positions. */
class CellTestsFollower {
	private kept: RecordBody[] = [];
	private lastRows = new Map<string, RecordBody>();

	follow(record: JournalRecord): void {
		switch (record.kind) {
			case "cell-test-positions":
				this.kept = [record];
				this.lastRows.clear();
				break;
			case "cell-test-ordered":
			case "cell-test-state":
				this.kept.push(record);
				break;
			case "cell-test-rows":
				this.lastRows.set(record.cellTest, { ...record, rows: record.rows.slice(-1) });
				break;
			default:
		}
	}

	get records(): readonly RecordBody[] {
		return [...this.kept, ...this.lastRows.values()];
	}
}

function dosesWithIntended(
	doses: Readonly<Record<string, LastDose>>,
	intended: readonly IntendedPulse[],
): Record<string, LastDose> {
	const all: Record<string, LastDose> = { ...doses };
	for (const { precursor, seq, wall } of intended) {
		if (seq > (all[precursor]?.seq ?? 0)) all[precursor] = { seq, wall, fate: "unknown" };
	}
	return all;
}

/** What the tracker of the newest records knows by itself. */
function carried(tracker: CarryTracker) {
	const { lastDose, intended, leakCheck, manual, interlocks, alarms } = tracker;
	return {
		lastDose: dosesWithIntended(lastDose, intended),
		intended,
		...(leakCheck === undefined ? {} : { leakCheck }),
		...(manual === undefined ? {} : { manual }),
		interlocks,
		alarms,
	};
}
