/**
 * What counts as purge: only time in which the chamber's gas is carried to the pump. After a loss of the carrier the chamber
 * counts as unpurged until flow has lasted for the longest purge.
 */
import type { Alarms } from "#safety/alarms.js";
import { isGood, isMade, type SafetyView } from "#safety/interlock.js";

/** The flow counts from this share of what is commanded. */
const FLOW_SHARE_MIN = 0.8;

/** Its alarm is there as long as the chamber counts as unpurged. */
export const UNPURGED_ALARM = "chamber.unpurged";

export class PurgeWatch {
	private lookedMs: number;
	private wasPurging = false;

	constructor(
		private readonly view: SafetyView,
		private readonly alarms: Alarms,
	) {
		this.lookedMs = view.nowMs;
	}

	/** The carrier is lost: whatever is in the chamber stays there. */
	lost(): void {
		const { doses, nowMs } = this.view;
		doses.isUnpurged = true;
		doses.purgeBeginsAnew(nowMs);
		this.alarms.raise({
			alarm: UNPURGED_ALARM,
			message: "The carrier was lost; the chamber counts as unpurged.",
		});
	}

	look(): void {
		const { view } = this;
		const { nowMs, doses } = view;
		const isPurging = this.isPurging();
		if (!isPurging || !this.wasPurging) doses.notPurged(nowMs - this.lookedMs, nowMs);
		this.lookedMs = nowMs;
		this.wasPurging = isPurging;
		if (!doses.isUnpurged) return;
		if (!isPurging || !this.isFlowProven()) {
			doses.purgeBeginsAnew(nowMs);
			return;
		}
		const longestS = longestPurgeS(view);
		if (longestS === undefined) return;
		const precursors = Object.keys(view.reactor.precursors);
		if (precursors.some((precursor) => doses.purgedS(precursor, nowMs) < longestS)) return;
		doses.isUnpurged = false;
		this.alarms.cleared(UNPURGED_ALARM);
	}

	/** Open to the running pump, with carrier on its way or nothing left to carry. */
	private isPurging(): boolean {
		const { commanded, reactor } = this.view;
		if (commanded.stopValve !== "open" || !isMade(this.view, reactor.inputs.pumpRunning)) return false;
		if (commanded.carrierSccm >= reactor.carrier.sccmMin) return true;
		const chamber = this.view.reading(reactor.pressures.chamber);
		return isGood(chamber) && chamber.value < reactor.limits.basePa;
	}

	private isFlowProven(): boolean {
		const { commanded, reactor } = this.view;
		const flow = this.view.reading(`${reactor.carrier.instrument}.flow`);
		return (
			commanded.carrierSccm >= reactor.carrier.sccmMin &&
			isGood(flow) &&
			flow.value >= FLOW_SHARE_MIN * commanded.carrierSccm
		);
	}
}

/** Of all precursors, by the run or else by the lab file's manual operation; undefined while one has been declared nowhere. */
export function longestPurgeS({ declaration, reactor }: SafetyView): number | undefined {
	let longestS = 0;
	for (const precursor of Object.keys(reactor.precursors)) {
		const seconds = declaration?.purgeMinimumS[precursor] ?? reactor.manual?.purgeS[precursor];
		if (seconds === undefined) return undefined;
		longestS = Math.max(longestS, seconds);
	}
	return longestS;
}
