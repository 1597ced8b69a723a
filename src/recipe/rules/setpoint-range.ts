import { type Finding, type RuleInput, setpoints, zoneFacts } from "#recipe/rules/rule.js";

/** A setpoint is within the instrument's range, below the zone's over-temperature limit, and approached no faster than allowed. */
export function* setpointRange({ trace, lab, recipe }: RuleInput): Generator<Finding> {
	for (const { zone, toC, rampCPerMin, path, key, ramp } of setpoints(trace)) {
		const facts = zoneFacts(lab, zone);
		if (!facts) continue;
		if (toC < facts.setpointCMin || toC > facts.setpointCMax) {
			const message = `Setpoint ${toC} °C of ${zone} is outside its instrument's range of ${facts.setpointCMin} to ${facts.setpointCMax} °C.`;
			const limit = toC < facts.setpointCMin ? facts.setpointCMin : facts.setpointCMax;
			yield { code: "SETPOINT_OUT_OF_RANGE", effect: "error", path: [...path, key], message, value: toC, limit };
		} else if (toC >= facts.limitC) {
			const message = `Setpoint ${toC} °C of ${zone} is not below the zone's limit of ${facts.limitC} °C.`;
			yield {
				code: "SETPOINT_ABOVE_ZONE_LIMIT",
				effect: "error",
				path: [...path, key],
				message,
				value: toC,
				limit: facts.limitC,
			};
		}
		if (rampCPerMin > facts.rampCPerMinMax) {
			const message = `Ramp ${rampCPerMin} °C/min of ${zone} is faster than the zone's ${facts.rampCPerMinMax} °C/min.`;
			yield {
				code: "RAMP_TOO_FAST",
				effect: "error",
				path: [...path, ramp],
				message,
				value: rampCPerMin,
				limit: facts.rampCPerMinMax,
			};
		}
	}
	for (const { step, path } of trace.steps) {
		if (step.type !== "anneal") continue;
		const most = zoneFacts(lab, step.zone)?.rampCPerMinMax;
		if (most === undefined || step.approachCPerMin <= Math.min(most, step.rampCPerMin)) continue;
		const limit = Math.min(most, step.rampCPerMin);
		const message = `Approach at ${step.approachCPerMin} °C/min is faster than the ramp before it or the zone's limit (${limit} °C/min).`;
		yield {
			code: "RAMP_TOO_FAST",
			effect: "error",
			path: [...path, "anneal", "approach_degC_per_min"],
			message,
			value: step.approachCPerMin,
			limit,
		};
	}
	const holdC = recipe.hold_degC;
	if (holdC === undefined) return;
	for (const [zone, facts] of Object.entries(lab.zones)) {
		if (!facts.heatsFoil || (holdC >= facts.setpointCMin && holdC <= facts.setpointCMax)) continue;
		const message = `Hold temperature ${holdC} °C is outside the range of ${zone}, ${facts.setpointCMin} to ${facts.setpointCMax} °C.`;
		const limit = holdC < facts.setpointCMin ? facts.setpointCMin : facts.setpointCMax;
		yield { code: "SETPOINT_OUT_OF_RANGE", effect: "error", path: ["hold_degC"], message, value: holdC, limit };
	}
}
