/** One run of a plan: the ISA-88 procedure around its steps. */
import type { Clock } from "#core/clock.js";
import { AdlayerError, asAdlayerError } from "#core/errors.js";
import type { RecordSink, RunCommand, RunState, StepEnded } from "#record/records.js";
import type { RunStatus } from "#record/status.js";
import { AnnealCount } from "#recipe/engine/anneal-count.js";
import { Doses } from "#recipe/engine/doses.js";
import { executeStep, type StepContext } from "#recipe/engine/execute-step.js";
import { Progress } from "#recipe/engine/progress.js";
import { Ramps } from "#recipe/engine/ramps.js";
import { allowed, isFinal, next, type RunInput } from "#recipe/isa88.js";
import type { AnnealStep, CoolStep, Plan, PurgeStep, StabiliseStep, Step } from "#recipe/plan.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { type Effect, isGood } from "#safety/interlock.js";
import type { Supervisor } from "#safety/supervisor.js";

/** A held zone stays at least this far below the metal's melting point, unless the recipe says otherwise. */
const HOLD_BELOW_MELTING_C = 20;
/** Temperatures are proven again before a held run goes on. */
const RESTART_BAND_C = 2;
const RESTART_TIMEOUT_S = 7_200;

export interface RunIdentity {
	readonly run: string;
	readonly sample: string;
	readonly operator: string;
}

export interface RunDependencies {
	readonly clock: Clock;
	readonly sink: RecordSink;
	readonly reactor: GuardedReactor;
	readonly supervisor: Supervisor;
}

/** Why a step was cut short. */
class Interruption {
	constructor(readonly command: "pause" | "hold" | "stop" | "abort") {}
}

export class Run {
	state: RunState = "idle";
	cause = "created";
	readonly progress: Progress;
	private readonly doses: Doses;
	private readonly ramps: Ramps;
	/** The step to execute next, or being executed. */
	private position = 0;
	private wish: "pause" | "stop" | undefined;
	private interrupt = new AbortController();
	private atWork: Promise<void> = Promise.resolve();
	private anneal: AnnealCount | undefined;
	private carrierSccm = 0;
	private peak: { celsius: number; uncertaintyC: number } | undefined;
	private pauseLimit: { cancel(): void } | undefined;

	constructor(
		private readonly on: RunDependencies,
		readonly plan: Plan,
		readonly identity: RunIdentity,
	) {
		this.progress = new Progress(on.clock, plan);
		this.doses = new Doses(on.clock, on.reactor, on.sink, identity.run);
		this.ramps = new Ramps(on.clock, on.reactor, (zone, thrown) => {
			this.holdBecause(`The setpoint of zone ${zone} could not be moved: ${asAdlayerError(thrown).message}`);
		});
	}

	get isOver(): boolean {
		return isFinal(this.state);
	}

	/** Does a command or refuses it with COMMAND_NOT_ALLOWED. Resolves when it is accepted; transient states end by themselves. */
	command(command: RunCommand, by: string, id: string): void {
		if (next(this.state, command) === null) {
			const can = allowed(this.state);
			throw new AdlayerError("COMMAND_NOT_ALLOWED", `A run that is ${this.state} cannot ${command}; it can ${can.length === 0 ? "only be waited for" : can.join(", ")}.`, {
				context: { state: this.state, allowed: can },
			});
		}
		if (command === "pause" && this.plan.steps[this.position]?.type === "anneal") {
			throw new AdlayerError("COMMAND_NOT_ALLOWED", "An anneal cannot be paused: its temperature would go on acting. Hold or stop instead.", { context: { state: this.state } });
		}
		this.on.sink.append({ kind: "run-command", run: this.identity.run, command, by, id });
		const cause = `${command} by ${by}`;
		switch (command) {
			case "start":
				this.enter(command, cause);
				this.work(() => this.executeFrom(this.position));
				return;
			case "pause":
				this.enter(command, cause);
				this.wish = "pause";
				if (!this.inDose) this.cut("pause");
				return;
			case "resume":
				this.pauseLimit?.cancel();
				this.enter(command, cause);
				this.work(() => this.executeFrom(this.position));
				return;
			case "hold":
				this.beginHold(cause, false);
				return;
			case "restart":
				this.enter(command, cause);
				this.work(() => this.restart());
				return;
			case "stop":
				this.beginStop(cause);
				return;
			case "abort":
				this.enter(command, cause);
				this.beginAbort(cause);
				return;
			case "reset":
				this.enter(command, cause);
				this.on.supervisor.declare(null);
				return;
		}
	}

	/** An interlock has tripped: the reactor is already going to its safe state, with the heaters off. */
	tripped(effect: Effect, cause: string): void {
		if (next(this.state, "hold") !== null) this.beginHold(`Interlock: ${cause}`, true);
		else if (this.state === "stopping") this.command("abort", "safety", `trip-${effect}`);
	}

	/** A new reading has come from the plant. */
	sampled(): void {
		const { reactor, clock } = this.on;
		if (this.isOver || this.state === "idle") return;
		const chamber = reactor.chamber();
		if (isGood(chamber)) this.doses.trace.push(chamber.atMs, chamber.value);
		else this.doses.trace.push(clock.nowMs(), null);
		const hottest = reactor.hottestFoilZone();
		if (hottest !== undefined && hottest.celsius > (this.peak?.celsius ?? Number.NEGATIVE_INFINITY)) this.peak = hottest;
		if (this.anneal !== undefined) {
			const zone = reactor.zone(this.anneal.order.zone);
			this.anneal.push(zone.atMs, isGood(zone) ? zone.value : null);
		}
	}

	get status(): RunStatus {
		const { plan, identity, progress } = this;
		const annealStep = plan.steps.find((step): step is AnnealStep => step.type === "anneal");
		return {
			...identity,
			recipe: plan.recipe,
			product: plan.product,
			state: this.state,
			cause: this.cause,
			step: this.isOver ? null : (plan.steps[this.position] ?? null),
			phases: plan.phases,
			cycles: progress.cycles,
			elapsedS: progress.elapsedS,
			remainingS: this.isOver ? 0 : progress.remainingS(this.position),
			plannedS: plan.totalS,
			anneal: annealStep === undefined ? null : { inBandS: this.anneal?.inBandS ?? 0, orderedS: annealStep.forS },
			worstPulseErrorMs: this.doses.worstErrorMs,
			peakFoilC: this.peak?.celsius ?? null,
			meltingPointC: plan.material.meltingPointC,
		};
	}

	private get current(): Step | undefined {
		return this.plan.steps[this.position];
	}

	/** A dose with its purge is one act. */
	private get inDose(): boolean {
		const type = this.current?.type;
		return (this.state === "running" || this.state === "pausing" || this.state === "stopping") && (type === "pulse" || type === "purge");
	}

	private enter(input: RunInput, cause: string): void {
		const to = next(this.state, input)!;
		const from = this.state;
		this.state = to;
		this.cause = cause;
		this.progress.entered(to);
		this.on.sink.append({ kind: "run-state", run: this.identity.run, from, to, cause });
		if (isFinal(to)) this.recordEnd(to as "complete" | "stopped" | "aborted");
	}

	/** Ends a transient state, unless a later command has already taken the run elsewhere. */
	private leave(from: RunState, cause: string): void {
		if (this.state === from) this.enter("done", cause);
	}

	private cut(command: Interruption["command"]): void {
		this.interrupt.abort(new Interruption(command));
	}

	/** Runs one activity after the one before has ended; its failure holds the run. */
	private work(activity: () => Promise<void>): void {
		this.atWork = this.atWork.then(async () => {
			this.interrupt = new AbortController();
			try {
				await activity();
			} catch (thrown) {
				if (thrown instanceof Interruption || this.interrupt.signal.aborted) return;
				this.holdBecause(asAdlayerError(thrown).message);
			}
		});
	}

	private holdBecause(cause: string): void {
		if (next(this.state, "hold") !== null) this.beginHold(cause, false);
		else if (this.state === "stopping") this.command("abort", "control", "failure-while-stopping");
	}

	private async executeFrom(index: number): Promise<void> {
		const { plan } = this;
		let dueMs = this.on.clock.nowMs();
		for (this.position = index; this.position < plan.steps.length; ) {
			const step = plan.steps[this.position]!;
			await this.executeOne(step, dueMs);
			dueMs = this.on.clock.nowMs();
			this.position += 1;
			if (step.type === "purge" && step.cycleEnds) this.progress.cycleDone();
			if (this.wish !== undefined && !this.dosing(step)) {
				await this.grantWish();
				return;
			}
		}
		this.doses.settle();
		this.ramps.forget();
		this.enter("done", "all steps done");
	}

	/** True after a pulse whose purge is still to come. */
	private dosing(done: Step): boolean {
		return done.type === "pulse" && this.current?.type === "purge";
	}

	private async executeOne(step: Step, dueMs: number): Promise<void> {
		const { clock, sink } = this.on;
		const { index, path, phase, type, title, plannedS, cycle } = step;
		const ofCycle = cycle === undefined ? {} : { cycle };
		sink.append({ kind: "step-started", run: this.identity.run, index, path, phase, type, title, plannedS, ...ofCycle });
		const startMs = clock.nowMs();
		this.progress.stepStarted();
		const end = (outcome: StepEnded["outcome"], detail?: string) =>
			sink.append({
				kind: "step-ended",
				run: this.identity.run,
				index,
				type,
				phase,
				...ofCycle,
				outcome,
				plannedS,
				actualS: (clock.nowMs() - startMs) / 1_000,
				...(detail === undefined ? {} : { detail }),
			});
		try {
			await executeStep(step, this.context(dueMs));
			end("done");
		} catch (thrown) {
			if (thrown instanceof Interruption || this.interrupt.signal.aborted) end("interrupted");
			else {
				const error = asAdlayerError(thrown);
				end(error.code === "STEP_TIMED_OUT" ? "timed-out" : "failed", error.message);
			}
			throw thrown;
		}
	}

	private context(dueMs: number): StepContext {
		const { clock, reactor } = this.on;
		return {
			clock,
			reactor,
			dueMs,
			ramps: this.ramps,
			doses: this.doses,
			signal: this.interrupt.signal,
			next: this.wish === undefined ? this.plan.steps[this.position + 1] : undefined,
			annealCount: (step) => {
				this.anneal ??= new AnnealCount(step);
				return this.anneal;
			},
			flowCommanded: (sccm) => {
				this.carrierSccm = sccm;
			},
			remaining: (seconds) => this.progress.stepRemaining(seconds),
		};
	}

	private async grantWish(): Promise<void> {
		const wish = this.wish;
		this.wish = undefined;
		this.doses.settle();
		if (wish === "stop") await this.coolDown();
		else this.paused();
	}

	private paused(): void {
		this.enter("done", this.cause);
		this.pauseLimit = this.on.clock.setTimer(this.plan.maxPauseS * 1_000, () => {
			if (this.state === "paused") this.beginStop(`paused for longer than ${this.plan.maxPauseS / 60} min`);
		});
	}

	/** Precursors shut at once; the zones go to their hold temperature, or off when heat itself is the reason. */
	private beginHold(cause: string, heatersOff: boolean): void {
		this.wish = undefined;
		this.pauseLimit?.cancel();
		this.enter("hold", cause);
		// A trip brings about its own safe state.
		const safe = heatersOff ? Promise.resolve() : this.on.supervisor.makeSafe("trip", cause, true);
		this.cut("hold");
		this.work(async () => {
			await safe;
			this.doses.settle();
			this.ramps.haltAll();
			if (!heatersOff && this.state === "holding") await this.zonesToHold();
			this.leave("holding", cause);
		});
	}

	private async zonesToHold(): Promise<void> {
		const { meltingPointC } = this.plan.material;
		for (const [zone, targetC] of this.ramps.targetsC) {
			const ceiling = this.plan.holdC ?? (meltingPointC === null ? targetC : meltingPointC - HOLD_BELOW_MELTING_C);
			await this.on.reactor.setZone(zone, Math.min(targetC, ceiling), "hold");
		}
	}

	/** From held: vacuum, flow and temperature are brought back and proven before the interrupted half-cycle goes on. */
	private async restart(): Promise<void> {
		const { reactor } = this.on;
		if (this.carrierSccm > 0) {
			await reactor.setStopValve(true, "restart");
			await reactor.setCarrier(this.carrierSccm, "restart");
		}
		const zones = [...this.ramps.targetsC].map(([zone, targetC]) => ({ zone, targetC }));
		for (const { zone, targetC } of zones) {
			const ramp = reactor.spec.zones[zone]!.rampCPerMinMax;
			await this.ramps.start(zone, { toC: targetC, rampCPerMin: ramp, approachFromC: 5, approachCPerMin: ramp / 5 }, "restart");
		}
		const position = this.resumePosition();
		const resumed = this.plan.steps[position];
		const context = this.context(this.on.clock.nowMs());
		if (zones.length > 0 && (resumed?.type === "pulse" || resumed?.type === "purge")) {
			const stabilise: StabiliseStep = { ...resumed, type: "stabilise", title: "Restabilise", zones, bandC: RESTART_BAND_C, forS: 60, timeoutS: RESTART_TIMEOUT_S };
			await executeStep(stabilise, { ...context, next: undefined });
		}
		if (resumed?.type === "pulse") await this.purgeFully(context);
		this.interrupt.signal.throwIfAborted();
		this.leave("restarting", "restarted");
		await this.executeFrom(position);
	}

	/** A half-cycle whose pulse may not have been whole is repeated; a delivered one goes on with its purge. */
	private resumePosition(): number {
		const step = this.current;
		if (step?.type === "pulse" && this.doses.lastFate === "unknown") this.progress.repeatHalfCycle();
		return this.position;
	}

	private async purgeFully(context: StepContext): Promise<void> {
		const seconds = Math.max(0, ...Object.values(this.plan.purgeMinimumS));
		const purge: PurgeStep = { ...this.current!, type: "purge", title: "Purge before going on", after: "", seconds, cycleEnds: false };
		await executeStep(purge, { ...context, dueMs: this.on.clock.nowMs(), next: undefined });
	}

	private beginStop(cause: string): void {
		const wasRunning = this.state === "running" || this.state === "pausing";
		this.pauseLimit?.cancel();
		const inDose = this.inDose;
		this.enter("stop", cause);
		if (wasRunning && inDose) {
			this.wish = "stop";
			return;
		}
		this.cut("stop");
		this.work(async () => {
			this.doses.settle();
			await this.coolDown();
		});
	}

	/** The orderly end: the recipe's own last cool step, or heaters off when it has none. */
	private async coolDown(): Promise<void> {
		const last = this.plan.steps.findLast((step): step is CoolStep => step.type === "cool");
		this.ramps.forget();
		if (last !== undefined) await executeStep(last, { ...this.context(this.on.clock.nowMs()), next: undefined });
		else for (const zone of Object.keys(this.on.reactor.spec.zones)) await this.on.reactor.switchZoneOff(zone, "stop");
		this.leave("stopping", this.cause);
	}

	private beginAbort(cause: string): void {
		this.pauseLimit?.cancel();
		const safe = this.on.supervisor.makeSafe("trip", cause);
		this.cut("abort");
		this.work(async () => {
			await safe;
			this.doses.settle();
			this.ramps.forget();
			this.leave("aborting", cause);
		});
	}

	private recordEnd(state: "complete" | "stopped" | "aborted"): void {
		const { plan, progress, anneal, peak } = this;
		this.on.sink.append({
			kind: "run-finished",
			run: this.identity.run,
			state,
			product: plan.product,
			cycles: progress.cycles,
			worstPulseErrorMs: this.doses.worstErrorMs,
			peakFoilC: peak?.celsius ?? null,
			peakFoilUncertaintyC: peak?.uncertaintyC ?? null,
			anneal: anneal === undefined ? null : { inBandS: anneal.inBandS, maximumC: anneal.maximumC },
			durationS: progress.elapsedS,
			plannedS: plan.totalS,
		});
	}
}
