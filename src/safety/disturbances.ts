/** Notices what must move the chamber's pressure, so that a gauge that does not show it is found out. */
import { isGood, type SafetyView } from "#safety/interlock.js";
import type { SignalHistory } from "#safety/signal-history.js";

/** A smaller change of flow may be less than the gauge resolves. */
const FLOW_SHARE_MIN = 0.1;

export class Disturbances {
	private sccm: number;
	private stopValve: string;
	private dose: unknown;

	constructor(
		private readonly view: SafetyView,
		private readonly history: SignalHistory,
	) {
		this.sccm = view.commanded.carrierSccm;
		this.stopValve = view.commanded.stopValve;
		this.dose = view.doses.last;
	}

	look(): void {
		const { view } = this;
		const { carrierSccm, stopValve } = view.commanded;
		const { carrier, limits, pressures } = view.reactor;
		const chamber = view.reading(pressures.chamber);
		const flowChanged = Math.abs(carrierSccm - this.sccm) >= Math.max(carrier.sccmMin, FLOW_SHARE_MIN * this.sccm);
		// At base pressure there is nothing for an opening valve to let out.
		const opened =
			this.stopValve === "shut" && stopValve === "open" && isGood(chamber) && chamber.value > limits.basePa;
		const dosed = view.doses.last !== this.dose;
		if (flowChanged || opened || dosed) this.history.disturb(pressures.chamber, view.nowMs);
		if (flowChanged) this.sccm = carrierSccm;
		if (stopValve !== "unknown") this.stopValve = stopValve;
		this.dose = view.doses.last;
	}
}
