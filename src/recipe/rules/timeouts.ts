import { type Finding, keyOf, type RuleInput } from "#recipe/rules/rule.js";

/** A time-out shorter than the step is predicted to take would end a healthy run. */
export function* timeouts({ trace, seconds, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path } of trace.steps) {
		if (!("timeoutS" in step)) continue;
		const predictedS = Math.ceil(seconds[step.index]!);
		if (step.timeoutS >= predictedS) continue;
		const key = keyOf(step);
		const message = `Time-out ${step.timeoutS} s is shorter than the ${predictedS} s that the ${step.type} step is predicted to take.`;
		yield {
			code: "TIMEOUT_TOO_SHORT",
			effect: "error",
			path: [...path, key, "timeout_s"],
			message,
			value: step.timeoutS,
			limit: predictedS,
		};
	}
}
