import { PowerHistory, Transition, type ZoneModel, type ZoneState } from "./zone-model.js";

export interface ObserverOptions {
	readonly model: ZoneModel;
	/** Standard deviation of one reading, with the resolution's share. */
	readonly readingNoiseC: number;
	/** How fast the unexplained load may wander: degC of resting temperature per square root of a second. */
	readonly loadDriftCPerSqrtS?: number;
}

/** What one reading has told. */
export interface Innovation {
	/** Reading minus what was expected. */
	readonly errorC: number;
	/** The same in standard deviations. */
	readonly normalised: number;
}

const LOAD_DRIFT_C_PER_SQRT_S = 0.08;
/** Unmodelled motion of the heated mass itself. */
const STAGE_DRIFT_C_PER_SQRT_S = 0.003;
/** At the start the load is not known. */
const LOAD_START_C = 20;
const STAGE_START_C = 0.3;

/**
 * Kalman filter of a zone: heated mass, sensor, and the load that the model does not explain (as a shift of the resting
 * temperature). It is fed with the power that the instrument reports, so it need not know the instrument's algorithm.
 */
export class ZoneObserver {
	readonly history: PowerHistory;
	readonly state: ZoneState;
	/** Shift of the resting temperature that the readings ask for. */
	loadC = 0;
	private readonly model: ZoneModel;
	private readonly variance: number;
	private readonly loadDrift: number;
	private readonly p: Float64Array;
	private readonly scratch = new Float64Array(9);
	private readonly transitions = new Map<number, Transition>();

	constructor(
		options: ObserverOptions,
		private atS: number,
		startC: number,
		startPercent: number,
		/** Power given before the start, in order; the start's own where nothing is known. */
		before: readonly { readonly atS: number; readonly outputPercent: number }[] = [],
	) {
		this.model = options.model;
		this.variance = options.readingNoiseC ** 2;
		this.loadDrift = (options.loadDriftCPerSqrtS ?? LOAD_DRIFT_C_PER_SQRT_S) ** 2;
		this.state = { stageC: startC, sensorC: startC };
		this.history = new PowerHistory(2 * options.model.deadTimeS + 60);
		for (const past of before) this.history.add(past.atS, past.outputPercent);
		this.history.add(atS, startPercent);
		this.p = Float64Array.of(STAGE_START_C ** 2, 0, 0, 0, STAGE_START_C ** 2, 0, 0, 0, LOAD_START_C ** 2);
	}

	get nowS(): number {
		return this.atS;
	}

	/** One standard deviation of the heated mass's temperature. */
	get stageSigmaC(): number {
		return Math.sqrt(Math.max(0, this.p[0]!));
	}

	/** One standard deviation of the load. */
	get loadSigmaC(): number {
		return Math.sqrt(Math.max(0, this.p[8]!));
	}

	/** Where the zone would come to rest under a power, with the load as it is now. */
	driveC(percent: number): number {
		return this.restC(percent) + this.loadC;
	}

	/** `percent` is the power given now; it was the last one until now. */
	update(atS: number, readingC: number, percent: number): Innovation {
		const seconds = atS - this.atS;
		if (seconds > 0) this.predict(seconds);
		this.history.add(atS, percent);
		return this.correct(readingC);
	}

	/** A time without a reading: the model alone goes on. */
	private predict(seconds: number): void {
		const { deadTimeS } = this.model;
		const percent = this.history.mean(this.atS - deadTimeS, this.atS + seconds - deadTimeS);
		const transition = this.transition(seconds);
		transition.step(this.state, this.driveC(percent));
		this.atS += seconds;
		const { stageKept: a, sensorKept: b, sensorFromStage: c } = transition;
		// x = [stage, sensor, load]; rows of the transition matrix.
		const f = [a, 0, 1 - a, c, b, 1 - b - c, 0, 0, 1] as const;
		const { p, scratch } = this;
		for (let i = 0; i < 3; i += 1)
			for (let j = 0; j < 3; j += 1)
				scratch[3 * i + j] = f[3 * i]! * p[j]! + f[3 * i + 1]! * p[3 + j]! + f[3 * i + 2]! * p[6 + j]!;
		for (let i = 0; i < 3; i += 1)
			for (let j = 0; j < 3; j += 1)
				p[3 * i + j] =
					scratch[3 * i]! * f[3 * j]! + scratch[3 * i + 1]! * f[3 * j + 1]! + scratch[3 * i + 2]! * f[3 * j + 2]!;
		p[0]! += STAGE_DRIFT_C_PER_SQRT_S ** 2 * seconds;
		p[8]! += this.loadDrift * seconds;
	}

	private correct(readingC: number): Innovation {
		const { p, state } = this;
		const errorC = readingC - state.sensorC;
		const spread = p[4]! + this.variance;
		const [k0, k1, k2] = [p[1]! / spread, p[4]! / spread, p[7]! / spread];
		state.stageC += k0 * errorC;
		state.sensorC += k1 * errorC;
		this.loadC += k2 * errorC;
		const row = [p[3]!, p[4]!, p[5]!] as const;
		[k0, k1, k2].forEach((gain, i) => {
			for (let j = 0; j < 3; j += 1) p[3 * i + j]! -= gain * row[j]!;
		});
		return { errorC, normalised: errorC / Math.sqrt(spread) };
	}

	private restC(percent: number): number {
		return this.model.restC + this.model.gainCPerPercent * percent;
	}

	private transition(seconds: number): Transition {
		let known = this.transitions.get(seconds);
		if (known === undefined) {
			known = new Transition(this.model.timeConstantS, this.model.lagS, seconds);
			if (this.transitions.size > 64) this.transitions.clear();
			this.transitions.set(seconds, known);
		}
		return known;
	}
}
