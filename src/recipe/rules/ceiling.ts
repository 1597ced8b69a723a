import type { Path } from "#recipe/path.js";
import { type Finding, heatsFoil, type RuleInput, setpoints, zoneFacts } from "#recipe/rules/rule.js";

/** A run on a metal that melts states how hot the foil may get; that is above its setpoints and below the zone's own limit. */
export function* ceiling({ recipe, material, trace, lab, isWhole, overrides }: RuleInput): Generator<Finding> {
	const meltingC = material?.meltingPointC ?? null;
	const whole = recipe.foil_never_above_degC;
	const anneals = trace.steps.some(({ step }) => step.type === "anneal");
	const heats = [...setpoints(trace)].some(({ zone }) => heatsFoil(lab, zone));
	if (isWhole && heats && material && meltingC !== null && whole === undefined && !anneals) {
		const message = `${material.name} melts at ${meltingC} °C and no anneal says how hot the foil may get: foil_never_above_degC is required.`;
		yield { code: "CEILING_MISSING", effect: "error", path: ["foil_never_above_degC"], message, limit: meltingC };
	}
	const ceilings: { zone: string; atC: number; path: Path; ownC?: number }[] = [];
	for (const { step, path } of trace.steps) {
		if (step.type !== "anneal") continue;
		ceilings.push({
			zone: step.zone,
			atC: step.neverAboveC,
			path: [...path, "anneal", "never_above_degC"],
			ownC: step.atC,
		});
	}
	if (whole !== undefined) {
		for (const zone of Object.keys(lab.zones))
			if (heatsFoil(lab, zone)) ceilings.push({ zone, atC: whole, path: ["foil_never_above_degC"] });
		if (meltingC !== null && whole >= meltingC && !overrides.has("ANNEAL_ABOVE_MELTING")) {
			const message = `The foil may get ${whole} °C hot, which is not below the melting point of ${material!.name}, ${meltingC} °C.`;
			yield {
				code: "CEILING_ABOVE_MELTING",
				effect: "error",
				path: ["foil_never_above_degC"],
				message,
				value: whole,
				limit: meltingC,
			};
		}
	}
	const lowest = Math.min(...ceilings.map(({ atC }) => atC));
	for (const { zone, atC, path, ownC } of ceilings) {
		const limitC = zoneFacts(lab, zone)?.limitC;
		if (limitC !== undefined && atC > limitC) {
			const message = `The foil may get ${atC} °C hot, but the limit of ${zone} is ${limitC} °C.`;
			yield { code: "CEILING_ABOVE_ZONE_LIMIT", effect: "error", path, message, value: atC, limit: limitC };
		}
		if (ownC !== undefined && atC < ownC) {
			const message = `The anneal at ${ownC} °C may never be above ${atC} °C: the ceiling is below the setpoint.`;
			yield { code: "CEILING_BELOW_SETPOINT", effect: "error", path, message, value: atC, limit: ownC };
		}
	}
	for (const { zone, toC, path, key } of setpoints(trace)) {
		if (!heatsFoil(lab, zone) || toC <= lowest) continue;
		// An anneal's own ceiling was judged above.
		if (ceilings.some((one) => one.ownC === toC && one.atC === lowest && path.at(-1) === "anneal")) continue;
		const message = `Setpoint ${toC} °C of ${zone} is above the foil's ceiling of ${lowest} °C.`;
		yield { code: "CEILING_BELOW_SETPOINT", effect: "error", path: [...path, key], message, value: toC, limit: lowest };
	}
	const holdC = recipe.hold_degC;
	if (holdC !== undefined && holdC > lowest) {
		const message = `Hold temperature ${holdC} °C is above the foil's ceiling of ${lowest} °C.`;
		yield {
			code: "CEILING_BELOW_SETPOINT",
			effect: "error",
			path: ["hold_degC"],
			message,
			value: holdC,
			limit: lowest,
		};
	}
}
