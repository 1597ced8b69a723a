/** What goes between the bench and its worker. */
export interface WorkerTask {
	readonly seed: number;
	/** Where to begin: index of the area, and of its case. */
	readonly area: number;
	readonly index: number;
	/** Part of the cases: 1 is all. */
	readonly share: number;
	/** [area, case, cases done]. */
	readonly at: Int32Array;
}

export interface Failure {
	readonly area: string;
	readonly index: number;
	readonly fault: string;
	readonly message: string;
	readonly text: string;
}

export interface AreaSize {
	readonly name: string;
	readonly cases: number;
}

export type WorkerMessage =
	| { readonly areas: readonly AreaSize[] }
	| { readonly failure: Failure }
	| { readonly area: string; readonly cases: number; readonly seconds: number }
	| { readonly done: true };

/** As much of a case as fits into a report. */
export const SHOWN_CHARS_MAX = 2_000;
