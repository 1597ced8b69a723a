/** What the commissioning command says and keeps. */

/** That somebody has seen a test pass, of just what the digest stands for. */
export interface CommissioningRecord {
	readonly test: string;
	readonly of: string;
	/** ISO 8601. */
	readonly date: string;
	readonly by: string;
}

export interface CommissioningTest {
	readonly name: string;
	readonly doThis: string;
	readonly see: string;
	readonly of: string;
	/** Null while it is due. */
	readonly date: string | null;
	readonly by: string | null;
	/** It was seen on this date, of another instrument, address or settings. */
	readonly before?: string;
}

export interface CommissioningState {
	readonly station: string;
	readonly simulated: boolean;
	tests(): CommissioningTest[];
	/** Notes them down. */
	seen(names: readonly string[], by: string, date: string): void;
}

export type OpenCommissioning = (labFile: string, dataDir: string) => CommissioningState;
