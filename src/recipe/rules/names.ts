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
		if (step.type === "pulse" && !precursorFacts(lab, step.precursor)) {
			const known = Object.keys(lab.precursors);
			const message = `Reactor ${lab.station} has no precursor ${step.precursor}; it has ${known.join(", ")}.`;
			yield {
				code: "PRECURSOR_UNKNOWN",
				effect: "error",
				path: [...path, "pulse", "precursor"],
				message,
				value: step.precursor,
				limit: known,
			};
		}
	}
}
