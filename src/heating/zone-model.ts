/** What is known of one heated zone, and how it moves. Temperatures are those that its instrument reads, unless said. */

/** First-order plus dead time, with a second, shorter lag (sensor, block) where the data show one. */
export interface ZoneModel {
	/** Rise of the resting temperature per per cent of power. */
	readonly gainCPerPercent: number;
	readonly timeConstantS: number;
	/** The shorter lag between the heated mass and the reading; 0 for none. */
	readonly lagS: number;
	readonly deadTimeS: number;
	/** Where the zone rests without power, its neighbours as they were during the test. */
	readonly restC: number;
}

/** What a thermocouple wafer on the foil's place has shown; the stage alone cannot. */
export interface FoilCalibration {
	/** Foil minus reading at rest, and how far that may be wrong. */
	readonly offsetC: number;
	readonly offsetBoundC: number;
	/** The foil follows the stage with this lag, and how far that may be wrong. */
	readonly lagS: number;
	readonly lagBoundS: number;
}

/** Heated mass and what the sensor shows of it. */
export interface ZoneState {
	stageC: number;
	sensorC: number;
}

/** Lags are told apart by at least this share; equal ones would divide by zero. */
const LAG_SHARE_MAX = 0.98;
/** Shorter than any poll: the sensor follows at once. */
const LAG_S_MIN = 1e-3;

/** How the state moves in `seconds` under a constant drive: exact, for any step. */
export class Transition {
	readonly stageKept: number;
	readonly sensorKept: number;
	/** Share of the stage's distance from its drive that the sensor shows after the step. */
	readonly sensorFromStage: number;

	constructor(timeConstantS: number, lagS: number, seconds: number) {
		const lag = Math.max(LAG_S_MIN, Math.min(lagS, LAG_SHARE_MAX * timeConstantS));
		this.stageKept = Math.exp(-seconds / timeConstantS);
		this.sensorKept = Math.exp(-seconds / lag);
		this.sensorFromStage = (timeConstantS / (timeConstantS - lag)) * (this.stageKept - this.sensorKept);
	}

	/** `driveC` is where the zone would come to rest. */
	step(state: ZoneState, driveC: number): void {
		const away = state.stageC - driveC;
		state.sensorC = driveC + this.sensorFromStage * away + this.sensorKept * (state.sensorC - driveC);
		state.stageC = driveC + this.stageKept * away;
	}
}

/** Power that holds the zone at a temperature, in per cent; may lie outside 0 to 100. */
export const holdingPercent = (model: ZoneModel, degC: number): number => (degC - model.restC) / model.gainCPerPercent;

/** Power over time as steps; answers what reached the zone a dead time ago. */
export class PowerHistory {
	private readonly atS: number[] = [];
	private readonly percent: number[] = [];

	constructor(private readonly keptS: number) {}

	/** Times must rise. */
	add(atS: number, percent: number): void {
		this.atS.push(atS);
		this.percent.push(percent);
		while (this.atS.length > 2 && this.atS[1]! < atS - this.keptS) {
			this.atS.shift();
			this.percent.shift();
		}
	}

	/** Mean power between two times; before the first entry the first power held, after the last the last one. */
	mean(fromS: number, toS: number): number {
		const { atS, percent } = this;
		if (percent.length === 0) return 0;
		let sum = 0;
		let until = toS;
		for (let i = atS.length - 1; i >= 0 && until > fromS; i -= 1) {
			const since = i === 0 ? fromS : Math.max(fromS, atS[i]!);
			if (since >= until) continue;
			sum += percent[i]! * (until - since);
			until = since;
		}
		return sum / (toS - fromS);
	}
}
