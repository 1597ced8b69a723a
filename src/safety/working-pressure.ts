/** Where the lab has measured that the chamber stands at a flow with a sound pump: what no dose has shown yet. */
import type { Reactor } from "#device/reactor.js";

export type WorkingPressure = NonNullable<Reactor["limits"]["workingPressure"]>;

/** On a straight line between the two flows around it; undefined beyond those that were measured. */
export function expectedPa({ at }: WorkingPressure, sccm: number): number | undefined {
	const above = at.findIndex((measured) => measured.sccm >= sccm);
	const upper = at[above];
	if (upper === undefined || upper.sccm === sccm) return upper?.pa;
	const lower = at[above - 1];
	if (lower === undefined) return undefined;
	return lower.pa + ((upper.pa - lower.pa) * (sccm - lower.sccm)) / (upper.sccm - lower.sccm);
}
