/**
 * A dose that waits by itself for what it needs: carrier, chamber pressure and temperatures that have left their bands while
 * nothing has tripped. Nothing is armed meanwhile, and the purge goes on.
 */
import { AdlayerError } from "#core/errors.js";
import type { StepContext } from "#recipe/engine/execute-step.js";
import { LOOK_EVERY_MS } from "#recipe/engine/waiting.js";
import type { Plan, Step } from "#recipe/plan.js";
import type { SuspensionCondition } from "#record/records.js";
import { isGood } from "#safety/interlock.js";
import { RECOVERED_SHARE, settlingInWords } from "#safety/settling.js";

/** A flow further than this share from its setpoint suspends; it counts as back within the other. The permit has the first. */
const FLOW_OUT_SHARE = 0.1;
const FLOW_BACK_SHARE = 0.05;
/** Pressure counts as back this share of the dose band inside its edges. */
const PRESSURE_BACK_SHARE = 0.05;
/** Pressure that settles counts as standing still within this share; the permit has RECOVERED_SHARE. */
const SETTLED_BACK_SHARE = 0.04;
/** A zone suspends beyond so many times the band in which the recipe proved it; it counts as back within that band. */
const ZONE_OUT_BANDS = 2;

/** A zone that the recipe has proven to be where the doses want it. */
export interface StableZone {
	readonly zone: string;
	readonly targetC: number;
	readonly bandC: number;
}

/** The zones of the last `stabilise` before a step that no later step has sent elsewhere. */
export function stableZones(step: Step, plan: Plan): StableZone[] {
	const before = plan.steps.slice(0, Math.max(0, step.index));
	const proven = before.findLastIndex(({ type }) => type === "stabilise");
	const stabilise = before[proven];
	if (stabilise?.type !== "stabilise") return [];
	const moved = new Set<string>();
	for (const later of before.slice(proven + 1)) {
		if (later.type === "heat") for (const { zone } of later.zones) moved.add(zone);
		else if (later.type === "anneal") moved.add(later.zone);
		else if (later.type === "cool") return [];
	}
	const { bandC, zones } = stabilise;
	return zones.filter(({ zone }) => !moved.has(zone)).map(({ zone, targetC }) => ({ zone, targetC, bandC }));
}

/** True when nothing would suspend a dose that is due soon: what still settles has until then. */
export const isFit = (context: StepContext): boolean =>
	outOfBand(context, false).every(({ condition }) => condition === "settling");

/**
 * Waits until flow, pressure and temperatures have been back in their bands for the lab file's dwell. STEP_TIMED_OUT after its
 * longest wait. Returns at once where only the permit can judge: an unknown value, a valve that may leak, no `suspension` in
 * the lab file.
 */
export async function untilFit(context: StepContext): Promise<void> {
	const { clock, doses, reactor, signal } = context;
	const limits = reactor.spec.suspension;
	let conditions = outOfBand(context, false);
	if (conditions.length === 0 || limits === undefined || mayLeak(context)) return;
	await doses.giveUp();
	signal.throwIfAborted();
	const startMs = clock.nowMs();
	const until = clock.wallMs() + limits.waitS * 1_000;
	const told = { since: clock.wallMs(), until };
	let state: "ended" | "expired" | "interrupted" = "interrupted";
	let backSinceMs: number | undefined;
	context.record({ kind: "suspension", state: "began", conditions, until });
	try {
		for (;;) {
			context.suspended({ ...told, conditions });
			await clock.sleep(LOOK_EVERY_MS, signal);
			const nowMs = clock.nowMs();
			const still = outOfBand(context, true);
			if (still.length > 0) conditions = still;
			backSinceMs = still.length > 0 ? undefined : (backSinceMs ?? nowMs);
			// Then the permit refuses, and tells whose hand valve is to be shut.
			const isOver = mayLeak(context) || (backSinceMs !== undefined && nowMs - backSinceMs >= limits.dwellS * 1_000);
			if (isOver) {
				state = "ended";
				return;
			}
			if (nowMs - startMs >= limits.waitS * 1_000) {
				state = "expired";
				throw new AdlayerError(
					"STEP_TIMED_OUT",
					`${conditions.map(({ reason }) => reason).join(" ")} The dose has waited for ${limits.waitS} s.`,
					{ context: { about: conditions.map(({ condition }) => CONCERN[condition]) } },
				);
			}
		}
	} finally {
		context.suspended(null);
		context.record({ kind: "suspension", state, conditions, until });
	}
}

/** What the hold that follows is about. */
const CONCERN = { carrier: "carrier", chamber: "pressure", settling: "pressure", zone: "thermal" } as const;

/** What a dose waits for, by its id in docs/interlocks.md; `narrow`: by the band in which it counts as back. */
export const CONDITIONS: Record<
	SuspensionCondition["condition"],
	(context: StepContext, narrow: boolean) => SuspensionCondition[]
> = {
	carrier({ reactor, flowWanted }, narrow) {
		const wantedSccm = flowWanted() ?? 0;
		const flow = reactor.carrierFlow();
		const band = (narrow ? FLOW_BACK_SHARE : FLOW_OUT_SHARE) * wantedSccm;
		if (wantedSccm <= 0 || !isGood(flow) || Math.abs(flow.value - wantedSccm) <= band) return [];
		const reason = `Carrier flow is ${flow.value.toFixed(1)} sccm, ${wantedSccm} sccm are ordered.`;
		const threshold = flow.value > wantedSccm ? wantedSccm + band : wantedSccm - band;
		return [{ condition: "carrier", reason, value: flow.value, threshold, unit: "sccm" }];
	},

	chamber({ reactor }, narrow) {
		const { dosePaMin, dosePaMax } = reactor.spec.limits;
		const edgePa = narrow ? PRESSURE_BACK_SHARE * (dosePaMax - dosePaMin) : 0;
		const chamber = reactor.chamber();
		if (!isGood(chamber)) return [];
		if (chamber.value >= dosePaMin + edgePa && chamber.value <= dosePaMax - edgePa) return [];
		const reason = `Chamber pressure is ${chamber.value.toFixed(1)} Pa, doses want ${dosePaMin.toFixed(1)} to ${dosePaMax.toFixed(1)} Pa.`;
		const threshold = chamber.value > dosePaMax - edgePa ? dosePaMax - edgePa : dosePaMin + edgePa;
		return [{ condition: "chamber", reason, value: chamber.value, threshold, unit: "Pa" }];
	},

	settling({ reactor }, narrow) {
		const found = reactor.unsettled(narrow ? SETTLED_BACK_SHARE : RECOVERED_SHARE);
		const chamber = reactor.chamber();
		// Above its level a valve may leak, and without a reading nothing is known: there the permit judges.
		if (found === undefined || found.state === "above" || !isGood(chamber)) return [];
		const threshold = Number.isFinite(found.levelPa) ? found.levelPa : chamber.value;
		return [{ condition: "settling", reason: settlingInWords(found), value: chamber.value, threshold, unit: "Pa" }];
	},

	zone({ reactor, stableZones }, narrow) {
		return stableZones().flatMap(({ zone, targetC, bandC }) => {
			const reading = reactor.zone(zone);
			const zoneBandC = narrow ? bandC : ZONE_OUT_BANDS * bandC;
			if (!isGood(reading) || Math.abs(reading.value - targetC) <= zoneBandC) return [];
			const reason = `Zone ${zone} reads ${reading.value.toFixed(1)} °C, ${targetC} ± ${bandC} °C were proven.`;
			const threshold = reading.value > targetC ? targetC + zoneBandC : targetC - zoneBandC;
			return [{ condition: "zone" as const, reason, value: reading.value, threshold, unit: "degC" as const }];
		});
	},
};

/** What is known and out of its band. */
const outOfBand = (context: StepContext, narrow: boolean): SuspensionCondition[] =>
	Object.values(CONDITIONS).flatMap((look) => look(context, narrow));

/** More pressure than before the last dose, and no more flow to explain it: waiting would only let precursor in. */
function mayLeak(context: StepContext): boolean {
	const { reactor } = context;
	if (!reactor.isAboveBaseline) return false;
	const wantedSccm = context.flowWanted() ?? 0;
	const flow = reactor.carrierFlow();
	return !isGood(flow) || flow.value <= wantedSccm * (1 + FLOW_BACK_SHARE);
}
