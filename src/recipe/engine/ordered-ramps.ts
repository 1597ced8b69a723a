/** The ways to new temperatures that a step orders, the same whether it is executed or a run is taken up that had executed it. */
import type { Reactor } from "#device/reactor.js";
import type { Ramp } from "#recipe/engine/ramps.js";
import type { AnnealStep, HeatStep, Plan } from "#recipe/plan.js";

/** By zone. A zone that heats the foil never goes above what the plan declares, where it declares anything. */
export function rampsOf(
	step: HeatStep | AnnealStep,
	plan: Pick<Plan, "neverAboveC">,
	zones: Reactor["zones"],
): readonly (readonly [zone: string, ramp: Ramp])[] {
	if (step.type === "anneal") {
		const { zone, atC: toC, rampCPerMin, approachFromC, approachCPerMin, neverAboveC } = step;
		return [[zone, { toC, rampCPerMin, approachFromC, approachCPerMin, neverAboveC, holds: true }]];
	}
	return step.zones.map(({ zone, toC, rampCPerMin }) => {
		const neverAboveC = zones[zone]!.heatsFoil ? (plan.neverAboveC ?? undefined) : undefined;
		return [zone, { toC, rampCPerMin, approachFromC: 0, approachCPerMin: rampCPerMin, neverAboveC }];
	});
}
