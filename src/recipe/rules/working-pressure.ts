import { isDose } from "#recipe/plan.js";
import { type Finding, keyOf, type RuleInput } from "#recipe/rules/rule.js";

/** A dose is given at a flow at which the lab knows where the chamber stands; where it knows none, that is said. */
export function* workingPressure({ trace, lab: { workingFlows } }: RuleInput): Generator<Finding> {
	if (workingFlows === undefined) return;
	for (const { step, path, before } of trace.steps) {
		if (!isDose(step)) continue;
		const at = [...path, keyOf(step)];
		const { carrierSccm } = before;
		if (workingFlows === null) {
			const message =
				"The lab file declares no limits.working_pressure: a pump that is weak before the first dose is not seen, and purges are then too short.";
			yield { code: "WORKING_PRESSURE_UNKNOWN", effect: "warning", path: at, message };
			return;
		}
		const { sccmMin, sccmMax } = workingFlows;
		if (carrierSccm === null || carrierSccm === 0 || (carrierSccm >= sccmMin && carrierSccm <= sccmMax)) continue;
		const message = `${step.precursor} would be dosed at ${carrierSccm} sccm; the lab's working pressure is known from ${sccmMin} to ${sccmMax} sccm.`;
		const limit = carrierSccm < sccmMin ? sccmMin : sccmMax;
		yield { code: "DOSE_FLOW_NOT_MEASURED", effect: "error", path: at, message, value: carrierSccm, limit };
	}
}
