/** Conditioned rows to half-cycles, cycles and a verdict, as they come: nothing depends on how they are divided. */
import {
	absurdEfficiency,
	type Chemistry,
	CycleBook,
	type CycleFigures,
	endOfLife,
	figuresOf,
	type Reference,
	referenceOf,
} from "#analysis/cycles.js";
import { DefectLog } from "#analysis/defects.js";
import { type FailureEvent, FailureJudge } from "#analysis/failures.js";
import { type CutterMark, type Direction, type HalfCycle, HalfCycleCutter } from "#analysis/half-cycles.js";
import type { RowChunk } from "#analysis/rows.js";

export type VerdictKind = "none" | "short" | "soft-short" | "polarisation" | "depletion" | "end-of-life";

export interface Verdict {
	readonly kind: VerdictKind;
	/** Null with "none": not reached. */
	readonly atHours: number | null;
	readonly atCycle: number | null;
}

export interface HalfCycleFigures {
	readonly index: number;
	readonly direction: Direction;
	readonly cycle: number | null;
	readonly startH: number;
	readonly endH: number;
	readonly capacityAh: number;
	readonly meanCurrentA: number;
	/** |median V| over 20–80 % of the charge; null for full cells, whose voltage is no overpotential. */
	readonly overpotentialV: number | null;
	readonly medianV: number;
	readonly initialPeakV: number;
	readonly endV: number;
	/** False for the one that the data end in. */
	readonly complete: boolean;
}

export interface AnalysisOptions {
	readonly chemistry?: Chemistry;
	readonly referenceCycle?: number;
	/** The protocol's limit, as a limit of polarisation, V. */
	readonly limitV?: number;
	/** Capacity over the reference's below which a full cell's life is over; `END_OF_LIFE` unless told. */
	readonly endOfLife?: number;
	readonly defects?: DefectLog;
}

export interface AnalysisResult {
	readonly chemistry: Chemistry;
	/** Whether the chemistry was told, or seen from the voltages. */
	readonly chemistryFrom: "as told" | "voltages";
	/** What an efficiency is here. */
	readonly efficiency: string;
	readonly firstDirection: Direction | null;
	/** Hours of the test, with rests, without interruptions. */
	readonly hours: number;
	readonly interruptions: { readonly count: number; readonly hours: number };
	readonly cycles: CycleFigures[];
	readonly meanCoulombicEfficiency: number | null;
	readonly reference: Reference | null;
	readonly halfCycles: HalfCycleFigures[];
	readonly baselineV: number | null;
	/** Least-squares slope of the overpotential after activation and before failure, V per hour; null for full cells. */
	readonly trendVPerH: number | null;
	readonly events: { readonly kind: VerdictKind; readonly atHours: number; readonly atCycle: number | null }[];
	readonly verdict: Verdict;
}

export const END_OF_LIFE = 0.8;
/** A half-cycle at the end of the data is judged when it is this far on, against the one before. */
const JUDGED_FROM = 0.5;
/** Symmetric: the middle between charging and discharging voltage is nearer to zero than this, or than half their distance. */
const SYMMETRIC_V = 0.1;
const HALVES_LOOKED_AT = 20;
const TREND_AFTER = 4;

const EFFICIENCY_TEXT: Readonly<Record<Chemistry, string>> = {
	symmetric: "not applicable",
	"li-lfp": "discharge / charge",
	"li-o2": "charge / discharge",
};

/** Least squares in a handful of sums. */
class Trend {
	private n = 0;
	private meanX = 0;
	private meanY = 0;
	private xx = 0;
	private xy = 0;

	push(x: number, y: number): void {
		this.n += 1;
		const dx = x - this.meanX;
		this.meanX += dx / this.n;
		this.meanY += (y - this.meanY) / this.n;
		this.xx += dx * (x - this.meanX);
		this.xy += dx * (y - this.meanY);
	}

	get slope(): number | null {
		return this.n < 3 || this.xx === 0 ? null : this.xy / this.xx;
	}
}

export class CyclingAnalysis {
	readonly defects: DefectLog;
	rows = 0;
	private readonly cutter: HalfCycleCutter;
	private readonly book: CycleBook;
	private judge: FailureJudge;
	private trend = new Trend();
	private halves: HalfCycle[] = [];
	private pairs = 0;
	private symmetricPairs = 0;
	private readonly absurd = new Set<number>();

	constructor(private readonly options: AnalysisOptions = {}) {
		this.defects = options.defects ?? new DefectLog();
		this.book = new CycleBook(this.defects);
		this.judge = this.newJudge();
		this.cutter = new HalfCycleCutter({
			defects: this.defects,
			onHalfCycle: (half) => this.halfCycle(half),
			onForget: () => this.forget(),
		});
	}

	/** Rows with settled sign and time, in order. */
	push(chunk: RowChunk): void {
		this.rows += chunk.count;
		this.cutter.push(chunk);
	}

	/** The chemistry as told, or as the voltages of the first half-cycles show it. */
	get chemistry(): Chemistry {
		return (
			this.options.chemistry ?? (this.symmetricPairs * 2 > this.pairs || this.pairs === 0 ? "symmetric" : "li-lfp")
		);
	}

	/** Half-cycles that are over; grows only. */
	get halfCycleCount(): number {
		return this.halves.length;
	}

	/** Those from `index` on. */
	halfCyclesFrom(index: number): readonly HalfCycle[] {
		return this.halves.slice(index);
	}

	/** The one under way, as far as it has come; null when nothing has flowed since the last. */
	get openHalfCycle(): HalfCycle | null {
		return this.cutter.present();
	}

	/** Where another evaluation can go on behind the half-cycles that are over; null before the first. */
	get mark(): CutterMark | null {
		return this.cutter.mark;
	}

	/** Before the first row: takes up an evaluation that had come to `mark`; the next row is the one the next half-cycle began in. */
	resume(halfCycles: readonly HalfCycle[], mark: CutterMark): void {
		for (const half of halfCycles) this.halfCycle(half);
		this.cutter.resume(mark);
	}

	/** The verdict on what is over: cheap, for a running test. */
	get verdict(): Verdict {
		return this.verdictOf(this.judge.verdict);
	}

	private newJudge(): FailureJudge {
		const { limitV } = this.options;
		return new FailureJudge(limitV === undefined ? {} : { limitV });
	}

	private halfCycle(half: HalfCycle): void {
		this.halves.push(half);
		this.book.push(half);
		this.judge.push(half);
		if (half.index >= TREND_AFTER && this.judge.isSound) this.trend.push(half.startH, Math.abs(half.medianV));
		const before = this.halves.at(-2);
		if (before === undefined || this.halves.length > HALVES_LOOKED_AT || before.direction === half.direction) return;
		this.pairs += 1;
		const middleV = Math.abs(half.medianV + before.medianV) / 2;
		const apartV = Math.abs(half.medianV - before.medianV) / 2;
		if (middleV < SYMMETRIC_V || middleV < apartV / 2) this.symmetricPairs += 1;
	}

	private forget(): void {
		this.halves = [];
		this.book.clear();
		this.judge = this.newJudge();
		this.trend = new Trend();
		this.pairs = 0;
		this.symmetricPairs = 0;
	}

	private verdictOf(failure: FailureEvent | null): Verdict {
		const { cycles } = this.book;
		if (this.chemistry === "symmetric") {
			if (failure === null) return { kind: "none", atHours: null, atCycle: null };
			const half = this.halves[failure.halfCycle];
			const atCycle = half === undefined ? (cycles.at(-1)?.cycle ?? null) : this.book.numberOf(half);
			return { kind: failure.kind, atHours: failure.atHours, atCycle };
		}
		const reference = referenceOf(cycles, this.options.referenceCycle);
		const end = endOfLife(cycles, reference, this.options.endOfLife ?? END_OF_LIFE);
		return end === null
			? { kind: "none", atHours: null, atCycle: null }
			: { kind: "end-of-life", atHours: end.startH, atCycle: end.cycle };
	}

	/** Everything told so far. Does not change what comes after; the half-cycle under way is given as incomplete. */
	result(): AnalysisResult {
		const { chemistry, options, cutter } = this;
		const open = cutter.present();
		const { judge, book } = this.withOpen(open);
		const reference = referenceOf(book.cycles, options.referenceCycle);
		const cycles = book.cycles.map((cycle) => figuresOf(cycle, chemistry, reference?.capacityAh ?? null));
		for (const cycle of book.cycles) absurdEfficiency(cycle, chemistry, this.absurd, this.defects);
		const efficiencies = cycles.flatMap(({ coulombicEfficiency }) => coulombicEfficiency ?? []);
		const all = open === null ? this.halves : [...this.halves, open];
		const isSymmetric = chemistry === "symmetric";
		const verdict = this.verdictOf(judge.verdict);
		return {
			chemistry,
			chemistryFrom: options.chemistry === undefined ? "voltages" : "as told",
			efficiency: EFFICIENCY_TEXT[chemistry],
			firstDirection: all[0]?.direction ?? null,
			hours: cutter.activeH,
			interruptions: { count: cutter.interruptions, hours: cutter.interruptedS / 3_600 },
			cycles,
			meanCoulombicEfficiency:
				efficiencies.length === 0 ? null : efficiencies.reduce((sum, each) => sum + each, 0) / efficiencies.length,
			reference: isSymmetric ? null : reference,
			halfCycles: all.map((half) => ({
				index: half.index,
				direction: half.direction,
				cycle: book.numberOf(half),
				startH: half.startH,
				endH: half.endH,
				capacityAh: half.capacityAh,
				meanCurrentA: half.meanCurrentA,
				overpotentialV: isSymmetric ? Math.abs(half.medianV) : null,
				medianV: half.medianV,
				initialPeakV: half.peakV,
				endV: half.endV,
				complete: half !== open,
			})),
			baselineV: isSymmetric ? judge.baselineV : null,
			trendVPerH: isSymmetric ? this.trend.slope : null,
			events: isSymmetric
				? judge.events.map(({ kind, atHours, halfCycle }) => ({
						kind,
						atHours,
						atCycle: book.numberOf(all[halfCycle] ?? { startH: atHours }),
					}))
				: verdict.kind === "none"
					? []
					: [{ kind: verdict.kind, atHours: verdict.atHours!, atCycle: verdict.atCycle }],
			verdict,
		};
	}

	private withOpen(open: HalfCycle | null): { judge: FailureJudge; book: CycleBook } {
		if (open === null) return { judge: this.judge, book: this.book };
		const before = this.halves.at(-1);
		const judge = this.judge.clone();
		if (before === undefined || open.capacityAh >= JUDGED_FROM * before.capacityAh) judge.push(open);
		const book = new CycleBook(this.defects);
		book.said = this.book.said;
		for (const half of [...this.halves, open]) book.push(half);
		this.book.said = book.said;
		return { judge, book };
	}
}
