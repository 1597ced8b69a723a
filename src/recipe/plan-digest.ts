/** Whether two plans are the same to the engine. */
import { createHash } from "node:crypto";
import type { Plan } from "#recipe/plan.js";

/** SHA-256, in hexadecimal, of all in a plan that decides what is done; names and predictions of the product are left out. */
export function planDigest(plan: Plan): string {
	const { steps, material, neverAboveC, holdC, maxPauseS, purgeMinimumS, cyclesOrdered } = plan;
	const acted = [steps, material, neverAboveC, holdC, maxPauseS, Object.entries(purgeMinimumS).sort(), cyclesOrdered];
	return createHash("sha256").update(JSON.stringify(acted)).digest("hex");
}
