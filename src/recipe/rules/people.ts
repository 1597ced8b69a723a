import type { Step } from "#recipe/plan.js";
import { type Finding, keyOf, type RuleInput } from "#recipe/rules/rule.js";

/** After these an unanswered question or an unmet condition does no harm. */
const HARMLESS: ReadonlySet<Step["type"]> = new Set([
	"wait",
	"wait-until",
	"glovebox",
	"cool",
	"prompt",
	"leak-check",
	"pump-down",
]);

/** Questions to people: going on without an answer harms nothing, names are told apart, and nobody opens a lid on vacuum or heat. */
export function* people({ trace, isWhole }: RuleInput): Generator<Finding> {
	const ids = new Map<string, string>();
	const lastHarmful = trace.all.findLastIndex(({ step }) => !HARMLESS.has(step.type));
	for (const { step, path, before } of trace.steps) {
		if (!("onTimeout" in step)) continue;
		const key = keyOf(step);
		if (isWhole && step.onTimeout === "continue" && step.index < lastHarmful) {
			const harmful = trace.all.find(({ step: later }) => later.index > step.index && !HARMLESS.has(later.type))!.step;
			const message = `The ${key} step may not continue after its time-out: ${harmful.title} comes later, which rests on it. Use hold or abort.`;
			yield {
				code: "CONTINUE_NOT_HARMLESS",
				effect: "error",
				path: [...path, key, "on_timeout"],
				message,
				value: "continue",
				limit: ["hold", "abort"],
			};
		}
		if (step.type !== "prompt") continue;
		const other = ids.get(step.id);
		if (other !== undefined && other !== step.path) {
			const message = `Two prompts have the id ${step.id}: an answer could be taken for the wrong one.`;
			yield { code: "PROMPT_ID_TWICE", effect: "error", path: [...path, "prompt", "id"], message, value: step.id };
		}
		ids.set(step.id, step.path);
		if (!isWhole || !step.lidMayOpen) continue;
		const heated = [...before.setpointsC.keys()];
		if (before.backfilled && heated.length === 0) continue;
		const what = heated.length > 0 ? `${heated.join(", ")} is heated` : "no backfill comes before it";
		const message = `The lid may not be opened here: ${what}.`;
		yield { code: "LID_NOT_READY", effect: "error", path: [...path, "prompt", "lid"], message, value: heated };
	}
}
