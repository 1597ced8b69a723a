/** After a loss of the carrier the chamber counts as unpurged until flow and vacuum have lasted for the longest purge. */
import type { Alarms } from "#safety/alarms.js";
import { isGood, isMade, type SafetyView } from "#safety/interlock.js";

/** The flow counts from this share of what is commanded. */
const FLOW_SHARE_MIN = 0.8;
/** Without a run nobody has declared a purge: that of the slowest precursor at room temperature. */
const PURGE_S_UNDECLARED = 180;
const ALARM = "chamber.unpurged";

export class PurgeWatch {
	private isUnpurged = false;
	private sinceMs: number | undefined;

	constructor(
		private readonly view: SafetyView,
		private readonly alarms: Alarms,
	) {}

	/** The carrier is lost: whatever is in the chamber stays there. */
	lost(): void {
		this.isUnpurged = true;
		this.sinceMs = undefined;
		this.view.doses.allJustDosed(this.view.nowMs);
		this.alarms.raise({ alarm: ALARM, message: "The carrier was lost; the chamber counts as unpurged." });
	}

	look(): void {
		if (!this.isUnpurged) return;
		const { view } = this;
		const { nowMs, declaration, doses } = view;
		if (!this.isPurging()) {
			this.sinceMs = undefined;
			// Time without flow is no purge.
			doses.allJustDosed(nowMs);
			return;
		}
		this.sinceMs ??= nowMs;
		const longestS =
			declaration === null ? PURGE_S_UNDECLARED : Math.max(0, ...Object.values(declaration.purgeMinimumS));
		if (nowMs - this.sinceMs < longestS * 1_000) return;
		this.isUnpurged = false;
		this.alarms.cleared(ALARM);
	}

	private isPurging(): boolean {
		const { commanded, reactor } = this.view;
		if (commanded.stopValve !== "open" || !isMade(this.view, reactor.inputs.pumpRunning)) return false;
		const flow = this.view.reading(`${reactor.carrier.instrument}.flow`);
		return (
			commanded.carrierSccm >= reactor.carrier.sccmMin &&
			isGood(flow) &&
			flow.value >= FLOW_SHARE_MIN * commanded.carrierSccm
		);
	}
}
