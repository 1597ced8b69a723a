import { isDose } from "#recipe/plan.js";
import type { Finding, RuleInput } from "#recipe/rules/rule.js";

/** Every dose is followed at once by its purge, so that no two precursors ever meet; and a purge belongs to a dose. */
export function* purgePresent({ trace, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path, previous, next } of trace.steps) {
		if (isDose(step) && next?.type !== "purge") {
			const then = next ? `${next.type}${isDose(next) ? ` ${next.precursor}` : ""}` : "the end";
			const what = step.type === "pulse" ? "Pulse" : "Exposure to";
			const message = `${what} ${step.precursor} is followed by ${then}, not by a purge: what was dosed must be cleared first.`;
			yield {
				code: "PURGE_MISSING",
				effect: "error",
				path: [...path, step.type],
				message,
				value: then,
				limit: "purge",
			};
		}
		if (step.type === "purge" && !isDose(previous)) {
			const message = "A purge belongs to the dose just before it, and there is none; to let time pass use wait.";
			yield { code: "PURGE_WITHOUT_PULSE", effect: "error", path: [...path, "purge"], message };
		}
	}
}
