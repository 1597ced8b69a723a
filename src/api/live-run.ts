import type { RunSummary } from "#record/history.js";
import { PulseCount } from "#record/pulse-count.js";
import type {
	JournalRecord,
	PlannedStep,
	RecordBase,
	RunCreated,
	RunFinished,
	RunPhase,
	RunState,
	StepEnded,
	StepStarted,
} from "#record/records.js";
import type {
	CycleCount,
	HeatingStatus,
	Interruption,
	PromptStatus,
	RunStatus,
	SuspensionStatus,
} from "#record/status.js";

const FINAL: ReadonlySet<RunState> = new Set<RunState>(["complete", "stopped", "aborted"]);

/** The run a record belongs to; null for what concerns the whole station. */
export function runOf(record: JournalRecord): string | null {
	return "run" in record ? (record.run ?? null) : null;
}

interface Facts {
	readonly run: string;
	readonly recipe: string;
	readonly sample: string;
	readonly product: string;
	readonly operator: string;
	readonly plannedS: number;
	readonly phases: readonly RunPhase[];
	readonly cyclesOrdered: number;
	readonly meltingPointC: number | null;
}

/** The present run, followed through the journal's records: its state, step, cycles and times. */
export class LiveRun {
	state: RunState = "idle";
	private cause = "The run was created.";
	private step: PlannedStep | null = null;
	private stepStartT = 0;
	private stepCounted = false;
	private doneThrough = -1;
	private doneS = 0;
	private cycleReached = 0;
	private cyclesComplete = 0;
	private readonly count = new PulseCount();
	private peakFoilC: number | null = null;
	private anneal: RunStatus["anneal"] = null;
	private prompt: PromptStatus | null = null;
	private interruption: Interruption | null = null;
	private suspension: SuspensionStatus | null = null;
	private heating: readonly HeatingStatus[] = [];
	private startT: number | null = null;
	private endT: number | null = null;
	private endWall: number | null = null;
	private adopted: RunStatus | null = null;
	private finished: RunFinished | null = null;

	private constructor(
		private readonly facts: Facts,
		/** The record that made the run; null when only control's own word is known. */
		readonly created: (RunCreated & RecordBase) | null,
	) {}

	static fromRecord(created: RunCreated & RecordBase): LiveRun {
		const { run, recipe, sample, product, operator, plan, meltingPointC } = created;
		const facts: Facts = {
			run,
			recipe,
			sample,
			product,
			operator,
			plannedS: plan.totalS,
			phases: plan.phases,
			cyclesOrdered: plan.cycles,
			meltingPointC,
		};
		return new LiveRun(facts, created);
	}

	/** For a follower that came after the run was created: what control says of it, at control's time `t`. */
	static fromStatus(status: RunStatus, t: number): LiveRun {
		const live = new LiveRun({ ...status, cyclesOrdered: status.cycles.ordered }, null);
		live.state = status.state;
		live.startT = t - status.elapsedS * 1000;
		if (FINAL.has(status.state)) live.endT = t;
		live.adopt(status);
		return live;
	}

	get run(): string {
		return this.facts.run;
	}

	get isFinal(): boolean {
		return FINAL.has(this.state);
	}

	/** Takes over what only control knows while the run goes on; figures that the journal has counted stay. */
	adopt(status: RunStatus): void {
		this.anneal = status.anneal;
		this.peakFoilC = highest(this.peakFoilC, status.peakFoilC);
		this.interruption = status.interruption ?? null;
		this.heating = status.heating ?? [];
		// Its values move on without records.
		if (this.suspension !== null) this.suspension = status.suspension ?? this.suspension;
		if (this.created !== null) return;
		this.adopted = status;
		this.prompt = status.prompt ?? null;
		this.suspension = status.suspension ?? null;
		this.cause = status.cause;
		this.step = status.step;
	}

	apply(record: JournalRecord): void {
		switch (record.kind) {
			case "prompt-asked": {
				const { kind: _, seq: __, t: ___, wall, run: ____, ...prompt } = record;
				this.prompt = { ...prompt, askedAt: wall };
				return;
			}
			case "prompt-answered":
				this.prompt = null;
				return;
			case "run-interrupted":
				// Control's time has begun anew, and what waited for an answer is gone.
				this.startT = record.t - record.elapsedS * 1000;
				this.stepStartT = record.t;
				this.prompt = null;
				this.suspension = null;
				return;
			case "suspension": {
				const { state, conditions, until, wall: since } = record;
				this.suspension = state === "began" ? { conditions, since, until } : null;
				return;
			}
			case "run-state":
				this.state = record.to;
				this.cause = record.cause;
				if (record.to === "running") this.interruption = null;
				if (record.to === "running") this.startT ??= record.t;
				if (FINAL.has(record.to)) {
					this.endT = record.t;
					this.endWall = record.wall;
				}
				return;
			case "step-started":
				this.stepStarted(record);
				return;
			case "step-ended":
				this.prompt = null;
				this.stepEnded(record);
				return;
			case "pulse-intended":
				this.count.intended(record);
				return;
			case "pulse":
				this.count.ended(record);
				return;
			case "run-finished":
				this.finished = record;
				this.endT ??= record.t;
				this.endWall ??= record.wall;
				return;
		}
	}

	/** A corrected temperature of a zone that heats the foil. */
	foilSeen(foilC: number): void {
		if (this.startT !== null && this.endT === null) this.peakFoilC = highest(this.peakFoilC, foilC);
	}

	status(nowT: number): RunStatus {
		const { cyclesOrdered: _, ...facts } = this.facts;
		return {
			...facts,
			state: this.state,
			cause: this.cause,
			step: this.isFinal ? null : this.step,
			cycles: this.cycles(),
			elapsedS: this.elapsedS(nowT),
			remainingS: this.remainingS(nowT),
			anneal: this.anneal,
			prompt: this.isFinal ? null : this.prompt,
			interruption: this.isFinal ? null : this.interruption,
			suspension: this.isFinal ? null : this.suspension,
			heating: this.isFinal ? [] : this.heating,
			worstPulseErrorMs:
				this.finished?.worstPulseErrorMs ?? highest(this.count.worstErrorMs, this.adopted?.worstPulseErrorMs),
			peakFoilC: this.finished?.peakFoilC ?? this.peakFoilC,
		};
	}

	/** The run's line in lists; undefined while only control's word is known. */
	summary(nowT: number): RunSummary | undefined {
		const { created } = this;
		if (created === null) return undefined;
		const status = this.status(nowT);
		return {
			run: created.run,
			recipe: created.recipe,
			recipeSha256: created.recipeSha256,
			sample: created.sample,
			product: created.product,
			operator: created.operator,
			simulated: created.simulated,
			state: this.state,
			createdAt: created.wall,
			endedAt: this.endWall,
			cycles: status.cycles,
			worstPulseErrorMs: status.worstPulseErrorMs,
			peakFoilC: status.peakFoilC,
			durationS: this.finished?.durationS ?? null,
			plannedS: created.plan.totalS,
		};
	}

	private stepStarted(record: StepStarted & RecordBase): void {
		const { kind: _, run: __, seq: ___, t, wall: ____, ...step } = record;
		this.step = step;
		this.stepStartT = t;
		this.stepCounted = false;
		const cycle = step.cycle ?? 0;
		if (cycle > this.cycleReached) {
			this.cyclesComplete = Math.max(this.cyclesComplete, cycle - 1);
			this.cycleReached = cycle;
		} else if (cycle === 0 && this.cycleReached > 0) {
			this.cyclesComplete = Math.max(this.cyclesComplete, this.cycleReached);
		}
	}

	private stepEnded(record: StepEnded): void {
		if (record.outcome !== "done" || record.index <= this.doneThrough) return;
		this.doneThrough = record.index;
		this.doneS += record.plannedS;
		if (this.step?.index === record.index) this.stepCounted = true;
	}

	private cycles(): CycleCount {
		if (this.finished !== null) return this.finished.cycles;
		const ordered = this.facts.cyclesOrdered;
		const before = this.adopted?.cycles;
		const { missed, repeated, unknown } = this.count;
		const complete = this.cyclesComplete - missed.size;
		return {
			ordered,
			complete: Math.min(ordered, Math.max(complete, before?.complete ?? 0)),
			repeated: repeated + (before?.repeated ?? 0),
			unknown: unknown + (before?.unknown ?? 0),
		};
	}

	private elapsedS(nowT: number): number {
		if (this.finished !== null) return this.finished.durationS;
		return this.startT === null ? 0 : Math.max(0, ((this.endT ?? nowT) - this.startT) / 1000);
	}

	private remainingS(nowT: number): number {
		if (this.isFinal) return 0;
		if (this.adopted !== null) return Math.max(0, this.adopted.remainingS);
		const sinceStepS = Math.max(0, (nowT - this.stepStartT) / 1000);
		const inStepS = this.step === null || this.stepCounted ? 0 : Math.min(sinceStepS, this.step.plannedS);
		return Math.max(0, this.facts.plannedS - this.doneS - inStepS);
	}
}

function highest(a: number | null, b: number | null | undefined): number | null {
	if (b === null || b === undefined) return a;
	return a === null || b > a ? b : a;
}
