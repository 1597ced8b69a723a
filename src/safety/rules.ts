/** What must hold before an actuator moves, one rule for each thing that could be wrong. Permits are made of them. */
import type { DoseHistory } from "#safety/dose-history.js";
import { contactInWords, inWords, isGood, isMade, type SafetyView, zoneSignal } from "#safety/interlock.js";
import { forelineLimitPa } from "#safety/interlocks/foreline-above-chamber.js";
import { longestPurgeS } from "#safety/purge-watch.js";
import { isAtFlowOf, RECOVERED_MS, settlingInWords, unsettled } from "#safety/settling.js";
import { whyAboveInWords } from "#safety/why-above.js";
import { expectedPa } from "#safety/working-pressure.js";

/** The measured carrier flow must be within this share of its commanded value. */
const CARRIER_SHARE = 0.1;

/** A dose opens only into a chamber below this share of its bottle's vapour pressure. */
const VAPOUR_SHARE_MAX = 0.5;
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

export interface Reason {
	readonly about: Concern;
	/** One sentence with the numbers. */
	readonly text: string;
}

export interface PermitQuestion {
	readonly view: SafetyView;
	/** Ids of the interlocks that are tripped or not yet reset. */
	readonly latched: readonly string[];
	/** Zones that were found not to be their model, which nobody has acknowledged yet. */
	readonly doubted: readonly string[];
}

export interface DoseQuestion extends PermitQuestion {
	readonly doses: DoseHistory;
	/** True while a safe state has not yet proven that the precursor valves are shut. */
	readonly isShuttingPrecursors: boolean;
}

/** Each rule gives what stands in the way, or nothing. By its id in docs/interlocks.md. */
export const RULES = {
	/** Nothing is tripped or waits for its reset. */
	*latched({ latched }: PermitQuestion): Generator<Reason> {
		for (const id of latched) yield { about: "interlock", text: `Interlock ${id} is tripped.` };
	},

	/** A safe state has proven that the precursor valves are shut. */
	*"valves-proven-shut"({ isShuttingPrecursors }: DoseQuestion): Generator<Reason> {
		if (isShuttingPrecursors)
			yield { about: "valve", text: "The precursor valves are not yet proven shut by the safe state." };
	},

	/** Somebody has said how long to purge and how hot the foil may get. */
	*declared({ view }: PermitQuestion): Generator<Reason> {
		if (view.declaration !== null) return;
		yield {
			about: "dose",
			text: "Nobody has declared purge minima and a temperature bound: neither a run nor manual operation is under way.",
		};
	},

	/** What the valve can do. */
	*"dose-width"({ view }: PermitQuestion, precursor: string, widthMs: number): Generator<Reason> {
		const { shortestPulseMs, longestPulseMs } = view.reactor.precursors[precursor]!;
		if (widthMs >= shortestPulseMs && widthMs <= longestPulseMs) return;
		yield {
			about: "dose",
			text: `${widthMs} ms is outside the valve's ${shortestPulseMs} to ${longestPulseMs} ms.`,
		};
	},

	*"valve-io"({ view }: PermitQuestion, precursor: string): Generator<Reason> {
		const { instrument } = view.reactor.precursors[precursor]!;
		if (!view.instrumentReady(instrument))
			yield { about: "instrument", text: `Instrument ${instrument} is not connected.` };
	},

	*pump({ view }: PermitQuestion): Generator<Reason> {
		const { pumpRunning } = view.reactor.inputs;
		if (!isMade(view, pumpRunning))
			yield { about: "pump", text: `The pump is not proven to run (contact ${contactInWords(view, pumpRunning)}).` };
	},

	*lid({ view }: PermitQuestion): Generator<Reason> {
		const { lidClosed } = view.reactor.inputs;
		if (!isMade(view, lidClosed))
			yield { about: "lid", text: `The lid is not proven closed (contact ${contactInWords(view, lidClosed)}).` };
	},

	/** A dose into the flow. */
	*"stop-valve-open"({ view }: PermitQuestion): Generator<Reason> {
		const { stopValve } = view.commanded;
		if (stopValve !== "open")
			yield { about: "valve", text: `The stop valve is ${stopValve === "shut" ? "shut" : "not known to be open"}.` };
	},

	"vacuum-band": ({ view }: PermitQuestion) => bandReasons(view),

	/** The chamber stands where the lab has measured that it does at this flow. */
	"working-pressure": ({ view }: PermitQuestion) => workingPressureReasons(view),

	/** The chamber has come back to where it was before the last dose. */
	recovery: ({ view }: PermitQuestion) => recoveryReasons(view),

	carrier: ({ view }: PermitQuestion) => carrierReasons(view),

	/** From a bottle whose vapour does not clearly overcome the chamber, gas flows back into the bottle. */
	backflow: ({ view }: PermitQuestion, precursor: string) => backflowReasons(view, precursor),

	/** Into a chamber that is shut off on purpose: nothing may get out, and there must be room for the dose. */
	*"exposure-shut"({ view }: PermitQuestion): Generator<Reason> {
		const { stopValve } = view.commanded;
		if (stopValve !== "shut")
			yield { about: "valve", text: `The stop valve is ${stopValve === "open" ? "open" : "not known to be shut"}.` };
	},

	*"exposure-room"({ view }: PermitQuestion): Generator<Reason> {
		const { limits, pressures } = view.reactor;
		const chamber = view.reading(pressures.chamber);
		if (!isGood(chamber)) yield { about: "pressure", text: `Chamber pressure is ${inWords(chamber)}.` };
		else if (chamber.value >= limits.staticPaMax) {
			const text = `Chamber pressure ${chamber.value.toFixed(1)} Pa is not below the static limit of ${limits.staticPaMax.toFixed(1)} Pa.`;
			yield { about: "pressure", text };
		}
	},

	/** What was in the chamber when the carrier was lost has been carried out. */
	*purged({ view, doses }: DoseQuestion): Generator<Reason> {
		if (!doses.isUnpurged) return;
		const longestS = longestPurgeS(view);
		const needed =
			longestS === undefined ? "a purge that nobody has declared" : `a purge of ${longestS} s without a gap`;
		const purgedS = Math.min(...Object.keys(view.reactor.precursors).map((name) => doses.purgedS(name, view.nowMs)));
		const text = `The carrier was lost: ${needed} is needed; ${tenthsDown(purgedS)} s are done.`;
		yield { about: "dose", text };
	},

	/** No valve of a precursor may still be open, its own among them. */
	*"one-at-a-time"({ view, doses }: DoseQuestion): Generator<Reason> {
		for (const precursor of Object.keys(view.reactor.precursors))
			if (doses.isOpen(precursor)) yield { about: "valve", text: `${precursor} may still be open.` };
	},

	/** The purge since every other precursor has been long enough. */
	"purge-minimum": ({ view, doses }: DoseQuestion, precursor: string) => purgeReasons(view, doses, precursor),

	foreline: ({ view }: PermitQuestion) => forelineReasons(view),

	/** The stop valve does not shut in front of flowing gas. */
	*"no-carrier"({ view }: PermitQuestion): Generator<Reason> {
		const { carrierSccm } = view.commanded;
		if (carrierSccm > 0) yield { about: "carrier", text: `${carrierSccm} sccm of carrier would fill the chamber up.` };
	},

	*"fill-range"({ view }: PermitQuestion, sccm: number): Generator<Reason> {
		const { sccmMin, sccmMax } = view.reactor.carrier;
		if (!(sccm >= sccmMin && sccm <= sccmMax))
			yield { about: "carrier", text: `${sccm} sccm is outside ${sccmMin} to ${sccmMax} sccm.` };
	},

	*"fill-shut"({ view }: PermitQuestion): Generator<Reason> {
		if (view.commanded.stopValve !== "shut" || view.commanded.shutFor !== "backfill")
			yield { about: "valve", text: "The stop valve is not shut for a backfill: the pump would take the gas." };
	},

	*"fill-cold"({ view }: PermitQuestion): Generator<Reason> {
		const heated = [...view.commanded.targetsC.keys()];
		if (heated.length > 0) yield { about: "thermal", text: `${heated.join(", ")} is heated.` };
	},

	*"fill-purged"({ view, doses }: DoseQuestion): Generator<Reason> {
		for (const precursor of Object.keys(view.reactor.precursors)) {
			const minimumS = view.declaration?.purgeMinimumS[precursor] ?? view.reactor.manual?.purgeS[precursor];
			yield* tooShort(precursor, doses.purgedS(precursor, view.nowMs), minimumS);
		}
	},

	/** A zone is heated only by a controller that answers, to a temperature that can be seen. */
	*"zone-known"({ view }: PermitQuestion, zone: string): Generator<Reason> {
		const { instrument } = view.reactor.zones[zone]!;
		const reading = view.reading(zoneSignal(view.reactor, zone));
		if (!view.instrumentReady(instrument))
			yield { about: "instrument", text: `Instrument ${instrument} is not connected.` };
		else if (!isGood(reading))
			yield { about: "thermal", text: `The temperature of zone ${zone} is ${inWords(reading)}.` };
	},

	/** A zone that was not its model may have a sensor that lies: somebody has looked. */
	*"zone-examined"({ doubted }: Pick<PermitQuestion, "doubted">, zone: string): Generator<Reason> {
		if (!doubted.includes(zone)) return;
		yield {
			about: "thermal",
			text: `Zone ${zone} was not its model: its sensor may lie, and one that reads too little melts the foil. Find the cause, then acknowledge the alarm heater.${zone}.`,
		};
	},

	*"zone-limit"({ view }: PermitQuestion, zone: string, targetC: number): Generator<Reason> {
		const { limitC } = view.reactor.zones[zone]!;
		if (!Number.isFinite(targetC)) yield { about: "thermal", text: `The target ${targetC} is not a number.` };
		if (targetC >= limitC)
			yield { about: "thermal", text: `${targetC} °C is not below the zone's limit of ${limitC} °C.` };
	},

	*"foil-bound"({ view }: PermitQuestion, zone: string, targetC: number): Generator<Reason> {
		const bound = view.declaration?.neverAboveC ?? null;
		if (!view.reactor.zones[zone]!.heatsFoil || bound === null || !(targetC >= bound)) return;
		yield {
			about: "thermal",
			text: `${targetC} °C is not below ${bound} °C, which was declared as never above.`,
		};
	},

	*"carrier-range"({ view }: PermitQuestion, sccm: number): Generator<Reason> {
		const { sccmMin, sccmMax } = view.reactor.carrier;
		if (!(sccm === 0 || (sccm >= sccmMin && sccm <= sccmMax)))
			yield { about: "carrier", text: `${sccm} sccm is outside ${sccmMin} to ${sccmMax} sccm.` };
	},

	*"carrier-way-out"({ view }: PermitQuestion, sccm: number): Generator<Reason> {
		if (sccm > 0 && view.commanded.stopValve !== "open")
			yield { about: "valve", text: "The stop valve is not open: the chamber would fill up." };
	},
};

export type Rule = keyof typeof RULES;

function* bandReasons(view: SafetyView): Generator<Reason> {
	const { limits, pressures } = view.reactor;
	const chamber = view.reading(pressures.chamber);
	if (!isGood(chamber)) yield { about: "pressure", text: `Chamber pressure is ${inWords(chamber)}.` };
	else if (chamber.value < limits.dosePaMin || chamber.value > limits.dosePaMax) {
		const range = `${limits.dosePaMin.toFixed(1)} to ${limits.dosePaMax.toFixed(1)} Pa`;
		yield { about: "pressure", text: `Chamber pressure ${chamber.value.toFixed(1)} Pa is outside ${range}.` };
	}
}

function* workingPressureReasons(view: SafetyView): Generator<Reason> {
	const { limits, pressures } = view.reactor;
	const { workingPressure: working } = limits;
	if (working === undefined) return;
	const { carrierSccm } = view.commanded;
	const levelPa = expectedPa(working, carrierSccm);
	if (levelPa === undefined) {
		yield { about: "pressure", text: `Nobody has measured where the chamber stands at ${carrierSccm} sccm.` };
		return;
	}
	const seenPa = view.history.mean(pressures.chamber, view.nowMs - RECOVERED_MS);
	if (seenPa !== undefined && Math.abs(seenPa - levelPa) <= working.share * levelPa) return;
	const seen = seenPa === undefined ? "is not known" : `stands at ${seenPa.toFixed(1)} Pa`;
	const text = `The chamber ${seen}, not within ${(working.share * 100).toFixed(0)} % of the ${levelPa.toFixed(1)} Pa that were measured at ${carrierSccm} sccm: pump, stop valve, gauge and flow are to be looked at, and the chamber for a leak.`;
	yield { about: "pressure", text };
}

function* backflowReasons(view: SafetyView, precursor: string): Generator<Reason> {
	const { vapourPa } = view.reactor.precursors[precursor]!;
	const chamber = view.reading(view.reactor.pressures.chamber);
	if (vapourPa === undefined || !isGood(chamber)) return;
	const limitPa = vapourPa * VAPOUR_SHARE_MAX;
	if (chamber.value < limitPa) return;
	yield {
		about: "pressure",
		text: `Chamber pressure ${chamber.value.toFixed(1)} Pa is not below ${limitPa.toFixed(1)} Pa, half the vapour pressure of ${precursor}.`,
	};
}

/** The chamber is where it was before the last dose, or at a level that stands still; if it is above, that dose has not ended. */
export function* recoveryReasons(view: SafetyView): Generator<Reason> {
	const { leak } = view.doses;
	if (leak !== undefined && !isAtFlowOf(view, leak)) {
		const atFlow = Number.isFinite(leak.carrierSccm) ? `at the ${leak.carrierSccm} sccm of its last dose, or ` : "";
		const base = `below ${view.reactor.limits.basePa.toFixed(1)} Pa`;
		yield {
			about: "valve",
			text: `The valve of ${leak.precursor} may be stuck open or leak; whether it is shut shows ${atFlow}${base}. Shut the hand valve of ${leak.precursor}.`,
		};
		return;
	}
	const found = unsettled(view);
	if (found === undefined) return;
	if (found.state !== "above") {
		yield { about: "pressure", text: settlingInWords(found) };
		return;
	}
	const { leastPa, greatestPa, levelPa, overMs } = found;
	const precursor = view.doses.last?.precursor;
	const reached = `${leastPa.toFixed(1)} to ${greatestPa.toFixed(1)} Pa in the last ${overMs / 1_000} s`;
	yield {
		about: "valve",
		text: `The chamber is not back within 5 % of its ${levelPa.toFixed(1)} Pa before the last dose of ${precursor} (${reached}): ${whyAboveInWords(view, levelPa)}`,
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
		// One that may be open is one-at-a-time's affair.
		if (other === precursor || declaration === null || doses.isOpen(other)) continue;
		yield* tooShort(other, doses.purgedS(other, nowMs), declaration.purgeMinimumS[other]);
	}
}

function* tooShort(precursor: string, purgedS: number, minimumS: number | undefined): Generator<Reason> {
	if (minimumS === undefined) yield { about: "dose", text: `No purge minimum is declared after ${precursor}.` };
	else if (purgedS < minimumS) {
		const text = `Only ${tenthsDown(purgedS)} s of purge since ${precursor}; ${minimumS} s are needed.`;
		yield { about: "dose", text };
	}
}

/** 4.97 s are not the 5 s that are needed. */
const tenthsDown = (seconds: number): string => (Math.floor(seconds * 10) / 10).toFixed(1);

/** Why the chamber may not be opened to the pump, whatever is latched. */
export function* stopValveReasons(view: SafetyView): Generator<Reason> {
	const question = { view, latched: [], doubted: [] };
	yield* RULES.pump(question);
	yield* RULES.foreline(question);
}

/**
 * Gas would flow back. While the chamber's gauge shows nothing (a vented chamber may be above its range), the foreline must be
 * at base pressure, where there is nothing to flow.
 */
function* forelineReasons(view: SafetyView): Generator<Reason> {
	const { limits, pressures } = view.reactor;
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
