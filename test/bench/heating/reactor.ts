/** The true reactors of the heating bench: physics of its own, which no controller sees. */
import { Prng } from "#core/prng.js";

export const STEP_S = 0.25;
const SPREAD = 0.4;

export interface ReactorTruth {
	readonly seed: number;
	readonly gainCPerPercent: number;
	readonly timeConstantS: number;
	readonly deadTimeS: number;
	readonly sensorLagS: number;
	readonly foilLagS: number;
	/** Foil minus sensor at rest. */
	readonly offsetC: number;
	/** The wall's pull on the stage and back, as shares of their own losses. */
	readonly stageFromWall: number;
	readonly wallFromStage: number;
	readonly wallTimeConstantS: number;
	readonly noiseC: number;
}

export const AMBIENT_C = 22;
export const NOMINAL = {
	gainCPerPercent: 2,
	timeConstantS: 600,
	deadTimeS: 20,
	sensorLagS: 8,
	foilLagS: 30,
	stageFromWall: 0.03,
	wallFromStage: 0.02,
	wallTimeConstantS: 900,
	noiseC: 0.05,
} as const;
/** The sensor's offset before it was calibrated. */
const OFFSET_C = 1;

export function drawReactor(seed: number): ReactorTruth {
	const spread = (what: keyof typeof NOMINAL) =>
		NOMINAL[what] * new Prng(seed, `reactor ${what}`).between(1 - SPREAD, 1 + SPREAD);
	return {
		seed,
		gainCPerPercent: spread("gainCPerPercent"),
		timeConstantS: spread("timeConstantS"),
		deadTimeS: Math.round(spread("deadTimeS") / STEP_S) * STEP_S,
		sensorLagS: spread("sensorLagS"),
		foilLagS: spread("foilLagS"),
		offsetC: new Prng(seed, "reactor offset").between(-OFFSET_C, OFFSET_C),
		stageFromWall: spread("stageFromWall"),
		wallFromStage: spread("wallFromStage"),
		wallTimeConstantS: spread("wallTimeConstantS"),
		noiseC: spread("noiseC"),
	};
}

/** The stage's resting temperature at full power with the wall at a temperature. */
export const hottestC = (truth: ReactorTruth, wallC: number): number =>
	(AMBIENT_C + 100 * truth.gainCPerPercent + truth.stageFromWall * wallC) / (1 + truth.stageFromWall);

/** Stage, wall, sensor and foil, stepped by the midpoint rule. The wall is held by a proportional heater of its own. */
export class Reactor {
	stageC: number;
	wallC: number;
	sensorC: number;
	foilC: number;
	private readonly queue: Float64Array;
	private place = 0;
	private readonly noise: Prng;

	/** At rest at a temperature of the sensor. */
	constructor(
		readonly truth: ReactorTruth,
		startC: number,
		readonly wallTargetC: number,
		stream: string,
	) {
		this.stageC = startC;
		this.sensorC = startC;
		this.wallC = wallTargetC;
		this.foilC = startC + truth.offsetC;
		this.queue = new Float64Array(Math.round(truth.deadTimeS / STEP_S)).fill(this.holdingPercent(startC));
		this.noise = new Prng(truth.seed, `noise ${stream}`);
	}

	holdingPercent(degC: number): number {
		const { gainCPerPercent, stageFromWall } = this.truth;
		return (degC - AMBIENT_C - stageFromWall * (this.wallTargetC - degC)) / gainCPerPercent;
	}

	/** What the sensor gives the instrument, with noise. */
	sense(): number {
		return this.sensorC + this.truth.noiseC * this.noise.normal();
	}

	step(percent: number): void {
		let arriving = percent;
		if (this.queue.length > 0) {
			arriving = this.queue[this.place]!;
			this.queue[this.place] = percent;
			this.place = (this.place + 1) % this.queue.length;
		}
		const half = this.slopes(this.stageC, this.wallC, this.sensorC, this.foilC, arriving);
		const at = (value: number, slope: number) => value + 0.5 * STEP_S * slope;
		const full = this.slopes(
			at(this.stageC, half[0]),
			at(this.wallC, half[1]),
			at(this.sensorC, half[2]),
			at(this.foilC, half[3]),
			arriving,
		);
		this.stageC += STEP_S * full[0];
		this.wallC += STEP_S * full[1];
		this.sensorC += STEP_S * full[2];
		this.foilC += STEP_S * full[3];
	}

	private slopes(stage: number, wall: number, sensor: number, foil: number, percent: number) {
		const { truth } = this;
		// The wall's own heater holds it, ten times stiffer than its loss.
		const wallDrive = 10 * (this.wallTargetC - wall) + truth.wallFromStage * (stage - wall);
		return [
			(AMBIENT_C + truth.gainCPerPercent * percent - stage + truth.stageFromWall * (wall - stage)) /
				truth.timeConstantS,
			wallDrive / truth.wallTimeConstantS,
			(stage - sensor) / truth.sensorLagS,
			(stage + truth.offsetC - foil) / truth.foilLagS,
		] as const;
	}
}
