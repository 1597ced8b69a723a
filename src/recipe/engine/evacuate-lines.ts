/** Empties precursor lines whose hand valves are shut, pulse by pulse, until a pulse brings hardly anything. */
import { AdlayerError } from "#core/errors.js";
import { torrFromPascal } from "#core/units.js";
import type { StepContext } from "#recipe/engine/execute-step.js";
import { sleepUntil } from "#recipe/engine/waiting.js";
import type { LineEvacuateStep, PulseStep } from "#recipe/plan.js";

/** Two pulses in a row must be empty: one may have missed. */
const EMPTY_PULSES = 2;

export async function evacuateLines(step: LineEvacuateStep, context: StepContext): Promise<string> {
	const told: string[] = [];
	// Whoever dosed last, it is gone before the first pulse.
	await context.clock.sleep(step.purgeS * 1_000, context.signal);
	for (const line of step.lines) {
		const { pulses, areaPaS } = await evacuate(step, line, context);
		told.push(`${line.precursor} after ${pulses} pulses (${torrFromPascal(areaPaS).toPrecision(2)} Torr s)`);
		context.record({ kind: "line-evacuated", precursor: line.precursor, pulses, areaPaS, emptyPaS: line.emptyPaS });
	}
	return `Empty: ${told.join(", ")}`;
}

async function evacuate(
	step: LineEvacuateStep,
	{ precursor, emptyPaS }: LineEvacuateStep["lines"][number],
	{ clock, doses, signal }: StepContext,
): Promise<{ pulses: number; areaPaS: number }> {
	const { widthMs, purgeS, pulsesMax } = step;
	const pulse: PulseStep = { ...step, type: "pulse", precursor, widthMs, isFromShutBottle: true };
	let inRow = 0;
	let areaPaS = Number.POSITIVE_INFINITY;
	for (let pulses = 1; pulses <= pulsesMax; pulses += 1) {
		await doses.fire(pulse, clock.nowMs(), signal);
		await sleepUntil(clock, (doses.lastEndMs ?? clock.nowMs()) + purgeS * 1_000, signal);
		const evidence = doses.settle();
		// A pulse that nobody saw proves nothing.
		areaPaS = evidence === null ? Number.POSITIVE_INFINITY : evidence.areaPaS;
		inRow = areaPaS < emptyPaS ? inRow + 1 : 0;
		if (inRow === EMPTY_PULSES) return { pulses, areaPaS: Math.max(0, areaPaS) };
	}
	const last = Number.isFinite(areaPaS) ? `${torrFromPascal(areaPaS).toPrecision(2)} Torr s` : "not known";
	throw new AdlayerError(
		"LINE_NOT_EVACUATED",
		`The line of ${precursor} is not empty after ${pulsesMax} pulses: the last pressure area is ${last}, empty is below ${torrFromPascal(emptyPaS).toPrecision(2)} Torr s. Is its hand valve shut?`,
		{ context: { precursor, pulses: pulsesMax } },
	);
}
