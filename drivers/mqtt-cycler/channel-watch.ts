import type { CyclerRow } from "#device/cycler.js";
import type { ChannelState } from "./codec.js";

/** Rows that are kept until they are asked for; older ones are fetched again. */
const KEPT_ROWS_MAX = 1_000;

/** What the bridge has said of one channel, and whether that may be believed. */
export class ChannelWatch {
	/** The last fresh state. */
	private last: { readonly state: ChannelState; readonly atMs: number } | undefined;
	/** Why there is none, or no newer one. */
	private wrong = "no state has come";
	private test: string | null = null;
	private readonly rows = new Map<number, CyclerRow>();
	/** A state of the declared form has come, whatever its age. */
	isKnown = false;

	constructor(private readonly staleS: number) {}

	/** The bridge went away: what it said before proves nothing any more. */
	forget(why: string): void {
		this.last = undefined;
		this.wrong = why;
	}

	malformed(why: string): void {
		this.forget(why);
	}

	retained(): void {
		this.isKnown = true;
		if (this.last === undefined) this.wrong = "a retained state of unknown age came; a fresh one is waited for";
	}

	/** `measuredMs`: by our own clock. */
	fresh(state: ChannelState, measuredMs: number): void {
		this.isKnown = true;
		const known = this.last?.state;
		if (known !== undefined && known.test === state.test && state.seq < known.seq) {
			// A duplicate, or a bridge that has lost rows: then it stays so, and the channel becomes stale.
			this.wrong = `seq went back from ${known.seq} to ${state.seq} in test ${state.test}`;
			return;
		}
		if (state.test !== this.test) this.rows.clear();
		this.test = state.test;
		this.last = { state, atMs: measuredMs };
		this.wrong = "";
		const { row } = state;
		if (row === undefined || this.rows.has(row.seq)) return;
		this.rows.set(row.seq, row);
		const [oldest] = this.rows.keys();
		if (this.rows.size > KEPT_ROWS_MAX && oldest !== undefined) this.rows.delete(oldest);
	}

	/** The state, or why it is not known. */
	at(nowMs: number): { readonly state: ChannelState } | { readonly wrong: string } {
		if (this.last === undefined) return { wrong: this.wrong };
		const ageS = (nowMs - this.last.atMs) / 1_000;
		if (ageS <= this.staleS) return { state: this.last.state };
		const why = this.wrong === "" ? "" : `: ${this.wrong}`;
		return { wrong: `the last state is ${ageS.toFixed(0)} s old, allowed are ${this.staleS} s${why}` };
	}

	/** Rows without a hole from `fromSeq` on, as far as they came by themselves. */
	keptFrom(fromSeq: number, rowsMax: number): CyclerRow[] {
		const found: CyclerRow[] = [];
		for (
			let row = this.rows.get(fromSeq);
			row !== undefined && found.length < rowsMax;
			row = this.rows.get(row.seq + 1)
		) {
			found.push(row);
		}
		return found;
	}

	/** The first row that is kept at or after `seq`. */
	firstKeptFrom(seq: number): number | undefined {
		let first: number | undefined;
		for (const kept of this.rows.keys()) if (kept >= seq && (first === undefined || kept < first)) first = kept;
		return first;
	}
}
