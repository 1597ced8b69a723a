/** How far the sweep has come: one line, drawn anew in a terminal, and a plain line now and then elsewhere. */
import type { Case, Kind } from "./cases.js";

/** In a terminal the line is drawn as often; elsewhere a log should stay short. */
const DRAW_MS = 500;
const PLAIN_MS = 30_000;

interface Screen {
	readonly isTTY?: boolean | undefined;
	write(text: string): unknown;
}

export class Progress {
	private readonly left = new Map<Kind, number>();
	private readonly spentMs = new Map<Kind, { count: number; ms: number }>();
	private done = 0;
	private failed = 0;
	private readonly startMs: number;
	private drawnMs: number;

	constructor(
		private readonly cases: readonly Case[],
		private readonly workers: number,
		private readonly screen: Screen,
		private readonly nowMs: () => number,
	) {
		for (const { kind } of cases) this.left.set(kind, (this.left.get(kind) ?? 0) + 1);
		this.startMs = nowMs();
		this.drawnMs = this.startMs;
	}

	/** One case is over, after `ms` of a worker's time. */
	finished(kind: Kind, ms: number, hasFailed: boolean): void {
		this.done += 1;
		if (hasFailed) this.failed += 1;
		this.left.set(kind, this.left.get(kind)! - 1);
		const spent = this.spentMs.get(kind) ?? { count: 0, ms: 0 };
		this.spentMs.set(kind, { count: spent.count + 1, ms: spent.ms + ms });
		const isLast = this.done === this.cases.length;
		if (!isLast && this.nowMs() - this.drawnMs < (this.screen.isTTY ? DRAW_MS : PLAIN_MS)) return;
		this.drawnMs = this.nowMs();
		if (!this.screen.isTTY) this.screen.write(`${this.line}\n`);
		else this.screen.write(`\r\x1b[K${this.line}${isLast ? "\n" : ""}`);
	}

	/** Makes room for a line of its own. */
	clear(): void {
		if (this.screen.isTTY) this.screen.write("\r\x1b[K");
	}

	get line(): string {
		const elapsedMs = this.nowMs() - this.startMs;
		return `${this.done} of ${this.cases.length} cases, ${this.failed} failed, ${clock(elapsedMs)} gone, about ${clock(this.remainingMs)} left`;
	}

	/** By the mean time of each kind of case so far: they differ tenfold, and the long ones come first. */
	private get remainingMs(): number {
		const all = { count: 0, ms: 0 };
		for (const { count, ms } of this.spentMs.values()) {
			all.count += count;
			all.ms += ms;
		}
		let sumMs = 0;
		for (const [kind, count] of this.left) {
			const of = this.spentMs.get(kind) ?? all;
			if (of.count > 0) sumMs += (count * of.ms) / of.count;
		}
		return sumMs / this.workers;
	}
}

function clock(ms: number): string {
	const seconds = Math.round(ms / 1_000);
	return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
}
