/** What the store knows of battery tests; implemented by src/store. Times are Unix ms; A, V, Ah, Wh, s, h. */
import type { CellTestOrdered, CellTestRow, CellTestState } from "#record/cell-tests.js";

export interface StoredCellTest extends Omit<CellTestOrdered, "kind" | "protocolText"> {
	readonly state: CellTestState;
	readonly cyclerTest: string | null;
	/** Of the last change of state; null before the first. */
	readonly cause: string | null;
	readonly orderedAt: number;
	readonly startedAt: number | null;
	readonly endedAt: number | null;
	/** Number of the last row in the database. */
	readonly rows: number;
}

export interface UnconcludedCellTest {
	readonly cellTest: string;
	readonly state: CellTestState;
	/** No test started later on its channel. */
	readonly isLastOfChannel: boolean;
}

export interface StoredCellTestDetail extends StoredCellTest {
	readonly protocolText: string;
	/** Whether the sign of the current has been proven; null before the first row. */
	readonly currentSign: string | null;
	/** Numbers of rows that the cycler did not give. */
	readonly gaps: readonly { readonly fromSeq: number; readonly toSeq: number }[];
}

/** A piece of a test in one point of a picture. */
export interface CellTestPoint {
	readonly fromSeq: number;
	readonly toSeq: number;
	readonly cycle: number;
	/** Of the first row. */
	readonly testS: number;
	readonly voltageVMin: number;
	readonly voltageVMax: number;
	readonly currentAMean: number;
}

/** A half-cycle that is over, and what the evaluation needs to go on behind it. */
export interface StoredHalfCycle {
	readonly index: number;
	readonly direction: "charge" | "discharge";
	readonly startH: number;
	readonly endH: number;
	readonly capacityAh: number;
	readonly energyWh: number;
	readonly meanCurrentA: number;
	readonly medianV: number;
	readonly lowV: number;
	readonly highV: number;
	readonly peakV: number;
	readonly endV: number;
	readonly cycle: number;
	readonly firstSeq: number;
	readonly resume: unknown;
}

export interface CellTestHistory {
	/** The latest ordered first. Rejects with DATABASE_UNAVAILABLE when the database cannot be reached; so do all others. */
	cellTests(query: { limit: number; before?: number; cell?: string }): Promise<StoredCellTest[]>;
	/** Undefined when there is no such test; likewise below. */
	cellTest(id: string): Promise<StoredCellTestDetail | undefined>;
	/** Tests that are open, then those that ended and were not concluded, the first ordered first. */
	unconcludedCellTests(limit: number): Promise<UnconcludedCellTest[]>;
	/** Tests that are over, of cells that were registered only later: no item of descent tells of them yet. The first ordered first. */
	cellTestsWithoutItem(limit: number): Promise<string[]>;
	/** The end of a test is known wherever it should be. */
	concludeCellTest(id: string): Promise<void>;
	/** In the order of their numbers, from `fromSeq`, at most `limit`. */
	cellTestRows(id: string, query: { fromSeq: number; limit: number }): Promise<CellTestRow[] | undefined>;
	/** At most `points` pieces of the whole test. */
	cellTestPoints(id: string, points: number): Promise<CellTestPoint[] | undefined>;
	/** From `fromIndex`, in order. */
	halfCycles(id: string, query: { fromIndex: number; limit: number }): Promise<StoredHalfCycle[] | undefined>;
	/** Those that are there already stay as they are. */
	saveHalfCycles(id: string, halfCycles: readonly StoredHalfCycle[]): Promise<void>;
	/** Forgets half-cycles from `fromIndex` on: what came after showed that they were none. */
	dropHalfCycles(id: string, fromIndex: number): Promise<void>;
}

/** What the rows so far say of a cell. */
export interface CellTestVerdict {
	readonly kind: "none" | "short" | "soft-short" | "polarisation" | "depletion" | "end-of-life";
	/** Null with "none": not reached. */
	readonly atHours: number | null;
	readonly atCycle: number | null;
	/** Half-cycles that are over. */
	readonly halfCycles: number;
	/** Number of the last row that was taken into account. */
	readonly throughSeq: number;
}

/** A battery test as it is told to those who follow it. */
export interface FollowedCellTest {
	readonly cellTest: string;
	readonly cell: string;
	readonly cycler: string;
	readonly channel: string | null;
	readonly protocol: string;
	readonly state: CellTestState;
	/** Unix ms. */
	readonly startedAt: number | null;
	readonly endedAt: number | null;
	/** Null before the first row has been evaluated. */
	readonly verdict: CellTestVerdict | null;
}
