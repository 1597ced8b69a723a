/** Follows the records of one run from its creation on. */
import { PulseCount } from "#record/pulse-count.js";
import type {
	JournalRecord,
	PlannedStep,
	RecordBase,
	RunCreated,
	RunState,
	SampleRecord,
	StepEnded,
	StepStarted,
} from "#record/records.js";
import type { RunTrail } from "#record/run-trail.js";
import { TrendDoses } from "./trend-doses.js";

export interface OpenRun {
	readonly run: string;
	readonly created: RunCreated & RecordBase;
	readonly state: RunState;
	/** The last step that was started, and how it ended when it did. */
	readonly lastStep: (StepStarted & RecordBase) | null;
	readonly lastStepEnd: (StepEnded & RecordBase) | null;
	/** Highest number of a cycle whose last step ended as done and was followed by another step. */
	readonly cyclesDone: number;
	readonly trail: RunTrail;
}

export class RunFollower {
	private created: (RunCreated & RecordBase) | null = null;
	private state: RunState = "idle";
	private lastStep: (StepStarted & RecordBase) | null = null;
	private lastStepEnd: (StepEnded & RecordBase) | null = null;
	private cyclesDone = 0;
	private readonly started = new Map<number, PlannedStep>();
	private readonly done = new Set<number>();
	private readonly count = new PulseCount();
	private readonly trends = new TrendDoses();
	private readonly anneals = new Map<number, { inBandS: number; maximumC: number | null }>();
	private readonly prompts: string[] = [];
	private cause = "";
	private elapsedMs = 0;
	private isUnderWay = false;
	private last: RecordBase | null = null;
	private readonly values = new Map<string, { last: number; highest: number }>();

	follow(record: JournalRecord): void {
		this.countTime(record);
		if ("run" in record && record.kind !== "run-created" && record.run !== this.created?.run) return;
		switch (record.kind) {
			case "run-created":
				this.created = record;
				break;
			case "run-state":
				this.state = record.to;
				this.cause = record.cause;
				if (record.to === "running") this.isUnderWay = true;
				break;
			case "step-started": {
				const { kind: _kind, run: _run, seq: _seq, t: _t, wall: _wall, ...step } = record;
				this.countCycle(record.cycle);
				this.lastStep = record;
				this.lastStepEnd = null;
				this.started.set(record.index, step);
				// One that is begun again is not done until it ends again.
				this.done.delete(record.index);
				break;
			}
			case "step-ended":
				this.lastStepEnd = record;
				if (record.outcome === "done") this.done.add(record.index);
				break;
			case "pulse-intended":
				this.count.intended(record);
				break;
			case "pulse":
				this.count.ended(record);
				this.trends.follow(record);
				break;
			case "anneal-progress":
				this.anneals.set(record.index, { inBandS: record.inBandS, maximumC: record.maximumC });
				break;
			case "prompt-asked":
				this.prompts.push(record.prompt);
				break;
			case "sample":
				this.sampled(record);
				break;
			default:
		}
	}

	openRun(): OpenRun | null {
		const { created, state, lastStep, lastStepEnd, cyclesDone } = this;
		if (created === null) return null;
		const { started, done, count, anneals, prompts, cause, values } = this;
		const elapsedS = this.elapsedMs / 1_000;
		const trail: RunTrail = {
			started,
			done,
			count,
			trends: this.trends.all,
			anneals,
			prompts,
			elapsedS,
			cause,
			values,
		};
		return { run: created.run, created, state, lastStep, lastStepEnd, cyclesDone, trail };
	}

	/** Monotonic time begins anew with each control process; between two of them there is only the wall clock. */
	private countTime(record: JournalRecord): void {
		if (this.isUnderWay && this.last !== null) {
			const passedMs = record.kind === "control-started" ? record.wall - this.last.wall : record.t - this.last.t;
			this.elapsedMs += Math.max(0, passedMs);
		}
		this.last = record;
	}

	/** A cycle is done when a step outside it starts after its last step was done. */
	private countCycle(next: number | undefined): void {
		const before = this.lastStep?.cycle;
		if (before === undefined || before === next || this.lastStepEnd?.outcome !== "done") return;
		this.cyclesDone = Math.max(this.cyclesDone, before);
	}

	private sampled({ instrument, values, fault }: SampleRecord): void {
		for (const [name, value] of Object.entries(values)) {
			if (value === null || fault?.[name] !== undefined) continue;
			const id = `${instrument}.${name}`;
			const known = this.values.get(id);
			if (known === undefined) this.values.set(id, { last: value, highest: value });
			else {
				known.last = value;
				if (value > known.highest) known.highest = value;
			}
		}
	}
}
