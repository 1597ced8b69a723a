/** Records of battery tests. Currents are positive when they charge; A, V, Ah, Wh, s. */

/** Battery tests in one answer: far below the longest that the control link takes. */
export const CELL_TESTS_PAGE = 1_000;

export type CellTestState =
	/** Waits for its channel. */
	| "queued"
	/** Its start is on its way; whether it was taken is found out by looking. */
	| "starting"
	| "running"
	| "finished"
	| "stopped"
	/** The cycler ended it beyond a limit. */
	| "protected"
	/** The cycler or Adlayer would not start it. */
	| "refused"
	/** The channel has another test, or none: what it had recorded and was not fetched is gone. */
	| "lost";

/** A test was ordered. Everything needed to start it, and to understand it later. */
export interface CellTestOrdered {
	readonly kind: "cell-test-ordered";
	readonly cellTest: string;
	/** Barcode of the cell. */
	readonly cell: string;
	readonly cycler: string;
	/** Null takes the first free channel that can run it. */
	readonly channel: string | null;
	readonly protocol: string;
	readonly protocolText: string;
	readonly protocolSha256: string;
	readonly areaCm2: number | null;
	readonly activeMassG: number | null;
	readonly operator: string;
	readonly attendedBy: string | null;
}

export interface CellTestStateChanged {
	readonly kind: "cell-test-state";
	readonly cellTest: string;
	readonly from: CellTestState;
	readonly to: CellTestState;
	readonly cause: string;
	readonly channel: string | null;
	/** The cycler's own id of the test; while starting, of the one that the channel had before. */
	readonly cyclerTest: string | null;
}

export interface CellTestRow {
	/** By the cycler, from 1, none twice. */
	readonly seq: number;
	readonly cycle: number;
	readonly step: number;
	readonly stepType: string;
	readonly stepS: number;
	/** Since the test began, without interruptions. */
	readonly testS: number;
	/** Unix ms by the cycler's clock. */
	readonly wallMs: number;
	readonly voltageV: number;
	readonly currentA: number;
	/** Of the step. */
	readonly capacityAh: number;
	readonly energyWh: number;
}

/** Rows in the order of their numbers, following those of the record before. */
export interface CellTestRows {
	readonly kind: "cell-test-rows";
	readonly cellTest: string;
	readonly rows: readonly CellTestRow[];
	/** Whether the sign of the current has been proven. */
	readonly currentSign: string;
	/** Numbers between these rows that the cycler does not have. */
	readonly gaps: readonly { readonly fromSeq: number; readonly toSeq: number }[];
}

/** How far an open test has come. */
export interface CellTestPosition {
	readonly order: CellTestOrdered;
	readonly state: CellTestState;
	readonly channel: string | null;
	readonly cyclerTest: string | null;
	readonly lastRow: CellTestRow | null;
}

/** All open tests, repeated from time to time so that old segments may go. */
export interface CellTestPositions {
	readonly kind: "cell-test-positions";
	readonly open: readonly CellTestPosition[];
}

/** A test as it is shown: what was ordered, and how far it has come. */
export interface CellTestSummary
	extends Pick<
		CellTestOrdered,
		| "cellTest"
		| "cell"
		| "cycler"
		| "protocol"
		| "protocolSha256"
		| "areaCm2"
		| "activeMassG"
		| "operator"
		| "attendedBy"
	> {
	readonly state: CellTestState;
	/** Null while it waits for any channel. */
	readonly channel: string | null;
	/** The cycler's own id of the test. */
	readonly cyclerTest: string | null;
	/** Number of the last row in the record. */
	readonly rows: number;
	readonly lastRow: CellTestRow | null;
	/** Why it ended; absent while it is open. */
	readonly cause?: string;
}
