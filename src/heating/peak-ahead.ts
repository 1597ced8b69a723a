import { type FoilCalibration, Transition, type ZoneModel } from "./zone-model.js";
import type { ZoneObserver } from "./zone-observer.js";

/** The model looks ahead in steps of this. */
const STEP_S = 1;
/** Ends of the search: without heat, stage and foil have met by then. */
const FOIL_LAGS_AHEAD = 4;
/** Standard deviations that make a bound. */
const BOUND_SIGMAS = 2;

/** What lies ahead of a zone, as far as the heat already given decides it. */
export class PeakAhead {
	private readonly transition: Transition;
	private readonly foilKept: number;
	private readonly aheadS: number;

	constructor(
		private readonly model: ZoneModel,
		private readonly foil: FoilCalibration,
	) {
		this.transition = new Transition(model.timeConstantS, model.lagS, STEP_S);
		// The shorter the foil's lag, the nearer it comes to the stage's peak.
		const lagS = Math.max(STEP_S, foil.lagS - foil.lagBoundS);
		this.foilKept = Math.exp(-STEP_S / lagS);
		this.aheadS = Math.ceil(model.deadTimeS + FOIL_LAGS_AHEAD * (foil.lagS + foil.lagBoundS));
	}

	/** Upper bound of the foil's highest temperature from now on, if the power were zero from now on. */
	withoutHeat(observer: ZoneObserver, foilC: number): number {
		const { deadTimeS } = this.model;
		const { offsetC, offsetBoundC } = this.foil;
		const state = { ...observer.state };
		const nowS = observer.nowS;
		let foilNowC = foilC;
		let peakC = foilC;
		for (let ahead = 0; ahead < this.aheadS; ahead += STEP_S) {
			const fromS = nowS + ahead - deadTimeS;
			const percent = fromS >= nowS ? 0 : this.before(observer, fromS, nowS);
			this.transition.step(state, observer.driveC(percent));
			const settlesC = state.stageC + offsetC;
			foilNowC = settlesC + this.foilKept * (foilNowC - settlesC);
			if (foilNowC > peakC) peakC = foilNowC;
			else if (fromS > nowS) break;
		}
		return peakC + offsetBoundC + BOUND_SIGMAS * observer.stageSigmaC;
	}

	/** Where the heated mass will be when power given now arrives. */
	stageAfterDeadTime(observer: ZoneObserver, delayS: number): number {
		const { nowS, history, state } = observer;
		const percent = delayS <= 0 ? 0 : history.mean(nowS - delayS, nowS);
		if (delayS <= 0) return state.stageC;
		// The mass is slow against its dead time: the mean power over it is as good as its course.
		const driveC = observer.driveC(percent);
		return driveC + (state.stageC - driveC) * Math.exp(-delayS / this.model.timeConstantS);
	}

	/** Power that arrives in the next step: given before now, then none. */
	private before({ history }: ZoneObserver, fromS: number, nowS: number): number {
		const untilS = Math.min(nowS, fromS + STEP_S);
		return (history.mean(fromS, untilS) * (untilS - fromS)) / STEP_S;
	}
}
