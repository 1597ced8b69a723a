/** What a step waits with: conditions looked at once a second, and what becomes of a time-out. */
import type { Clock } from "#core/clock.js";
import { AdlayerError } from "#core/errors.js";
import type { StepContext } from "#recipe/engine/execute-step.js";
import type { OnTimeout } from "#recipe/recipe-file.js";
import { isGood } from "#safety/interlock.js";

/** Conditions are looked at this often. */
export const LOOK_EVERY_MS = 1_000;
/** The flow must be within this share of its setpoint for a flow step to end. */
const FLOW_SHARE = 0.05;
const FLOW_TIMEOUT_S = 60;

export async function sleepUntil(clock: Clock, endMs: number, signal: AbortSignal): Promise<void> {
	const left = endMs - clock.nowMs();
	if (left > 0) await clock.sleep(left, signal);
	else signal.throwIfAborted();
}

/** Looks once a second until the condition holds; STEP_TIMED_OUT after `timeoutS`. */
export async function until(
	context: StepContext,
	timeoutS: number,
	condition: () => boolean,
	seen: () => string,
): Promise<void> {
	const { clock, signal } = context;
	const startMs = clock.nowMs();
	while (!condition()) {
		signal.throwIfAborted();
		if (clock.nowMs() - startMs >= timeoutS * 1_000) {
			throw new AdlayerError("STEP_TIMED_OUT", `${seen()} after ${timeoutS} s.`);
		}
		await clock.sleep(LOOK_EVERY_MS, signal);
	}
}

/** Waits until the carrier flows as ordered. */
export function untilFlow(context: StepContext, sccm: number): Promise<void> {
	const { reactor } = context;
	return until(
		context,
		FLOW_TIMEOUT_S,
		() => {
			const reading = reactor.carrierFlow();
			return isGood(reading) && Math.abs(reading.value - sccm) <= Math.max(1, FLOW_SHARE * sccm);
		},
		() => `Carrier flow is ${reactor.carrierFlow().value} sccm, ordered ${sccm} sccm`,
	);
}

/** What the recipe wants after a time-out: gives the sentence for the record when the run goes on, and throws otherwise. */
export function afterTimeout(context: StepContext, onTimeout: OnTimeout, message: string): string {
	if (onTimeout === "continue") {
		context.note("STEP_WENT_ON", message);
		return message;
	}
	if (onTimeout === "abort") {
		context.abort(message);
		context.signal.throwIfAborted();
	}
	throw new AdlayerError("STEP_TIMED_OUT", message);
}
