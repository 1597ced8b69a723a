import { type Finding, precursorFacts, type RuleInput } from "#recipe/rules/rule.js";

/** A pulse is one that the valve can really make. */
export function* pulseWidth({ trace, lab }: RuleInput): Generator<Finding> {
	for (const { step, path } of trace.steps) {
		if (step.type !== "pulse") continue;
		const valve = precursorFacts(lab, step.precursor);
		if (!valve) continue;
		const at = [...path, "pulse", "ms"];
		if (step.widthMs < valve.shortestPulseMs) {
			const message = `${step.precursor} pulse of ${step.widthMs} ms is shorter than the ${valve.shortestPulseMs} ms that valve ${valve.valve} can make.`;
			yield {
				code: "PULSE_TOO_SHORT",
				effect: "error",
				path: at,
				message,
				value: step.widthMs,
				limit: valve.shortestPulseMs,
			};
		} else if (step.widthMs > valve.longestPulseMs) {
			const message = `${step.precursor} pulse of ${step.widthMs} ms is longer than the ${valve.longestPulseMs} ms that the lab file allows valve ${valve.valve}.`;
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
}
