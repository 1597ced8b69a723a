/** What must hold before an actuator moves. A permit is asked at the moment of the act, by whoever acts. */
import { AdlayerError } from "#core/errors.js";
import type { DoseHistory } from "#safety/dose-history.js";
import { contactInWords, inWords, isGood, isMade, type SafetyView, zoneSignal } from "#safety/interlock.js";
import { forelineLimitPa } from "#safety/interlocks/foreline-above-chamber.js";

/** The measured carrier flow must be within this share of its commanded value. */
const CARRIER_SHARE = 0.1;

/** A dose opens only into a chamber below this share of its bottle's vapour pressure. */
const VAPOUR_SHARE_MAX = 0.5;
/** After a dose the chamber must be back within this share of its pressure before, for so long, before the next. */
export const RECOVERED_SHARE = 0.05;
export const RECOVERED_MS = 2_000;
/** Flows that differ by less give the same pressure. */
const FLOW_SHARE_SAME = 0.01;

/** What a reason is about: whoever is refused may have to do more than wait. */
export type Concern =
	| "interlock"
	| "thermal"
	| "pump"
	| "carrier"
	| "pressure"
	| "lid"
	| "dose"
	| "valve"
	| "instrument";

interface Reason {
	readonly about: Concern;
	/** One sentence with the numbers. */
	readonly text: string;
}

export interface PermitQuestion {
	readonly view: SafetyView;
	/** Ids of the interlocks that are tripped or not yet reset. */
	readonly latched: readonly string[];
}

export interface DoseQuestion extends PermitQuestion {
	readonly doses: DoseHistory;
	/** True while a safe state has not yet proven that the precursor valves are shut. */
	readonly isShuttingPrecursors: boolean;
}

const SHUTTING: Reason = { about: "valve", text: "The precursor valves are not yet proven shut by the safe state." };

/** Throws PERMIT_REFUSED with every reason at once; `context.reasons` has them as text, `context.about` as Concern. */
function refuseIf(action: string, reasons: readonly Reason[]): void {
	if (reasons.length === 0) return;
	const texts = reasons.map(({ text }) => text);
	throw new AdlayerError("PERMIT_REFUSED", `${action} is refused: ${texts.join(" ")}`, {
		context: { reasons: texts, about: [...new Set(reasons.map(({ about }) => about))] },
	});
}

function latchedReasons(latched: readonly string[]): Reason[] {
	return latched.map((id) => ({ about: "interlock", text: `Interlock ${id} is tripped.` }));
}

/** Preparing a dose moves nothing; but nothing is prepared that may not be meant any more. */
export function permitArm(question: PermitQuestion, precursor: string, widthMs: number): void {
	const reasons = latchedReasons(question.latched);
	reasons.push(...doseReasons(question.view, precursor, widthMs));
	refuseIf(`Preparing a dose of ${precursor}`, reasons);
}

/** A dose of `precursor` for `widthMs`: vacuum, flow, pump, lid, the other precursor purged, the valve's own limits. */
export function permitDose(question: DoseQuestion, precursor: string, widthMs: number): void {
	const { view, doses, isShuttingPrecursors } = question;
	const reasons = [
		...latchedReasons(question.latched),
		...(isShuttingPrecursors ? [SHUTTING] : []),
		...doseReasons(view, precursor, widthMs),
		...backflowReasons(view, precursor),
		...(view.commanded.shutFor === "exposure"
			? exposureReasons(view)
			: [...vacuumReasons(view), ...recoveryReasons(view), ...carrierReasons(view)]),
		...purgeReasons(view, doses, precursor),
	];
	refuseIf(`Dosing ${precursor}`, reasons);
}

function* doseReasons(view: SafetyView, precursor: string, widthMs: number): Generator<Reason> {
	const { precursors } = view.reactor;
	const spec = Object.hasOwn(precursors, precursor) ? precursors[precursor] : undefined;
	if (spec === undefined) {
		yield { about: "dose", text: `There is no precursor ${precursor} in the lab file.` };
		return;
	}
	if (view.declaration === null)
		yield {
			about: "dose",
			text: "Nobody has declared purge minima and a temperature bound: neither a run nor manual operation is under way.",
		};
	if (!(widthMs >= spec.shortestPulseMs && widthMs <= spec.longestPulseMs)) {
		yield {
			about: "dose",
			text: `${widthMs} ms is outside the valve's ${spec.shortestPulseMs} to ${spec.longestPulseMs} ms.`,
		};
	}
	if (!view.instrumentReady(spec.instrument))
		yield { about: "instrument", text: `Instrument ${spec.instrument} is not connected.` };
}

function* pumpReasons(view: SafetyView): Generator<Reason> {
	const { pumpRunning } = view.reactor.inputs;
	if (!isMade(view, pumpRunning))
		yield { about: "pump", text: `The pump is not proven to run (contact ${contactInWords(view, pumpRunning)}).` };
}

function* vacuumReasons(view: SafetyView): Generator<Reason> {
	const { inputs, limits, pressures } = view.reactor;
	const { stopValve } = view.commanded;
	if (stopValve !== "open")
		yield { about: "valve", text: `The stop valve is ${stopValve === "shut" ? "shut" : "not known to be open"}.` };
	yield* pumpReasons(view);
	if (!isMade(view, inputs.lidClosed))
		yield { about: "lid", text: `The lid is not proven closed (contact ${contactInWords(view, inputs.lidClosed)}).` };
	const chamber = view.reading(pressures.chamber);
	if (!isGood(chamber)) yield { about: "pressure", text: `Chamber pressure is ${inWords(chamber)}.` };
	else if (chamber.value < limits.dosePaMin || chamber.value > limits.dosePaMax) {
		const range = `${limits.dosePaMin.toFixed(1)} to ${limits.dosePaMax.toFixed(1)} Pa`;
		yield { about: "pressure", text: `Chamber pressure ${chamber.value.toFixed(1)} Pa is outside ${range}.` };
	}
}

/** Into a chamber that is shut off on purpose: pump ready to take over, lid closed, and room below the static limit. */
function* exposureReasons(view: SafetyView): Generator<Reason> {
	const { inputs, limits, pressures } = view.reactor;
	const { stopValve } = view.commanded;
	if (stopValve !== "shut")
		yield { about: "valve", text: `The stop valve is ${stopValve === "open" ? "open" : "not known to be shut"}.` };
	if (!isMade(view, inputs.pumpRunning))
		yield { about: "pump", text: `The pump is not proven to run (${contactInWords(view, inputs.pumpRunning)}).` };
	if (!isMade(view, inputs.lidClosed))
		yield { about: "lid", text: `The lid is not proven closed (${contactInWords(view, inputs.lidClosed)}).` };
	const chamber = view.reading(pressures.chamber);
	if (!isGood(chamber)) yield { about: "pressure", text: `Chamber pressure is ${inWords(chamber)}.` };
	else if (chamber.value >= limits.staticPaMax) {
		const text = `Chamber pressure ${chamber.value.toFixed(1)} Pa is not below the static limit of ${limits.staticPaMax.toFixed(1)} Pa.`;
		yield { about: "pressure", text };
	}
}

/** From a bottle whose vapour does not clearly overcome the chamber, gas flows back into the bottle. */
function* backflowReasons(view: SafetyView, precursor: string): Generator<Reason> {
	const { reactor } = view;
	const vapourPa = Object.hasOwn(reactor.precursors, precursor) ? reactor.precursors[precursor]!.vapourPa : undefined;
	const chamber = view.reading(reactor.pressures.chamber);
	if (vapourPa === undefined || !isGood(chamber)) return;
	const limitPa = vapourPa * VAPOUR_SHARE_MAX;
	if (chamber.value < limitPa) return;
	yield {
		about: "pressure",
		text: `Chamber pressure ${chamber.value.toFixed(1)} Pa is not below ${limitPa.toFixed(1)} Pa, half the vapour pressure of ${precursor}.`,
	};
}

/** The chamber has come back to where it was before the last dose; if not, that dose has not ended. */
export function* recoveryReasons(view: SafetyView): Generator<Reason> {
	const { doses, history, reactor, nowMs, commanded } = view;
	const last = doses.last;
	if (last?.baselinePa === undefined) return;
	const seen = history.range(reactor.pressures.chamber, nowMs - RECOVERED_MS);
	if (seen === undefined) {
		yield { about: "pressure", text: "Chamber pressure was not known for long enough after the last dose." };
		return;
	}
	// With another flow the level is another one: then it is enough that it stands still.
	const isSameFlow = Math.abs(commanded.carrierSccm - last.carrierSccm) <= FLOW_SHARE_SAME * last.carrierSccm;
	const levelPa = isSameFlow ? last.baselinePa : (seen.least + seen.greatest) / 2;
	if (seen.least >= levelPa * (1 - RECOVERED_SHARE) && seen.greatest <= levelPa * (1 + RECOVERED_SHARE)) return;
	const reached = `${seen.least.toFixed(1)} to ${seen.greatest.toFixed(1)} Pa in the last ${RECOVERED_MS / 1_000} s`;
	yield {
		about: "valve",
		text: `The chamber is not back within 5 % of its ${levelPa.toFixed(1)} Pa before the last dose of ${last.precursor} (${reached}): that valve may be stuck open or leak. Shut the hand valve of ${last.precursor}.`,
	};
}

function* carrierReasons(view: SafetyView): Generator<Reason> {
	const { carrier } = view.reactor;
	const { carrierSccm } = view.commanded;
	const flow = view.reading(`${carrier.instrument}.flow`);
	if (carrierSccm < carrier.sccmMin) {
		yield { about: "carrier", text: `Carrier is commanded to ${carrierSccm} sccm, below ${carrier.sccmMin} sccm.` };
	} else if (!isGood(flow) || Math.abs(flow.value - carrierSccm) > CARRIER_SHARE * carrierSccm) {
		yield { about: "carrier", text: `Carrier flow is ${inWords(flow)} of ${carrierSccm} sccm commanded.` };
	}
}

function* purgeReasons(
	{ reactor, declaration, nowMs }: SafetyView,
	doses: DoseHistory,
	precursor: string,
): Generator<Reason> {
	for (const other of Object.keys(reactor.precursors)) {
		if (doses.isOpen(other)) {
			yield { about: "valve", text: `${other} may still be open.` };
			continue;
		}
		if (other === precursor || declaration === null) continue;
		const minimumS = declaration.purgeMinimumS[other];
		if (minimumS === undefined) {
			yield { about: "dose", text: `No purge minimum is declared after ${other}.` };
			continue;
		}
		const sinceS = doses.secondsSince(other, nowMs);
		if (sinceS < minimumS) {
			yield { about: "dose", text: `Only ${sinceS.toFixed(1)} s of purge since ${other}; ${minimumS} s are needed.` };
		}
	}
}

/**
 * Why the chamber may not be opened to the pump: pump not proven, or gas would flow back. While the chamber's gauge shows
 * nothing (a vented chamber may be above its range), the foreline must be at base pressure, where there is nothing to flow.
 */
export function* stopValveReasons(view: SafetyView): Generator<Reason> {
	const { limits, pressures } = view.reactor;
	yield* pumpReasons(view);
	const chamber = view.reading(pressures.chamber);
	const foreline = view.reading(pressures.foreline);
	if (!isGood(foreline)) yield { about: "pump", text: `Foreline pressure is ${inWords(foreline)}.` };
	else if (isGood(chamber) && foreline.value > forelineLimitPa(chamber.value)) {
		yield {
			about: "pump",
			text: `Foreline ${foreline.value.toFixed(1)} Pa is above chamber ${chamber.value.toFixed(1)} Pa.`,
		};
	} else if (!isGood(chamber) && foreline.value > limits.basePa) {
		const text = `Chamber pressure is ${inWords(chamber)} and foreline ${foreline.value.toFixed(1)} Pa is not below ${limits.basePa.toFixed(1)} Pa.`;
		yield { about: "pressure", text };
	}
}

/** Opening the chamber to the pump. */
export function permitStopValveOpen({ view, latched }: PermitQuestion): void {
	refuseIf("Opening the stop valve", [...latchedReasons(latched), ...stopValveReasons(view)]);
}

/** Shutting the chamber off: not while carrier would fill it up. */
export function permitStopValveShut({ view, latched }: PermitQuestion): void {
	const reasons = latchedReasons(latched);
	const { carrierSccm } = view.commanded;
	if (carrierSccm > 0)
		reasons.push({ about: "carrier", text: `${carrierSccm} sccm of carrier would fill the chamber up.` });
	refuseIf("Shutting the stop valve", reasons);
}

/** Filling the shut chamber with carrier: cold, closed, purged of every precursor, and the pump shut off. */
export function permitFill(question: DoseQuestion, sccm: number): void {
	const { view, doses, latched } = question;
	const { carrier, inputs, precursors } = view.reactor;
	const reasons = latchedReasons(latched);
	if (question.isShuttingPrecursors) reasons.push(SHUTTING);
	if (!(sccm >= carrier.sccmMin && sccm <= carrier.sccmMax))
		reasons.push({ about: "carrier", text: `${sccm} sccm is outside ${carrier.sccmMin} to ${carrier.sccmMax} sccm.` });
	if (view.commanded.stopValve !== "shut" || view.commanded.shutFor !== "backfill")
		reasons.push({ about: "valve", text: "The stop valve is not shut for a backfill: the pump would take the gas." });
	const heated = [...view.commanded.targetsC.keys()];
	if (heated.length > 0) reasons.push({ about: "thermal", text: `${heated.join(", ")} is heated.` });
	if (!isMade(view, inputs.lidClosed))
		reasons.push({ about: "lid", text: `The lid is not proven closed (${contactInWords(view, inputs.lidClosed)}).` });
	for (const precursor of Object.keys(precursors)) {
		if (doses.isOpen(precursor)) reasons.push({ about: "valve", text: `${precursor} may still be open.` });
		const minimumS = view.declaration?.purgeMinimumS[precursor] ?? 0;
		const sinceS = doses.secondsSince(precursor, view.nowMs);
		if (sinceS < minimumS) {
			const text = `Only ${sinceS.toFixed(1)} s of purge since ${precursor}; ${minimumS} s are needed.`;
			reasons.push({ about: "dose", text });
		}
	}
	refuseIf(`Filling the chamber with ${sccm} sccm`, reasons);
}

/** Heating a zone: nothing latched, its temperature known, the target below its limit and the run's bound. */
export function permitHeat({ view, latched }: PermitQuestion, zone: string, targetC: number): void {
	const { reactor, declaration } = view;
	const action = `Heating zone ${zone} to ${targetC} °C`;
	const spec = Object.hasOwn(reactor.zones, zone) ? reactor.zones[zone] : undefined;
	if (spec === undefined) {
		refuseIf(action, [{ about: "thermal", text: `There is no zone ${zone} in the lab file.` }]);
		return;
	}
	const reasons = latchedReasons(latched);
	const reading = view.reading(zoneSignal(reactor, zone));
	if (!view.instrumentReady(spec.instrument))
		reasons.push({ about: "instrument", text: `Instrument ${spec.instrument} is not connected.` });
	else if (!isGood(reading))
		reasons.push({ about: "thermal", text: `The temperature of zone ${zone} is ${inWords(reading)}.` });
	if (!Number.isFinite(targetC)) reasons.push({ about: "thermal", text: `The target ${targetC} is not a number.` });
	if (targetC >= spec.limitC)
		reasons.push({ about: "thermal", text: `${targetC} °C is not below the zone's limit of ${spec.limitC} °C.` });
	const bound = declaration?.neverAboveC ?? null;
	if (spec.heatsFoil && bound !== null && targetC >= bound) {
		reasons.push({
			about: "thermal",
			text: `${targetC} °C is not below ${bound} °C, which was declared as never above.`,
		});
	}
	refuseIf(action, reasons);
}

/** A carrier flow inside the lab file's range, or zero, into a chamber that is open to the pump. */
export function permitCarrier({ view, latched }: PermitQuestion, sccm: number): void {
	const { carrier } = view.reactor;
	const reasons = latchedReasons(latched);
	if (!(sccm === 0 || (sccm >= carrier.sccmMin && sccm <= carrier.sccmMax))) {
		reasons.push({ about: "carrier", text: `${sccm} sccm is outside ${carrier.sccmMin} to ${carrier.sccmMax} sccm.` });
	}
	if (sccm > 0 && view.commanded.stopValve !== "open") {
		reasons.push({ about: "valve", text: "The stop valve is not open: the chamber would fill up." });
	}
	refuseIf(`A carrier flow of ${sccm} sccm`, reasons);
}
