/** Steps that wait for somebody or something. */
import type { Reading } from "#core/reading.js";
import type { StepContext } from "#recipe/engine/execute-step.js";
import { afterTimeout, LOOK_EVERY_MS } from "#recipe/engine/waiting.js";
import type { Condition, GloveboxStep, PromptStep, WaitUntilStep } from "#recipe/plan.js";
import type { GuardedReactor } from "#safety/guarded-reactor.js";
import { inWords, isGood } from "#safety/interlock.js";

export async function askPerson(step: PromptStep, context: StepContext): Promise<string> {
	const { prompts, reactor, signal } = context;
	const objection = () =>
		step.lidMayOpen && !reactor.isLidClosed ? "The lid is not proven closed; close it, then confirm." : undefined;
	if (step.lidMayOpen) context.lidMayOpen(true);
	try {
		const by = await prompts.ask(step, signal, objection);
		if (by !== undefined) return `Confirmed by ${by}: ${step.confirm}`;
		return afterTimeout(context, step.onTimeout, `Nobody confirmed "${step.confirm}" within ${step.timeoutS} s`);
	} finally {
		if (step.lidMayOpen) context.lidMayOpen(false);
	}
}

/** All conditions must hold for the whole time; a value that is not good holds nothing. */
export async function waitUntil(step: WaitUntilStep | GloveboxStep, context: StepContext): Promise<string | undefined> {
	const { clock, reactor, signal } = context;
	if (step.conditions.length === 0) return step.title;
	const startMs = clock.nowMs();
	let sinceMs: number | undefined;
	for (;;) {
		signal.throwIfAborted();
		const nowMs = clock.nowMs();
		if (!step.conditions.every((condition) => holds(condition, measured(condition.of, reactor)))) sinceMs = undefined;
		else sinceMs ??= nowMs;
		if (sinceMs !== undefined && nowMs - sinceMs >= step.forS * 1_000) return undefined;
		if (nowMs - startMs >= step.timeoutS * 1_000) {
			const seen = step.conditions.map(({ of, text }) => `${of} is ${inWords(measured(of, reactor))}, wanted ${text}`);
			return afterTimeout(context, step.onTimeout, `${seen.join("; ")} after ${step.timeoutS} s`);
		}
		await clock.sleep(LOOK_EVERY_MS, signal);
	}
}

function holds({ is, value }: Condition, reading: Reading): boolean {
	if (!isGood(reading)) return false;
	return is === "below" ? reading.value < value : reading.value > value;
}

function measured(of: string, reactor: GuardedReactor): Reading {
	switch (of) {
		case "chamber":
			return reactor.chamber();
		case "foreline":
			return reactor.foreline();
		case "carrier":
			return reactor.carrierFlow();
		case "foil":
			return reactor.zone(hottestFoilZone(reactor));
		default:
			return Object.hasOwn(reactor.spec.zones, of) ? reactor.zone(of) : reactor.signal(of);
	}
}

/** The zone that heats the foil most; one whose reading is not good counts before all others. */
function hottestFoilZone(reactor: GuardedReactor): string {
	let chosen = "";
	let hottestC = Number.NEGATIVE_INFINITY;
	for (const [zone, { heatsFoil }] of Object.entries(reactor.spec.zones)) {
		if (!heatsFoil) continue;
		const reading = reactor.zone(zone);
		const celsius = isGood(reading) ? reading.value : Number.POSITIVE_INFINITY;
		if (chosen !== "" && celsius <= hottestC) continue;
		chosen = zone;
		hottestC = celsius;
	}
	return chosen;
}
