import { type Finding, type RuleInput, zoneFacts } from "#recipe/rules/rule.js";

/** A recipe ends with its heaters off, and waits for no temperature that never comes. */
export function* cooling({ trace, lab, isWhole }: RuleInput): Generator<Finding> {
	for (const { step, path } of trace.steps) {
		if (step.type !== "cool") continue;
		const facts = zoneFacts(lab, step.zone);
		if (!facts || step.belowC > facts.ambientC) continue;
		const message = `${step.zone} can never cool below ${step.belowC} °C: its surroundings are at ${facts.ambientC} °C.`;
		yield {
			code: "COOL_UNREACHABLE",
			effect: "error",
			path: [...path, "cool", "below_degC"],
			message,
			value: step.belowC,
			limit: facts.ambientC,
		};
	}
	const hot = [...trace.end.setpointsC.keys()];
	if (isWhole && hot.length > 0) {
		const message = `The recipe ends with ${hot.join(", ")} still heated: a cool step must come last.`;
		yield { code: "HEATERS_LEFT_ON", effect: "error", path: ["steps"], message, value: hot };
	}
}
