/** How far a run is: complete cycles, elapsed and remaining time. */
import type { Clock } from "#core/clock.js";
import { isFinal } from "#recipe/isa88.js";
import type { Plan } from "#recipe/plan.js";
import type { RunState } from "#record/records.js";

export class Progress {
	/** Cycles whose last purge has ended. */
	completeCycles = 0;
	private startedMs: number | undefined;
	private endedMs: number | undefined;
	private stepStartedMs = 0;
	private stepLeftS: number | undefined;
	/** Planned seconds from each step's start to the end of the plan. */
	private readonly leftFromS: number[];

	constructor(
		private readonly clock: Clock,
		private readonly plan: Plan,
	) {
		this.leftFromS = new Array(plan.steps.length + 1).fill(0);
		for (let i = plan.steps.length - 1; i >= 0; i -= 1)
			this.leftFromS[i] = this.leftFromS[i + 1]! + plan.steps[i]!.plannedS;
	}

	/** Goes on where the run's records end. */
	takeUp(completeCycles: number, elapsedS: number): void {
		this.completeCycles = completeCycles;
		this.startedMs = this.clock.nowMs() - elapsedS * 1_000;
		this.stepStartedMs = this.clock.nowMs();
	}

	entered(state: RunState): void {
		if (state === "running") this.startedMs ??= this.clock.nowMs();
		if (isFinal(state)) this.endedMs = this.clock.nowMs();
	}

	stepStarted(): void {
		this.stepStartedMs = this.clock.nowMs();
		this.stepLeftS = undefined;
	}

	/** The step itself knows better than its plan how long it will take. */
	stepRemaining(seconds: number): void {
		this.stepLeftS = seconds;
	}

	cycleDone(): void {
		this.completeCycles += 1;
	}

	/** True once the run has been started, for ever after. */
	get hasStarted(): boolean {
		return this.startedMs !== undefined;
	}

	get elapsedS(): number {
		if (this.startedMs === undefined) return 0;
		return ((this.endedMs ?? this.clock.nowMs()) - this.startedMs) / 1_000;
	}

	/** Planned time left while step `position` is being executed. */
	remainingS(position: number): number {
		const step = this.plan.steps[position];
		if (step === undefined) return 0;
		const spentS = this.startedMs === undefined ? 0 : (this.clock.nowMs() - this.stepStartedMs) / 1_000;
		const stepLeftS = Math.max(0, step.plannedS - spentS);
		return Math.max(this.stepLeftS ?? 0, stepLeftS) + this.leftFromS[position + 1]!;
	}
}
