/** What must never happen in a reactor, as the reactor itself sees it. */
export type ViolationKind =
	/** Both precursors in the chamber above the overlap pressure: film grows from the gas. */
	| "precursors-met"
	| "both-precursor-valves-open"
	| "dose-without-flow"
	| "dose-without-vacuum"
	| "dose-with-lid-open"
	/** A precursor valve opened towards a chamber at higher pressure than the bottle. */
	| "backflow-into-bottle"
	/** The stop valve opened with the pump standing or the foreline above the chamber. */
	| "backstream-from-foreline"
	| "lid-opened-under-vacuum"
	| "foil-melted";

export interface Violation {
	readonly kind: ViolationKind;
	readonly atMs: number;
	/** One sentence with the numbers. */
	readonly detail: string;
}

/** Enough to show what went wrong; `count` goes on after it. */
const KEPT_MAX = 500;

export class Violations {
	private readonly kept: Violation[] = [];
	count = 0;

	add(violation: Violation): void {
		this.count += 1;
		if (this.kept.length < KEPT_MAX) this.kept.push(violation);
	}

	/** The first ones, oldest first. */
	get list(): readonly Violation[] {
		return this.kept;
	}
}
