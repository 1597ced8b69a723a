/** One run of a plan: the ISA-88 procedure around its steps. */
import type { Clock } from "#core/clock.js";
import { asAdlayerError } from "#core/errors.js";
import { Activity } from "#recipe/engine/activity.js";
import { Anneals } from "#recipe/engine/anneals.js";
import { declarationOf } from "#recipe/engine/declaration.js";
import { Doses } from "#recipe/engine/doses.js";
import { allOff, executeStep, type StepContext } from "#recipe/engine/execute-step.js";
import { GapTemperatures } from "#recipe/engine/gap-temperatures.js";
import { needsHeatersOff, zonesToHold } from "#recipe/engine/hold.js";
import { rampsOf } from "#recipe/engine/ordered-ramps.js";
import { Progress } from "#recipe/engine/progress.js";
import { Prompts } from "#recipe/engine/prompts.js";
import { type KnownHeaters, Ramps } from "#recipe/engine/ramps.js";
import { refuseCommand, refuseRestart } from "#recipe/engine/refusals.js";
import { backToDose, resumeAt, stepsBefore } from "#recipe/engine/restart.js";
import { StepLog } from "#recipe/engine/step-log.js";
import { stableZones } from "#recipe/engine/suspension.js";
import { baseProof, type TakenUp } from "#recipe/engine/taken-up.js";
import type { Heater } from "#recipe/heater.js";
import { isFinal, next, type RunInput } from "#recipe/isa88.js";
import { type CoolStep, isDose, type Plan, type Step } from "#recipe/plan.js";
import type { RecordBody, RecordSink, RunCommand, RunState } from "#record/records.js";
import type { CycleCount, Interruption, RunStatus, SuspensionStatus } from "#record/status.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";
import type { Supervisor } from "#safety/supervisor.js";

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
	/** Zones whose heater is known are guided. */
	readonly heaters?: Readonly<Record<string, Heater>>;
}

export class Run {
	state: RunState = "idle";
	cause = "created";
	private readonly progress: Progress;
	private readonly doses: Doses;
	private readonly ramps: Ramps;
	private readonly anneals: Anneals;
	private readonly log: StepLog;
	private readonly prompts: Prompts;
	private readonly activity = new Activity((thrown) => {
		const { code, message } = asAdlayerError(thrown);
		// Nothing comes on top of it any more.
		if (code === "DOSE_WITHOUT_EFFECT" && this.state === "stopping")
			this.activity.begin((signal) => this.comeToRest(signal));
		else this.failed(message, needsHeatersOff(thrown, this.doing));
	});
	/** The step to execute next, or being executed. */
	private position = 0;
	/** What is being done, also outside the plan: the restabilisation of a restart, the cooling of a stop. */
	private doing: Step["type"] | undefined;
	/** A dose with its purge is one act, and is under way. */
	private inDose = false;
	/** Granted at the end of that act. */
	private wish: "pause" | "stop" | undefined;
	/** The carrier flow that the recipe wants; undefined before its first flow step. */
	private carrierSccm: number | undefined;
	private suspension: SuspensionStatus | null = null;
	private peak: { celsius: number; uncertaintyC: number } | undefined;
	private pauseLimit: { cancel(): void } | undefined;
	/** Until the run has been restarted after an interruption by the loss of control. */
	private interrupted: { readonly takenUp: TakenUp; readonly temperatures: GapTemperatures } | undefined;

	/** With `takenUp` the run goes on where its records end; `takeUp` then brings it to held. */
	constructor(
		private readonly on: RunDependencies,
		readonly plan: Plan,
		readonly identity: RunIdentity,
		takenUp?: TakenUp,
	) {
		this.progress = new Progress(on.clock, plan);
		this.doses = new Doses(on.clock, on.reactor, on.sink, identity.run, takenUp?.count);
		this.prompts = new Prompts(on.clock, on.sink, identity.run);
		this.log = new StepLog(on.clock, on.sink, identity.run);
		const { sink, reactor, heaters = {} } = on;
		this.anneals = new Anneals({ run: identity.run, sink, reactor, plan, heaters });
		this.ramps = new Ramps(
			on.clock,
			on.reactor,
			(zone, thrown) => {
				this.failed(`The setpoint of zone ${zone} could not be moved: ${asAdlayerError(thrown).message}`, true);
			},
			this.knownHeaters(),
		);
		if (takenUp !== undefined) this.remember(takenUp);
	}

	/** Control has come back to this run: the reactor goes to its safe state, and a person decides how it goes on. */
	takeUp(cause: string): void {
		if (next(this.state, "hold") !== null) {
			this.beginHold(cause, true);
			return;
		}
		this.cause = cause;
		const safe = this.on.supervisor.makeSafe("trip", cause);
		this.activity.begin(async () => {
			await safe;
			this.leave("holding", cause);
		});
	}

	private knownHeaters(): KnownHeaters {
		const { alarms } = this.on.supervisor;
		return {
			heaters: this.on.heaters ?? {},
			onBegin: (zone) => alarms.cleared(`heater.${zone}`),
			onMismatch: (zone, reason) => {
				const message = `Zone ${zone} is not its model any more. ${reason}`;
				alarms.raise({ alarm: `heater.${zone}`, message });
				// What a sensor that lies says of the temperature is worth nothing: no heat.
				this.failed(message, true);
			},
		};
	}

	get isOver(): boolean {
		return isFinal(this.state);
	}

	/** The end of whatever the run is doing now. */
	get settled(): Promise<void> {
		return this.activity.settled;
	}

	/** Does a command, or refuses it as `refusals.ts` says. Transient states end by themselves. */
	command(command: RunCommand, by: string, id: string, annealMinutes?: number): void {
		refuseCommand(command, {
			state: this.state,
			hasStarted: this.progress.hasStarted,
			isInAnneal: this.current?.type === "anneal",
			latched: this.on.supervisor.latched,
			doubted: this.on.supervisor.doubted,
		});
		if (command === "restart" && this.interrupted !== undefined) refuseRestart(this.interrupted.takenUp, annealMinutes);
		this.on.sink.append({ kind: "run-command", run: this.identity.run, command, by, id });
		const cause = `${command} by ${by}`;
		switch (command) {
			case "start":
			case "resume":
				this.pauseLimit?.cancel();
				this.enter(command, cause);
				this.activity.begin(async (signal) => {
					await this.ramps.resume(command, signal);
					await this.executeFrom(this.position, signal);
				});
				return;
			case "pause":
				this.beginPause(cause);
				return;
			case "hold":
				this.beginHold(cause, false);
				return;
			case "restart":
				this.enter(command, cause);
				this.activity.begin((signal) => this.restart(signal));
				return;
			case "stop":
				this.beginStop(cause);
				return;
			case "abort":
				this.beginAbort(cause);
				return;
			case "reset":
				this.enter(command, cause);
				this.on.supervisor.declare(null);
				return;
		}
	}

	/** A person's answer to the open question. Throws PROMPT_NOT_OPEN and COMMAND_NOT_ALLOWED. */
	confirm(prompt: string, by: string): void {
		this.prompts.answer(prompt, by);
	}

	/** An interlock has tripped: the reactor is already going to its safe state, with the heaters off. */
	tripped(cause: string): void {
		if (next(this.state, "hold") !== null) this.beginHold(`Interlock ${cause}`, true, this.on.supervisor.madeSafe);
		else if (this.state === "stopping") this.beginAbort(`Interlock ${cause}`);
	}

	/** A new reading has come from the plant. */
	sampled(): void {
		const { reactor, clock } = this.on;
		if (this.isOver || this.state === "idle") return;
		const chamber = reactor.chamber();
		if (isGood(chamber)) this.doses.trace.push(chamber.atMs, chamber.value);
		else this.doses.trace.push(clock.nowMs(), null);
		const hottest = reactor.hottestFoilZone();
		if (hottest !== undefined && hottest.celsius > (this.peak?.celsius ?? Number.NEGATIVE_INFINITY))
			this.peak = hottest;
		this.ramps.sampled();
		this.anneals.sampled(clock.nowMs());
		this.interrupted?.temperatures.sampled();
	}

	get status(): RunStatus {
		const { plan, identity, progress } = this;
		return {
			...identity,
			recipe: plan.recipe,
			product: plan.product,
			state: this.state,
			cause: this.cause,
			step: this.isOver ? null : (this.current ?? this.interrupted?.takenUp.step ?? null),
			phases: plan.phases,
			cycles: this.cycles,
			elapsedS: progress.elapsedS,
			remainingS: this.isOver ? 0 : progress.remainingS(this.position),
			plannedS: plan.totalS,
			anneal: this.anneals.status,
			worstPulseErrorMs: this.doses.count.worstErrorMs,
			peakFoilC: this.peak?.celsius ?? null,
			meltingPointC: plan.material.meltingPointC,
			prompt: this.prompts.open ?? null,
			interruption: this.isOver ? null : this.interruption,
			suspension: this.suspension,
			heating: this.isOver ? [] : this.ramps.heating,
		};
	}

	/** What of the interruption is recorded at once. */
	get counts() {
		const { complete, repeated, unknown } = this.cycles;
		const { elapsedS } = this.progress;
		return { cycles: { complete, repeated, unknown }, annealInBandS: this.anneals.inBandS, elapsedS };
	}

	/** True while nobody minds an open lid: the interrupted step asks a person to open it. */
	get lidMayBeOpen(): boolean {
		const step = this.current;
		return step?.type === "prompt" && step.lidMayOpen;
	}

	private get interruption(): Interruption | null {
		if (this.interrupted === undefined) return null;
		const { takenUp, temperatures } = this.interrupted;
		const wall = this.on.clock.wallMs();
		const { facts, lastDoses, differences } = takenUp;
		const since = Object.keys(this.on.reactor.spec.precursors).map((precursor) => {
			const last = lastDoses[precursor];
			return [
				precursor,
				last === undefined ? null : { sinceS: Math.max(0, wall - last.wall) / 1_000, fate: last.fate },
			];
		});
		return { ...facts, lastDoses: Object.fromEntries(since), temperatures: temperatures.byZone, differences };
	}

	private remember(known: TakenUp): void {
		const { plan, on } = this;
		this.interrupted = { takenUp: known, temperatures: new GapTemperatures(on.reactor, known.values) };
		this.state = known.state;
		this.position = known.position;
		this.carrierSccm = known.carrierSccm;
		this.progress.takeUp(known.completeCycles, known.elapsedS);
		this.ramps.takeUp(known.ramps);
		this.anneals.takeUp(known.anneals);
		this.prompts.takeUp(
			known.prompts,
			plan.steps.flatMap((step) => (step.type === "prompt" ? [step.id] : [])),
		);
		const peak = on.reactor.hottestOf((signal) => known.values.get(signal)?.highest);
		if (peak !== undefined) this.peak = peak;
	}

	private get current(): Step | undefined {
		return this.plan.steps[this.position];
	}

	private get cycles(): CycleCount {
		const { unknown, repeated, missed } = this.doses.count;
		const complete = this.progress.completeCycles - missed.size;
		return { ordered: this.plan.cyclesOrdered, complete, repeated, unknown };
	}

	private enter(input: RunInput, cause: string): void {
		const to = next(this.state, input)!;
		const from = this.state;
		this.state = to;
		this.cause = cause;
		this.progress.entered(to);
		if (to !== "holding" && to !== "held") this.on.supervisor.alarms.cleared("run.held");
		this.on.sink.append({ kind: "run-state", run: this.identity.run, from, to, cause });
		if (isFinal(to)) this.recordEnd(to as "complete" | "stopped" | "aborted");
	}

	/** Ends a transient state, unless a later command has already taken the run elsewhere. */
	private leave(from: RunState, cause: string): void {
		if (this.state === from) this.enter("done", cause);
	}

	private cut(): void {
		this.inDose = false;
		this.activity.cut();
	}

	/** Something could not be done: the run is held, or aborted when it is already on its way out. */
	private failed(cause: string, heatersOff: boolean): void {
		if (next(this.state, "hold") !== null) {
			this.beginHold(cause, heatersOff);
			this.on.supervisor.alarms.raise({ alarm: "run.held", message: `Run ${this.identity.run} is held: ${cause}` });
		} else if (this.state === "stopping") this.beginAbort(cause);
	}

	private async executeFrom(index: number, signal: AbortSignal): Promise<void> {
		const { plan, progress } = this;
		let dueMs = this.on.clock.nowMs();
		for (this.position = index; this.position < plan.steps.length; ) {
			const step = plan.steps[this.position]!;
			progress.stepStarted();
			this.inDose = isDose(step) || step.type === "purge";
			if (isDose(step)) this.declarePurge(step.precursor, plan.purgeMinimumS[step.precursor]);
			await this.log.around(step, signal, () => this.execute(step, dueMs, signal));
			if (isDose(step) && step.purgeMinimumS !== undefined) this.declarePurge(step.precursor, step.purgeMinimumS);
			dueMs = this.on.clock.nowMs();
			this.position += 1;
			if (step.type === "purge" && step.cycleEnds) progress.cycleDone();
			signal.throwIfAborted();
			if (this.wish !== undefined && !this.isPurgeStillToCome(step)) {
				await this.grantWish(signal);
				return;
			}
		}
		this.doses.settle();
		this.ramps.forget();
		this.leave("running", "all steps done");
	}

	/** Until it has been made, a dose may need the longest purge; then it needs its film's. */
	private declarePurge(precursor: string, minimumS: number | undefined): void {
		if (minimumS !== undefined) this.on.supervisor.declarePurge(precursor, minimumS);
	}

	private isPurgeStillToCome(done: Step): boolean {
		return isDose(done) && this.current?.type === "purge";
	}

	private execute(step: Step, dueMs: number, signal: AbortSignal): Promise<unknown> {
		const { clock, reactor, sink, supervisor } = this.on;
		const { run } = this.identity;
		const context: StepContext = {
			clock,
			reactor,
			dueMs,
			signal,
			ramps: this.ramps,
			doses: this.doses,
			next: () => (this.wish === undefined ? this.plan.steps[step.index + 1] : undefined),
			annealCount: (order) => this.anneals.begin(order),
			rampsOf: (ordered) => rampsOf(ordered, this.plan, reactor.spec.zones),
			annealOver: (order) => this.anneals.end(order),
			flowCommanded: (sccm) => {
				this.carrierSccm = sccm;
			},
			flowWanted: () => this.carrierSccm,
			stableZones: () => stableZones(step, this.plan),
			suspended: (status) => {
				this.suspension = status;
			},
			prompts: this.prompts,
			lidMayOpen: (mayOpen) => supervisor.declare(mayOpen || this.isOver ? null : declarationOf(this.plan)),
			abort: (cause) => this.beginAbort(cause),
			record: (body) => sink.append({ ...body, run } as RecordBody),
			note: (code, message) => sink.append({ kind: "note", level: "warning", run, code, message }),
			remaining: (seconds) => this.progress.stepRemaining(seconds),
		};
		this.doing = step.type;
		return executeStep(step, context);
	}

	private async grantWish(signal: AbortSignal): Promise<void> {
		const { wish } = this;
		this.wish = undefined;
		this.inDose = false;
		if (wish === "stop") await this.comeToRest(signal);
		else await this.comeToPause();
	}

	/** Finishes the half-cycle with its purge; any other step is interrupted, and executed anew on resume. */
	private beginPause(cause: string): void {
		const finishFirst = this.inDose;
		this.enter("pause", cause);
		if (finishFirst) {
			this.wish = "pause";
			return;
		}
		this.cut();
		this.activity.begin(() => this.comeToPause());
	}

	/** Ramps stand still in a pause, and go on with the resume. */
	private async comeToPause(): Promise<void> {
		await Promise.all([this.ramps.suspend("pause"), this.doses.giveUp()]);
		if (this.state !== "pausing") return;
		this.enter("done", this.cause);
		const { maxPauseS } = this.plan;
		this.pauseLimit = this.on.clock.setTimer(maxPauseS * 1_000, () => {
			if (this.state === "paused") this.beginStop(`paused for longer than ${maxPauseS / 60} min`);
		});
	}

	/** Precursors shut at once; the zones go to their hold temperature, or off when heat, pump or carrier is the reason. */
	private beginHold(cause: string, heatersOff: boolean, madeSafe?: Promise<void>): void {
		this.wish = undefined;
		this.pauseLimit?.cancel();
		this.ramps.haltAll();
		this.enter("hold", cause);
		const safe = madeSafe ?? this.on.supervisor.makeSafe("trip", cause, { keepHeaters: !heatersOff });
		this.cut();
		this.activity.begin(async (signal) => {
			await safe;
			await this.dosesGivenUp();
			this.position = backToDose(this.position, this.plan, this.doses.count.inDoubt);
			signal.throwIfAborted();
			if (!heatersOff) await zonesToHold(this.plan, this.on.reactor, this.on.supervisor, this.ramps.orders);
			this.leave("holding", cause);
		});
	}

	/** What could not be disarmed has been shut by the safe state, which goes on trying. */
	private dosesGivenUp(): Promise<void> {
		return this.doses.giveUp().catch(() => {});
	}

	/** From held: vacuum, flow and temperature are brought back and proven before the interrupted step is executed again. */
	private async restart(signal: AbortSignal): Promise<void> {
		const { reactor, clock } = this.on;
		if (this.interrupted !== undefined) await this.proveBase(signal);
		this.doing = "flow";
		if (this.carrierSccm !== undefined) {
			await reactor.setStopValve(true, "restart");
			signal.throwIfAborted();
			await reactor.setCarrier(this.carrierSccm, "restart");
			signal.throwIfAborted();
		}
		this.doing = "heat";
		await this.ramps.startAgain("restart", signal);
		this.position = resumeAt(this.position, this.plan);
		const resumed = this.current;
		for (const step of resumed === undefined ? [] : stepsBefore(resumed, this.plan, this.ramps.orders)) {
			await this.execute(step, clock.nowMs(), signal);
		}
		this.interrupted = undefined;
		this.leave("restarting", "restarted");
		await this.executeFrom(this.position, signal);
	}

	/** After the loss of control nothing is taken for granted: the empty chamber is proven before gas flows again. */
	private async proveBase(signal: AbortSignal): Promise<void> {
		this.on.supervisor.declare(declarationOf(this.plan));
		const proof = baseProof(this.current, this.plan);
		if (proof === undefined) return;
		const sccm = this.carrierSccm;
		await this.execute(proof, this.on.clock.nowMs(), signal);
		this.carrierSccm = sccm;
	}

	private beginStop(cause: string): void {
		const finishFirst = this.inDose;
		this.pauseLimit?.cancel();
		this.enter("stop", cause);
		if (finishFirst) {
			this.wish = "stop";
			return;
		}
		this.cut();
		this.activity.begin((signal) => this.comeToRest(signal));
	}

	/** The orderly end: precursors shut and purge gas flowing, then the recipe's own last cool step, or heaters off without one. */
	private async comeToRest(signal: AbortSignal): Promise<void> {
		await this.on.supervisor.makeSafe("trip", this.cause, { keepHeaters: true });
		signal.throwIfAborted();
		await this.dosesGivenUp();
		const last = this.plan.steps.findLast((step): step is CoolStep => step.type === "cool");
		this.ramps.forget();
		if (last !== undefined) await this.execute(last, this.on.clock.nowMs(), signal);
		else await allOff(this.on.reactor, "stop");
		this.leave("stopping", this.cause);
	}

	private beginAbort(cause: string): void {
		this.wish = undefined;
		this.pauseLimit?.cancel();
		this.ramps.forget();
		this.enter("abort", cause);
		const safe = this.on.supervisor.makeSafe("trip", cause);
		this.cut();
		this.activity.begin(async () => {
			await safe;
			await this.dosesGivenUp();
			this.leave("aborting", cause);
		});
	}

	private recordEnd(state: "complete" | "stopped" | "aborted"): void {
		const { plan, progress, peak } = this;
		this.anneals.endAll();
		this.on.sink.append({
			kind: "run-finished",
			run: this.identity.run,
			state,
			product: plan.product,
			cycles: this.cycles,
			worstPulseErrorMs: this.doses.count.worstErrorMs,
			peakFoilC: peak?.celsius ?? null,
			peakFoilUncertaintyC: peak?.uncertaintyC ?? null,
			anneal: this.anneals.summary,
			durationS: progress.elapsedS,
			plannedS: plan.totalS,
		});
	}
}
