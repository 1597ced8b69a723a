import type { Finding, RuleInput } from "#recipe/rules/rule.js";

/** Every pulse is followed at once by its purge, so that no two precursors ever meet; and a purge belongs to a pulse. */
export function* purgePresent({ trace, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path, previous, next } of trace.steps) {
		if (step.type === "pulse" && next?.type !== "purge") {
			const then = next ? `${next.type}${next.type === "pulse" ? ` ${next.precursor}` : ""}` : "the end";
			const message = `Pulse ${step.precursor} is followed by ${then}, not by a purge: what was dosed must be cleared first.`;
			yield { code: "PURGE_MISSING", effect: "error", path: [...path, "pulse"], message, value: then, limit: "purge" };
		}
		if (step.type === "purge" && previous?.type !== "pulse") {
			const message = "A purge belongs to the pulse just before it, and there is none; to let time pass use wait.";
			yield { code: "PURGE_WITHOUT_PULSE", effect: "error", path: [...path, "purge"], message };
		}
	}
}
