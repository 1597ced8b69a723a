/** Whether the chamber stands where a dose may begin: at its pressure before the last dose, or at a level that stands still. */
import type { LastDose } from "#safety/dose-history.js";
import { isGood, type SafetyView } from "#safety/interlock.js";

/** After a dose the chamber must be back within this share of its pressure before, for so long, before the next. */
export const RECOVERED_SHARE = 0.05;
export const RECOVERED_MS = 2_000;
/**
 * The first level, and one that is lower than it was, counts once the pressure has stood still for so long: a baseline that is
 * taken while a flow, a pump or the water of the walls still settles would make the next dose look like a leak.
 */
export const STEADY_MS = 10_000;
/** Flows that differ by less give the same pressure. */
const FLOW_SHARE_SAME = 0.01;

export interface Unsettled {
	/** `above`: the last dose may not have ended. `below`, `moving`: the level is not one yet. `unknown`: it was not seen for long enough. */
	readonly state: "above" | "below" | "moving" | "unknown";
	/** What was seen in the last `overMs`; NaN when unknown. */
	readonly leastPa: number;
	readonly greatestPa: number;
	/** Where the chamber should be. */
	readonly levelPa: number;
	readonly overMs: number;
}

/** What keeps the chamber's pressure from being a baseline; undefined when it is one. `share` is how far it may be from its level. */
export function unsettled(view: SafetyView, share = RECOVERED_SHARE): Unsettled | undefined {
	const { last } = view.doses;
	if (last === undefined) return unsteady(view, share, STEADY_MS);
	if (last.baselinePa === undefined || !isAtFlowOf(view, last)) return unsteady(view, share, RECOVERED_MS);
	const seen = rangeOf(view, RECOVERED_MS);
	if (seen === undefined) return unknown(RECOVERED_MS);
	const found = { ...seen, levelPa: last.baselinePa, overMs: RECOVERED_MS };
	if (seen.greatestPa > last.baselinePa * (1 + share)) return { state: "above", ...found };
	if (seen.leastPa >= last.baselinePa * (1 - share)) return undefined;
	// No valve that leaks makes less pressure: once it stands still, the level has become another one.
	return unsteady(view, share, STEADY_MS) === undefined ? undefined : { state: "below", ...found };
}

/** Whether the carrier is commanded as it was for that dose. */
export function isAtFlowOf({ commanded }: SafetyView, { carrierSccm }: LastDose): boolean {
	return Math.abs(commanded.carrierSccm - carrierSccm) <= FLOW_SHARE_SAME * carrierSccm;
}

function unsteady(view: SafetyView, share: number, overMs: number): Unsettled | undefined {
	const seen = rangeOf(view, overMs);
	if (seen === undefined) return unknown(overMs);
	const levelPa = (seen.leastPa + seen.greatestPa) / 2;
	if (seen.greatestPa <= levelPa * (1 + share)) return undefined;
	return { state: "moving", ...seen, levelPa, overMs };
}

function rangeOf(view: SafetyView, overMs: number) {
	const { chamber } = view.reactor.pressures;
	const seen = isGood(view.reading(chamber)) ? view.history.range(chamber, view.nowMs - overMs) : undefined;
	return seen === undefined ? undefined : { leastPa: seen.least, greatestPa: seen.greatest };
}

const unknown = (overMs: number): Unsettled => ({
	state: "unknown",
	leastPa: Number.NaN,
	greatestPa: Number.NaN,
	levelPa: Number.NaN,
	overMs,
});

/** Of one that is not `above`, for people. */
export function settlingInWords({ state, leastPa, greatestPa, levelPa, overMs }: Unsettled): string {
	const seconds = overMs / 1_000;
	if (state === "unknown") return `Chamber pressure has not been known for ${seconds} s without a gap.`;
	const seen = `${leastPa.toFixed(1)} to ${greatestPa.toFixed(1)} Pa in the last ${seconds} s`;
	if (state === "moving") return `Chamber pressure does not stand still within ${RECOVERED_SHARE * 100} % (${seen}).`;
	return `Chamber pressure (${seen}) is more than ${RECOVERED_SHARE * 100} % below its ${levelPa.toFixed(1)} Pa before the last dose; a new level counts once it has stood still for ${STEADY_MS / 1_000} s.`;
}
