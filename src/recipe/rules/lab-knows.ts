import { type Finding, keyOf, precursorFacts, type RuleInput } from "#recipe/rules/rule.js";

/** What a step needs to know of the reactor stands in the lab file; nothing is assumed in its place. */
export function* labKnows({ trace, lab }: RuleInput): Generator<Finding> {
	for (const { step, path } of trace.steps) {
		const missing: string[] = [];
		if (step.type === "leak-check" || step.type === "backfill")
			if (lab.chamberM3 === undefined) missing.push("chamber_volume_l");
		if (step.type === "leak-check" && lab.leakLimitPaPerS === undefined) missing.push("limits.leak_check");
		if (step.type === "line-evacuate")
			for (const { precursor } of step.lines)
				if (precursorFacts(lab, precursor) && !precursorFacts(lab, precursor)!.fullLine)
					missing.push(`precursors.${precursor}.full_line`);
		if (missing.length === 0) continue;
		const message = `The ${keyOf(step)} step needs ${missing.map((key) => `reactor.${key}`).join(" and ")}, which the lab file of ${lab.station} does not give.`;
		yield { code: "LAB_FACT_MISSING", effect: "error", path: [...path, keyOf(step)], message, value: missing };
	}
}
