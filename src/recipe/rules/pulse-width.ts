import type { Path } from "#recipe/path.js";
import { type DoseStep, isDose, type LineEvacuateStep } from "#recipe/plan.js";
import { type Finding, keyOf, precursorFacts, type RuleInput } from "#recipe/rules/rule.js";

/** A pulse is one that the valve can really make. */
export function* pulseWidth({ trace, lab }: RuleInput): Generator<Finding> {
	for (const { step, path } of trace.steps) {
		const precursors = isDose(step)
			? [step.precursor]
			: step.type === "line-evacuate"
				? step.lines.map(({ precursor }) => precursor)
				: [];
		for (const precursor of precursors) yield* judge(step as DoseStep | LineEvacuateStep, path, precursor, lab);
	}
}

function* judge(
	step: DoseStep | LineEvacuateStep,
	path: Path,
	precursor: string,
	lab: RuleInput["lab"],
): Generator<Finding> {
	const valve = precursorFacts(lab, precursor);
	if (!valve) return;
	const at = [...path, keyOf(step), "ms"];
	if (step.widthMs < valve.shortestPulseMs) {
		const message = `${precursor} pulse of ${step.widthMs} ms is shorter than the ${valve.shortestPulseMs} ms that valve ${valve.valve} can make.`;
		yield {
			code: "PULSE_TOO_SHORT",
			effect: "error",
			path: at,
			message,
			value: step.widthMs,
			limit: valve.shortestPulseMs,
		};
	} else if (step.widthMs > valve.longestPulseMs) {
		const message = `${precursor} pulse of ${step.widthMs} ms is longer than the ${valve.longestPulseMs} ms that the lab file allows valve ${valve.valve}.`;
		yield {
			code: "PULSE_TOO_LONG",
			effect: "error",
			path: at,
			message,
			value: step.widthMs,
			limit: valve.longestPulseMs,
		};
	}
}
