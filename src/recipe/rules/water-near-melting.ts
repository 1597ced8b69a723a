import { isDose, type Step } from "#recipe/plan.js";
import { type Finding, foilC, isWater, keyOf, type RuleInput } from "#recipe/rules/rule.js";

/** Water attacks an alkali metal that is soft or molten: within this of the melting point it takes an override. */
export const WATER_MARGIN_C = 5;

export function* waterNearMelting({ trace, lab, material, isWhole, overrides }: RuleInput): Generator<Finding> {
	const meltingC = material?.meltingPointC ?? null;
	if (meltingC === null || !material || !isWhole) return;
	for (const { step, path, before } of trace.steps) {
		const water = dosed(step).find(isWater);
		if (water === undefined) continue;
		const atC = foilC(lab, before);
		if (atC === undefined || meltingC - atC > WATER_MARGIN_C) continue;
		const place = { path: [...path, keyOf(step)], value: atC };
		if (atC >= meltingC) {
			const message = `${water} would be dosed on ${material.name} at ${atC} °C, which is not below its melting point of ${meltingC} °C.`;
			yield { ...place, code: "H2O_ABOVE_MELTING", effect: "error", message, limit: meltingC };
			continue;
		}
		const limit = Number((meltingC - WATER_MARGIN_C).toFixed(3));
		const message = `${water} is dosed on ${material.name} at ${atC} °C, within ${WATER_MARGIN_C} °C of its melting point of ${meltingC} °C: corrosion, rough and thicker layers`;
		const reason = overrides.get("H2O_NEAR_MELTING");
		const found = { ...place, code: "H2O_NEAR_MELTING", limit };
		yield reason === undefined
			? { ...found, effect: "error", message: `${message}; only an override with a reason allows it.` }
			: {
					...found,
					effect: "acknowledge",
					message: `${message}; the recipe says: ${reason}.`,
					override: "H2O_NEAR_MELTING",
				};
	}
}

/** An evacuated line still brings what was in it. */
function dosed(step: Step): readonly string[] {
	if (isDose(step)) return [step.precursor];
	return step.type === "line-evacuate" ? step.lines.map(({ precursor }) => precursor) : [];
}
