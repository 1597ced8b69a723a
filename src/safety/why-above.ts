/** A chamber that does not come back after a dose: what it may be, as far as the foreline tells. */
import { isGood, type SafetyView } from "#safety/interlock.js";

/** Gas that flows raises both pressures by like shares; gauges of two kinds agree within these shares of each other. */
const WITH_SHARE = 0.7;
const WITHOUT_SHARE = 0.3;

/** One or two sentences: every cause that is possible, and what a person does to tell them apart; the hand valve always first. */
export function whyAboveInWords(view: SafetyView, levelPa: number): string {
	const { last } = view.doses;
	const precursor = last?.precursor ?? "the precursor";
	const others = Object.keys(view.reactor.precursors).filter((name) => name !== precursor);
	const valve = ["that valve", ...others.map((name) => `that of ${name}`)].join(" or ");
	const shut = [`Shut the hand valve of ${precursor}`, ...others.map((name) => `then that of ${name}`)].join(", ");
	const chamber = view.reading(view.reactor.pressures.chamber);
	const foreline = view.reading(view.reactor.pressures.foreline);
	const beforePa = last?.forelinePa;
	if (beforePa === undefined || !isGood(foreline) || !isGood(chamber))
		return `${valve} may be stuck open or leak, the chamber leak air, the pump be weaker or the gauge drift; the foreline is not known. ${shut}; if the chamber does not fall back, look at the others.`;
	const seen = `the foreline was at ${beforePa.toFixed(1)} Pa and is at ${foreline.value.toFixed(1)} Pa`;
	const followed = (foreline.value / beforePa - 1) / (chamber.value / levelPa - 1);
	if (followed >= WITH_SHARE)
		return `${valve} may be stuck open or leak, the chamber leak air or the pump be weaker: ${seen}. ${shut}; if the chamber does not fall back, look for a leak and at the pump.`;
	if (followed <= WITHOUT_SHARE)
		return `its gauge may drift or its way to the pump be narrower, for ${seen}; ${valve} may leak all the same. ${shut}; if the chamber does not fall back, compare the gauges with all flows off.`;
	return `${valve} may be stuck open or leak, the chamber leak air, the pump be weaker or the gauge drift: ${seen}. ${shut}; if the chamber does not fall back, look at the others.`;
}
