/** What must hold before an actuator moves. A permit is asked at the moment of the act, by whoever acts. */
import { AdlayerError } from "#core/errors.js";
import type { DoseHistory } from "#safety/dose-history.js";
import { inWords, isGood, type SafetyView } from "#safety/interlock.js";

/** The measured carrier flow must be within this share of its commanded value. */
const CARRIER_SHARE = 0.1;

interface PermitQuestion {
	readonly view: SafetyView;
	readonly latched: readonly string[];
	readonly doses: DoseHistory;
}

/** Throws PERMIT_REFUSED with every reason at once. */
function refuseIf(action: string, reasons: readonly string[]): void {
	if (reasons.length === 0) return;
	throw new AdlayerError("PERMIT_REFUSED", `${action} is refused: ${reasons.join(" ")}`, { context: { reasons: [...reasons] } });
}

function latchedReasons(latched: readonly string[]): string[] {
	return latched.map((id) => `Interlock ${id} is tripped.`);
}

/** A dose of `precursor` for `widthMs`: vacuum, flow, pump, lid, the other precursor purged, the valve's own limits. */
export function permitDose(question: PermitQuestion, precursor: string, widthMs: number): void {
	const { view, doses } = question;
	const { reactor, declaration } = view;
	const spec = reactor.precursors[precursor];
	if (spec === undefined) throw new AdlayerError("PERMIT_REFUSED", `There is no precursor ${precursor} in the lab file.`);
	const reasons = latchedReasons(question.latched);
	if (declaration === null) reasons.push("No run has declared its purge minima and temperature bound.");
	if (!(widthMs >= spec.shortestPulseMs && widthMs <= spec.longestPulseMs)) {
		reasons.push(`${widthMs} ms is outside the valve's ${spec.shortestPulseMs} to ${spec.longestPulseMs} ms.`);
	}
	if (!view.instrumentReady(spec.instrument)) reasons.push(`Instrument ${spec.instrument} is not connected.`);
	if (!view.commanded.stopOpen) reasons.push("The stop valve is shut.");
	const pump = view.reading(reactor.inputs.pumpRunning);
	if (!isGood(pump) || pump.value !== 1) reasons.push(`The pump is not proven to run (${inWords(pump)}).`);
	const lid = view.reading(reactor.inputs.lidClosed);
	if (!isGood(lid) || lid.value !== 1) reasons.push(`The lid is not proven closed (${inWords(lid)}).`);
	const chamber = view.reading(reactor.pressures.chamber);
	if (!isGood(chamber)) reasons.push(`Chamber pressure is ${inWords(chamber)}.`);
	else if (chamber.value < reactor.limits.dosePaMin || chamber.value > reactor.limits.dosePaMax) {
		reasons.push(`Chamber pressure ${chamber.value.toFixed(1)} Pa is outside ${reactor.limits.dosePaMin.toFixed(1)} to ${reactor.limits.dosePaMax.toFixed(1)} Pa.`);
	}
	const commandedSccm = view.commanded.carrierSccm;
	const flow = view.reading(`${reactor.carrier.instrument}.flow`);
	if (commandedSccm < reactor.carrier.sccmMin) reasons.push(`Carrier is commanded to ${commandedSccm} sccm, below ${reactor.carrier.sccmMin} sccm.`);
	else if (!isGood(flow) || Math.abs(flow.value - commandedSccm) > CARRIER_SHARE * commandedSccm) {
		reasons.push(`Carrier flow is ${inWords(flow)} of ${commandedSccm} sccm commanded.`);
	}
	for (const other of Object.keys(reactor.precursors)) {
		if (doses.isOpen(other)) reasons.push(`${other} is open or armed to open.`);
		if (other === precursor) continue;
		const minimumS = declaration?.purgeMinimumS[other];
		if (minimumS === undefined) {
			if (declaration !== null) reasons.push(`The run declares no purge minimum after ${other}.`);
			continue;
		}
		const sinceS = doses.secondsSince(other, view.nowMs);
		if (sinceS < minimumS) reasons.push(`Only ${sinceS.toFixed(1)} s of purge since ${other}; ${minimumS} s are needed.`);
	}
	refuseIf(`Dosing ${precursor}`, reasons);
}

/** Opening the chamber to the pump: pump proven, no backflow. */
export function permitStopValveOpen(question: Omit<PermitQuestion, "doses">): void {
	const { view } = question;
	const { reactor } = view;
	const reasons: string[] = question.latched.filter((id) => id === "pump-lost" || id === "foreline-above-chamber").map((id) => `Interlock ${id} is tripped.`);
	const pump = view.reading(reactor.inputs.pumpRunning);
	if (!isGood(pump) || pump.value !== 1) reasons.push(`The pump is not proven to run (${inWords(pump)}).`);
	const chamber = view.reading(reactor.pressures.chamber);
	const foreline = view.reading(reactor.pressures.foreline);
	if (isGood(chamber) && isGood(foreline) && foreline.value > chamber.value * 1.2 + 5) {
		reasons.push(`Foreline ${foreline.value.toFixed(1)} Pa is above chamber ${chamber.value.toFixed(1)} Pa.`);
	}
	refuseIf("Opening the stop valve", reasons);
}

/** Heating a zone: nothing latched, its temperature known, the target below its limit and the run's bound. */
export function permitHeat(question: Omit<PermitQuestion, "doses">, zone: string, targetC: number): void {
	const { view } = question;
	const spec = view.reactor.zones[zone];
	if (spec === undefined) throw new AdlayerError("PERMIT_REFUSED", `There is no zone ${zone} in the lab file.`);
	const reasons = latchedReasons(question.latched);
	if (!view.instrumentReady(spec.instrument)) reasons.push(`Instrument ${spec.instrument} is not connected.`);
	else {
		const reading = view.reading(`${spec.instrument}.temperature`);
		if (!isGood(reading)) reasons.push(`The temperature of zone ${zone} is ${inWords(reading)}.`);
	}
	if (!Number.isFinite(targetC)) reasons.push(`The target ${targetC} is not a number.`);
	if (targetC >= spec.limitC) reasons.push(`${targetC} °C is not below the zone's limit of ${spec.limitC} °C.`);
	const bound = view.declaration?.neverAboveC ?? null;
	if (spec.heatsFoil && bound !== null && targetC >= bound) reasons.push(`${targetC} °C is not below ${bound} °C, which the run declared as never above.`);
	refuseIf(`Heating zone ${zone} to ${targetC} °C`, reasons);
}

/** A carrier flow inside the lab file's range, or zero. */
export function permitCarrier(question: Omit<PermitQuestion, "doses">, sccm: number): void {
	const { carrier } = question.view.reactor;
	const reasons: string[] = [];
	if (!(sccm === 0 || (sccm >= carrier.sccmMin && sccm <= carrier.sccmMax))) {
		reasons.push(`${sccm} sccm is outside ${carrier.sccmMin} to ${carrier.sccmMax} sccm.`);
	}
	if (sccm > 0) {
		if (!question.view.commanded.stopOpen) reasons.push("The stop valve is shut: the chamber would fill up.");
		reasons.push(...question.latched.filter((id) => id === "pump-lost" || id === "carrier-lost").map((id) => `Interlock ${id} is tripped.`));
	}
	refuseIf(`A carrier flow of ${sccm} sccm`, reasons);
}
