import type { Plan } from "#recipe/plan.js";
import type { Declaration } from "#safety/interlock.js";

/** What safety is told of a run. */
export function declarationOf({ neverAboveC, material, purgeMinimumS }: Plan): Declaration {
	return { neverAboveC, meltingPointC: material.meltingPointC, purgeMinimumS };
}
