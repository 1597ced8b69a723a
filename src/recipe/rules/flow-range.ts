import type { Finding, RuleInput } from "#recipe/rules/rule.js";

/** A flow is off, or within what the flow controller can hold. */
export function* flowRange({ trace, lab: { carrier } }: RuleInput): Generator<Finding> {
	for (const { step, path } of trace.steps) {
		if (step.type !== "flow" && step.type !== "backfill") continue;
		if (step.type === "flow" && step.sccm === 0) continue;
		if (step.sccm >= carrier.sccmMin && step.sccm <= carrier.sccmMax) continue;
		const message = `Carrier flow ${step.sccm} sccm is outside the flow controller's ${carrier.sccmMin} to ${carrier.sccmMax} sccm (0 shuts it).`;
		const limit = step.sccm < carrier.sccmMin ? carrier.sccmMin : carrier.sccmMax;
		yield {
			code: "FLOW_OUT_OF_RANGE",
			effect: "error",
			path: [...path, step.type, "sccm"],
			message,
			value: step.sccm,
			limit,
		};
	}
}
