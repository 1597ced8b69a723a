import { type Finding, heatsFoil, type RuleInput, setpoints } from "#recipe/rules/rule.js";

/** A carrier that the material's data call inert only up to a temperature is acknowledged above it (N2 on Li). */
export function* carrierReacts({ trace, lab, material }: RuleInput): Generator<Finding> {
	for (const { gas, aboveC, code, reason } of material?.carrierLimits ?? []) {
		if (lab.carrier.gas !== gas) continue;
		for (const { zone, toC, path, key } of setpoints(trace)) {
			if (!heatsFoil(lab, zone) || toC <= aboveC) continue;
			const message = `${material!.name} goes to ${toC} °C in carrier ${gas}: ${reason}.`;
			yield { code, effect: "acknowledge", path: [...path, key], message, value: toC, limit: aboveC };
		}
	}
}
