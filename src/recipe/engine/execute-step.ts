/** What each step does: one function per type, reached through one table. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { AnnealCount } from "#recipe/engine/anneal-count.js";
import { askPerson, waitUntil } from "#recipe/engine/ask-and-wait.js";
import type { Doses } from "#recipe/engine/doses.js";
import { evacuateLines } from "#recipe/engine/evacuate-lines.js";
import type { rampsOf } from "#recipe/engine/ordered-ramps.js";
import type { Prompts } from "#recipe/engine/prompts.js";
import type { Ramps } from "#recipe/engine/ramps.js";
import { backfill, exposure, leakCheck } from "#recipe/engine/shut-chamber.js";
import { isFit, type StableZone, untilFit } from "#recipe/engine/suspension.js";
import { sleepUntil, until, untilFlow } from "#recipe/engine/waiting.js";
import type {
	AnnealStep,
	CoolStep,
	FlowStep,
	HeatStep,
	PulseStep,
	PumpDownStep,
	PurgeStep,
	StabiliseStep,
	Step,
	WaitStep,
} from "#recipe/plan.js";
import type { RecordBody } from "#record/records.js";
import type { SuspensionStatus } from "#record/status.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { isGood } from "#safety/interlock.js";

/** The next dose is prepared this long before it is due at the latest; a purge shorter than this prepares at once. */
const PREPARE_BEFORE_MS = 1_500;

/** What steps act on and remember for each other. */
export interface StepContext {
	readonly clock: Clock;
	readonly reactor: GuardedReactor;
	readonly ramps: Ramps;
	readonly doses: Doses;
	/** Aborted when the step is interrupted. */
	readonly signal: AbortSignal;
	/** The step after this one, as far as it is meant to follow at once. */
	next(): Step | undefined;
	/** When this step was due: the end of the one before, monotonic ms. */
	readonly dueMs: number;
	/** The anneal's count; made at its first execution, kept over interruptions. */
	annealCount(step: AnnealStep): AnnealCount;
	/** The ways to new temperatures that a step orders, by zone. */
	rampsOf(step: HeatStep | AnnealStep): ReturnType<typeof rampsOf>;
	/** The anneal is over, and put on record. */
	annealOver(step: AnnealStep): void;
	flowCommanded(sccm: number): void;
	/** The carrier flow that the recipe wants by its last order; undefined before the first. */
	flowWanted(): number | undefined;
	/** Zones that the recipe has proven to be where the doses want them. */
	stableZones(): readonly StableZone[];
	/** A dose waits by itself, or does no more. */
	suspended(status: SuspensionStatus | null): void;
	readonly prompts: Prompts;
	/** While true nobody minds an open lid. */
	lidMayOpen(mayOpen: boolean): void;
	/** Ends the run by its abort. */
	abort(cause: string): void;
	record(body: Distribute<RecordBody>): void;
	note(code: string, message: string): void;
	/** Says how far the step is, for people. */
	remaining(seconds: number): void;
}

/** A record without its run, which the engine adds. */
type Distribute<Body> = Body extends { readonly run: string } ? Omit<Body, "run"> : never;

/** Gives a sentence for the record when there is more to say than that it is done. */
type Execute<S extends Step> = (step: S, context: StepContext) => Promise<unknown>;

const EXECUTE: { [Type in Step["type"]]: Execute<Extract<Step, { type: Type }>> } = {
	flow,
	"pump-down": pumpDown,
	heat,
	stabilise,
	pulse,
	purge,
	wait,
	anneal,
	cool,
	exposure,
	prompt: askPerson,
	"wait-until": waitUntil,
	glovebox: waitUntil,
	"leak-check": leakCheck,
	"line-evacuate": evacuateLines,
	backfill,
};

export function executeStep(step: Step, context: StepContext): Promise<unknown> {
	return (EXECUTE[step.type] as Execute<Step>)(step, context);
}

async function flow(step: FlowStep, context: StepContext): Promise<void> {
	const { reactor } = context;
	if (step.sccm > 0) await reactor.setStopValve(true, step.title);
	context.signal.throwIfAborted();
	await reactor.setCarrier(step.sccm, step.title);
	context.flowCommanded(step.sccm);
	await untilFlow(context, step.sccm);
}

async function pumpDown(step: PumpDownStep, context: StepContext): Promise<void> {
	const { reactor } = context;
	await reactor.setCarrier(0, step.title);
	context.flowCommanded(0);
	context.signal.throwIfAborted();
	await reactor.setStopValve(true, step.title);
	await until(
		context,
		step.timeoutS,
		() => {
			const chamber = reactor.chamber();
			return isGood(chamber) && chamber.value < step.belowPa;
		},
		() => `Chamber pressure is ${reactor.chamber().value} Pa, ordered below ${step.belowPa.toFixed(2)} Pa`,
	);
}

async function heat(step: HeatStep, context: StepContext): Promise<void> {
	await startRamps(step, context);
}

async function startRamps(step: HeatStep | AnnealStep, { ramps, rampsOf, signal }: StepContext): Promise<void> {
	for (const [zone, ramp] of rampsOf(step)) await ramps.start(zone, ramp, step.title, signal);
}

async function stabilise(step: StabiliseStep, context: StepContext): Promise<void> {
	const { clock, reactor } = context;
	let inBandSinceMs: number | undefined;
	await until(
		context,
		step.timeoutS,
		() => {
			const inBand = step.zones.every(({ zone, targetC }) => {
				const reading = reactor.zone(zone);
				return isGood(reading) && Math.abs(reading.value - targetC) <= step.bandC;
			});
			if (!inBand) inBandSinceMs = undefined;
			else inBandSinceMs ??= clock.nowMs();
			return inBandSinceMs !== undefined && clock.nowMs() - inBandSinceMs >= step.forS * 1_000;
		},
		() =>
			step.zones
				.map(
					({ zone, targetC }) =>
						`zone ${zone} reads ${reactor.zone(zone).value} °C, target ${targetC} ± ${step.bandC} °C`,
				)
				.join("; "),
	);
}

async function pulse(step: PulseStep, context: StepContext): Promise<void> {
	const { doses, dueMs, signal } = context;
	await untilFit(context);
	await doses.fire(step, dueMs, signal);
}

/**
 * Records the dose before once its evidence is there, and prepares the one that follows while the purge runs, so that only
 * the start itself is left when it is due. DOSE_WITHOUT_EFFECT after a dose that is to be repeated, not followed.
 */
async function purge(step: PurgeStep, context: StepContext): Promise<void> {
	const { clock, doses, signal } = context;
	const endMs = Math.max(doses.lastEndMs ?? context.dueMs, context.dueMs) + step.seconds * 1_000;
	const prepareMs = endMs - PREPARE_BEFORE_MS;
	await sleepUntil(clock, Math.min(doses.evidentMs ?? prepareMs, prepareMs), signal);
	doses.settle();
	await sleepUntil(clock, prepareMs, signal);
	const next = context.next();
	const { leftNothing } = doses;
	if (leftNothing === undefined && next?.type === "pulse" && isFit(context)) await doses.prepare(next, signal);
	await sleepUntil(clock, endMs, signal);
	if (leftNothing !== undefined) throw new AdlayerError("DOSE_WITHOUT_EFFECT", leftNothing);
}

async function wait(step: WaitStep, { clock, signal }: StepContext): Promise<void> {
	await clock.sleep(step.seconds * 1_000, signal);
}

async function anneal(step: AnnealStep, context: StepContext): Promise<void> {
	const count = context.annealCount(step);
	await startRamps(step, context);
	await until(
		context,
		step.timeoutS,
		() => {
			context.remaining(Math.max(0, step.forS - count.inBandS));
			return count.done;
		},
		() => `Only ${(count.inBandS / 60).toFixed(1)} of ${(step.forS / 60).toFixed(1)} min in band at ${step.atC} °C`,
	);
	context.annealOver(step);
}

async function cool(step: CoolStep, context: StepContext): Promise<void> {
	const { reactor } = context;
	context.ramps.forget();
	await allOff(reactor, step.title);
	await until(
		context,
		step.timeoutS,
		() => {
			const reading = reactor.zone(step.zone);
			return isGood(reading) && reading.value < step.belowC;
		},
		() => `Zone ${step.zone} reads ${reactor.zone(step.zone).value} °C, ordered below ${step.belowC} °C`,
	);
}

/** Tries every zone, then throws the first failure. */
export async function allOff(reactor: GuardedReactor, reason: string): Promise<void> {
	const results = await Promise.allSettled(
		Object.keys(reactor.spec.zones).map((zone) => reactor.switchZoneOff(zone, reason)),
	);
	for (const result of results) if (result.status === "rejected") throw result.reason;
}
