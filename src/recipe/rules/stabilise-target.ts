import type { Finding, RuleInput } from "#recipe/rules/rule.js";

/** Only a zone that was sent somewhere can be waited for. */
export function* stabiliseTarget({ trace, isWhole }: RuleInput): Generator<Finding> {
	if (!isWhole) return;
	for (const { step, path, before } of trace.steps) {
		if (step.type !== "stabilise") continue;
		for (const [index, { zone }] of step.zones.entries()) {
			if (before.setpointsC.has(zone)) continue;
			const message = `Zone ${zone} has no target to stabilise at: no heat step sets one before.`;
			yield {
				code: "STABILISE_WITHOUT_SETPOINT",
				effect: "error",
				path: [...path, "stabilise", "zones", index],
				message,
				value: zone,
			};
		}
	}
}
