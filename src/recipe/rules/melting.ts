import { type Finding, heatsFoil, type RuleInput, setpoints, zoneFacts } from "#recipe/rules/rule.js";

/**
 * The metal melts only on purpose: an anneal at, or allowed up to, its melting point takes a declaration in the recipe and
 * an acknowledgement; where the sensor's uncertainty is larger than the margin, that is acknowledged too. Degrees are
 * compared to a thousandth, so that 180.5 - 180.2 is not below 0.3.
 */
export function* melting({ recipe, trace, lab, material, overrides }: RuleInput): Generator<Finding> {
	const meltingC = material?.meltingPointC ?? null;
	if (meltingC === null || !material) return;
	const point = `the melting point of ${material.name}, ${meltingC} °C`;
	for (const { step, path } of trace.steps) {
		if (step.type !== "anneal") continue;
		if (zoneFacts(lab, step.zone) && !heatsFoil(lab, step.zone)) {
			const message = `Zone ${step.zone} does not heat the foil, so it cannot anneal it.`;
			yield { code: "ANNEAL_ZONE", effect: "error", path: [...path, "anneal", "zone"], message, value: step.zone };
		}
		const key = step.atC >= meltingC ? "at_degC" : "never_above_degC";
		const hottestC = step.atC >= meltingC ? step.atC : step.neverAboveC;
		if (hottestC < meltingC) continue;
		const subject = `The anneal at ${step.atC} °C, allowed up to ${step.neverAboveC} °C,`;
		const message = `${subject} is not below ${point}`;
		const reason = overrides.get("ANNEAL_ABOVE_MELTING");
		const found = { code: "ANNEAL_ABOVE_MELTING", path: [...path, "anneal", key], value: hottestC, limit: meltingC };
		yield reason === undefined
			? { ...found, effect: "error", message: `${message}; only an override with a reason allows it.` }
			: {
					...found,
					effect: "acknowledge",
					message: `${message}; the recipe says: ${reason}.`,
					override: "ANNEAL_ABOVE_MELTING",
				};
	}
	const { hold_degC: holdC } = recipe;
	if (holdC !== undefined && holdC >= meltingC) {
		const message = `The foil would be held at ${holdC} °C, which is not below ${point}: a hold has no end.`;
		const at = { path: ["hold_degC"], value: holdC, limit: meltingC };
		yield { code: "FOIL_ABOVE_MELTING", effect: "error", message, ...at };
	}
	for (const { zone, toC, path, key } of setpoints(trace)) {
		const facts = zoneFacts(lab, zone);
		if (!facts || !heatsFoil(lab, zone)) continue;
		if (toC >= meltingC) {
			if (key === "at_degC") continue;
			const message = `Setpoint ${toC} °C of ${zone} is not below ${point}; only an anneal may go there.`;
			yield { code: "FOIL_ABOVE_MELTING", effect: "error", path: [...path, key], message, value: toC, limit: meltingC };
			continue;
		}
		const marginC = Number((meltingC - toC).toFixed(3));
		if (marginC >= facts.sensorUncertaintyC) continue;
		const message = `Melting cannot be excluded: ${zone} is set ${marginC} °C below ${point}, and its sensor is uncertain by ±${facts.sensorUncertaintyC} °C.`;
		yield {
			code: "MELTING_NOT_EXCLUDED",
			effect: "acknowledge",
			path: [...path, key],
			message,
			value: marginC,
			limit: facts.sensorUncertaintyC,
		};
	}
}
