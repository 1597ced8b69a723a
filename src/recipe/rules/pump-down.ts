import { torrFromPascal } from "#core/units.js";
import type { Finding, RuleInput } from "#recipe/rules/rule.js";

/** A pump-down proves the vacuum: carrier shut, and down to the lab's base pressure. */
export function* pumpDown({ trace, lab, isWhole }: RuleInput): Generator<Finding> {
	for (const { step, path, before } of trace.steps) {
		if (step.type !== "pump-down") continue;
		if (isWhole && before.carrierSccm !== 0) {
			const now = before.carrierSccm === null ? "was not set before" : `is ${before.carrierSccm} sccm`;
			const message = `Pump-down needs the carrier shut (flow 0 sccm), but the flow ${now}.`;
			yield {
				code: "PUMP_DOWN_WITH_FLOW",
				effect: "error",
				path: [...path, "pump_down"],
				message,
				value: before.carrierSccm,
				limit: 0,
			};
		}
		// A millionth of slack: the same number of Torr may come from two files by two roads.
		if (step.belowPa > lab.basePressurePa * (1 + 1e-6)) {
			const [given, base] = [step.belowPa, lab.basePressurePa].map((pa) => Number(torrFromPascal(pa).toPrecision(6)));
			const message = `Pump-down ends below ${given} Torr, but the lab's base pressure is ${base} Torr: a leak would not be seen.`;
			yield {
				code: "PUMP_DOWN_TOO_HIGH",
				effect: "error",
				path: [...path, "pump_down", "below_torr"],
				message,
				value: given,
				limit: base,
			};
		}
	}
}
