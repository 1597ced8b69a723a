/**
 * How long each step takes, predicted from the reactor's facts: ways of known heaters as their models plan them, other
 * ramps at their limit with a time to settle, free cooling as
 * T = ambient + (T0 - ambient) exp(-t/tau), pump-down as p = p0 exp(-t/tau). Pure.
 */
import { pascalCubicMetrePerSecondFromSccm } from "#core/units.js";
import type { HeatTask } from "#heating/heat-guide.js";
import { type HeaterWay, plannedWay } from "#recipe/heater.js";
import type { LabFacts, ZoneFacts } from "#recipe/lab-facts.js";
import type {
	AnnealStep,
	BackfillStep,
	CoolStep,
	HeatStep,
	LineEvacuateStep,
	StabiliseStep,
	Step,
} from "#recipe/plan.js";

const ATMOSPHERE_PA = 101_325;
/** Typical pressure under carrier flow, about 1 Torr, from which later pump-downs start. */
const PROCESS_PA = 133;
/** An exponential comes arbitrarily near its end and never there. */
const NEAR_END_C = 0.5;
/** Where no step says how near a zone must come. */
const TYPICAL_BAND_C = 1;

/** In an exposure the chamber is emptied of carrier this long before it is shut, and watched this long before it is dosed. */
export const EXPOSURE_EMPTYING_S = 2;
export const EXPOSURE_BASELINE_S = 2.5;
/** Until a flow controller's new flow is seen. */
const FLOW_SEEN_S = 2;
/** The gas in the chamber while it is filled. */
export const GAS_K = 298.15;

/** One zone on its way: linear in time between the two temperatures. */
interface ZoneWay {
	readonly fromC: number;
	readonly toC: number;
	readonly startS: number;
	readonly endS: number;
	readonly settledS: number;
	/** Of a known heater, from `startS` on. */
	readonly planned?: HeaterWay;
	/** Set while the heaters are off: free cooling since `startS`. */
	readonly free?: true;
}

/** Seconds of each step; steps that name an unknown zone take none (a rule refuses them). */
export function planTimes(steps: readonly Step[], lab: LabFacts): number[] {
	const ways = new Map<string, ZoneWay>();
	let nowS = 0;
	let pressurePa = ATMOSPHERE_PA;
	const annealCeilingsC = steps.flatMap((step) => (step.type === "anneal" ? [step.neverAboveC] : []));

	const facts = (zone: string): ZoneFacts | undefined => (Object.hasOwn(lab.zones, zone) ? lab.zones[zone] : undefined);
	const temperature = (zone: string, fact: ZoneFacts): number => {
		const way = ways.get(zone);
		if (!way) return fact.ambientC;
		if (way.free)
			return fact.ambientC + (way.fromC - fact.ambientC) * Math.exp(-(nowS - way.startS) / fact.coolTimeConstantS);
		if (nowS >= way.endS) return way.toC;
		if (way.planned) return way.planned.at(nowS - way.startS);
		return way.fromC + ((way.toC - way.fromC) * (nowS - way.startS)) / (way.endS - way.startS);
	};
	const ceilingC = (fact: ZoneFacts): number =>
		fact.heatsFoil ? Math.min(fact.limitC, ...annealCeilingsC) : fact.limitC;
	const heat = (step: HeatStep): number => {
		for (const { zone, toC, rampCPerMin } of step.zones) {
			const fact = facts(zone);
			if (!fact) continue;
			const fromC = temperature(zone, fact);
			const task = { targetC: toC, neverAboveC: ceilingC(fact), rampCPerMin };
			const planned = planOf(fact, task, fromC, TYPICAL_BAND_C);
			if (planned) {
				const endS = nowS + planned.seconds;
				ways.set(zone, { fromC, toC, startS: nowS, endS, settledS: endS, planned });
				continue;
			}
			const rampS = (Math.abs(toC - fromC) / Math.min(rampCPerMin, fact.rampCPerMinMax)) * 60;
			const endS = nowS + (toC < fromC ? Math.max(rampS, coolingS(fact, fromC, toC)) : rampS);
			ways.set(zone, { fromC, toC, startS: nowS, endS, settledS: endS + fact.settleS });
		}
		return 0;
	};
	const settledS = (way: ZoneWay | undefined, bandC: number): number =>
		way?.planned ? way.startS + way.planned.secondsTo(bandC) : (way?.settledS ?? nowS);
	const stabilise = (step: StabiliseStep): number =>
		step.forS + Math.max(0, ...step.zones.map(({ zone }) => settledS(ways.get(zone), step.bandC) - nowS));
	const anneal = (step: AnnealStep): number => {
		const fact = facts(step.zone);
		if (!fact) return 0;
		const fromC = temperature(step.zone, fact);
		const planned = planOf(fact, { ...step, targetC: step.atC }, fromC, step.bandC);
		if (planned) {
			const endS = nowS + planned.seconds;
			ways.set(step.zone, { fromC, toC: step.atC, startS: nowS, endS, settledS: endS, planned });
			return planned.seconds + step.forS;
		}
		const slowC = Math.min(step.approachFromC, Math.max(0, step.atC - fromC));
		const fastC = Math.max(0, step.atC - fromC - slowC);
		const fastS = (fastC / Math.min(step.rampCPerMin, fact.rampCPerMinMax)) * 60;
		const slowS = (slowC / Math.min(step.approachCPerMin, fact.rampCPerMinMax)) * 60;
		const wayS = (step.atC < fromC ? coolingS(fact, fromC, step.atC) : fastS + slowS) + fact.settleS;
		const endS = nowS + wayS;
		ways.set(step.zone, { fromC, toC: step.atC, startS: nowS, endS, settledS: endS });
		return wayS + step.forS;
	};
	const cool = (step: CoolStep): number => {
		const fact = facts(step.zone);
		const seconds = fact ? coolingS(fact, temperature(step.zone, fact), step.belowC) : 0;
		for (const [zone] of ways) {
			const known = facts(zone)!;
			const fromC = temperature(zone, known);
			ways.set(zone, { fromC, toC: known.ambientC, startS: nowS, endS: nowS, settledS: nowS, free: true });
		}
		return seconds;
	};
	const pumpDown = (belowPa: number): number => {
		const seconds = lab.pumpTimeConstantS * Math.log(Math.max(1, pressurePa / belowPa));
		pressurePa = PROCESS_PA;
		return seconds;
	};
	const duration = (step: Step): number => {
		switch (step.type) {
			case "flow":
				return 0;
			case "pump-down":
				return pumpDown(step.belowPa);
			case "heat":
				return heat(step);
			case "stabilise":
				return stabilise(step);
			case "pulse":
				return step.widthMs / 1000;
			case "exposure":
				return step.widthMs / 1000 + step.soakS + EXPOSURE_EMPTYING_S + EXPOSURE_BASELINE_S + 2 * FLOW_SEEN_S;
			case "prompt":
				return 0;
			case "wait-until":
			case "glovebox":
				return step.forS;
			case "leak-check":
				return step.settleS + step.forS;
			case "line-evacuate":
				return evacuationS(step, lab);
			case "backfill":
				pressurePa = step.toPa;
				return backfillS(step);
			case "purge":
			case "wait":
				return step.seconds;
			case "anneal":
				return anneal(step);
			case "cool":
				return cool(step);
		}
	};

	return steps.map((step) => {
		const seconds = duration(step);
		nowS += seconds;
		return seconds;
	});
}

/** The way of a known heater upwards; undefined for others, and where there is none to go or the model refuses it. */
function planOf(
	{ heater, limitC, rampCPerMinMax }: ZoneFacts,
	{ targetC, neverAboveC, rampCPerMin }: Pick<HeatTask, "targetC" | "neverAboveC" | "rampCPerMin">,
	fromC: number,
	withinC: number,
): HeaterWay | undefined {
	if (heater === undefined || !(targetC > fromC)) return undefined;
	const task = {
		targetC,
		neverAboveC: Math.min(limitC, neverAboveC),
		rampCPerMin: Math.min(rampCPerMin, rampCPerMinMax),
		stageLimitC: limitC - heater.resolutionC,
	};
	return plannedWay(heater, task, fromC, withinC);
}

/** Pulses until every line is empty, by what the lab file says of them. */
function evacuationS(step: LineEvacuateStep, lab: LabFacts): number {
	let pulses = 0;
	for (const { precursor } of step.lines) {
		const full = Object.hasOwn(lab.precursors, precursor) ? lab.precursors[precursor]!.fullLine : undefined;
		if (full !== undefined) pulses += Math.ceil((full.pulsesToEmpty * full.ms) / step.widthMs);
	}
	return step.purgeS + pulses * (step.widthMs / 1000 + step.purgeS);
}

function backfillS({ toPa, sccm, chamberM3 }: BackfillStep): number {
	const seconds = (toPa * chamberM3) / pascalCubicMetrePerSecondFromSccm(sccm, GAS_K);
	return Number.isFinite(seconds) ? seconds : 0;
}

/** Free cooling from one temperature to another; 0 when it is there already. */
export function coolingS(fact: Pick<ZoneFacts, "ambientC" | "coolTimeConstantS">, fromC: number, toC: number): number {
	if (toC >= fromC) return 0;
	const endC = Math.max(toC - fact.ambientC, NEAR_END_C);
	return fact.coolTimeConstantS * Math.log(Math.max(1, (fromC - fact.ambientC) / endC));
}
