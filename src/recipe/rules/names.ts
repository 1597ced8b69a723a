import { isDose } from "#recipe/plan.js";
import { type Finding, precursorFacts, type RuleInput, zoneFacts } from "#recipe/rules/rule.js";

/** Zones and precursors are those of the lab file. */
export function* names({ trace, lab }: RuleInput): Generator<Finding> {
	const zones = Object.keys(lab.zones);
	for (const { step, path } of trace.steps) {
		const used =
			step.type === "heat"
				? step.zones.map(({ zone }) => ({ zone, path: [...path, "heat", zone] }))
				: step.type === "stabilise"
					? step.zones.map(({ zone }, index) => ({ zone, path: [...path, "stabilise", "zones", index] }))
					: step.type === "anneal" || step.type === "cool"
						? [{ zone: step.zone, path: [...path, step.type, "zone"] }]
						: [];
		for (const { zone, path: at } of used) {
			if (zoneFacts(lab, zone)) continue;
			const message = `Reactor ${lab.station} has no zone ${zone}; it has ${zones.join(", ")}.`;
			yield { code: "ZONE_UNKNOWN", effect: "error", path: at, message, value: zone, limit: zones };
		}
		const dosed = isDose(step)
			? [{ precursor: step.precursor, at: [...path, step.type, "precursor"] }]
			: step.type === "line-evacuate"
				? step.lines.map(({ precursor }, index) => ({
						precursor,
						at: [...path, "line_evacuate", "precursors", index],
					}))
				: [];
		for (const { precursor, at } of dosed) {
			if (precursorFacts(lab, precursor)) continue;
			const known = Object.keys(lab.precursors);
			const message = `Reactor ${lab.station} has no precursor ${precursor}; it has ${known.join(", ")}.`;
			yield {
				code: "PRECURSOR_UNKNOWN",
				effect: "error",
				path: at,
				message,
				value: precursor,
				limit: known,
			};
		}
	}
}
