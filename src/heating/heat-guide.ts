import type { ControllerSettings } from "./controller-settings.js";
import { MismatchWatch } from "./mismatch-watch.js";
import { PeakAhead } from "./peak-ahead.js";
import type { FoilCalibration, ZoneModel } from "./zone-model.js";
import { type Innovation, ZoneObserver } from "./zone-observer.js";

/** Where the foil shall go, and what must not be passed on the way. Temperatures of the foil. */
export interface HeatTask {
	readonly targetC: number;
	readonly neverAboveC: number;
	/** Fastest rise of the stage. */
	readonly rampCPerMin: number;
	/** Highest setpoint of the stage, whatever the foil may bear. */
	readonly stageLimitC: number;
}

/** The instrument between the guide and the heater. */
export interface GuidedInstrument extends ControllerSettings {
	readonly resolutionC: number;
	readonly powerMaxPercent: number;
	/** Lowest setpoint that it takes, as it reads; any when absent. */
	readonly setpointMinC?: number;
	/** Standard deviation of its readings, without their resolution. */
	readonly noiseC: number;
}

export interface GuideOptions {
	readonly model: ZoneModel;
	readonly foil: FoilCalibration;
	readonly task: HeatTask;
	readonly instrument: GuidedInstrument;
}

export interface ZoneSample {
	readonly atS: number;
	readonly readingC: number;
	readonly outputPercent: number;
}

/** `back-off`: the peak ahead would pass the bound, heat is taken away. `mismatch`: the plant is not the model; so it is for good. */
export type GuideState = "heating" | "holding" | "back-off" | "mismatch";

export interface Guidance {
	readonly state: GuideState;
	/** To be sent to the instrument: already in its resolution, in its readings. */
	readonly setpointC: number;
	readonly foilC: number;
	/** The foil's peak if heat were taken away now, at its upper bound. */
	readonly peakAheadC: number;
	/** Why the model is not believed any more; undefined while it is. */
	readonly mismatch: string | undefined;
}

/** No setpoint comes nearer to the never-above limit than this. */
const SETPOINT_BELOW_LIMIT_C = 0.1;
/** The remaining way is closed with this many effective dead times as time constant. */
const APPROACH_DEAD_TIMES = 0.5;
const APPROACH_S_MIN = 10;
/** Time between the reading on which a setpoint rests and the power that it changes. */
const REPLY_S = 0.75;
/** Instruments let only a part of a setpoint change through to the output at once; makers do not say how much: 0.8 to 1. */
const SETPOINT_WEIGHT = 0.9;
/** Power this far above what is wanted, for so many samples, is a controller whose integral has run away: setpoints go down ever faster. */
const UNHEEDED_PERCENT = 20;
const UNHEEDED_SAMPLES = 3;
const HASTE_MAX = 64;
/** The foil is there when its estimate has stayed this near to the target for this long. */
const THERE_C = 0.1;
const THERE_S = 60;

/**
 * Brings a zone's foil to its target through the setpoint of the zone's own controller, once a second. A filter follows
 * the zone; from it comes the power that brings the stage to its target at the ramp's rate and then exponentially; the
 * setpoint is moved so that the instrument gives that power. No setpoint ever lies above the never-above limit.
 */
export class HeatGuide {
	readonly observer: ZoneObserver;
	private readonly watch: MismatchWatch;
	private readonly peak: PeakAhead;
	private readonly targetReadingC: number;
	private readonly setpointMaxC: number;
	private readonly approachS: number;
	private readonly delayS: number;
	private setpointC: number;
	private foilC: number;
	private lastS: number;
	/** Until then power from before the first sample arrives, of which nothing is known. */
	private readonly judgedFromS: number;
	private mismatch: string | undefined;
	private nearSinceS: number | undefined;
	private arrived = false;
	/** Samples in a row with far more power than was wanted. */
	private unheeded = 0;

	/** `start`: the first sample, and the setpoint that the instrument works to. */
	constructor(
		private readonly options: GuideOptions,
		start: ZoneSample & { readonly setpointC: number },
		powerBefore: readonly ZoneSample[] = [],
	) {
		const { model, foil, task, instrument } = options;
		const readingNoiseC = Math.hypot(instrument.noiseC, instrument.resolutionC / Math.sqrt(12));
		this.observer = new ZoneObserver(
			{ model, readingNoiseC },
			start.atS,
			start.readingC,
			start.outputPercent,
			powerBefore,
		);
		this.watch = new MismatchWatch(model);
		this.peak = new PeakAhead(model, foil);
		this.targetReadingC = task.targetC - foil.offsetC;
		this.setpointMaxC = Math.min(task.neverAboveC - SETPOINT_BELOW_LIMIT_C, task.stageLimitC) - foil.offsetC;
		this.delayS = model.deadTimeS + REPLY_S;
		this.approachS = Math.max(APPROACH_S_MIN, APPROACH_DEAD_TIMES * (this.delayS + model.lagS));
		this.setpointC = start.setpointC;
		this.foilC = start.readingC + foil.offsetC;
		this.lastS = start.atS;
		this.judgedFromS = start.atS + model.deadTimeS + model.lagS;
	}

	/**
	 * A guide that knows what the zone did before the way begins (`before`, oldest first; worthwhile for a dead time or more). A past
	 * that the model does not explain is that of a fault that has gone: of it only the power is believed, which is still under way.
	 */
	static knowing(
		options: GuideOptions,
		before: readonly ZoneSample[],
		start: ZoneSample & { setpointC: number },
	): HeatGuide {
		const [oldest, ...later] = before;
		if (oldest === undefined) return new HeatGuide(options, start);
		const guide = new HeatGuide(options, { ...oldest, setpointC: start.setpointC });
		const watch = new MismatchWatch(options.model);
		for (const sample of [...later, start]) {
			const innovation = guide.follow(sample);
			if (sample.atS < guide.judgedFromS) continue;
			if (watch.judge(innovation, guide.observer, sample) !== undefined) return new HeatGuide(options, start, before);
		}
		return guide;
	}

	/** One sample, about once a second; gives the setpoint to send. */
	step(sample: ZoneSample): Guidance {
		const { observer } = this;
		const innovation = this.follow(sample);
		if (sample.atS >= this.judgedFromS) this.mismatch ??= this.watch.judge(innovation, observer, sample);
		const peakAheadC = this.peak.withoutHeat(observer, this.foilC);
		const state = this.stateNow(peakAheadC);
		this.setpointC = this.setpointFor(state, sample);
		return { state, setpointC: this.setpointC, foilC: this.foilC, peakAheadC, mismatch: this.mismatch };
	}

	private stateNow(peakAheadC: number): GuideState {
		if (this.mismatch !== undefined) return "mismatch";
		if (peakAheadC > this.options.task.neverAboveC) return "back-off";
		if (Math.abs(this.foilC - this.options.task.targetC) > THERE_C) this.nearSinceS = undefined;
		else this.nearSinceS ??= this.lastS;
		this.arrived ||= this.nearSinceS !== undefined && this.lastS - this.nearSinceS >= THERE_S;
		return this.arrived ? "holding" : "heating";
	}

	private setpointFor(state: GuideState, { outputPercent }: ZoneSample): number {
		const takesHeatAway = state === "back-off" || state === "mismatch";
		const wanted = takesHeatAway ? 0 : this.wantedPercent();
		const moveC = ((wanted - outputPercent) * this.options.instrument.proportionalBandC) / 100 / SETPOINT_WEIGHT;
		return this.inResolution(this.setpointC + this.haste(outputPercent - wanted) * moveC);
	}

	/** The power shows only that it is too high, not how deep behind its limit the controller's integral is. */
	private haste(excessPercent: number): number {
		this.unheeded = excessPercent > UNHEEDED_PERCENT ? this.unheeded + 1 : 0;
		return Math.min(HASTE_MAX, 2 ** Math.max(0, this.unheeded - UNHEEDED_SAMPLES));
	}

	private inResolution(setpointC: number): number {
		const { resolutionC, setpointMinC = Number.NEGATIVE_INFINITY } = this.options.instrument;
		const highest = Math.floor(this.setpointMaxC / resolutionC + 1e-9);
		const lowest = Math.ceil(setpointMinC / resolutionC - 1e-9);
		const steps = Math.min(highest, Math.max(lowest, Math.round(setpointC / resolutionC)));
		return Number((steps * resolutionC).toFixed(6));
	}

	/** The power that, given now, makes the stage move as it should when it arrives there. */
	private wantedPercent(): number {
		const { model, task, instrument } = this.options;
		const stageC = this.peak.stageAfterDeadTime(this.observer, this.delayS);
		const rateCPerS = Math.min(task.rampCPerMin / 60, (this.targetReadingC - stageC) / this.approachS);
		const driveC = stageC + model.timeConstantS * rateCPerS;
		const percent = (driveC - this.observer.driveC(0)) / model.gainCPerPercent;
		return Math.min(instrument.powerMaxPercent, Math.max(0, percent));
	}

	private follow({ atS, readingC, outputPercent }: ZoneSample): Innovation {
		const { foil } = this.options;
		const seconds = atS - this.lastS;
		this.lastS = atS;
		const innovation = this.observer.update(atS, readingC, outputPercent);
		const kept = Math.exp(-seconds / Math.max(1, foil.lagS));
		const settlesC = this.observer.state.stageC + foil.offsetC;
		this.foilC = settlesC + kept * (this.foilC - settlesC);
		return innovation;
	}
}
